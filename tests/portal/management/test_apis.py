"""APIs over the REST API, and what they demand of their back ends."""

from functools import partial
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.mgmt.apimanagement import ApiManagementClient
from azure.mgmt.apimanagement.models import ApiContract, ApiCreateOrUpdateParameter, ApiUpdateContract
from django.http import HttpResponse

from gateway.changes.policies import document_of
from gateway.changes.security import CertificateCredentials, read_security
from gateway.models import Api, AuditEntry, Subscription
from tests.builders import (
    choose,
    make_api,
    make_ca_certificate,
    make_certificate,
    make_operation,
    make_subscription,
)
from tests.portal.management.client import GROUP, SERVICE, Arm
from tests.portal.management.meanwhile import meanwhile

BANK: dict[str, Any] = {
    "displayName": "Partner Bank",
    "serviceUrl": "https://bank.example/v1",
    "path": "bank",
    "protocols": ["https"],
}


def create(azure: ApiManagementClient, name: str = "bank", **values: Any) -> ApiContract:
    given = {"display_name": "Partner Bank", "service_url": "https://bank.example/v1", "path": "bank"}
    parameters = ApiCreateOrUpdateParameter(**{**given, "protocols": ["https"], **values})
    return azure.api.begin_create_or_update(GROUP, SERVICE, name, parameters).result()


def details(response: HttpResponse) -> dict[str, str]:
    """What is wrong with each target."""
    assert response.status_code == 400, response.content
    error = response.json()["error"]
    assert (error["code"], error["message"]) == (
        "ValidationError",
        "One or more fields contain incorrect values:",
    )
    return {each["target"]: each["message"] for each in error["details"]}


# --- the life of an API -----------------------------------------------------------------------------------------
def test_the_life_of_an_api(azure: ApiManagementClient) -> None:
    made = create(azure, description="Accounts", subscription_required=False)
    assert made.type == "Microsoft.ApiManagement/service/apis"
    assert (made.name, made.display_name, made.description) == ("bank", "Partner Bank", "Accounts")
    assert (made.service_url, made.path, made.protocols) == ("https://bank.example/v1", "bank", ["https"])
    assert (made.api_revision, made.is_current, made.api_type) == ("1", True, "http")
    assert made.subscription_required is False
    assert made.provisioning_state == "Succeeded"
    assert made.subscription_key_parameter_names.header == "Ocp-Apim-Subscription-Key"
    assert azure.api.get_entity_tag(GROUP, SERVICE, "bank")
    changed = azure.api.update(GROUP, SERVICE, "bank", "*", ApiUpdateContract(display_name="Bank"))
    assert (changed.display_name, changed.description) == ("Bank", "Accounts")
    assert [each.display_name for each in azure.api.list_by_service(GROUP, SERVICE)] == ["Bank"]
    azure.api.begin_delete(GROUP, SERVICE, "bank", if_match="*", delete_revisions=True).result()
    with pytest.raises(ResourceNotFoundError) as error:
        azure.api.get(GROUP, SERVICE, "bank")
    assert error.value.error.message == "Api not found."
    azure.api.begin_delete(GROUP, SERVICE, "bank", if_match="*").result()


def test_a_new_api_starts_as_in_the_portal(arm: Arm) -> None:
    assert arm.put("/apis/bank", BANK).status_code == 201
    api = Api.objects.get()
    assert api.subscription_required
    assert not api.operations.exists()
    assert document_of(api) is None
    assert api.trust.validate_certificate_chain


def test_put_gives_what_is_left_out_its_default_but_leaves_the_limits(arm: Arm) -> None:
    made = {**BANK, "description": "x", "subscriptionRequired": False, "protocols": ["http", "https"]}
    arm.put("/apis/bank", {**made, "limits": {"readTimeout": 5, "maxCalls": 7.0}})
    left = {name: BANK[name] for name in ("displayName", "serviceUrl", "path")}
    response = arm.put("/apis/bank", left)
    assert response.status_code == 200
    properties = response.json()["properties"]
    assert (properties["description"], properties["subscriptionRequired"]) == ("", True)
    assert properties["protocols"] == ["https"]
    limits = properties["limits"]
    assert limits == {
        "connectTimeout": None,
        "readTimeout": 5,
        "totalTimeout": None,
        "maxBodyBytes": None,
        "maxCalls": 7,
    }
    assert isinstance(limits["maxCalls"], int)
    assert arm.put("/apis/bank", {**left, "limits": None}).json()["properties"]["limits"]["maxCalls"] is None


def test_a_patch_merges_also_what_is_inside(arm: Arm) -> None:
    arm.put("/apis/bank", {**BANK, "description": "x", "limits": {"readTimeout": 5, "totalTimeout": 9}})
    response = arm.patch(
        "/apis/bank",
        {"description": None, "limits": {"readTimeout": None, "maxBodyBytes": 1}},
        If_Match="*",
    )
    assert response.status_code == 200
    properties = response.json()["properties"]
    assert properties["description"] == ""
    assert {name for name, value in properties["limits"].items() if value} == {"totalTimeout", "maxBodyBytes"}
    assert properties["displayName"] == "Partner Bank"


def test_what_get_gave_can_be_put_and_changes_nothing(arm: Arm) -> None:
    arm.put("/apis/bank", {**BANK, "limits": {"readTimeout": 5}})
    before = arm.get("/apis/bank")
    assert before.json()["properties"]["authenticationSettings"] == {"oAuth2": None, "openid": None}
    after = arm("PUT", "/apis/bank", before.json(), If_Match=before.headers["ETag"])
    assert after.status_code == 200
    assert after.json() == before.json()
    assert not AuditEntry.objects.filter(action="updated", object_kind="API").exists()


def test_the_first_revision_of_an_api_is_the_api(arm: Arm, azure: ApiManagementClient) -> None:
    create(azure, "bank;rev=1")
    assert azure.api.get(GROUP, SERVICE, "BANK;rev=1").name == "bank"
    assert arm.get("/apis/bank;rev=1/operations").json()["count"] == 0
    assert arm.get("/apis/bank;rev=2").status_code == 404
    assert set(details(arm.put("/apis/bank;rev=2", BANK))) == {"apiId"}
    assert Api.objects.count() == 1


def test_a_deletion_takes_along_what_belongs_to_the_api(arm: Arm) -> None:
    api = make_api(resource_id="bank")
    make_operation(api)
    make_subscription(api=api)
    choose(api, make_certificate())
    assert arm.delete("/apis/bank").status_code == 204
    assert not Api.objects.exists()
    assert not Subscription.objects.exists()
    assert arm.delete("/certificates/partner-bank").status_code == 200


# --- what is refused ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("members", "target", "words"),
    [
        ({"serviceUrl": "ftp://x"}, "serviceUrl", "must begin with https:// or http://"),
        ({"serviceUrl": "http://169.254.169.254"}, "serviceUrl", "the gateway does not call those"),
        ({"path": "/bank"}, "path", "must not begin or end with a slash"),
        ({"displayName": ""}, "displayName", "Use at least 1 characters."),
        ({"displayName": "x" * 101}, "displayName", "Use at most 100 characters."),
        ({"displayName": None}, "displayName", "of the type string"),
        ({"protocols": []}, "protocols", "Give at least 1."),
        ({"protocols": ["wss"]}, "protocols.0", "Use one of: http, https."),
        ({"type": "soap"}, "type", "Use one of: http."),
        ({"apiType": "graphql"}, "apiType", "Use one of: http."),
        ({"apiRevision": "2"}, "apiRevision", "Use one of: 1."),
        ({"isCurrent": False}, "isCurrent", "Use true."),
        ({"subscriptionKeyParameterNames": {"header": "X"}}, "subscriptionKeyParameterNames.header", "Ocp-Apim"),
        ({"authenticationSettings": {"oAuth2": {"scope": "x"}}}, "authenticationSettings", "not supported"),
        ({"format": "openapi", "value": "{}"}, "format", "Import is not supported yet"),
        ({"wsdlSelector": {"wsdlServiceName": "x"}}, "wsdlSelector", "Import is not supported yet"),
        ({"apiVersion": "v1"}, "apiVersion", "Describe an API for each version"),
        ({"apiVersionSetId": "/x"}, "apiVersionSetId", "Describe an API for each version"),
        ({"sourceApiId": "/apis/x"}, "sourceApiId", "Describe another API"),
        ({"contact": {"name": "x"}}, "contact", "Write it into 'description'"),
        ({"license": {"name": "x"}}, "license", "Write it into 'description'"),
        ({"termsOfServiceUrl": "https://x"}, "termsOfServiceUrl", "Write it into 'description'"),
        ({"limits": {"readTimeout": 0}}, "limits.readTimeout", "at least 1"),
        ({"limits": {"readTimeout": 86_401}}, "limits.readTimeout", "at most 86400"),
        ({"limits": {"retries": 1}}, "limits.retries", "no known member"),
        ({"backEnd": "x"}, "backEnd", "no known member"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_told_beside_its_member(
    arm: Arm, members: dict[str, Any], target: str, words: str
) -> None:
    found = details(arm.put("/apis/bank", {**BANK, **members}))
    assert words in found[target]
    assert not Api.objects.exists()


def test_members_beside_properties_are_told_where_they_belong(arm: Arm) -> None:
    found = details(arm("PUT", "/apis/bank", BANK))
    assert found == {name: f"Put '{name}' into 'properties'." for name in BANK}


def test_an_import_is_not_supported_yet(azure: ApiManagementClient) -> None:
    with pytest.raises(HttpResponseError) as error:
        azure.api.begin_create_or_update(
            GROUP,
            SERVICE,
            "bank",
            ApiCreateOrUpdateParameter(path="bank", format="openapi+json", value="{}"),
        )
    assert {each.target for each in error.value.error.details} == {"format", "value"}
    assert "that of OpenAPI documents is coming" in error.value.error.details[0].message


def test_what_says_nothing_is_taken(arm: Arm) -> None:
    settings = {"oAuth2": None, "openid": None, "oAuth2AuthenticationSettings": []}
    names = {"header": "Ocp-Apim-Subscription-Key", "query": "subscription-key"}
    nothing = {
        "authenticationSettings": settings,
        "subscriptionKeyParameterNames": names,
        "apiVersion": "",
        "contact": None,
        "type": "http",
        "apiType": "http",
        "apiRevision": "1",
        "isCurrent": True,
        "isOnline": True,
    }
    assert arm.put("/apis/bank", {**BANK, **nothing}).status_code == 201


def test_a_web_service_url_is_required(arm: Arm) -> None:
    assert details(arm.put("/apis/bank", {"displayName": "Bank", "path": "bank"})) == {
        "serviceUrl": "'serviceUrl' is missing."
    }


def test_a_taken_path_is_told_with_who_has_it(azure: ApiManagementClient) -> None:
    create(azure)
    with pytest.raises(ResourceExistsError) as error:
        create(azure, "second", display_name="Second", path="BANK")
    assert error.value.error.code == "AlreadyExists"
    assert error.value.error.message == (
        "The suffix “BANK” is already taken by “Partner Bank”. Choose another one."
    )
    assert [each.target for each in error.value.error.details] == ["path"]


def test_an_id_that_cannot_be_is_refused(arm: Arm) -> None:
    assert set(details(arm.put("/apis/a%22b", BANK))) == {"id"}


@pytest.mark.parametrize("character", ["\0", "\ud800"])
def test_what_no_database_keeps_is_refused_wherever_it_stands(arm: Arm, character: str) -> None:
    make_api(resource_id="bank")
    cas = {"caCertificates": [character]}
    assert set(details(arm.put("/apis/bank/trust", cas))) == {"caCertificates.0"}
    assert set(details(arm.put("/apis/new", {**BANK, "description": f"x{character}"}))) == {"description"}
    assert "properties" in details(arm.put("/apis/new", {**BANK, f"x{character}": 1}))


def test_a_body_is_not_nested_for_ever(arm: Arm) -> None:
    nested = '{"properties":{"contact":' + "[" * 900 + "]" * 900 + "}}"
    assert "Nest at most 32 levels." in details(arm("PUT", "/apis/bank", nested)).values()


def test_credentials_go_to_another_host_only_if_that_is_wanted(arm: Arm, azure: ApiManagementClient) -> None:
    api = make_api(resource_id="bank", web_service_url="https://bank.example")
    choose(api, make_certificate())
    moved = {**BANK, "serviceUrl": "https://other.example"}
    for answer in (
        arm.put("/apis/bank", moved),
        arm.patch("/apis/bank", {"serviceUrl": "https://other.example"}, If_Match="*"),
    ):
        assert answer.status_code == 409
        error = answer.json()["error"]
        assert error["code"] == "NeedsConfirmation"
        assert "the client certificate “partner-bank”" in error["message"]
        assert "confirm=true" in error["message"]
    assert arm.put("/apis/bank?confirm=true", moved).status_code == 200
    confirmed = {"confirm": "true"}
    third = ApiUpdateContract(service_url="https://third.example")
    assert azure.api.update(GROUP, SERVICE, "bank", "*", third, params=confirmed).service_url
    http = arm.patch("/apis/bank", {"serviceUrl": "http://other.example"}, If_Match="*")
    assert "only presented over https" in details(http)["serviceUrl"]


# --- preconditions -----------------------------------------------------------------------------------------------
def test_an_old_etag_writes_over_nothing(arm: Arm, azure: ApiManagementClient) -> None:
    old = arm.put("/apis/bank", BANK).headers["ETag"]
    new = arm.put("/apis/bank", {**BANK, "description": "theirs"}, If_Match=old).headers["ETag"]
    assert new != old
    for method in ("PUT", "PATCH", "DELETE"):
        answer = arm(method, "/apis/bank", {"properties": {**BANK, "description": "mine"}}, If_Match=old)
        assert answer.status_code == 412
        assert answer.json()["error"]["message"] == "Resource was modified since last retrieval."
    assert Api.objects.get().description == "theirs"
    with pytest.raises(HttpResponseError) as error:
        azure.api.update(GROUP, SERVICE, "bank", old, ApiUpdateContract(description="mine"))
    assert error.value.status_code == 412
    assert arm.put("/apis/bank", BANK, If_None_Match="*").status_code == 412
    assert arm.put("/apis/other", {**BANK, "path": "o"}, If_Match=new).status_code == 412
    assert arm.delete("/apis/bank", If_Match=new).status_code == 204


def test_of_two_who_saw_the_same_etag_one_wins(arm: Arm) -> None:
    mine = {"properties": {**BANK, "description": "mine"}}
    for method in ("PUT", "PATCH", "DELETE"):
        seen = arm.put("/apis/bank", BANK).headers["ETag"]
        theirs = {**BANK, "description": "theirs"}
        with meanwhile(partial(arm.put, "/apis/bank", theirs, If_Match=seen)):
            assert arm(method, "/apis/bank", mine, If_Match=seen).status_code == 412
    assert Api.objects.get().description == "theirs"


def test_of_two_who_make_the_same_api_the_second_changes_it_unless_it_only_creates(arm: Arm) -> None:
    theirs = {**BANK, "path": "theirs"}
    with meanwhile(lambda: arm.put("/apis/bank", theirs)):
        assert arm.put("/apis/bank", BANK, If_None_Match="*").status_code == 412
    assert Api.objects.get().suffix == "theirs"
    arm.delete("/apis/bank")
    with meanwhile(lambda: arm.put("/apis/bank", theirs)):
        assert arm.put("/apis/bank", BANK).status_code == 200
    assert Api.objects.get().suffix == "bank"


def test_a_patch_is_merged_with_what_somebody_else_writes_meanwhile(arm: Arm) -> None:
    arm.put("/apis/bank", BANK)
    with meanwhile(lambda: arm.patch("/apis/bank", {"limits": {"maxCalls": 3}}, If_Match="*")):
        answer = arm.patch("/apis/bank", {"limits": {"readTimeout": 2}}, If_Match="*")
    limits = answer.json()["properties"]["limits"]
    assert (limits["maxCalls"], limits["readTimeout"]) == (3, 2)


def test_an_export_is_refused(arm: Arm, azure: ApiManagementClient) -> None:
    """The client would take the API itself for an export without a document."""
    arm.put("/apis/bank", BANK)
    with pytest.raises(HttpResponseError) as error:
        azure.api_export.get(GROUP, SERVICE, "bank", "openapi+json-link", "true")
    [detail] = error.value.error.details
    assert (error.value.status_code, detail.target) == (400, "export")
    assert "not supported yet" in detail.message


def test_null_is_the_default(arm: Arm) -> None:
    """RFC 7396, and what some clients write for what they were not told."""
    nothing = {"description": None, "protocols": None, "subscriptionRequired": None}
    arm.put("/apis/bank", {**BANK, "description": "x", "protocols": ["http"], "subscriptionRequired": False})
    patched = arm.patch("/apis/bank", nothing, If_Match="*")
    default = {"description": "", "protocols": ["https"], "subscriptionRequired": True}
    assert patched.json()["properties"].items() >= default.items()
    assert arm.put("/apis/bank", {**BANK, **nothing}).json() == patched.json()


def test_a_patch_and_a_deletion_need_if_match(arm: Arm) -> None:
    arm.put("/apis/bank", BANK)
    assert set(details(arm.patch("/apis/bank", {"description": "x"}))) == {"If-Match"}
    assert set(details(arm("DELETE", "/apis/bank"))) == {"If-Match"}
    assert arm.patch("/apis/none", {"description": "x"}, If_Match="*").status_code == 404


# --- lists, readers ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("displayName eq 'Second' and isCurrent eq true", ["second"]),
        ("contains(path,'BANK')", ["bank"]),
        ("serviceUrl ne 'https://bank.example'", ["second"]),
        ("name lt 'c' or description eq 'x'", ["bank", "second"]),
        ("isCurrent eq false", []),
    ],
)
def test_a_list_is_filtered(azure: ApiManagementClient, text: str, names: list[str]) -> None:
    make_api(resource_id="bank", suffix="Bank")
    make_api("Second", description="x", web_service_url="https://x.example", suffix="s")
    assert [each.name for each in azure.api.list_by_service(GROUP, SERVICE, filter=text)] == names


def test_a_list_has_no_tags(arm: Arm, azure: ApiManagementClient) -> None:
    make_api()
    assert set(details(arm.get("/apis?tags=x"))) == {"tags"}
    found = azure.api.list_by_service(GROUP, SERVICE, expand_api_version_set=True, top=1)
    assert [each.name for each in found] == ["partner-bank"]


def test_a_reader_changes_nothing(reader_arm: Arm) -> None:
    make_api(resource_id="bank")
    assert reader_arm.get("/apis/bank").status_code == 200
    assert reader_arm.get("/apis/bank/trust").status_code == 200
    for answer in (
        reader_arm.put("/apis/bank", BANK),
        reader_arm.patch("/apis/bank", {}, If_Match="*"),
        reader_arm.delete("/apis/bank"),
        reader_arm.put("/apis/bank/trust", {}),
    ):
        assert answer.status_code == 403
        assert answer.json()["error"]["code"] == "AuthorizationFailed"


# --- trust -------------------------------------------------------------------------------------------------------
def test_the_life_of_a_trust(arm: Arm) -> None:
    choose(make_api(resource_id="bank"), make_certificate())
    make_ca_certificate("Partner CA", name="partner-ca")
    first = arm.get("/apis/bank/trust")
    assert first.json()["id"].endswith("/service/portal/apis/bank/trust")
    assert first.json()["type"] == "Microsoft.ApiManagement/service/apis/trust"
    assert first.json()["properties"] == {
        "validateCertificateChain": True,
        "validateCertificateName": True,
        "publicCas": True,
        "caCertificates": [],
        "refuseExpired": False,
        "probeAfterSave": True,
    }
    given = {"caCertificates": ["PARTNER-CA"], "publicCas": False, "refuseExpired": True}
    second = arm.put("/apis/bank/trust", given, If_Match=first.headers["ETag"])
    assert second.status_code == 200
    assert second.json()["properties"]["caCertificates"] == ["partner-ca"]
    assert second.json()["properties"]["publicCas"] is False
    assert isinstance(read_security(Api.objects.get()).credentials, CertificateCredentials), "left alone"
    assert arm.put("/apis/bank/trust", {}, If_Match=first.headers["ETag"]).status_code == 412
    again = arm("PUT", "/apis/bank/trust", second.json(), If_Match=second.headers["ETag"])
    assert (again.status_code, again.headers["ETag"]) == (200, second.headers["ETag"])
    assert arm.put("/apis/bank/trust", {}).json()["properties"] == first.json()["properties"]


def test_a_policy_leaves_the_etag_of_a_trust(arm: Arm) -> None:
    api = make_api(resource_id="bank")
    before = arm.get("/apis/bank/trust").headers["ETag"]
    choose(api, make_certificate())
    assert arm.put("/apis/bank/trust", {"publicCas": False}, If_Match=before).status_code == 200


def test_of_two_who_saw_the_same_trust_one_wins(arm: Arm) -> None:
    make_api(resource_id="bank")
    seen = arm.get("/apis/bank/trust").headers["ETag"]
    with meanwhile(lambda: arm.put("/apis/bank/trust", {"refuseExpired": True}, If_Match=seen)):
        assert arm.put("/apis/bank/trust", {"publicCas": False}, If_Match=seen).status_code == 412
    assert arm.get("/apis/bank/trust").json()["properties"]["refuseExpired"] is True


def test_a_trust_is_neither_made_nor_deleted(arm: Arm) -> None:
    make_api(resource_id="bank")
    for method in ("DELETE", "POST", "PATCH"):
        assert arm(method, "/apis/bank/trust", If_Match="*").status_code == 405
    assert arm.get("/apis/none/trust").json()["error"]["message"] == "Api not found."
    assert arm.get("/apis/bank/trust/x").status_code == 404
    found = details(arm.put("/apis/bank/trust", {"caCertificates": ["none"], "publicCas": False}))
    assert found == {"caCertificates": "CA certificate with id 'none' not found."}
    assert set(details(arm.put("/apis/bank/trust", {"publicCa": True}))) == {"publicCa"}
