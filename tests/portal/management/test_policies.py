"""Policy documents over the REST API, at each of their scopes."""

from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.mgmt.apimanagement import ApiManagementClient
from azure.mgmt.apimanagement.models import PolicyContract

from gateway.changes.policies import document_of
from gateway.models import Api, NamedValue, PolicyVersion, Revision
from gateway.records import register_gateway
from tests.builders import make_api, make_certificate, make_operation
from tests.portal.management.client import GROUP, SERVICE, Arm
from tests.portal.management.meanwhile import meanwhile
from tests.portal.management.test_apis import details

API, OPERATION = "/apis/bank/policies/policy", "/apis/bank/operations/get/policies/policy"
SCOPES = ("/policies/policy", API, OPERATION)
# As an author wrote it: with line feeds only, tabs, a comment, and characters that XML escapes
XML = (
    "<policies>\n\t<!-- mine > theirs -->\n\t<inbound>\n\t\t<base />\n"
    '\t\t<set-header name="X-Quoted"><value>a &amp; "b" &lt; c</value></set-header>\n\t</inbound>\n</policies>'
)
OTHER = "<policies><inbound><base /></inbound></policies>"
BASIC = (
    '<policies><inbound><base /><authentication-basic username="alice" password="{}" /></inbound></policies>'
)


@pytest.fixture
def bank(db: None) -> Api:
    api = make_api(resource_id="bank")
    make_operation(api, resource_id="get")
    return api


# --- the life of a policy ----------------------------------------------------------------------------------------
def test_the_life_of_an_apis_policy(azure: ApiManagementClient, bank: Api) -> None:
    policies = azure.api_policy
    with pytest.raises(ResourceNotFoundError):
        policies.get_entity_tag(GROUP, SERVICE, "bank", "policy")
    made = policies.create_or_update(
        GROUP, SERVICE, "bank", "policy", PolicyContract(value=XML, format="rawxml")
    )
    assert made.type == "Microsoft.ApiManagement/service/apis/policies"
    assert made.id.endswith("/service/portal/apis/bank/policies/policy")
    assert (made.name, made.format, made.value) == ("policy", "rawxml", XML)
    assert policies.get_entity_tag(GROUP, SERVICE, "bank", "policy")
    for given in ("xml", "rawxml"):
        got = policies.get(GROUP, SERVICE, "bank", "policy", format=given)
        assert (got.format, got.value) == (given, XML)
    listed = policies.list_by_api(GROUP, SERVICE, "bank")
    assert [each.value for each in listed.value] == [XML]
    policies.delete(GROUP, SERVICE, "bank", "policy", if_match="*")
    assert policies.list_by_api(GROUP, SERVICE, "bank").value == []
    policies.delete(GROUP, SERVICE, "bank", "policy", if_match="*")


def test_the_life_of_an_operations_policy(azure: ApiManagementClient, bank: Api) -> None:
    policies, where = azure.api_operation_policy, (GROUP, SERVICE, "bank", "get")
    made = policies.create_or_update(*where, "policy", PolicyContract(value=XML))
    assert made.type == "Microsoft.ApiManagement/service/apis/operations/policies"
    assert (made.format, made.value) == ("xml", XML)
    assert policies.get(*where, "policy").value == XML
    assert policies.get_entity_tag(*where, "policy")
    assert policies.list_by_operation(*where).count == 1
    policies.delete(*where, "policy", if_match="*")
    with pytest.raises(ResourceNotFoundError):
        policies.get(*where, "policy")


def test_the_global_policy_is_always_there_and_its_deletion_brings_back_the_first_one(
    azure: ApiManagementClient,
) -> None:
    policies = azure.policy
    assert [each.name for each in policies.list_by_service(GROUP, SERVICE)] == ["policy"]
    default = policies.get(GROUP, SERVICE, "policy")
    assert default.type == "Microsoft.ApiManagement/service/policies"
    assert "<forward-request" in default.value
    changed = default.value.replace("<inbound />", "<inbound></inbound>")
    policies.create_or_update(GROUP, SERVICE, "policy", PolicyContract(value=changed))
    assert policies.get(GROUP, SERVICE, "policy").value == changed
    policies.delete(GROUP, SERVICE, "policy", if_match="*")
    assert policies.get(GROUP, SERVICE, "policy").value == default.value


@pytest.mark.parametrize("path", SCOPES)
def test_what_get_gave_can_be_put_and_changes_nothing(arm: Arm, bank: Api, path: str) -> None:
    arm.put(path, {"value": XML})
    before, revision, versions = arm.get(path), Revision.objects.get().number, PolicyVersion.objects.count()
    after = arm("PUT", path, before.json(), If_Match=before.headers["ETag"])
    assert (after.status_code, after.json()) == (200, before.json())
    assert after.headers["ETag"] == before.headers["ETag"]
    assert Revision.objects.get().number == revision
    assert PolicyVersion.objects.count() == versions


def test_a_scope_without_a_policy_is_told_as_the_original_does(arm: Arm, bank: Api) -> None:
    for path in (API, OPERATION):
        answer = arm.get(path)
        assert answer.status_code == 404
        assert answer.json() == {
            "error": {
                "code": "ResourceNotFound",
                "message": "PoliciesConfiguration not found.",
                "details": None,
            }
        }
        assert arm.get(path.removesuffix("/policy")).json() == {"value": [], "count": 0}
        assert arm.delete(path).status_code == 204


def test_a_policy_has_one_id(arm: Arm, bank: Api) -> None:
    assert arm.put("/apis/bank/policies/POLICY", {"value": OTHER}).json()["name"] == "policy"
    other = "/apis/bank/policies/mine"
    assert arm.get(other).json()["error"]["message"] == "PoliciesConfiguration not found."
    assert arm.delete(other).status_code == 204
    answer = arm.put(other, {"value": OTHER})
    assert answer.status_code == 404
    assert answer.json()["error"]["details"][0]["message"] == "The policy of a scope has the id 'policy'."


# --- what is refused ---------------------------------------------------------------------------------------------
def test_each_fault_is_told_with_its_element_and_place(arm: Arm, bank: Api) -> None:
    xml = (
        "<policies>\n  <inbound>\n    <base />\n    <authentication-certificate thumbprint="
        f'"{"A" * 40}" />\n    <set-header />\n  </inbound>\n</policies>'
    )
    answer = arm.put(API, {"value": xml})
    found = details(answer)
    assert found["authentication-certificate"] == (
        "Error in element 'authentication-certificate' on line 4, column 6: "
        f"Certificate with thumbprint '{'A' * 40}' could not be resolved."
    )
    assert "on line 5, column 6" in found["set-header"]
    assert document_of(bank) is None


def test_what_is_no_xml_is_told_as_in_the_original(azure: ApiManagementClient, bank: Api) -> None:
    with pytest.raises(HttpResponseError) as error:
        azure.api_policy.create_or_update(
            GROUP, SERVICE, "bank", "policy", PolicyContract(value="<policies>")
        )
    [detail] = error.value.error.details
    assert detail.target == "representation"
    assert "Line 1" in detail.message


def test_expressions_are_refused_in_either_format(arm: Arm, bank: Api) -> None:
    raw = '<set-header name="X"><value>@(context.Request.Headers["A"] < "b")</value></set-header>'
    for written in (raw, raw.replace("<value>@(", "<value>@(1 + ").replace(" < ", " &lt; ")):
        xml = f"<policies><inbound>{written}</inbound></policies>"
        for given in ("xml", "rawxml"):
            found = details(arm.put(API, {"value": xml, "format": given}))
            assert "Policy expressions such as @(...) are not supported here" in " ".join(found.values())


@pytest.mark.parametrize(
    ("members", "target", "words"),
    [
        ({"format": "xml-link"}, "format", "Use one of: xml, rawxml."),
        ({"format": "rawxml-link"}, "format", "Use one of: xml, rawxml."),
        ({"value": None}, "value", "of the type string"),
        ({"value": ""}, "representation", "Line 1"),
        ({"xml": "x"}, "xml", "no known member"),
    ],
)
def test_what_cannot_be_is_told_beside_its_member(
    arm: Arm, bank: Api, members: dict[str, Any], target: str, words: str
) -> None:
    assert words in details(arm.put(API, {"value": OTHER, **members}))[target]


def test_a_value_is_required_and_no_format_but_two_is_answered(arm: Arm, bank: Api) -> None:
    assert set(details(arm.put(API, {"format": "xml"}))) == {"value"}
    assert set(details(arm.get("/policies/policy?format=xml-link"))) == {"format"}
    assert arm.patch("/policies/policy", {"value": OTHER}, If_Match="*").status_code == 405


# --- passwords ---------------------------------------------------------------------------------------------------
def test_a_password_moves_into_a_named_value_to_which_the_answer_refers(arm: Arm, bank: Api) -> None:
    first = arm.put(API, {"value": BASIC.format("open sesame")})
    stored = first.json()["properties"]["value"]
    assert stored == BASIC.format("{{bank-basic-password}}")
    assert NamedValue.objects.get().secret
    again = arm.put(API, {"value": BASIC.format("open sesame")})
    assert (again.status_code, again.headers["ETag"]) == (200, first.headers["ETag"])
    assert NamedValue.objects.count() == 1
    for answer in (first, again, arm.get(API)):
        assert b"sesame" not in answer.content


def test_a_new_password_is_in_effect_where_it_is_known(arm: Arm, bank: Api) -> None:
    first = arm.put(API, {"value": BASIC.format("one")})
    register_gateway("worker", Revision.objects.get().number)
    for password, effect in (("one", "1 of 1"), ("two", "0 of 1")):
        answer = arm.put(API, {"value": BASIC.format(password)}, Prefer="respond-async")
        assert answer.headers["ETag"] == first.headers["ETag"], "the text is the same"
        assert answer.headers["Gateways-In-Effect"] == effect


# --- preconditions -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("path", SCOPES)
def test_an_old_etag_writes_over_nothing(arm: Arm, bank: Api, path: str) -> None:
    old = arm.put(path, {"value": XML}).headers["ETag"]
    new = arm.put(path, {"value": OTHER}, If_Match=old).headers["ETag"]
    assert new != old
    assert arm.put(path, {"value": XML}, If_Match=old).status_code == 412
    assert arm.delete(path, If_Match=old).status_code == 412
    assert arm.put(path, {"value": XML}, If_None_Match="*").status_code == 412
    assert arm.get(path).json()["properties"]["value"] == OTHER
    assert arm.get(path, If_None_Match=new).status_code == 304


def test_a_scope_without_a_policy_has_nothing_to_match(arm: Arm, bank: Api) -> None:
    assert arm.put(API, {"value": XML}, If_Match='"AAAAAAAAAAA="').status_code == 412
    assert arm.put(API, {"value": XML}, If_None_Match="*").status_code == 201
    assert set(details(arm("DELETE", API))) == {"If-Match"}


@pytest.mark.parametrize("path", SCOPES)
def test_of_two_who_saw_the_same_etag_one_wins(arm: Arm, bank: Api, path: str) -> None:
    seen = arm.put(path, {"value": OTHER}).headers["ETag"]
    with meanwhile(lambda: arm.put(path, {"value": XML}, If_Match=seen)):
        assert arm.put(path, {"value": BASIC.format("x")}, If_Match=seen).status_code == 412
    assert arm.get(path).json()["properties"]["value"] == XML
    assert not NamedValue.objects.exists()


def test_of_two_who_only_create_one_wins(arm: Arm, bank: Api) -> None:
    with meanwhile(lambda: arm.put(API, {"value": XML}, If_None_Match="*")):
        assert arm.put(API, {"value": OTHER}, If_None_Match="*").status_code == 412
    assert arm.get(API).json()["properties"]["value"] == XML


def test_a_policy_and_its_scope_that_are_gone_meanwhile(arm: Arm, bank: Api) -> None:
    with meanwhile(lambda: arm.delete("/apis/bank/operations/get")):
        answer = arm.put(OPERATION, {"value": XML})
    assert (answer.status_code, answer.json()["error"]["message"]) == (404, "Operation not found.")


# --- readers -----------------------------------------------------------------------------------------------------
def test_a_reader_changes_nothing(reader_arm: Arm, bank: Api) -> None:
    for path in SCOPES:
        assert reader_arm.put(path, {"value": XML}).status_code == 403
        assert reader_arm.delete(path).status_code == 403
    assert reader_arm.get("/policies/policy").status_code == 200


def test_a_certificate_that_a_policy_names_is_in_use(arm: Arm, bank: Api) -> None:
    make_certificate()
    named = '<authentication-certificate certificate-id="partner-bank" />'
    arm.put(OPERATION, {"value": f"<policies><inbound>{named}</inbound></policies>"})
    error = arm.delete("/certificates/partner-bank").json()["error"]
    assert [each["target"] for each in error["details"]] == [OPERATION]
    assert arm.delete(OPERATION).status_code == 200
    assert arm.delete("/certificates/partner-bank").status_code == 200
