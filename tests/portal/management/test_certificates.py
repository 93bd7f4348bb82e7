"""Client certificates over the REST API."""

import base64
from datetime import UTC, datetime
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.mgmt.apimanagement import ApiManagementClient
from azure.mgmt.apimanagement.models import CertificateCreateOrUpdateParameters

from gateway.changes.policies import document_of, save_policy
from gateway.models import AuditEntry, Certificate, Revision
from portal.management_api.etags import etag_of
from tests import pki
from tests.builders import ALICE, choose, make_api, make_certificate, make_operation
from tests.portal.management.client import GROUP, SERVICE, SERVICE_PATH, Arm

EXPIRY = datetime(2036, 1, 1, 7, 0, 0, tzinfo=UTC)
IN_USE = "Certificate cannot be deleted since it is being used by one or more policies."


def parameters(issued: pki.Issued | None = None) -> CertificateCreateOrUpdateParameters:
    data = pki.pfx(issued or pki.self_signed("contoso.com"), password=b"secret word")
    return CertificateCreateOrUpdateParameters(data=base64.b64encode(data).decode(), password="secret word")


def properties(issued: pki.Issued | None = None) -> dict[str, str]:
    data = pki.pfx(issued or pki.self_signed("contoso.com"), password=b"secret word")
    return {"data": base64.b64encode(data).decode(), "password": "secret word"}


def with_etag(pipeline: Any, answer: Any, headers: Any) -> tuple[Any, str]:
    """The `cls` with which the official client tells an ETag."""
    return answer, headers.get("ETag")


# --- the official client ------------------------------------------------------------------------------------------
def test_the_life_of_a_certificate(azure: ApiManagementClient) -> None:
    issued = pki.self_signed("contoso.com", not_after=EXPIRY)
    certificate = azure.certificate
    made, etag = certificate.create_or_update(
        GROUP, SERVICE, "tempcert", parameters(issued), if_none_match="*", cls=with_etag
    )
    assert made.name == "tempcert"
    assert made.id == f"{SERVICE_PATH}/certificates/tempcert"
    assert made.type == "Microsoft.ApiManagement/service/certificates"
    assert (made.subject, made.thumbprint, made.expiration_date) == (
        "CN=contoso.com",
        issued.thumbprint,
        EXPIRY,
    )
    assert etag == etag_of(Certificate.objects.get().revision)
    got, same = certificate.get(GROUP, SERVICE, "TempCert", cls=with_etag)
    assert (got.id, same) == (made.id, etag)
    assert [each.name for each in certificate.list_by_service(GROUP, SERVICE)] == ["tempcert"]
    assert certificate.get_entity_tag(GROUP, SERVICE, "tempcert")
    updated, newer = certificate.create_or_update(
        GROUP, SERVICE, "tempcert", parameters(), if_match=etag, cls=with_etag
    )
    assert updated.thumbprint != issued.thumbprint
    with pytest.raises(HttpResponseError) as late:
        certificate.create_or_update(GROUP, SERVICE, "tempcert", parameters(), if_match=etag)
    assert (late.value.status_code, late.value.error.code) == (412, "PreconditionFailed")
    assert late.value.error.message == "Resource was modified since last retrieval."
    certificate.delete(GROUP, SERVICE, "tempcert", if_match=newer)
    certificate.delete(GROUP, SERVICE, "tempcert", if_match=newer)  # 204
    with pytest.raises(ResourceNotFoundError) as error:
        certificate.get(GROUP, SERVICE, "tempcert")
    assert error.value.error.code == "ResourceNotFound"
    assert error.value.error.message == "Certificate not found."
    with pytest.raises(ResourceNotFoundError):
        certificate.get_entity_tag(GROUP, SERVICE, "tempcert")


def test_pages_and_filters(azure: ApiManagementClient) -> None:
    made = [make_certificate(name, name, not_after=EXPIRY) for name in ("c", "A", "b")]
    certificate = azure.certificate
    assert [each.name for each in certificate.list_by_service(GROUP, SERVICE, top=2)] == ["A", "b", "c"]
    assert made[0].current
    for text in (
        f"thumbprint eq '{made[0].current.thumbprint.lower()}'",
        "name eq 'C'",
        "endswith(subject, '=c')",
        "expirationDate ge 2036-01-01T07:00:00Z and startswith(name, 'c')",
    ):
        assert [each.name for each in certificate.list_by_service(GROUP, SERVICE, filter=text)] == ["c"]
    failed = certificate.list_by_service(GROUP, SERVICE, is_key_vault_refresh_failed=True)
    assert list(failed) == []


def test_a_wrong_password_is_told_beside_its_member(azure: ApiManagementClient) -> None:
    wrong = parameters()
    wrong.password = "another"
    with pytest.raises(HttpResponseError) as error:
        azure.certificate.create_or_update(GROUP, SERVICE, "tempcert", wrong)
    assert error.value.status_code == 400
    assert error.value.error.code == "ValidationError"
    assert error.value.error.message == "One or more fields contain incorrect values:"
    (detail,) = error.value.error.details
    assert (detail.target, detail.message) == ("password", "The password is wrong or the file is damaged.")


def test_there_is_no_key_vault_to_refresh_from(azure: ApiManagementClient) -> None:
    make_certificate()
    with pytest.raises(HttpResponseError) as error:
        azure.certificate.refresh_secret(GROUP, SERVICE, "partner-bank")
    assert error.value.status_code == 400
    assert "comes from a Key Vault" in error.value.error.details[0].message


# --- byte by byte -------------------------------------------------------------------------------------------------
def test_answers_are_as_recorded(arm: Arm) -> None:
    issued = pki.self_signed("contoso.com", not_after=EXPIRY)
    made = arm.put("/certificates/tempcert", properties(issued))
    assert (made.status_code, made["Content-Type"]) == (201, "application/json; charset=utf-8")
    expected = f"""{{
  "value": [
    {{
      "id": "{SERVICE_PATH}/certificates/tempcert",
      "type": "Microsoft.ApiManagement/service/certificates",
      "name": "tempcert",
      "properties": {{
        "subject": "CN=contoso.com",
        "thumbprint": "{issued.thumbprint}",
        "expirationDate": "2036-01-01T07:00:00Z"
      }}
    }}
  ],
  "count": 1
}}""".replace("\n", "\r\n")
    assert arm.get("/certificates").content.decode() == expected
    got = arm.get("/certificates/tempcert")
    assert got["ETag"] == made["ETag"]
    assert got.json() == made.json()
    missing = arm.get("/certificates/other")
    assert missing.status_code == 404
    assert missing.json() == {
        "error": {"code": "ResourceNotFound", "message": "Certificate not found.", "details": None}
    }


def test_an_unchanged_one_is_not_sent_again(arm: Arm) -> None:
    make_certificate()
    etag = arm.get("/certificates/partner-bank")["ETag"]
    assert arm.get("/certificates/partner-bank", If_None_Match=etag).status_code == 304
    assert arm.get("/certificates/partner-bank", If_None_Match=etag_of(1)).status_code == 200


# --- PUT ----------------------------------------------------------------------------------------------------------
def test_the_same_file_again_changes_nothing(arm: Arm) -> None:
    given = properties()
    made = arm.put("/certificates/c", given)
    before = Revision.objects.get().number, AuditEntry.objects.count()
    again = arm.put("/certificates/c", given)
    assert (again.status_code, again["ETag"]) == (200, made["ETag"])
    assert (Revision.objects.get().number, AuditEntry.objects.count()) == before
    assert arm.put("/certificates/c", given, If_Match=made["ETag"]).status_code == 200
    assert arm.put("/certificates/c", given, If_None_Match="*").status_code == 412


def test_a_file_of_before_rolls_back_and_one_of_another_is_named(arm: Arm) -> None:
    first, second = properties(), properties()
    arm.put("/certificates/c", first)
    arm.put("/certificates/c", second)
    assert arm.put("/certificates/c", first).status_code == 200
    certificate = Certificate.objects.get(resource_id="c")
    assert certificate.current
    assert (certificate.current.number, certificate.versions.count()) == (1, 2)
    make_certificate(name="e")
    for name in ("d", "e"):  # a new one, and one that is there
        refused = arm.put(f"/certificates/{name}", second)
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "AlreadyExists")
        assert "under the name “c”" in refused.json()["error"]["message"]


def test_policies_that_name_a_thumbprint_follow(arm: Arm) -> None:
    certificate, api = make_certificate(), make_api()
    assert certificate.current
    statement = f'<authentication-certificate thumbprint="{certificate.current.thumbprint}" />'
    save_policy(ALICE, api, f"<policies><inbound><base />{statement}</inbound></policies>")
    assert arm.put("/certificates/partner-bank", properties()).status_code == 200
    assert 'certificate-id="partner-bank"' in document_of(api).xml


def test_what_get_answered_can_be_put_with_its_file(arm: Arm) -> None:
    arm.put("/certificates/c", properties())
    entity = arm.get("/certificates/c").json()
    entity["properties"] |= {**properties(), "keyVault": None}
    assert arm("PUT", "/certificates/c", entity).status_code == 200


def test_a_key_vault_is_refused_with_what_to_do(arm: Arm) -> None:
    refused = arm.put(
        "/certificates/c", {"keyVault": {"secretIdentifier": "https://x.vault.azure.net/secrets/c"}}
    )
    assert refused.status_code == 400
    details = {each["target"]: each["message"] for each in refused.json()["error"]["details"]}
    assert "Send the file in 'data'" in details["keyVault"]


@pytest.mark.parametrize("name", ["a%5Cb", "%7B%7Bx", "x" * 81, "a%27b", "%20", "%20x", "x%C2%A0", ".", ".."])
def test_an_id_that_cannot_be_is_told(arm: Arm, name: str) -> None:
    refused = arm.put(f"/certificates/{name}", properties())
    assert refused.status_code == 400
    assert [each["target"] for each in refused.json()["error"]["details"]] == ["id"]
    assert not Certificate.objects.exists()


def test_where_a_change_is_in_effect_is_told(arm: Arm) -> None:
    assert arm.put("/certificates/c", properties())["Gateways-In-Effect"] == "0 of 0"
    assert arm.delete("/certificates/c")["Gateways-In-Effect"] == "0 of 0"


# --- DELETE -------------------------------------------------------------------------------------------------------
def test_one_in_use_cannot_be_deleted_and_says_where(arm: Arm) -> None:
    certificate, api = make_certificate(), make_api()
    operation = make_operation(api, "/accounts")
    statement = '<authentication-certificate certificate-id="partner-bank" />'
    for scope in (None, operation):
        save_policy(ALICE, scope, f"<policies><inbound><base />{statement}</inbound></policies>")
    choose(api, certificate)
    uses = [
        "/policies/policy",
        "/apis/partner-bank/policies/policy",
        f"/apis/partner-bank/operations/{operation.resource_id}/policies/policy",
    ]
    used_by = arm.get("/certificates/partner-bank").json()["properties"]["usedBy"]
    assert sorted(used_by) == sorted(SERVICE_PATH + use for use in uses)
    assert "usedBy" not in arm.get("/certificates").json()["value"][0]["properties"]
    refused = arm.delete("/certificates/partner-bank")
    assert refused.status_code == 400
    error = refused.json()["error"]
    assert (error["code"], error["message"]) == ("ValidationError", IN_USE)
    assert sorted(each["target"] for each in error["details"]) == sorted(uses)
    assert Certificate.objects.exists()


def test_deleting_needs_the_etag(arm: Arm) -> None:
    make_certificate()
    refused = arm("DELETE", "/certificates/partner-bank")
    assert refused.status_code == 400
    assert [each["target"] for each in refused.json()["error"]["details"]] == ["If-Match"]
    assert arm.delete("/certificates/partner-bank", If_Match=etag_of(1)).status_code == 412
    deleted = arm.delete("/certificates/partner-bank")
    assert (deleted.status_code, deleted.content) == (200, b"")
    assert arm.delete("/certificates/partner-bank").status_code == 204


def test_a_reader_reads_and_that_is_all(reader_arm: Arm) -> None:
    make_certificate()
    assert reader_arm.get("/certificates").json()["count"] == 1
    assert reader_arm.get("/certificates/partner-bank/versions/1").status_code == 200
    for method, path in (
        ("PUT", "/certificates/partner-bank"),
        ("DELETE", "/certificates/partner-bank"),
        ("POST", "/certificates/partner-bank/refreshSecret"),
        ("POST", "/certificates/partner-bank/versions"),
        ("POST", "/certificates/partner-bank/versions/1/use"),
        ("DELETE", "/certificates/partner-bank/versions/1"),
    ):
        refused = reader_arm(method, path, {"properties": properties()}, If_Match="*")
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "AuthorizationFailed")
