"""Named values over the REST API."""

import logging
from urllib.parse import quote

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.mgmt.apimanagement import ApiManagementClient
from azure.mgmt.apimanagement.models import (
    KeyVaultContractCreateProperties,
    NamedValueCreateContract,
    NamedValueUpdateParameters,
)
from django.http import HttpResponse
from pytest_django import DjangoAssertNumQueries

from gateway.changes.base import change
from gateway.changes.named_values import reveal_named_value, set_secret, update_named_value
from gateway.models import AuditEntry, NamedValue, Revision
from portal.management_api.etags import etag_of
from tests.arrange import update_directly
from tests.builders import ALICE, make_api, make_named_value, make_operation, use_named_value
from tests.portal.audit import newest_entry
from tests.portal.management.client import GROUP, SERVICE, Arm

SECRET = "correct-horse-battery"
ID = (GROUP, SERVICE, "5f1a")


def contract(**values: object) -> NamedValueCreateContract:
    return NamedValueCreateContract(**{"display_name": "partner-key", "value": "north", **values})


def told(response: HttpResponse) -> dict[str, str]:
    """What is wrong with each member."""
    assert response.status_code == 400, response.content
    return {each["target"]: each["message"] for each in response.json()["error"]["details"]}


def revision() -> int:
    return Revision.objects.get().number


def test_the_life_of_a_named_value(azure: ApiManagementClient) -> None:
    made = azure.named_value.begin_create_or_update(*ID, contract(tags=["bank"])).result()
    assert (made.name, made.type) == ("5f1a", "Microsoft.ApiManagement/service/namedValues")
    assert (made.display_name, made.value, made.secret, made.tags) == (
        "partner-key", "north", False, ["bank"],
    )  # fmt: skip
    assert made.id.endswith("/service/portal/namedValues/5f1a")
    assert azure.named_value.get_entity_tag(*ID)
    assert azure.named_value.get(*ID).serialize(keep_readonly=True) == made.serialize(keep_readonly=True)
    changed = azure.named_value.begin_update(*ID, "*", NamedValueUpdateParameters(value="south")).result()
    assert (changed.value, changed.tags) == ("south", ["bank"])
    replaced = azure.named_value.begin_create_or_update(*ID, contract(), if_match="*").result()
    assert (replaced.value, replaced.tags) == ("north", [])
    assert azure.named_value.list_value(*ID).value == "north"
    assert [each.name for each in azure.named_value.list_by_service(GROUP, SERVICE)] == ["5f1a"]
    azure.named_value.delete(*ID, "*")
    azure.named_value.delete(*ID, "*")  # 204
    with pytest.raises(ResourceNotFoundError) as error:
        azure.named_value.get(*ID)
    assert error.value.error.code == "ResourceNotFound"
    assert [entry.actor_name for entry in AuditEntry.objects.filter(actor_kind="api")] == ["pipeline"] * 5


def test_a_secret_value_is_in_no_answer_but_that_of_list_value(
    azure: ApiManagementClient, arm: Arm, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    body = {"displayName": "partner-key", "value": SECRET, "secret": True}
    answers = [
        arm.put("/namedValues/5f1a", body),
        arm.put("/namedValues/5f1a", body),
        arm.patch("/namedValues/5f1a", {"value": SECRET, "tags": ["bank"]}, If_Match="*"),
        arm.get("/namedValues/5f1a"),
        arm.get("/namedValues"),
        arm.patch("/namedValues/5f1a", {"value": SECRET * 300}, If_Match="*"),
        arm.patch("/namedValues/5f1a", {"value": f"{SECRET}{{{{x}}}}", "nope": SECRET}, If_Match="*"),
        arm.patch("/namedValues/5f1a", {"value": f"{SECRET}\n"}, If_Match="*"),
        arm.put("/namedValues/5f1a", {"displayName": SECRET, "value": SECRET}),
    ]
    assert [answer.status_code for answer in answers] == [201, 200, 200, 200, 200, 400, 400, 400, 400]
    assert "value" not in answers[3].json()["properties"]
    said = [answer.content.decode() for answer in answers]
    said += [caplog.text, str(list(AuditEntry.objects.values())), repr(NamedValue.objects.get())]
    assert SECRET not in "".join(said)
    assert azure.named_value.list_value(*ID).value == SECRET
    assert (
        arm.post("/namedValues/5f1a/listValue").headers["ETag"]
        == arm.get("/namedValues/5f1a").headers["ETag"]
    )
    assert newest_entry() == ("pipeline", "was shown the value of", "named value", "partner-key")
    assert SECRET not in caplog.text


def test_what_get_answered_can_be_put_and_changes_nothing(arm: Arm) -> None:
    make_named_value("plain", "north", tags=["bank"])
    make_named_value("sealed", SECRET, secret=True)
    make_named_value("padded", "north")
    before = revision()
    assert arm.put("/namedValues/padded", {"displayName": " padded ", "value": "north"}).status_code == 200
    for name in ("plain", "sealed"):
        got = arm.get(f"/namedValues/{name}")
        put = arm("PUT", f"/namedValues/{name}", got.json(), If_Match=got.headers["ETag"])
        assert (put.status_code, put.json(), put.headers["ETag"]) == (200, got.json(), got.headers["ETag"])
    assert revision() == before
    assert reveal_named_value(ALICE, NamedValue.objects.get(resource_id="sealed").key) == SECRET


def test_what_is_left_out_stays_in_a_patch_and_gets_its_default_in_a_put(arm: Arm) -> None:
    row = make_named_value("partner-key", SECRET, secret=True, tags=["bank"])
    arm.patch("/namedValues/partner-key", {"tags": ["money"]}, If_Match="*")
    assert arm.get("/namedValues/partner-key").json()["properties"]["tags"] == ["money"]
    arm.patch("/namedValues/partner-key", {"tags": None}, If_Match="*")  # RFC 7396: the default
    assert arm.get("/namedValues/partner-key").json()["properties"]["tags"] == []
    assert reveal_named_value(ALICE, row.key) == SECRET
    put = arm.put("/namedValues/partner-key", {"displayName": "partner-key"})
    assert told(put) == {"value": "Enter a new value: a secret one never becomes readable."}
    assert "value" in told(arm.patch("/namedValues/partner-key", {"secret": False}, If_Match="*"))
    assert "value" in told(arm.patch("/namedValues/partner-key", {"secret": None}, If_Match="*"))
    public = {"secret": False, "value": "public"}
    patched = arm.patch("/namedValues/partner-key", public, If_Match="*")
    assert patched.json()["properties"]["value"] == "public"


def test_a_plain_value_becomes_secret_without_being_sent_again(arm: Arm) -> None:
    row = make_named_value("partner-key", "north")
    put = arm.put("/namedValues/partner-key", {"displayName": "partner-key", "secret": True})
    assert "value" not in put.json()["properties"]
    assert reveal_named_value(ALICE, row.key) == "north"


@pytest.mark.parametrize(
    ("properties", "wrong"),
    [
        ({"value": "x"}, {"displayName": "'displayName' is missing."}),
        ({"displayName": "x"}, {"value": "'value' is missing."}),
        ({"displayName": "x", "value": None}, {"value": "'value' is missing."}),
        ({"displayName": "x", "value": " "}, {"value": "Enter the value."}),
        ({"displayName": "x", "value": 5}, {"value": "This has to be of the type string or null."}),
        ({"displayName": "x", "value": "x" * 4097}, {"value": "Use at most 4096 characters."}),
        ({"displayName": "x" * 81, "value": "x"}, {"displayName": "Use at most 80 characters."}),
        (
            {"displayName": "x", "value": "x", "tags": ["a,b"]},
            {"tags": "A tag has at most 80 characters and no commas, quotes or backslashes."},
        ),
        (
            {"displayName": "{x}", "value": "x"},
            {"displayName": "Use no braces in a name: policies write it between doubled ones."},
        ),
        (
            {"displayName": "x", "value": "x", "keyVault": {"secretIdentifier": "https://vault"}},
            {
                "keyVault": "Key Vault is not supported. Send the value itself in 'value', with 'secret' true.",
            },
        ),
        (
            {"displayName": "x", "value": "x", "colour": 1},
            {"colour": "'colour' is no known member. Leave it out."},
        ),
    ],
)
def test_what_is_wrong_is_told_beside_its_member(
    arm: Arm, properties: dict[str, object], wrong: dict[str, str]
) -> None:
    assert told(arm.put("/namedValues/5f1a", properties)) == wrong
    assert not NamedValue.objects.exists()


def test_a_key_vault_is_refused(azure: ApiManagementClient) -> None:
    vault = KeyVaultContractCreateProperties(secret_identifier="https://vault.example/secrets/x")
    with pytest.raises(HttpResponseError, match="incorrect values"):
        azure.named_value.begin_create_or_update(*ID, contract(value=None, key_vault=vault)).result()
    make_named_value("5f1a")
    with pytest.raises(HttpResponseError, match="nothing to refresh it from"):
        azure.named_value.begin_refresh_secret(*ID).result()


def test_its_name_cannot_be_changed(arm: Arm) -> None:
    make_named_value("partner-key", entity_id="5f1a")
    for method in ("PUT", "PATCH"):
        body = {"properties": {"displayName": "other", "value": "x"}}
        wrong = told(arm(method, "/namedValues/5f1a", body, If_Match="*"))
        assert wrong["displayName"].startswith("Policies refer to this one as {{partner-key}}")


def test_ids_and_names_are_unique_each(arm: Arm, azure: ApiManagementClient) -> None:
    make_named_value("partner-key", "north", entity_id="5F1a")
    assert arm.get("/namedValues/5f1A").json()["name"] == "5F1a"
    assert arm.get("/namedValues/partner-key").status_code == 404
    same = contract(display_name="PARTNER-key")
    with pytest.raises(ResourceExistsError, match="“PARTNER-key” is already taken"):
        azure.named_value.begin_create_or_update(GROUP, SERVICE, "other", same).result()
    # its name is nobody's id, and its id nobody's name
    assert arm.put("/namedValues/partner-key", {"displayName": "second", "value": "x"}).status_code == 201
    assert make_named_value("5f1a").rest_id == "5f1a-2"
    with change(ALICE) as this:
        assert set_secret(this, "5f1a-2", SECRET).rest_id == "5f1a-2-2"
    assert arm.get("/namedValues").json()["count"] == 4


def test_one_that_policies_refer_to_is_not_deleted(arm: Arm) -> None:
    make_named_value("partner-key", SECRET, secret=True, entity_id="5f1a")
    api = make_api("Bank")
    use_named_value("partner-key", None, api, make_operation(api))
    response = arm.delete("/namedValues/5f1a")
    error = response.json()["error"]
    assert (response.status_code, error["code"]) == (400, "ValidationError")
    assert error["message"] == "Property cannot be deleted since it is being used by one or more policies."
    assert [each["target"] for each in error["details"]] == [
        "/policies/policy",
        "/apis/bank/policies/policy",
        "/apis/bank/operations/get-accountsid/policies/policy",
    ]


def test_of_two_writers_the_later_one_is_told(arm: Arm) -> None:
    row = make_named_value("partner-key", "north")
    seen = etag_of(row.revision)
    update_named_value(ALICE, row.key, value="theirs", secret=False)
    values = {"displayName": "partner-key", "value": "mine"}
    for response in (
        arm.put("/namedValues/partner-key", values, If_Match=seen),
        arm.patch("/namedValues/partner-key", values, If_Match=seen),
        arm.delete("/namedValues/partner-key", If_Match=seen),
    ):
        assert response.status_code == 412
        assert response.json()["error"]["message"] == "Resource was modified since last retrieval."
    assert arm.put("/namedValues/partner-key", values, If_None_Match="*").status_code == 412
    assert "If-Match" in told(arm.patch("/namedValues/partner-key", values))
    assert NamedValue.objects.get().value == "theirs"


def test_a_reader_sees_no_secret(reader_arm: Arm) -> None:
    make_named_value("partner-key", SECRET, secret=True)
    assert reader_arm.get("/namedValues/partner-key").status_code == 200
    refused = [
        reader_arm.post("/namedValues/partner-key/listValue"),
        reader_arm.post("/namedValues/partner-key/refreshSecret"),
        reader_arm.put("/namedValues/partner-key", {"displayName": "partner-key", "value": "x"}),
        reader_arm.patch("/namedValues/partner-key", {"value": "x"}, If_Match="*"),
        reader_arm.delete("/namedValues/partner-key"),
    ]
    assert {response.status_code for response in refused} == {403}
    assert not AuditEntry.objects.filter(actor_kind="api").exists()


def test_one_that_cannot_be_opened_is_told(arm: Arm) -> None:
    row = make_named_value("partner-key", SECRET, secret=True)
    update_directly(NamedValue, row.key, sealed_value="x")
    assert "cannot be opened" in told(arm.post("/namedValues/partner-key/listValue"))["value"]


def test_a_page_takes_as_many_queries_as_an_empty_list(
    arm: Arm, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(5):
        make_named_value(f"value-{number}")
    with django_assert_num_queries(5):  # three of them find out who calls
        assert arm.get("/namedValues?$top=3").json()["count"] == 5


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("name eq '5F1A'", {"a"}),
        ("name eq 'a'", set()),
        ("displayName eq 'A'", {"a"}),
        ("startswith(displayName,'b')", {"b"}),
        ("tags eq 'BANK'", {"a"}),
        ("tags ne 'bank'", {"b", "c", "d"}),
        ("contains(tags,'bank')", {"a", "b"}),
        ("substringof('bank',tags) eq false", {"c", "d"}),
        ("startswith(tags,'river')", {"a", "b"}),
        ("endswith(tags,'bank')", {"a", "b"}),
        ("tags/any(t: t eq 'bank')", {"a"}),
        ("tags/any(t: startswith(t,'be')) or name eq 'd'", {"a", "d"}),
        ("not tags/any(t: contains(t,'n'))", {"c", "d"}),
        ("tags eq null", {"d"}),
        ("contains(tags,'b, c')", set()),
    ],
)
def test_lists_are_filtered(azure: ApiManagementClient, condition: str, found: set[str]) -> None:
    for name, tags in {"a": ["river", "bank", "bees"], "b": ["river bank"], "c": ["[x]"], "d": []}.items():
        make_named_value(name, tags=tags, entity_id="5f1a" if name == "a" else "")
    listed = azure.named_value.list_by_service(GROUP, SERVICE, filter=condition)
    assert {each.display_name for each in listed} == found


def test_none_came_from_a_key_vault(azure: ApiManagementClient) -> None:
    make_named_value()
    values = azure.named_value
    assert not list(values.list_by_service(GROUP, SERVICE, is_key_vault_refresh_failed=True))
    assert list(values.list_by_service(GROUP, SERVICE, is_key_vault_refresh_failed=False))


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("value eq 'north'", "Use one of: name, displayName, tags."),
        ("secret eq true", "Use one of: name, displayName, tags."),
        ("tags gt 'a'", "Use eq or ne."),
        ("tags/all(t: t eq 'bank')", "is no function here"),
        ("displayName/any(t: t eq 'bank')", "is for lists"),
        ("tags/any(t: t ne 'bank')", "Write 'not' before"),
        ("tags/any(t: displayName eq 'bank')", "is no field to filter by"),
        ("tags/any(t eq 'bank')", "Expected ':'"),
        ("contains(tags,'[')", "can be in a word"),
        ("contains(tags,'\", \"')", "can be in a word"),
    ],
)
def test_filters_that_there_are_not(arm: Arm, condition: str, words: str) -> None:
    assert words in told(arm.get(f"/namedValues?$filter={quote(condition)}"))["$filter"]
