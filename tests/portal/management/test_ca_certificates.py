"""CA certificates over the REST API: an addition of ours."""

import base64
from typing import Any

import pytest

from gateway.changes.security import Trust
from gateway.models import AuditEntry, CaCertificate
from portal.management_api.etags import etag_of
from portal.management_api.times import time_text
from tests import pki
from tests.builders import choose, make_api, make_ca_certificate, make_certificate
from tests.portal.management.client import SERVICE_PATH, Arm


def data(*certificates: pki.Issued, der: bool = False) -> dict[str, str]:
    file = pki.der(certificates[0].cert) if der else "".join(each.pem for each in certificates).encode()
    return {"data": base64.b64encode(file).decode()}


@pytest.mark.parametrize("der", [True, False])
def test_the_life_of_a_ca_certificate(arm: Arm, der: bool) -> None:
    authority = pki.make_ca("Partner CA")
    made = arm.put("/caCertificates/partner", data(authority, der=der))
    row = CaCertificate.objects.get()
    assert (made.status_code, made["ETag"]) == (201, etag_of(row.revision))
    assert made.json() == {
        "id": f"{SERVICE_PATH}/caCertificates/partner",
        "type": "Microsoft.ApiManagement/service/caCertificates",
        "name": "partner",
        "properties": {
            "subject": "CN=Partner CA",
            "issuer": "CN=Partner CA",
            "serialNumber": row.serial_number,
            "thumbprint": authority.thumbprint,
            "sha256": row.sha256,
            "keyType": "EC P-256",
            "notBefore": time_text(row.not_before),
            "expirationDate": time_text(row.not_after),
            "createdAt": time_text(row.created_at),
            "usedBy": [],
        },
    }
    assert arm.get("/caCertificates/PARTNER").json() == made.json()
    (listed,) = arm.get("/cacertificates?$filter=startswith(subject,'CN=Partner')").json()["value"]
    assert listed["name"] == "partner"
    assert arm("DELETE", "/caCertificates/partner").status_code == 400
    assert arm.delete("/caCertificates/partner", If_Match=etag_of(1)).status_code == 412
    assert arm.delete("/caCertificates/partner", If_Match=made["ETag"]).status_code == 200
    assert arm.delete("/caCertificates/partner").status_code == 204
    missing = arm.get("/caCertificates/partner").json()
    assert missing["error"]["message"] == "CA certificate not found."


def test_the_same_again_changes_nothing_and_another_one_is_refused(arm: Arm) -> None:
    authority = pki.make_ca("Partner CA")
    made = arm.put("/caCertificates/partner", data(authority))
    before = AuditEntry.objects.count()
    again = arm.put("/caCertificates/partner", data(authority))
    assert (again.status_code, again["ETag"], AuditEntry.objects.count()) == (200, made["ETag"], before)
    for path, text in (("partner", "is not replaced"), ("other", "under the name “partner”")):
        sent = pki.make_ca("Another CA") if path == "partner" else authority
        refused = arm.put(f"/caCertificates/{path}", data(sent))
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "AlreadyExists")
        assert text in refused.json()["error"]["message"]
    assert CaCertificate.objects.count() == 1


def test_one_that_an_api_trusts_cannot_be_deleted(arm: Arm) -> None:
    row = make_ca_certificate(name="partner")
    choose(make_api(), make_certificate(), Trust(ca_certificates=frozenset({row.key})))
    used_by = arm.get("/caCertificates/partner").json()["properties"]["usedBy"]
    assert used_by == [f"{SERVICE_PATH}/apis/partner-bank/trust"]
    refused = arm.delete("/caCertificates/partner")
    assert refused.status_code == 400
    error = refused.json()["error"]
    assert (error["code"], [each["target"] for each in error["details"]]) == (
        "ValidationError",
        ["/apis/partner-bank/trust"],
    )


ONE = pki.make_ca("One")
REFUSED: dict[str, tuple[Any, str]] = {
    "empty": ("", "The file is empty."),
    "several": (data(ONE, pki.make_ca("Two"))["data"], "The file has 2 certificates. PUT each"),
    "a key": (base64.b64encode(ONE.key_pem.encode()).decode(), "The file contains a private key"),
    "a PFX": (base64.b64encode(pki.pfx(ONE)).decode(), "This is a .pfx file, which has a private key."),
    "text of PEM": (ONE.pem, "This is the text of a PEM file."),
    "twice": (
        base64.b64encode(data(ONE, der=True)["data"].encode()).decode(),
        "This was encoded in base64 twice.",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize("exists", [False, True])
def test_a_file_that_is_refused_says_why(arm: Arm, case: str, exists: bool) -> None:
    if exists:
        make_ca_certificate(name="one")
    file, text = REFUSED[case]
    refused = arm.put("/caCertificates/one", {"data": file})
    assert refused.status_code == 400
    (detail,) = refused.json()["error"]["details"]
    assert (detail["target"], detail["message"][: len(text)]) == ("data", text)
