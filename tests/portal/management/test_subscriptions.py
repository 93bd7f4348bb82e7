"""Subscriptions over the REST API."""

import logging

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.mgmt.apimanagement import ApiManagementClient
from azure.mgmt.apimanagement.models import SubscriptionCreateParameters, SubscriptionUpdateParameters
from django.http import HttpResponse
from pytest_django import DjangoAssertNumQueries

from gateway import publish
from gateway.changes.subscriptions import reveal_keys, suspend_subscription
from gateway.models import AuditEntry, Revision, Subscription
from portal.management_api.etags import etag_of
from tests.arrange import update_directly
from tests.builders import ALICE, make_api, make_subscription
from tests.portal.audit import newest_entry
from tests.portal.management.client import GROUP, SERVICE, SERVICE_PATH, Arm

PRIMARY, SECONDARY = "primary-0123456789abcdef", "secondary-0123456789abcdef"
ID = (GROUP, SERVICE, "mobile")


def parameters(**values: object) -> SubscriptionCreateParameters:
    return SubscriptionCreateParameters(**{"display_name": "Mobile app", "scope": "/apis", **values})


def told(response: HttpResponse) -> dict[str, str]:
    """What is wrong with each member."""
    assert response.status_code == 400, response.content
    return {each["target"]: each["message"] for each in response.json()["error"]["details"]}


def let_in() -> list[bytes]:
    """The keys with which the gateways let calls in."""
    parts = publish.load(using="default").subscriptions.values()
    return [key.reveal() for part in parts for key in (part.primary_key, part.secondary_key) if key]


def test_the_life_of_a_subscription(azure: ApiManagementClient) -> None:
    api, subscriptions = make_api("Bank"), azure.subscription
    made = subscriptions.create_or_update(
        *ID, parameters(scope="/apis/bank", owner_id="/users/alice", primary_key=PRIMARY), notify=True
    )
    assert (made.name, made.type) == ("mobile", "Microsoft.ApiManagement/service/subscriptions")
    assert made.scope == f"{SERVICE_PATH}/apis/{api.resource_id}"
    assert (made.display_name, made.owner_id, made.state) == ("Mobile app", "/users/alice", "active")
    assert (made.allow_tracing, made.primary_key, made.secondary_key) == (False, None, None)
    assert abs(made.created_date - Subscription.objects.get().created_at).total_seconds() < 1
    assert subscriptions.get_entity_tag(*ID)
    assert subscriptions.get(*ID).serialize(keep_readonly=True) == made.serialize(keep_readonly=True)
    keys = subscriptions.list_secrets(*ID)
    assert (keys.primary_key, len(keys.secondary_key)) == (PRIMARY, 32)
    subscriptions.regenerate_primary_key(*ID)
    subscriptions.regenerate_secondary_key(*ID)
    fresh = subscriptions.list_secrets(*ID)
    assert not {fresh.primary_key, fresh.secondary_key} & {keys.primary_key, keys.secondary_key}
    changed = subscriptions.update(*ID, "*", SubscriptionUpdateParameters(state="suspended"), notify=True)
    assert (changed.state, changed.display_name, changed.scope) == ("suspended", "Mobile app", made.scope)
    assert let_in() == []
    replaced = subscriptions.create_or_update(*ID, parameters(state="active"), if_match="*")
    assert (replaced.state, replaced.owner_id) == ("active", None)
    assert replaced.scope == f"{SERVICE_PATH}/apis"
    assert [each.name for each in subscriptions.list(GROUP, SERVICE)] == ["mobile"]
    subscriptions.delete(*ID, "*")
    subscriptions.delete(*ID, "*")  # 204
    with pytest.raises(ResourceNotFoundError, match="Subscription not found"):
        subscriptions.get(*ID)


def test_keys_are_in_no_answer_but_that_of_list_secrets(arm: Arm, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    body = {"displayName": "Mobile app", "scope": "/apis", "primaryKey": PRIMARY, "secondaryKey": SECONDARY}
    address = "/subscriptions/mobile"
    answers = [
        arm.put(address, body),
        arm.put(address, body),
        arm.patch(address, {"primaryKey": SECONDARY, "secondaryKey": PRIMARY}, If_Match="*"),
        arm.get(address),
        arm.get("/subscriptions"),
        arm.put("/subscriptions/other", body),
        arm.patch(address, {"primaryKey": f"{PRIMARY} "}, If_Match="*"),
        arm.patch(address, {"primaryKey": PRIMARY * 30}, If_Match="*"),
        arm.patch(address, {"scope": "/nope", "secondaryKey": SECONDARY}, If_Match="*"),
    ]
    assert [each.status_code for each in answers] == [201, 200, 200, 200, 200, 409, 400, 400, 400]
    said = [each.content.decode() for each in answers]
    said += [caplog.text, str(list(AuditEntry.objects.values())), repr(Subscription.objects.get())]
    assert not [key for key in (PRIMARY, SECONDARY) if key in "".join(said)]
    secrets = arm.post(f"{address}/listSecrets")
    assert secrets.headers["ETag"] == arm.get(address).headers["ETag"]
    shown = secrets.json()
    assert shown == {"primaryKey": SECONDARY, "secondaryKey": PRIMARY}  # swapped above
    assert newest_entry() == ("pipeline", "was shown the keys of", "subscription", "Mobile app")


def test_what_get_answered_can_be_put_and_changes_nothing(arm: Arm) -> None:
    make_subscription("One", make_api("Bank"), owner="Mobile team / EU", allow_tracing=True)
    suspend_subscription(ALICE, make_subscription("All").key)
    before, keys = Revision.objects.get().number, let_in()
    for name in ("one", "all"):
        got = arm.get(f"/subscriptions/{name}")
        put = arm("PUT", f"/subscriptions/{name}", got.json(), If_Match=got.headers["ETag"])
        assert (put.status_code, put.json(), put.headers["ETag"]) == (200, got.json(), got.headers["ETag"])
        assert arm.patch(f"/subscriptions/{name}", got.json()["properties"], If_Match="*").status_code == 200
    assert (Revision.objects.get().number, let_in()) == (before, keys)


def test_several_things_at_once_are_one_change(arm: Arm) -> None:
    make_subscription("Mobile", make_api("Bank"), owner="alice")
    before = Revision.objects.get().number
    arm.patch(
        "/subscriptions/mobile",
        {"state": "suspended", "scope": "/apis", "secondaryKey": SECONDARY, "allowTracing": True},
        If_Match="*",
    )
    assert Revision.objects.get().number == before + 1
    entry = AuditEntry.objects.latest("revision")
    assert (entry.action, entry.changes) == (
        "updated",
        {
            "allow_tracing": [False, True],
            "state": ["active", "suspended"],
            "api": ["Bank", "All APIs"],
            "secondary_key": ["(secret)", "(secret)"],
        },
    )


@pytest.mark.parametrize(
    ("state", "action"), [("suspended", "suspended"), ("cancelled", "cancelled"), ("active", "activated")]
)
def test_a_state_alone_is_told_as_the_pages_tell_it(arm: Arm, state: str, action: str) -> None:
    row = make_subscription("Mobile")
    if state == "active":
        suspend_subscription(ALICE, row.key)
    arm.patch("/subscriptions/mobile", {"state": state}, If_Match="*")
    assert newest_entry() == ("pipeline", action, "subscription", "Mobile")


def test_cancelled_is_final(azure: ApiManagementClient, arm: Arm) -> None:
    azure.subscription.create_or_update(*ID, parameters(state="cancelled"))
    for change in ({"state": "active"}, {"state": "suspended"}, {"primaryKey": PRIMARY}):
        assert "state" in told(arm.patch("/subscriptions/mobile", change, If_Match="*"))
    with pytest.raises(HttpResponseError) as error:
        azure.subscription.regenerate_primary_key(*ID)
    assert [each.target for each in error.value.error.details] == ["state"]
    assert arm.patch("/subscriptions/mobile", {"displayName": "Former"}, If_Match="*").status_code == 200
    assert let_in() == []


_SERVICE_OF_OTHERS = "/subscriptions/x/resourceGroups/y/providers/Microsoft.ApiManagement/service"


@pytest.mark.parametrize(
    ("scope", "api"),
    [
        ("/apis", ""),
        ("/apis/", ""),
        ("apis", ""),
        ("/APIs/BANK", "bank"),
        ("/apis/bank", "bank"),
        ("/apis/bank;rev=1", "bank"),
        (f"{SERVICE_PATH}/apis", ""),
        (f"{_SERVICE_OF_OTHERS}/Portal/apis/bank", "bank"),
        (f"/management{SERVICE_PATH}/apis/bank", "bank"),
        (f"https://portal.example/management{SERVICE_PATH}/apis/bank", "bank"),
    ],
)
def test_scopes_that_clients_send(arm: Arm, scope: str, api: str) -> None:
    make_api("Bank")
    assert arm.put("/subscriptions/x", {"displayName": "x", "scope": scope}).status_code == 201
    row = Subscription.objects.get()
    assert (row.api.resource_id if row.api else "") == api


@pytest.mark.parametrize(
    ("scope", "words"),
    [
        ("", "A subscription is to APIs here: use /apis for all of them, or /apis/{apiId} for one."),
        ("/", "A subscription is to APIs here"),
        (SERVICE_PATH, "A subscription is to APIs here"),
        (f"{SERVICE_PATH}/", "A subscription is to APIs here"),
        ("/apis/bank/operations/x", "A subscription is to APIs here"),
        ("/products/starter", "There are no products here. Use /apis/{apiId} for one API"),
        (f"{SERVICE_PATH}/products/starter", "There are no products here."),
        ("/apis/nope", "There is no API with the id 'nope'."),
        (f"{_SERVICE_OF_OTHERS}/contoso/apis/bank", "This is an id of another service"),
    ],
)
def test_scopes_that_there_are_not(arm: Arm, scope: str, words: str) -> None:
    wrong = told(arm.put("/subscriptions/x", {"displayName": "x", "scope": scope}))
    assert list(wrong) == ["scope"]
    assert wrong["scope"].startswith(words)


@pytest.mark.parametrize(
    ("given", "owner"),
    [
        ("/users/alice", "alice"),
        ("Mobile team", "Mobile team"),
        (f"{SERVICE_PATH}/users/1", "1"),
        ("/users//users/x", "/users/x"),
        (None, ""),
        ("", ""),
    ],
)
def test_owners_that_clients_send(arm: Arm, given: str | None, owner: str) -> None:
    body = {"displayName": "x", "scope": "/apis", "ownerId": given}
    assert arm.put("/subscriptions/x", body).status_code == 201
    assert Subscription.objects.get().owner == owner


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({"displayName": None}, {"displayName": "This has to be of the type string."}),
        ({"displayName": " "}, {"displayName": "Enter a name of at most 100 characters."}),
        ({"displayName": "x\x07"}, {"displayName": "Use no control characters."}),
        ({"ownerId": "x" * 201}, {"ownerId": "Use at most 200 characters."}),
        ({"state": "submitted"}, {"state": "Use one of: active, suspended, cancelled."}),
        ({"state": None}, {"state": "Use one of: active, suspended, cancelled."}),
        ({"primaryKey": "short"}, {"primaryKey": "Use at least 16 characters."}),
        (
            {"primaryKey": "with space in the middle"},
            {"primaryKey": "Use 16 to 256 letters, digits and - . _ ~ for a key."},
        ),
        (
            {"primaryKey": PRIMARY, "secondaryKey": PRIMARY},
            {"secondaryKey": "Use two keys that differ from each other."},
        ),
        ({"stateComment": "why"}, {"stateComment": "A subscription has no comment here. Leave it out."}),
        (
            {"expirationDate": "2036-01-01T00:00:00Z"},
            {
                "expirationDate": "Subscriptions have no dates here but that of their creation. Leave it out, "
                "and set 'state' in time."
            },
        ),
        ({"colour": 1}, {"colour": "'colour' is no known member. Leave it out."}),
    ],
)
def test_what_is_wrong_is_told_beside_its_member(
    arm: Arm, given: dict[str, object], wrong: dict[str, str]
) -> None:
    assert told(arm.put("/subscriptions/x", {"displayName": "x", "scope": "/apis"} | given)) == wrong
    assert not Subscription.objects.exists()


def test_what_a_put_has_to_say(arm: Arm) -> None:
    assert set(told(arm.put("/subscriptions/x", {}))) == {"displayName", "scope"}
    assert (
        arm.put("/subscriptions/x", {"displayName": "x", "scope": "/apis", "endDate": None}).status_code
        == 201
    )


def test_a_key_that_another_one_has_is_refused(azure: ApiManagementClient) -> None:
    make_subscription(secondary_key=SECONDARY)
    make_subscription("Other")
    with pytest.raises(ResourceExistsError, match="Another subscription has this key"):
        azure.subscription.create_or_update(*ID, parameters(primary_key=SECONDARY))
    update = SubscriptionUpdateParameters(primary_key=SECONDARY)
    with pytest.raises(ResourceExistsError, match="Another subscription has this key"):
        azure.subscription.update(GROUP, SERVICE, "other", "*", update)
    assert len(let_in()) == 4


def test_a_key_that_cannot_be_opened_is_told_and_can_be_replaced(arm: Arm) -> None:
    row = make_subscription("Mobile", secondary_key=SECONDARY)
    update_directly(Subscription, row.key, sealed_primary_key="x")
    assert "cannot be opened" in told(arm.post("/subscriptions/mobile/listSecrets"))["keys"]
    assert arm.patch("/subscriptions/mobile", {"primaryKey": PRIMARY}, If_Match="*").status_code == 200
    assert reveal_keys(ALICE, row.key) == (PRIMARY, SECONDARY)


def test_of_two_writers_the_later_one_is_told(arm: Arm) -> None:
    row = make_subscription("Mobile")
    seen = etag_of(row.revision)
    suspend_subscription(ALICE, row.key)
    values = {"displayName": "Mine", "scope": "/apis"}
    for response in (
        arm.put("/subscriptions/mobile", values, If_Match=seen),
        arm.patch("/subscriptions/mobile", values, If_Match=seen),
        arm.delete("/subscriptions/mobile", If_Match=seen),
    ):
        assert response.status_code == 412
        assert response.json()["error"]["message"] == "Resource was modified since last retrieval."
    assert "If-Match" in told(arm.patch("/subscriptions/mobile", values))
    assert Subscription.objects.get().display_name == "Mobile"
    # what nobody sent stays, also what was changed since it was read
    arm.patch("/subscriptions/mobile", {"displayName": "Mine"}, If_Match="*")
    assert Subscription.objects.get().state == "suspended"


def test_a_reader_sees_no_key(reader_arm: Arm) -> None:
    make_subscription("Mobile")
    assert reader_arm.get("/subscriptions/mobile").status_code == 200
    refused = [
        reader_arm.post("/subscriptions/mobile/listSecrets"),
        reader_arm.post("/subscriptions/mobile/regeneratePrimaryKey"),
        reader_arm.put("/subscriptions/mobile", {"displayName": "x", "scope": "/apis"}),
        reader_arm.patch("/subscriptions/mobile", {"displayName": "x"}, If_Match="*"),
        reader_arm.delete("/subscriptions/mobile"),
    ]
    assert {response.status_code for response in refused} == {403}
    assert not AuditEntry.objects.filter(actor_kind="api").exists()


def test_a_page_takes_as_many_queries_as_an_empty_list(
    arm: Arm, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(5):
        make_subscription(f"Subscription {number}", make_api(f"API {number}"))
    with django_assert_num_queries(5):  # three of them find out who calls
        assert arm.get("/subscriptions?$top=3").json()["count"] == 5


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("name eq 'MOBILE'", {"Mobile"}),
        ("startswith(displayName,'w')", {"Web"}),
        ("state eq 'suspended'", {"Web"}),
        ("ownerId eq '/users/alice'", {"Mobile"}),
        ("ownerId eq null", {"All", "Web"}),
        (f"scope eq '{SERVICE_PATH}/apis/bank'", {"Mobile", "Web"}),
        (f"scope eq '{SERVICE_PATH}/apis'", {"All"}),
        ("endswith(scope,'/apis/BANK') and state ne 'suspended'", {"Mobile"}),
    ],
)
def test_lists_are_filtered(azure: ApiManagementClient, condition: str, found: set[str]) -> None:
    api = make_api("Bank")
    make_subscription("Mobile", api, owner="alice")
    suspend_subscription(ALICE, make_subscription("Web", api).key)
    make_subscription("All")
    assert {each.display_name for each in azure.subscription.list(GROUP, SERVICE, filter=condition)} == found


@pytest.mark.parametrize("field", ["productId", "userId", "stateComment", "primaryKey"])
def test_fields_that_lists_cannot_be_filtered_by(arm: Arm, field: str) -> None:
    wrong = told(arm.get(f"/subscriptions?$filter={field}%20eq%20'x'"))
    assert wrong["$filter"].endswith("Use one of: name, displayName, ownerId, scope, state.")
