"""ETags, If-Match and If-None-Match, and what a request prefers."""

import base64
import time

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotModifiedError
from azure.mgmt.apimanagement import ApiManagementClient

from gateway.models import AuditEntry, Certificate
from gateway.records import register_gateway
from portal.management_api.etags import etag_of, revisions_in
from tests import pki
from tests.builders import make_certificate, renew
from tests.portal.management.client import GROUP, SERVICE, Arm


@pytest.fixture
def certificate(db: None) -> Certificate:
    return make_certificate("partner")


def pem() -> dict[str, str]:
    return {"data": base64.b64encode(pki.pfx(pki.self_signed(), password=b"")).decode(), "password": ""}


def test_an_etag_is_eight_bytes() -> None:
    assert etag_of(12197) == '"AAAAAAAAL6U="'
    assert revisions_in(etag_of(2**63 - 1), weak=False) == {2**63 - 1}


@pytest.mark.parametrize(
    ("field", "strong", "weak"),
    [
        ('"AAAAAAAAL6U="', {12197}, {12197}),
        ("AAAAAAAAL6U=", {12197}, {12197}),  # quotation marks are lost in many a shell
        ('"x", "AAAAAAAAAAE=" ,"AAAAAAAAL6U="', {1, 12197}, {1, 12197}),
        ('W/"AAAAAAAAAAE=", "AAAAAAAAL6U="', {12197}, {1, 12197}),
        ("", set(), set()),
        ("*", set(), set()),
        ('"AAAA"', set(), set()),
        ('"AAAAAAAAL6U', set(), set()),
        (",,;\u00e9", set(), set()),
    ],
)
def test_the_tags_of_a_field(field: str, strong: set[int], weak: set[int]) -> None:
    assert revisions_in(field, weak=False) == strong
    assert revisions_in(field, weak=True) == weak


@pytest.mark.parametrize("field", ["W/" * 4000 + '"', "a" + " " * 8000 + '"', "a" * 8000 + '"', '"' * 8001])
def test_a_long_field_is_read_as_fast_as_any(field: str) -> None:
    began = time.process_time()
    assert revisions_in(field, weak=True) == set()
    assert time.process_time() - began < 0.2


@pytest.mark.parametrize("wrong", ['"AAAAAAAAAAE="', "nonsense", '"', "W/{etag}", "12197"])
def test_what_was_modified_is_not_written_over(arm: Arm, certificate: Certificate, wrong: str) -> None:
    wrong = wrong.format(etag=etag_of(certificate.revision))
    for response in (
        arm.delete("/certificates/partner", If_Match=wrong),
        arm.put("/certificates/partner", pem(), If_Match=wrong),
        arm.put("/certificates/other", pem(), If_Match=wrong),
    ):
        assert response.status_code == 412
        error = response.json()["error"]
        assert (error["code"], error["message"]) == (
            "PreconditionFailed",
            "Resource was modified since last retrieval.",
        )
    assert Certificate.objects.get().revision == certificate.revision


@pytest.mark.parametrize("field", ["*", " * "])
def test_any_state_is_none_too(arm: Arm, field: str) -> None:
    """The Azure CLI creates named values and operations with *, Terraform APIs."""
    assert arm.put("/certificates/new", pem(), If_Match=field).status_code == 201
    bank = {"displayName": "Bank", "serviceUrl": "https://bank.example", "path": "bank"}
    assert arm.put("/apis/bank;rev=1", bank, If_Match=field).status_code == 201
    get = {"displayName": "Get", "method": "GET", "urlTemplate": "/"}
    assert arm.put("/apis/bank/operations/get", get, If_Match=field).status_code == 201
    assert arm.put("/namedValues/x", {"displayName": "x", "value": "y"}, If_Match=field).status_code == 201
    assert arm.put("/namedValues/x", {"displayName": "x", "value": "z"}, If_Match="*").status_code == 200


def test_one_of_several_tags_is_enough(arm: Arm, certificate: Certificate) -> None:
    tag = f'"x", {etag_of(certificate.revision)}'
    assert arm.put("/certificates/partner", pem(), If_Match=tag).status_code == 200


@pytest.mark.parametrize("field", ["", "  "])
def test_a_delete_has_to_say_what_it_deletes(arm: Arm, certificate: Certificate, field: str) -> None:
    for name in ("partner", "nowhere"):
        response = arm.delete(f"/certificates/{name}", If_Match=field)
        assert response.status_code == 400
        assert [each["target"] for each in response.json()["error"]["details"]] == ["If-Match"]


def test_only_what_is_not_there_is_made(arm: Arm, certificate: Certificate) -> None:
    assert arm.put("/certificates/PARTNER", pem(), If_None_Match="*").status_code == 412
    assert arm.put("/certificates/other", pem(), If_None_Match="*").status_code == 201


@pytest.mark.parametrize("form", ["{}", "W/{}", '"x", {}', "*"])
def test_what_is_known_is_not_sent_again(arm: Arm, certificate: Certificate, form: str) -> None:
    tag = etag_of(certificate.revision)
    for method in ("GET", "HEAD"):
        response = arm(method, "/certificates/partner", If_None_Match=form.format(tag))
        assert (response.status_code, response.content, response.headers["ETag"]) == (304, b"", tag)
        assert "Content-Length" not in response.headers
    assert arm.get("/certificates/partner", If_None_Match='"x"').status_code == 200
    assert arm.get("/certificates/other", If_None_Match="*").status_code == 404


def test_the_official_client_takes_tags_as_they_are(
    azure: ApiManagementClient, certificate: Certificate
) -> None:
    tags: list[str] = []
    azure.certificate.get(
        GROUP, SERVICE, "partner", cls=lambda response, entity, headers: tags.append(headers["ETag"])
    )
    with pytest.raises(ResourceNotModifiedError):
        azure.certificate.get(GROUP, SERVICE, "partner", headers={"If-None-Match": tags[0]})
    renew(certificate)
    with pytest.raises(HttpResponseError) as error:
        azure.certificate.delete(GROUP, SERVICE, "partner", if_match=tags[0])
    assert error.value.status_code == 412


# --- where a change is in effect ----------------------------------------------------------------------------------
def test_a_change_says_who_lags(arm: Arm) -> None:
    register_gateway("bank:1", revision=0)
    register_gateway("bank:2", revision=2**40)
    response = arm.put("/certificates/other", pem(), Prefer="wait=10, Respond-Async; x=1")
    assert response.status_code == 201
    assert response.headers["Preference-Applied"] == "respond-async"
    assert response.headers["Gateways-In-Effect"] == "1 of 2"
    assert response.headers["Gateways-Lagging"] == "bank:1"


def test_a_change_waits_for_those_who_run(arm: Arm) -> None:
    register_gateway("bank:2", revision=2**40)
    response = arm.put("/certificates/other", pem())
    assert response.headers["Gateways-In-Effect"] == "1 of 1"
    assert "Gateways-Lagging" not in response.headers
    assert "Preference-Applied" not in response.headers


# --- the same again -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "path",
    ["/apis/bank", "/apis/bank/operations/get", "/apis/bank/trust", "/backends/bank", "/namedValues/x"],
)
def test_the_same_again_changes_nothing(arm: Arm, db: None, path: str) -> None:
    """Pipelines PUT what they describe every night: that spends no revision, and fills no audit log."""
    bank = {"displayName": "Bank", "serviceUrl": "https://bank.example", "path": "bank"}
    arm.put("/apis/bank", {**bank, "limits": {"maxCalls": 5}})
    arm.put("/apis/bank/operations/get", {"displayName": "Get", "method": "GET", "urlTemplate": "/{id}"})
    arm.put("/backends/bank", {"url": "https://bank.example", "protocol": "http"})
    arm.put("/namedValues/x", {"displayName": "x", "value": "y"})
    before = arm.get(path)
    entries = AuditEntry.objects.count()
    for answer in (
        arm.put(path, before.json()["properties"], If_Match=before.headers["ETag"]),
        arm.put(path, before.json()["properties"]),
    ):
        assert (answer.status_code, answer.json()) == (200, before.json())
        assert answer.headers["ETag"] == before.headers["ETag"]
    assert AuditEntry.objects.count() == entries
