"""Operations of APIs over the REST API."""

from functools import partial
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.mgmt.apimanagement import ApiManagementClient
from azure.mgmt.apimanagement.models import (
    OperationContract,
    OperationUpdateContract,
    ParameterContract,
    RequestContract,
)
from django.http import HttpResponse

from gateway.changes.policies import document_of, save_policy
from gateway.models import Api, AuditEntry, Operation
from tests.builders import ALICE, make_api, make_operation
from tests.portal.management.client import GROUP, SERVICE, Arm
from tests.portal.management.meanwhile import meanwhile
from tests.portal.management.test_apis import details

GET: dict[str, Any] = {"displayName": "Get account", "method": "GET", "urlTemplate": "/accounts/{id}"}
REWRITE = '<policies><inbound><base /><rewrite-uri template="/a/{id}" /></inbound></policies>'
ID = {"name": "id"}
PATH = "/apis/bank/operations/get"


@pytest.fixture
def bank(db: None) -> Api:
    return make_api(resource_id="bank")


def contract(**values: Any) -> OperationContract:
    given = {"display_name": "Get account", "method": "GET", "url_template": "/accounts/{id}?on={date}"}
    return OperationContract(**{**given, **values})


def parameter(name: str, **values: Any) -> ParameterContract:
    return ParameterContract(**{"name": name, "type": "string", "required": True, **values})


# --- the life of an operation ------------------------------------------------------------------------------------
def test_the_life_of_an_operation(azure: ApiManagementClient, bank: Api) -> None:
    named = [parameter("date"), parameter("id")]
    made = azure.api_operation.create_or_update(
        GROUP, SERVICE, "bank", "get", contract(template_parameters=named, description="One")
    )
    assert made.type == "Microsoft.ApiManagement/service/apis/operations"
    assert made.id.endswith("/service/portal/apis/bank/operations/get")
    assert (made.name, made.display_name, made.description) == ("get", "Get account", "One")
    assert (made.method, made.url_template) == ("GET", "/accounts/{id}?on={date}")
    assert [(each.name, each.type, each.required) for each in made.template_parameters] == [
        ("id", "string", True),
        ("date", "string", True),
    ]
    assert azure.api_operation.get_entity_tag(GROUP, SERVICE, "bank", "GET")
    changed = azure.api_operation.update(
        GROUP, SERVICE, "bank", "get", "*", OperationUpdateContract(url_template="accounts/*")
    )
    assert (changed.url_template, changed.template_parameters) == ("/accounts/*", [])
    assert (changed.method, changed.description) == ("GET", "One")
    listed = azure.api_operation.list_by_api(GROUP, SERVICE, "bank")
    assert [each.url_template for each in listed] == ["/accounts/*"]
    azure.api_operation.delete(GROUP, SERVICE, "bank", "get", if_match="*")
    with pytest.raises(ResourceNotFoundError) as error:
        azure.api_operation.get(GROUP, SERVICE, "bank", "get")
    assert error.value.error.message == "Operation not found."
    azure.api_operation.delete(GROUP, SERVICE, "bank", "get", if_match="*")


def test_an_operation_is_that_of_its_api(arm: Arm, bank: Api) -> None:
    make_operation(make_api("Other"), resource_id="get")
    assert arm.get(PATH).status_code == 404
    assert arm.get("/apis/bank/operations").json() == {"value": [], "count": 0}
    assert arm.put(PATH, GET).status_code == 201
    assert arm.put("/apis/none/operations/get", GET).json()["error"]["message"] == "Api not found."
    assert arm.delete("/apis/none/operations/get").status_code == 404


def test_put_gives_what_is_left_out_its_default_and_leaves_the_policy(arm: Arm, bank: Api) -> None:
    operation = make_operation(bank, resource_id="get", description="x")
    save_policy(ALICE, operation, REWRITE)
    answer = arm.put(PATH, {**GET, "urlTemplate": "/parts/{ID}"})
    assert answer.status_code == 200
    assert answer.json()["properties"]["description"] == ""
    document = document_of(operation)
    assert document is not None
    assert document.xml == REWRITE
    assert set(details(arm.patch(PATH, {"urlTemplate": "/parts"}, If_Match="*"))) == {"urlTemplate"}, (
        "the policy needs the parameter"
    )


def test_what_get_gave_can_be_put_and_changes_nothing(arm: Arm, bank: Api) -> None:
    make_operation(bank, "/accounts/{id}?on={date}", resource_id="get")
    before = arm.get(PATH)
    after = arm("PUT", PATH, before.json(), If_Match=before.headers["ETag"])
    assert (after.status_code, after.json()) == (200, before.json())
    assert not AuditEntry.objects.filter(action="updated", object_kind="operation").exists()


def test_what_says_nothing_is_taken(arm: Arm, bank: Api) -> None:
    empty = {"queryParameters": [], "headers": [], "representations": [], "description": ""}
    parameters = [{"name": "id", "type": "string", "required": True, "values": [], "description": None}]
    parameters[0].update(defaultValue=None, schemaId="", typeName=None, examples={})
    nothing = {"request": empty, "responses": [], "policies": None, "templateParameters": parameters}
    assert arm.put(PATH, {**GET, **nothing}).status_code == 201
    assert arm.patch(PATH, {"templateParameters": None, "description": None}, If_Match="*").status_code == 200


# --- what is refused ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("members", "target", "words"),
    [
        ({"displayName": "  "}, "displayName", "at most 100 characters"),
        ({"method": "BREW"}, "method", "Use one of: GET, POST, PUT, DELETE, HEAD, OPTIONS, PATCH, TRACE."),
        ({"urlTemplate": "/a#b"}, "urlTemplate", "must not hold '#'"),
        ({"urlTemplate": "/a/{id}/{id}"}, "urlTemplate", "id"),
        ({"templateParameters": []}, "templateParameters", "The parameters of the URL template are id. Name"),
        ({"urlTemplate": "/", "templateParameters": [{"name": "x"}]}, "templateParameters", "are none"),
        ({"templateParameters": [{"name": "id"}, {"name": "id"}]}, "templateParameters", "exactly those"),
        ({"templateParameters": [{**ID, "type": "number"}]}, "templateParameters.0.type", "string"),
        ({"templateParameters": [{**ID, "required": False}]}, "templateParameters.0.required", "cannot be false"),
        ({"templateParameters": [{**ID, "defaultValue": "1"}]}, "templateParameters.0.defaultValue", "Leave"),
        ({"templateParameters": [{**ID, "description": "x"}]}, "templateParameters.0.description", "not supp"),
        ({"templateParameters": [{**ID, "values": ["1"]}]}, "templateParameters.0.values", "Leave"),
        ({"request": {"description": "x"}}, "request", "no descriptions of requests and responses yet"),
        ({"responses": [{"statusCode": 200}]}, "responses", "no descriptions of requests and responses yet"),
        ({"policies": "<policies />"}, "policies", "policies/policy"),
        ({"verb": "GET"}, "verb", "no known member"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_told_beside_its_member(
    arm: Arm, bank: Api, members: dict[str, Any], target: str, words: str
) -> None:
    assert words in details(arm.put(PATH, {**GET, **members}))[target]
    assert not Operation.objects.exists()


def test_parameters_are_those_of_the_template_whatever_is_done(arm: Arm, bank: Api) -> None:
    arm.put(PATH, GET)
    other = {"templateParameters": [{"name": "other"}]}
    assert set(details(arm.put(PATH, {**GET, **other}))) == {"templateParameters"}
    assert set(details(arm.patch(PATH, other, If_Match="*"))) == {"templateParameters"}
    moved = {**other, "urlTemplate": "/parts/{other}"}
    assert arm.patch(PATH, moved, If_Match="*").status_code == 200


def test_members_that_are_missing_are_named(arm: Arm, bank: Api) -> None:
    assert set(details(arm.put(PATH, {}))) == {"displayName", "method", "urlTemplate"}


def test_the_original_client_learns_what_is_not_supported(azure: ApiManagementClient, bank: Api) -> None:
    described = contract(request=RequestContract(query_parameters=[parameter("page")]))
    with pytest.raises(HttpResponseError) as error:
        azure.api_operation.create_or_update(GROUP, SERVICE, "bank", "get", described)
    assert [each.target for each in error.value.error.details] == ["request"]


def test_a_template_that_calls_cannot_tell_apart_is_refused(azure: ApiManagementClient, bank: Api) -> None:
    make_operation(bank, "/accounts/{number}?on={day}")
    with pytest.raises(ResourceExistsError) as error:
        azure.api_operation.create_or_update(GROUP, SERVICE, "bank", "get", contract())
    assert "a call could not tell the two apart" in error.value.error.message
    assert [each.target for each in error.value.error.details] == ["urlTemplate"]


# --- preconditions -----------------------------------------------------------------------------------------------
def test_an_old_etag_writes_over_nothing(arm: Arm, bank: Api) -> None:
    old = arm.put(PATH, GET).headers["ETag"]
    new = arm.put(PATH, {**GET, "description": "theirs"}, If_Match=old).headers["ETag"]
    for method in ("PUT", "PATCH", "DELETE"):
        answer = arm(method, PATH, {"properties": GET}, If_Match=old)
        assert answer.status_code == 412
    assert Operation.objects.get().description == "theirs"
    assert arm.get(PATH, If_None_Match=new).status_code == 304
    assert arm.delete(PATH, If_Match=new).status_code == 200


def test_a_policy_leaves_the_etag_of_its_operation(arm: Arm, bank: Api) -> None:
    first = arm.put(PATH, GET).headers["ETag"]
    assert arm.put(f"{PATH}/policies/policy", {"value": REWRITE}).status_code == 201
    assert arm.get(PATH).headers["ETag"] == first
    second = arm.patch(PATH, {"description": "x"}, If_Match=first)
    assert second.status_code == 200
    assert arm.delete(PATH, If_Match=second.headers["ETag"]).status_code == 200


def test_a_patch_and_a_deletion_need_if_match(arm: Arm, bank: Api) -> None:
    make_operation(bank, resource_id="get")
    assert set(details(arm.patch(PATH, {}))) == {"If-Match"}
    assert set(details(arm("DELETE", PATH))) == {"If-Match"}


def test_of_two_who_saw_the_same_etag_one_wins(arm: Arm, bank: Api) -> None:
    for method in ("PUT", "PATCH", "DELETE"):
        seen = arm.put(PATH, GET).headers["ETag"]
        theirs = {**GET, "description": "theirs"}
        with meanwhile(partial(arm.put, PATH, theirs, If_Match=seen)):
            mine = {"properties": {**GET, "description": "mine"}}
            assert arm(method, PATH, mine, If_Match=seen).status_code == 412
    assert Operation.objects.get().description == "theirs"


def test_a_patch_is_merged_with_what_somebody_else_writes_meanwhile(arm: Arm, bank: Api) -> None:
    arm.put(PATH, GET)
    with meanwhile(lambda: arm.patch(PATH, {"displayName": "Theirs"}, If_Match="*")):
        answer = arm.patch(PATH, {"description": "mine"}, If_Match="*")
    assert answer.json()["properties"]["displayName"] == "Theirs"
    assert answer.json()["properties"]["description"] == "mine"


def test_of_two_who_delete_the_second_finds_nothing(arm: Arm, bank: Api) -> None:
    arm.put(PATH, GET)
    with meanwhile(lambda: arm.delete(PATH)):
        assert arm.delete(PATH).status_code == 204
    arm.put(PATH, GET)
    with meanwhile(lambda: arm.delete(PATH)):
        assert arm.patch(PATH, {"description": "mine"}, If_Match="*").status_code == 404


# --- lists, readers ----------------------------------------------------------------------------------------------
def test_a_list_is_filtered(azure: ApiManagementClient, bank: Api) -> None:
    make_operation(bank, resource_id="get")
    make_operation(bank, "/parts", "POST", resource_id="post")
    for text in ("method eq 'POST'", "startswith(urlTemplate,'/parts')", "name eq 'post'"):
        found = azure.api_operation.list_by_api(GROUP, SERVICE, "bank", filter=text)
        assert [each.name for each in found] == ["post"]


def test_a_list_has_no_tags(arm: Arm, bank: Api) -> None:
    assert set(details(arm.get("/apis/bank/operations?tags=x"))) == {"tags"}


def test_a_reader_changes_nothing(reader_arm: Arm, bank: Api) -> None:
    make_operation(bank, resource_id="get")
    assert reader_arm.get(PATH).status_code == 200
    answers: list[HttpResponse] = [
        reader_arm.put(PATH, GET),
        reader_arm.patch(PATH, {}, If_Match="*"),
        reader_arm.delete(PATH),
    ]
    assert [each.status_code for each in answers] == [403, 403, 403]
