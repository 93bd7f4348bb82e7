"""Back ends over the REST API."""

from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.mgmt.apimanagement import ApiManagementClient
from azure.mgmt.apimanagement.models import (
    BackendContract,
    BackendReconnectContract,
    BackendTlsProperties,
    BackendUpdateParameters,
)

from gateway.changes.policies import save_policy
from gateway.models import AuditEntry, BackEnd
from tests.builders import ALICE, make_api, make_back_end, make_certificate
from tests.portal.management.client import GROUP, SERVICE, Arm

URL = "https://bank.example/v1"


def details(answer: Any, status: int = 400) -> dict[str, str]:
    """What is wrong, by target."""
    assert answer.status_code == status, answer.content
    return {each["target"]: each["message"] for each in answer.json()["error"]["details"]}


def test_the_life_of_a_back_end(azure: ApiManagementClient) -> None:
    contract = BackendContract(url="HTTPS://Bank.example/v1/", protocol="http")
    made = azure.backend.create_or_update(GROUP, SERVICE, "bank", contract)
    assert (made.name, made.type) == ("bank", "Microsoft.ApiManagement/service/backends")
    assert (made.title, made.description, made.url, made.protocol) == (None, None, URL, "http")
    assert (made.tls.validate_certificate_chain, made.tls.validate_certificate_name) == (True, True)
    contract.tls = BackendTlsProperties(validate_certificate_chain=False)
    contract.title = "Bank"
    changed = azure.backend.create_or_update(GROUP, SERVICE, "bank", contract)
    assert (changed.tls.validate_certificate_chain, changed.tls.validate_certificate_name) == (False, True)
    patch = BackendUpdateParameters(description="A bank.")
    patched = azure.backend.update(GROUP, SERVICE, "bank", if_match="*", parameters=patch)
    assert (patched.title, patched.description) == ("Bank", "A bank.")
    assert patched.tls.validate_certificate_chain is False
    assert azure.backend.get(GROUP, SERVICE, "BANK").url == URL
    assert [each.name for each in azure.backend.list_by_service(GROUP, SERVICE)] == ["bank"]
    assert azure.backend.get_entity_tag(GROUP, SERVICE, "bank")
    azure.backend.reconnect(GROUP, SERVICE, "bank", BackendReconnectContract())
    azure.backend.delete(GROUP, SERVICE, "bank", if_match="*")
    with pytest.raises(ResourceNotFoundError) as error:
        azure.backend.get(GROUP, SERVICE, "bank")
    assert error.value.error.message == "Backend not found."
    entries = AuditEntry.objects.filter(object_kind="back end").order_by("revision")
    actions = entries.values_list("action", "actor_kind", "actor_name")
    assert list(actions) == [(a, "api", "pipeline") for a in ("created", "updated", "updated", "deleted")]


def test_what_get_gave_can_be_put(arm: Arm) -> None:
    make_back_end(title="Bank", validate_certificate_name=False)
    given = arm.get("/backends/bank").json()
    assert arm("PUT", "/backends/bank", given).json() == given


def test_put_says_everything_and_patch_what_changes(arm: Arm) -> None:
    everything = {"url": URL, "title": "Bank", "tls": {"validateCertificateChain": False}}
    assert arm.put("/backends/bank", everything).status_code == 201
    patched = arm.patch("/backends/bank", {"description": "A bank."}, If_Match="*").json()["properties"]
    assert patched["tls"] == {"validateCertificateChain": False, "validateCertificateName": True}
    assert (patched["title"], patched["description"]) == ("Bank", "A bank.")
    patched = arm.patch(
        "/backends/bank", {"title": None, "tls": None, "protocol": None}, If_Match="*"
    ).json()["properties"]
    assert (patched["title"], patched["tls"]["validateCertificateChain"]) == (None, True)
    put = arm.put("/backends/bank", {"url": URL}).json()["properties"]
    assert (put["title"], put["description"]) == (None, None)


@pytest.mark.parametrize(
    ("properties", "target", "words"),
    [
        ({}, "url", "missing"),
        ({"url": "bank.example"}, "url", "Begin the URL with https:// or http://"),
        ({"url": "https://127.0.0.1"}, "url", "loopback address"),
        ({"url": URL, "protocol": "soap"}, "protocol", "Use one of: http."),
        ({"url": URL, "type": "Pool"}, "type", "Use one of: Single"),
        ({"url": URL, "tls": {"validateCertificateChain": "no"}}, "tls.validateCertificateChain", "boolean"),
        ({"url": URL, "tls": {"skip": True}}, "tls.skip", "no known member"),
        ({"url": URL, "title": "x" * 301}, "title", "at most 300 characters"),
        ({"url": URL, "host": "bank.example"}, "host", "no known member"),
        ({"url": URL, "resourceId": "https://x"}, "resourceId", "Give the 'url'"),
        ({"url": URL, "proxy": {"url": "https://x"}}, "proxy", "Leave it out"),
        (
            {"url": URL, "properties": {"serviceFabricCluster": {"clientCertificateId": "x"}}},
            "properties",
            "Service Fabric",
        ),
        ({"url": URL, "circuitBreaker": {"rules": [{"name": "x"}]}}, "circuitBreaker", "Leave it out"),
        ({"url": URL, "pool": {"services": [{"id": "x"}]}}, "pool", "set-backend-service"),
    ],
)
def test_what_is_wrong_is_told_beside_its_member(
    arm: Arm, properties: dict[str, Any], target: str, words: str
) -> None:
    assert words in details(arm.put("/backends/bank", properties))[target]
    assert not BackEnd.objects.exists()


@pytest.mark.parametrize(
    ("member", "value", "statement"),
    [
        ("certificate", ["AB" * 20], "authentication-certificate"),
        ("certificateIds", ["/certificates/one"], "authentication-certificate"),
        ("header", {"X-Key": ["hunter2"]}, "set-header"),
        ("query", {"code": ["hunter2"]}, "set-query-parameter"),
        ("authorization", {"scheme": "Basic", "parameter": "hunter2"}, "authentication-basic"),
    ],
)
def test_credentials_are_refused_with_the_statement_to_use(
    arm: Arm, member: str, value: Any, statement: str
) -> None:
    answer = arm.put("/backends/bank", {"url": URL, "credentials": {member: value}})
    assert f"statement {statement}" in details(answer)[f"credentials.{member}"]
    assert b"hunter2" not in answer.content
    make_back_end()
    assert details(arm.patch("/backends/bank", {"credentials": {member: value}}, If_Match="*"))


def test_what_says_nothing_is_taken(arm: Arm) -> None:
    credentials = {"certificate": [], "certificateIds": None, "header": {}, "query": {"a": []}}
    nothing = {
        "resourceId": None,
        "proxy": None,
        "properties": {},
        "pool": None,
        "type": "Single",
        "tls": None,
    }
    properties = {"url": URL, "protocol": "http", "credentials": credentials, **nothing}
    assert arm.put("/backends/bank", properties).status_code == 201


def test_what_is_taken_is_a_conflict(arm: Arm) -> None:
    make_back_end()
    answer = arm.put("/backends/other", {"url": "https://bank.example/"})
    assert "“bank”" in details(answer, 409)["url"]


def test_what_a_policy_names_is_not_deleted(azure: ApiManagementClient) -> None:
    make_back_end()
    statement = '<set-backend-service backend-id="bank" />'
    save_policy(ALICE, make_api(), f"<policies><inbound>{statement}</inbound></policies>")
    with pytest.raises(HttpResponseError) as error:
        azure.backend.delete(GROUP, SERVICE, "bank", if_match="*")
    assert error.value.status_code == 400
    told = error.value.error
    assert told.message == "Backend cannot be deleted since it is being used by one or more policies."
    assert [each.target for each in told.details] == ["/apis/partner-bank/policies/policy"]


def test_credentials_go_to_another_host_when_the_caller_confirms(arm: Arm) -> None:
    make_back_end()
    make_certificate("one")
    statements = (
        '<set-backend-service backend-id="bank" /><authentication-certificate certificate-id="one" />'
    )
    save_policy(ALICE, make_api(), f"<policies><inbound>{statements}</inbound></policies>")
    refused = arm.patch("/backends/bank", {"url": "https://moved.example"}, If_Match="*")
    assert refused.status_code == 409
    assert "confirm=true" in refused.json()["error"]["message"]
    path = "/backends/bank?confirm=true"
    assert arm.patch(path, {"url": "https://moved.example"}, If_Match="*").status_code == 200


def test_of_two_that_write_one_wins(arm: Arm) -> None:
    make_back_end()
    etag = arm.get("/backends/bank").headers["ETag"]
    assert arm.patch("/backends/bank", {"title": "First"}, If_Match=etag).status_code == 200
    for late in (
        arm.patch("/backends/bank", {"title": "Second"}, If_Match=etag),
        arm.put("/backends/bank", {"url": URL}, If_Match=etag),
        arm.delete("/backends/bank", If_Match=etag),
    ):
        assert late.status_code == 412
    assert BackEnd.objects.get().title == "First"


def test_reconnect_of_what_is_not_there_is_not_found(arm: Arm, reader_arm: Arm) -> None:
    assert arm.post("/backends/bank/reconnect").status_code == 404
    make_back_end()
    assert arm.post("/backends/bank/reconnect").status_code == 202
    assert reader_arm.post("/backends/bank/reconnect").status_code == 403
    assert reader_arm.put("/backends/bank", {"url": URL}).status_code == 403
