"""The files of certificates in bodies: every kind that is taken, and what is said of those that are not."""

import base64
import textwrap
from typing import Any

import pytest

from gateway.models import Certificate, CertificateVersion
from portal.management_api.file_members import material
from tests import pki
from tests.portal.management.client import Arm

PASSWORD = "correct horse"


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def issued_pfx(**values: Any) -> bytes:
    return pki.pfx(pki.self_signed("contoso.com"), password=PASSWORD.encode(), **values)


def put(arm: Arm, data: Any, **members: Any) -> Any:
    return arm.put("/certificates/c", {"data": data, "password": PASSWORD, **members})


def told(response: Any) -> dict[str, str]:
    """What was said of each member."""
    assert response.status_code == 400
    return {each["target"]: each["message"] for each in response.json()["error"]["details"]}


# --- taken --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "options", [(), ("-legacy",), ("-keypbe", "PBE-SHA1-3DES", "-certpbe", "PBE-SHA1-3DES")]
)
def test_files_of_openssl_are_taken(arm: Arm, options: tuple[str, ...]) -> None:
    issued = pki.issue(pki.make_ca("Intermediate", parent=pki.make_ca("Root")), "contoso.com")
    made = put(arm, encoded(pki.openssl_pfx(issued, PASSWORD, *options)))
    assert (made.status_code, made.json()["properties"]["thumbprint"]) == (201, issued.thumbprint)
    assert CertificateVersion.objects.get().chain_pem.count("BEGIN CERTIFICATE") == 3


@pytest.mark.parametrize("password", [None, "", "left out"])
def test_a_file_may_have_no_password(arm: Arm, password: str | None) -> None:
    given = {"data": encoded(pki.pfx(pki.self_signed("contoso.com"), password=b""))}
    if password != "left out":
        given["password"] = password  # type: ignore[assignment]
    assert arm.put("/certificates/c", given).status_code == 201


def test_base64_may_have_line_ends_and_a_file_may_be_pem(arm: Arm) -> None:
    issued = pki.self_signed("contoso.com")
    pem = (issued.pem + pki.key_pem(issued.key, PASSWORD.encode())).encode()
    lines = "\r\n".join(textwrap.wrap(encoded(pem), 76))
    assert put(arm, f"\n{lines}\n").status_code == 201


# --- refused ------------------------------------------------------------------------------------------------------
PEM = pki.self_signed("contoso.com")
REFUSED = {
    "empty": ("", "data", "The file is empty."),
    "only spaces": (" \n", "data", "The file is empty."),
    "no base64": ("not base64!", "data", "This is no base64"),
    "cut off": ("MIIK", "data", "This is no .pfx file"),
    "beyond ASCII": ("MIIÄ", "data", "This is no base64"),
    "a text": (encoded(b"certificate"), "data", "This is a text file."),
    "text of PEM": (PEM.pem, "data", "This is the text of a PEM file. Send the file in base64."),
    "no key": (encoded(issued_pfx(with_key=False)), "data", "The file has no private key."),
    "no certificate": (
        encoded(issued_pfx(with_cert=False)),
        "data",
        "The file has a private key but no cert",
    ),
    "certificate alone": (
        encoded(pki.der(PEM.cert)),
        "data",
        "This is a certificate without its private key",
    ),
    "twice": (encoded(encoded(issued_pfx()).encode()), "data", "This was encoded in base64 twice."),
    "twice, in lines": (
        encoded(base64.encodebytes(issued_pfx())),
        "data",
        "This was encoded in base64 twice.",
    ),
    "too large": (encoded(bytes(1_000_001)), "data", "The file is too large (1.0 MB)"),
    "damaged": (encoded(issued_pfx()[:-20]), "data", "This PFX file is damaged or incomplete."),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_file_that_is_refused_says_why(arm: Arm, case: str) -> None:
    data, target, text = REFUSED[case]
    details = told(put(arm, data))
    assert list(details) == [target]
    assert details[target].startswith(text)
    assert not Certificate.objects.exists()


def test_base64url_is_told(arm: Arm) -> None:
    data = next(d for d in (issued_pfx() for _ in range(99)) if set("+/") & set(encoded(d)))
    assert told(put(arm, base64.urlsafe_b64encode(data).decode()))["data"].startswith("This is base64url.")


@pytest.mark.parametrize("data", [None, 5, ["MIIK"], {"a": 1}])
def test_data_is_a_text(arm: Arm, data: Any) -> None:
    assert told(put(arm, data)) == {"data": "This has to be of the type string."}


def test_a_password_is_needed_and_never_repeated(arm: Arm) -> None:
    data = encoded(issued_pfx())
    assert told(put(arm, data, password=None))["password"].startswith("Enter the password")
    refused = put(arm, data, password="wrong-password")
    assert told(refused) == {"password": "The password is wrong or the file is damaged."}


def test_a_body_that_is_too_large_is_refused_before_it_is_read(arm: Arm) -> None:
    refused = put(arm, "A" * 3_000_000)
    assert (refused.status_code, refused.json()["error"]["code"]) == (413, "RequestEntityTooLarge")


# --- several keys -------------------------------------------------------------------------------------------------
def test_of_several_keys_one_is_chosen(arm: Arm) -> None:
    one, two = pki.self_signed("one"), pki.self_signed("two")
    data = encoded(pki.joined_pfx(one, two))
    refused = put(arm, data, password="")
    assert refused.status_code == 400
    details = refused.json()["error"]["details"]
    assert [each["target"] for each in details] == ["keyChoice", "keyChoice"]
    (message,) = [each["message"] for each in details if "CN=two" in each["message"]]
    choice = message.split("'")[1]
    assert len(choice) == 64
    made = put(arm, data, password="", keyChoice=choice.lower())
    assert (made.status_code, made.json()["properties"]["thumbprint"]) == (201, two.thumbprint)
    refused = put(arm, data, password="", keyChoice="00")
    assert len(refused.json()["error"]["details"]) == 2


def test_a_choice_that_is_not_in_a_file_with_one_key_is_told(arm: Arm) -> None:
    assert told(put(arm, encoded(issued_pfx()), keyChoice="00"))["keyChoice"].endswith(
        "Leave 'keyChoice' out."
    )


def test_nothing_of_a_file_is_in_a_repr() -> None:
    with material({"data": encoded(b"a private key"), "password": PASSWORD}) as found:
        assert found.values() == {"data": b"a private key", "password": PASSWORD, "key": ""}
        assert not [secret for secret in ("a private key", PASSWORD) if secret in repr(found)]
