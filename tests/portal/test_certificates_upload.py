"""Security > Client certificates > Upload certificate: real files through the page, each error beside its field."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpRequest
from django.test import Client
from django.urls import reverse

from gateway.models import AuditEntry, Certificate, GatewayLease, Revision
from portal.views.lists import ListPage
from tests import pki
from tests.builders import make_certificate
from tests.portal.reading import banners, errors_beside, heading, link, rows, text_of

PATH = "/security/client-certificates/upload/"
LIST = "/security/client-certificates/"
SECRET = "correct horse"


def client_pfx(common_name: str = "partner-bank", **issued: Any) -> bytes:
    return pki.pfx(pki.self_signed(common_name, **issued), SECRET.encode())


def send(client: Client, data: bytes | None, password: str = SECRET, name: str = "", **extra: Any) -> Any:
    """What comes back for the form, after any redirect."""
    values: dict[str, Any] = {"password": password, "name": name}
    values |= {field: extra.pop(field) for field in ("key", "check") if field in extra}
    if data is not None:
        values["file"] = SimpleUploadedFile("client.pfx", data)
    return client.post(extra.pop("path", PATH), values, follow=True, **extra)


def nothing_happened() -> bool:
    return not Certificate.objects.exists() and not AuditEntry.objects.exists()


# --- What works -----------------------------------------------------------------------------------------


def test_the_form_keeps_browsers_from_filling_in_the_password(administrator_client: Client) -> None:
    response = administrator_client.get(PATH)
    page = response.content.decode()
    assert heading(response) == "Upload certificate"
    assert 'accept=".pfx,.p12,.pem"' in page
    assert '<input type="password" name="password" autocomplete="new-password"' in page
    assert link(response, "Cancel") == LIST


def test_a_self_signed_certificate_is_uploaded_under_a_name_made_from_its_subject(
    administrator_client: Client,
) -> None:
    response = send(administrator_client, client_pfx("Partner Bank"))
    kind, said = banners(response)[0]
    assert (kind, said.startswith("The certificate partner-bank was uploaded. ")) == ("success", True)
    assert "takes effect when" in said
    assert len(banners(response)) == 1
    assert rows(response) == ["partner-bank new"]
    certificate = Certificate.objects.get()
    assert response.redirect_chain == [
        (f"{LIST}?uploaded={certificate.pk}#certificate-{certificate.pk}", 302)
    ]
    assert f'<tr id="certificate-{certificate.pk}" class="new">' in response.content.decode()


def test_an_upload_is_audited_without_anything_secret(administrator_client: Client) -> None:
    issued = pki.self_signed("partner-bank")
    send(administrator_client, pki.pfx(issued, SECRET.encode()), name="Bank")
    entry = AuditEntry.objects.get()
    assert (entry.actor_kind, entry.actor_name, entry.action) == ("user", "alice", "uploaded")
    assert (entry.object_kind, entry.object_name) == ("certificate", "Bank")
    assert (entry.object_key, entry.revision) == (Certificate.objects.get().pk, Revision.objects.get().number)
    assert entry.changes["thumbprint"] == ["", issued.thumbprint]
    assert SECRET not in str(entry.changes)


def test_a_gateway_that_lags_behind_is_named(administrator_client: Client, monkeypatch: Any) -> None:
    from gateway import records

    records.register_gateway("gateway-7")
    monkeypatch.setattr("portal.views.base.wait_in_effect", lambda r: records.wait_in_effect(r, seconds=0.05))
    kind, said = banners(send(administrator_client, client_pfx()))[0]
    assert (GatewayLease.objects.count(), kind) == (1, "warning")
    assert "In effect on 0 of 1 gateway. Not yet on gateway-7" in said


def test_the_new_row_is_found_on_a_later_page(
    administrator_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ListPage, "page_size", 2)
    for name in ("a", "B", "c"):
        make_certificate(name, name=name)
    response = send(administrator_client, client_pfx(), name="D")
    assert rows(response) == ["c", "D new"]


def test_a_file_without_a_password_needs_none(administrator_client: Client) -> None:
    response = send(administrator_client, pki.pfx(pki.self_signed("open"), b""), password="")
    assert rows(response) == ["open new"]


def test_a_password_keeps_its_spaces(administrator_client: Client) -> None:
    data = pki.pfx(pki.self_signed("spaces"), b"  two spaces each ")
    assert rows(send(administrator_client, data, "  two spaces each ")) == ["spaces new"]


@pytest.mark.parametrize("options", [(), ("-legacy",)], ids=["modern", "legacy"])
def test_files_that_openssl_made_are_read(administrator_client: Client, options: tuple[str, ...]) -> None:
    data = pki.openssl_pfx(pki.self_signed("openssl"), SECRET, *options)
    assert rows(send(administrator_client, data)) == ["openssl new"]


# --- Accepted with a warning ----------------------------------------------------------------------------


def test_an_expired_certificate_is_accepted_with_a_warning(administrator_client: Client) -> None:
    ended = datetime.now(UTC) - timedelta(days=3)
    said = banners(send(administrator_client, client_pfx("old", not_after=ended)))
    assert [kind for kind, _ in said] == ["success", "warning"]
    assert said[1][1].startswith(f"old: It expired on {ended:%Y-%m-%d %H:%M UTC}: most back ends refuse it.")


def test_a_certificate_that_is_not_valid_yet_is_accepted_with_a_warning(administrator_client: Client) -> None:
    begins = datetime.now(UTC) + timedelta(days=3)
    response = send(administrator_client, client_pfx("early", not_before=begins))
    kind, said = banners(response)[1]
    assert kind == "warning"
    assert said.startswith(f"early: It is not valid before {begins:%Y-%m-%d %H:%M UTC}: until then")
    assert "not valid yet" in text_of(response)


def test_a_password_that_was_not_needed_is_mentioned(administrator_client: Client) -> None:
    response = send(administrator_client, pki.pfx(pki.self_signed("open"), b""))
    assert "not protected by a password" in banners(response)[1][1]


# --- Bad input: beside which field, in which words ------------------------------------------------------


def test_a_wrong_password_is_refused_on_the_password_field(administrator_client: Client) -> None:
    response = send(administrator_client, client_pfx(), password="wrong password", name="kept")
    assert errors_beside(response, "password") == ["The password is wrong or the file is damaged."]
    assert errors_beside(response, "file") == []
    page = response.content.decode()
    assert "wrong password" not in page.replace("The password is wrong", "")
    assert 'value="kept"' in page
    assert "Choose the file again" in text_of(response)
    assert nothing_happened()


def test_a_password_that_is_missing_is_asked_for(administrator_client: Client) -> None:
    response = send(administrator_client, client_pfx(), password="")
    assert errors_beside(response, "password")[0].startswith("Enter the password")


def test_a_missing_file_is_asked_for(administrator_client: Client) -> None:
    response = send(administrator_client, None)
    assert errors_beside(response, "file") == ["Choose the .pfx or .pem file of the certificate."]
    assert "Choose the file again" not in text_of(response)


def bad_files() -> dict[str, tuple[bytes, str]]:
    issued, other = pki.self_signed("one"), pki.self_signed("two")
    return {
        "pem": (issued.pem.encode(), "The file has no private key"),
        "image": (b"\x89PNG\r\n\x1a\n" + bytes(100), "This is an image"),
        "text": (b"Dear colleague, here is the certificate.", "This is a text file"),
        "empty": (b"", "The file is empty"),
        "truncated": (client_pfx()[:200], "damaged or incomplete"),
        "1.5 MB": (bytes(1_500_000), "The file is too large (1.5 MB)"),
        "20 MB": (bytes(20_000_000), "The file is too large (20.0 MB)"),
        "no key": (pki.pfx(issued, SECRET.encode(), with_key=False), "The file has no private key"),
        "no certificate": (
            pki.pfx(issued, SECRET.encode(), with_cert=False, chain=()),
            "a private key but no certificate",
        ),
        "mismatch": (
            _mismatched(issued, other),
            "does not belong to the certificate",
        ),
        "weak": (client_pfx(key_type="rsa1024"), "2048"),
    }


def _mismatched(issued: pki.Issued, other: pki.Issued) -> bytes:
    """The key of one with the certificate of another, which `cryptography` refuses to write together."""
    return pki.pfx(issued, SECRET.encode(), with_cert=False, chain=(other.cert,))


@pytest.mark.parametrize(
    "what",
    [
        "pem",
        "image",
        "text",
        "empty",
        "truncated",
        "1.5 MB",
        "20 MB",
        "no key",
        "no certificate",
        "mismatch",
        "weak",
    ],
)
def test_a_file_that_is_no_use_is_refused_on_the_file_field(administrator_client: Client, what: str) -> None:
    data, words = bad_files()[what]
    response = send(administrator_client, data)
    assert response.status_code == 200
    assert [words in error for error in errors_beside(response, "file")] == [True]
    assert errors_beside(response, "password") == []
    assert nothing_happened()


def test_the_same_certificate_again_says_under_which_name_it_is_there(administrator_client: Client) -> None:
    data = client_pfx()
    send(administrator_client, data, name="first")
    response = send(administrator_client, data, name="second")
    assert errors_beside(response, "file") == [
        "This certificate is already here, under the name “first”. Use that one."
    ]
    assert Certificate.objects.count() == 1


def test_a_name_that_is_taken_is_refused_on_the_name_field(administrator_client: Client) -> None:
    make_certificate(name="Bank")
    response = send(administrator_client, client_pfx("other"), name="bANK")
    assert errors_beside(response, "name") == ["The name “bANK” is already taken. Choose another one."]


@pytest.mark.parametrize("name", ["a/b", "x" * 81, "50%"])
def test_a_name_that_cannot_be_is_refused_on_the_name_field(administrator_client: Client, name: str) -> None:
    response = send(administrator_client, client_pfx(), name=name)
    assert "Use 1 to 80 characters" in errors_beside(response, "name")[0]
    assert nothing_happened()


def test_two_with_the_same_subject_get_names_of_their_own(administrator_client: Client) -> None:
    send(administrator_client, client_pfx("bank"))
    assert rows(send(administrator_client, client_pfx("bank"))) == ["bank", "bank-2 new"]


# --- PEM, several keys, and Check ------------------------------------------------------------------------


def two_keys() -> tuple[bytes, pki.Issued, pki.Issued]:
    """A PEM file with two certificates and their encrypted keys."""
    ca = pki.make_ca()
    both = pki.issue(ca, "first"), pki.issue(ca, "second", client=False)
    text = "".join(pki.key_pem(each.key, SECRET.encode()) + each.pem for each in both) + ca.pem
    return text.encode(), *both


def checked(response: Any) -> str:
    """The text of what Check found, "" if it found nothing."""
    found = re.search(r'<section class="checked".*?</section>', response.content.decode(), re.DOTALL)
    return " ".join(re.sub(r"<[^>]*>", " ", found[0]).split()) if found else ""


def key_ids(response: Any) -> list[str]:
    return re.findall(r'type="radio" name="key" value="([0-9A-F]+)"', response.content.decode())


def test_a_pem_file_is_uploaded(administrator_client: Client) -> None:
    issued = pki.issue(pki.make_ca(), "from-pem")
    text = pki.key_pem(issued.key, SECRET.encode()) + pki.pem(issued.cert, *issued.chain)
    response = send(administrator_client, text.encode())
    assert rows(response) == ["from-pem new"]
    assert len(banners(response)) == 1


def test_check_shows_what_is_in_the_file_and_stores_nothing(administrator_client: Client) -> None:
    response = send(administrator_client, client_pfx("looked-at", client=False), check="1")
    said = checked(response)
    assert "Nothing is stored yet." in said
    assert "Subject CN=looked-at Issuer CN=looked-at" in said
    assert "Warning: It is not issued for TLS clients" in said
    assert "Have it issued with client authentication" in said
    assert said.index("Warning:") < said.index("Note: It is self-signed")
    assert "Choose the file again" in text_of(response)
    assert banners(response) == []
    assert nothing_happened()


def test_check_says_so_when_there_is_nothing_to_say(administrator_client: Client) -> None:
    good = pki.pfx(pki.issue(pki.make_ca(), "good"), SECRET.encode())
    assert "Nothing was found that" in checked(send(administrator_client, good, check="1"))


def test_check_refuses_as_an_upload_does(administrator_client: Client) -> None:
    response = send(administrator_client, client_pfx(), password="wrong", check="1")
    assert errors_beside(response, "password") == ["The password is wrong or the file is damaged."]
    assert checked(response) == ""


def test_after_an_upload_what_was_found_is_shown_too(administrator_client: Client) -> None:
    data = pki.openssl_pfx(pki.self_signed("old", client=False), SECRET, "-legacy")
    said = [(kind, text.split(":")[1]) for kind, text in banners(send(administrator_client, data))[1:]]
    assert said == [
        ("warning", " It is not issued for TLS clients"),
        ("info", " The file is encrypted in an old way (3DES, RC2, RC4 or DES), which is weak. It is accepted, "
         "and the private key is stored here sealed anew with a strong one. Delete the copies of the file that are "
         "not needed, and export the next one with AES-256 (in Windows"),
    ]  # fmt: skip


def test_after_an_upload_what_the_file_calls_it_and_its_other_keys_are_told(
    administrator_client: Client,
) -> None:
    named = pki.openssl_pfx(pki.self_signed("named"), SECRET, "-name", "Bank (production)")
    said = " ".join(text for _, text in banners(send(administrator_client, named)))
    assert "The file calls it “Bank (production)” (its friendly name)." in said
    data, _, _ = two_keys()
    choice = key_ids(send(administrator_client, data))[0]
    said = " ".join(text for _, text in banners(send(administrator_client, data, key=choice)))
    assert "The file has 2 private keys; only the one of this certificate is stored." in said


def test_of_several_keys_the_person_chooses_one(administrator_client: Client) -> None:
    data, _, second = two_keys()
    response = send(administrator_client, data)
    assert text_of(response).count("Choose the one to use") == 2  # in the summary, and beside the choice
    ids = key_ids(response)
    assert len(ids) == 2
    assert "CN=second (EC P-256, valid until" in text_of(response)
    assert nothing_happened()

    response = send(administrator_client, data, key=ids[1], check="1")
    assert "Subject CN=second" in checked(response)
    assert f'value="{ids[1]}" id="id_key_1" checked' in re.sub(r"required ", "", response.content.decode())

    assert rows(send(administrator_client, data, key=ids[1])) == ["second new"]
    assert Certificate.objects.get().current.thumbprint == second.thumbprint  # type: ignore[union-attr]


def test_a_choice_of_a_key_is_forgotten_with_another_file(administrator_client: Client) -> None:
    response = send(administrator_client, client_pfx(), key="0" * 64)
    assert "is not in this file" in text_of(response)
    assert '<input type="hidden" name="key" id="id_key">' in response.content.decode()
    assert nothing_happened()


def test_check_tells_that_a_certificate_or_its_key_is_here_already(administrator_client: Client) -> None:
    key = pki.make_key()
    first, renewed = (pki.pfx(pki.self_signed("bank", key=key), SECRET.encode()) for _ in range(2))
    send(administrator_client, first, name="first")
    said = checked(send(administrator_client, first, check="1"))
    assert "Problem: This certificate is already here, under the name “first”." in said
    assert "same key" not in said
    said = checked(send(administrator_client, renewed, check="1"))
    assert "Note: It has the same key as “first”, which is already here." in said
    assert checked(send(administrator_client, client_pfx("other"), check="1")).count("already here") == 0


# --- Where it was started from --------------------------------------------------------------------------


def test_an_upload_started_from_another_page_returns_there_with_the_certificate(
    administrator_client: Client,
) -> None:
    path = f"{PATH}?next=/apis/partner-bank/security/%3Fcredentials%3Dcertificate"
    assert (
        link(administrator_client.get(path), "Cancel")
        == "/apis/partner-bank/security/?credentials=certificate"
    )
    response = send(administrator_client, client_pfx(), path=path)
    key = Certificate.objects.get().pk
    assert response.redirect_chain[0][0] == (
        f"/apis/partner-bank/security/?credentials=certificate&certificate={key}"
    )


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "/\\evil"]
)
def test_nobody_is_sent_to_somebody_elses_page(administrator_client: Client, elsewhere: str) -> None:
    response = administrator_client.get(PATH, {"next": elsewhere})
    assert link(response, "Cancel") == LIST


def test_a_script_is_told_where_to_go(administrator_client: Client) -> None:
    values = {"file": SimpleUploadedFile("client.pfx", client_pfx()), "password": SECRET}
    response = administrator_client.post(PATH, values, headers={"X-Portal-Fetch": "1"})
    assert response.status_code == 204
    assert response["X-Location"].startswith(f"{LIST}?uploaded=")


# --- Who may --------------------------------------------------------------------------------------------


def test_readers_cannot_upload(reader_client: Client) -> None:
    assert reader_client.get(PATH).status_code == 403
    response = send(reader_client, client_pfx())
    assert response.status_code == 403
    assert "only members of the group Administrators can change it" in text_of(response)
    assert nothing_happened()


def test_strangers_cannot_upload(stranger_client: Client) -> None:
    assert send(stranger_client, client_pfx()).status_code == 403
    assert nothing_happened()


def test_somebody_who_is_not_signed_in_signs_in_first(client: Client, db: None) -> None:
    response = client.post(PATH, {"file": SimpleUploadedFile("client.pfx", client_pfx()), "password": SECRET})
    assert (response.status_code, response["Location"]) == (302, f"/sign-in/?next={PATH}")
    assert nothing_happened()


def test_a_form_without_its_token_is_refused_with_a_page_that_says_what_to_do(administrator: Any) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(administrator)
    response = send(client, client_pfx())
    assert response.status_code == 403
    assert heading(response) == "This form has expired"
    assert nothing_happened()


def test_other_methods_are_refused(administrator_client: Client) -> None:
    response = administrator_client.put(PATH)
    assert response.status_code == 405
    assert "POST" in response["Allow"]


def test_what_is_kept_after_the_session_ended_has_no_secret() -> None:
    from portal.views.certificates import CertificateUpload

    page = CertificateUpload()
    page.setup(HttpRequest())
    assert page.fields_to_keep() == {"name"}


def test_the_page_is_where_the_routes_say() -> None:
    assert reverse("certificate-upload") == PATH
