"""The versions of certificates over the REST API: an addition of ours."""

import base64
from typing import Any

import pytest

from gateway import publish
from gateway.changes.policies import document_of, save_policy
from gateway.models import Api, Certificate, Revision
from portal.management_api.etags import etag_of
from portal.management_api.times import time_text
from tests import pki
from tests.builders import ALICE, choose, make_api, make_certificate, make_version, renew
from tests.portal.management.client import SERVICE_PATH, Arm

VERSIONS = "/certificates/partner-bank/versions"


def properties(issued: pki.Issued | None = None) -> dict[str, str]:
    data = pki.pfx(issued or pki.self_signed("next"), password=b"secret word")
    return {"data": base64.b64encode(data).decode(), "password": "secret word"}


def upload(arm: Arm, issued: pki.Issued | None = None, **headers: str) -> Any:
    return arm.post(VERSIONS, {"properties": properties(issued)}, **headers)


def presented(api: Api) -> str:
    """The thumbprint that a gateway presents which starts now."""
    snapshot = publish.load(using="default")
    return snapshot.certificates[snapshot.policies[str(api.key)].certificates[-1]].thumbprint


def etag() -> str:
    return etag_of(Certificate.objects.get().revision)


def test_a_successor_waits_until_it_is_used_and_the_former_one_can_be_used_again(arm: Arm) -> None:
    certificate, api = make_certificate(), make_api()
    choose(api, certificate)
    first, issued = certificate.current, pki.self_signed("next")
    assert first
    made = upload(arm, issued)
    assert (made.status_code, made["ETag"]) == (201, etag())
    assert (made.json()["id"], made.json()["name"]) == (f"{SERVICE_PATH}{VERSIONS}/2", "2")
    assert made.json()["type"] == "Microsoft.ApiManagement/service/certificates/versions"
    assert presented(api) == first.thumbprint
    used = arm.post(f"{VERSIONS}/2/use")
    assert (used.status_code, used["ETag"]) == (200, etag())
    assert used["Gateways-In-Effect"] == "0 of 0"
    assert used.json() == arm.get("/certificates/partner-bank").json()
    assert used.json()["properties"]["thumbprint"] == issued.thumbprint == presented(api)
    assert [each["properties"]["current"] for each in arm.get(VERSIONS).json()["value"]] == [False, True]
    arm.post(f"{VERSIONS}/1/use")
    assert presented(api) == first.thumbprint


def test_a_version_says_what_its_page_says(arm: Arm) -> None:
    version = make_certificate().current
    assert version
    got = arm.get(f"{VERSIONS}/1")
    assert (got.status_code, got["ETag"]) == (200, etag())
    assert got.json()["properties"] == {
        "number": 1,
        "current": True,
        "subject": "CN=partner-bank",
        "issuer": "CN=partner-bank",
        "serialNumber": version.serial_number,
        "thumbprint": version.thumbprint,
        "sha256": version.sha256,
        "keyType": "EC P-256",
        "notBefore": time_text(version.not_before),
        "expirationDate": time_text(version.not_after),
        "createdAt": time_text(version.created_at),
    }
    assert arm.get(VERSIONS).json() == {"value": [got.json()], "count": 1}


def test_to_use_the_one_in_use_changes_nothing(arm: Arm) -> None:
    renew(make_certificate())
    before = Revision.objects.get().number
    assert arm.post(f"{VERSIONS}/2/use").status_code == 200
    assert Revision.objects.get().number == before


def test_policies_that_name_a_thumbprint_follow(arm: Arm) -> None:
    certificate, api = make_certificate(), make_api()
    assert certificate.current
    statement = f'<authentication-certificate thumbprint="{certificate.current.thumbprint}" />'
    save_policy(ALICE, api, f"<policies><inbound><base />{statement}</inbound></policies>")
    make_version(certificate)
    assert arm.post(f"{VERSIONS}/2/use").status_code == 200
    assert 'certificate-id="partner-bank"' in document_of(api).xml


def test_if_match_is_that_of_the_certificate(arm: Arm) -> None:
    make_version(make_certificate())
    stale = etag_of(1)
    assert upload(arm, If_Match=stale).status_code == 412
    assert arm.post(f"{VERSIONS}/2/use", If_Match=stale).status_code == 412
    assert arm.delete(f"{VERSIONS}/2", If_Match=stale).status_code == 412
    assert upload(arm, If_Match=etag()).status_code == 201
    assert arm.post(f"{VERSIONS}/3/use", If_Match=etag()).status_code == 200
    assert arm("DELETE", f"{VERSIONS}/2").status_code == 400
    assert arm.delete(f"{VERSIONS}/2", If_Match=etag()).status_code == 200
    assert arm.delete(f"{VERSIONS}/2", If_Match="*").status_code == 204


def test_the_one_in_use_is_not_deleted(arm: Arm) -> None:
    make_certificate()
    refused = arm.delete(f"{VERSIONS}/1")
    assert refused.status_code == 400
    assert "Use another version first" in refused.json()["error"]["details"][0]["message"]


def test_what_is_here_already_is_not_uploaded_again(arm: Arm) -> None:
    make_certificate()
    issued = pki.self_signed("next")
    upload(arm, issued)
    refused = upload(arm, issued)
    assert refused.status_code == 409
    assert "This is version 2 of “partner-bank” already" in refused.json()["error"]["message"]


@pytest.mark.parametrize("number", ["2", "0", "-1", "01", "1.0", "x", "٣", "9" * 30])
def test_there_are_no_others(arm: Arm, number: str) -> None:
    make_certificate()
    for method, path in (("GET", ""), ("POST", "/use")):
        missing = arm(method, f"{VERSIONS}/{number}{path}")
        assert missing.status_code == 404
        assert missing.json()["error"]["message"] == "Certificate version not found."
    missing = arm.get(f"/certificates/other/versions/{number}")
    assert missing.json()["error"]["message"] == "Certificate not found."


def test_lists_are_filtered(arm: Arm) -> None:
    version = renew(make_certificate())
    found = arm.get(f"{VERSIONS}?$filter=thumbprint eq '{version.thumbprint}'").json()
    assert [each["name"] for each in found["value"]] == ["2"]
