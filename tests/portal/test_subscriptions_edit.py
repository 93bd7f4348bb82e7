"""Add subscription, and Edit."""

import re
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import User
from django.http import QueryDict
from django.test import Client, RequestFactory

from gateway.changes.apis import delete_api
from gateway.changes.subscriptions import delete_subscription, update_subscription
from gateway.models import AuditEntry, Subscription
from portal import choice
from portal.views.subscriptions import SubscriptionEdit
from tests.builders import ALICE, make_api, make_subscription
from tests.portal.audit import newest_entry
from tests.portal.reading import errors_beside, heading, text_of

pytestmark = pytest.mark.django_db
ADD = "/subscriptions-add/"
EDIT = "/subscriptions/mobile-app/edit/"


def fields(row: Subscription | None = None, **values: Any) -> dict[str, Any]:
    known = {"display_name": "Mobile app", "owner": "Alice Ansley", "api": "all"}
    return known | ({"revision": row.revision} if row else {}) | values


# --- add ----------------------------------------------------------------------------------------------------------
def test_the_form_has_the_fields_and_offers_every_api(administrator_client: Client) -> None:
    api = make_api()
    response = administrator_client.get(ADD)
    page = response.content.decode()
    assert heading(response) == "Add subscription"
    for label in ("Name", "Owner's name (optional)", "API", "Allow tracing"):
        assert label in text_of(response)
    assert '<option value="all" selected>All APIs</option>' in page
    assert f'<option value="{api.key}">Partner Bank (/partner-bank)</option>' in page
    assert "can then ask for a trace of a call" in page


def test_a_saved_one_opens_its_page_and_is_announced(administrator_client: Client) -> None:
    api = make_api()
    values = fields(api=str(api.key), allow_tracing="on")
    response = administrator_client.post(ADD, values, follow=True)
    assert response.redirect_chain == [("/subscriptions/mobile-app/", 302)]
    saved = "New subscription “Mobile app” was successfully saved. No gateway is running"
    assert saved in text_of(response)
    row = Subscription.objects.get()
    assert (row.display_name, row.owner, row.api, row.allow_tracing) == (
        "Mobile app", "Alice Ansley", api, True,
    )  # fmt: skip
    assert newest_entry() == ("alice", "created", "subscription", "Mobile app")


def test_one_for_all_apis_has_no_api(administrator_client: Client) -> None:
    administrator_client.post(ADD, fields())
    assert Subscription.objects.get().api is None


def test_the_api_of_the_address_is_chosen_already(administrator_client: Client) -> None:
    api = make_api()
    page = administrator_client.get(ADD, {"api": "partner-bank"}).content.decode()
    assert f'<option value="{api.key}" selected>' in page
    assert '<option value="all" selected>' in administrator_client.get(ADD, {"api": "x"}).content.decode()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("display_name", " ", "Enter a name for the subscription."),
        ("display_name", "x" * 101, "at most 100 characters"),
        ("owner", "x" * 201, "at most 200 characters"),
        ("api", "", "Choose an API of the list, or All APIs."),
        ("api", "no-key", "Choose an API of the list, or All APIs."),
        ("api", "00000000-0000-4000-8000-000000000000", "This API is not there any more."),
    ],
)
def test_a_bad_value_is_refused_beside_its_field(
    administrator_client: Client, name: str, value: str, message: str
) -> None:
    response = administrator_client.post(ADD, fields(**{name: value}))
    assert message in " ".join(errors_beside(response, name))
    assert 'value="Alice Ansley"' in response.content.decode() or name == "owner"
    assert not Subscription.objects.exists()


def test_without_a_scope_nobody_is_let_in_everywhere_by_mistake(administrator_client: Client) -> None:
    values = {name: value for name, value in fields().items() if name != "api"}
    assert errors_beside(administrator_client.post(ADD, values), "api")
    assert not Subscription.objects.exists()


def test_readers_are_told_why_they_cannot_add(reader_client: Client) -> None:
    for response in (reader_client.get(ADD), reader_client.post(ADD, fields())):
        assert response.status_code == 403
        assert "only members of the group Administrators" in text_of(response)
    assert not Subscription.objects.exists()


# --- edit ---------------------------------------------------------------------------------------------------------
def test_what_is_known_can_be_changed_and_the_list_is_returned_to(administrator_client: Client) -> None:
    api, row = make_api(), make_subscription(owner="Alice Ansley")
    back = "/subscriptions/?q=mobile&page=1"
    values = fields(row, display_name="Web app", api=str(api.key), next=back)
    response = administrator_client.post(EDIT, values, follow=True)
    assert response.redirect_chain == [(back, 302)]
    assert "The subscription “Web app” was saved. No gateway is running" in text_of(response)
    row.refresh_from_db()
    assert (row.display_name, row.owner, row.api, row.resource_id) == (
        "Web app", "Alice Ansley", api, "mobile-app",
    )  # fmt: skip
    assert AuditEntry.objects.latest("revision").changes == {
        "display_name": ["Mobile app", "Web app"],
        "api": ["All APIs", "Partner Bank"],
    }


def test_without_a_list_to_return_to_its_page_is_shown(administrator_client: Client) -> None:
    row = make_subscription()
    response = administrator_client.post(EDIT, fields(row, next="https://evil.example/"))
    assert response["Location"] == "/subscriptions/mobile-app/"


def test_saving_over_somebody_elses_change_shows_both_and_asks(administrator_client: Client) -> None:
    row = make_subscription(owner="Alice Ansley")
    api = make_api()
    update_subscription(ALICE, row.key, display_name="Theirs", owner="Alice Ansley", api=api.key)
    response = administrator_client.post(EDIT, fields(row, display_name="Mine", allow_tracing="on"))
    assert response.status_code == 409
    page = text_of(response)
    assert "Somebody else saved this while you were editing" in page
    assert "Name Theirs Mine" in page
    assert "API Partner Bank (/partner-bank) All APIs" in page
    assert "Allow tracing No Yes" in page
    assert "Owner's name Alice" not in page
    assert Subscription.objects.get().display_name == "Theirs"
    mine = fields(row, display_name="Mine", save_over=response.context["conflict"].revision)
    assert administrator_client.post(EDIT, mine).status_code == 302
    assert Subscription.objects.get().display_name == "Mine"


def test_a_change_during_the_request_is_shown_too(rf: RequestFactory, administrator: User) -> None:
    row = make_subscription(owner="Alice Ansley")
    view = SubscriptionEdit()
    request = rf.post(EDIT)
    request.user = administrator
    view.setup(request, subscription_id=row.resource_id)
    form = view.build_form(QueryDict(urlencode(fields(row, display_name="Mine"))))
    assert form.is_valid(), form.errors
    update_subscription(ALICE, row.key, display_name="Theirs", owner="Alice Ansley")
    differences = view.conflict(form, row.revision + 1).differences
    assert [(d.label, d.theirs, d.yours) for d in differences] == [("Name", "Theirs", "Mine")]


def test_an_api_that_was_deleted_meanwhile_takes_the_subscription_along(administrator_client: Client) -> None:
    api = make_api()
    row = make_subscription("Mobile app", api)
    delete_api(ALICE, api.key)
    response = administrator_client.post(EDIT, fields(row))
    assert response.status_code == 404
    assert "There is no subscription with the id “mobile-app”." in text_of(response)
    assert '<a href="/subscriptions/">All subscriptions</a>' in response.content.decode()


def test_one_that_is_deleted_during_the_request_is_said_to_be(
    rf: RequestFactory, administrator: User
) -> None:
    row = make_subscription()
    view = SubscriptionEdit()
    request = rf.post(EDIT, fields(row))
    request.user = administrator
    view.setup(request, subscription_id=row.resource_id)
    assert view.subscription == row  # read, before somebody else deletes it
    delete_subscription(ALICE, row.key)
    response = view.dispatch(request, subscription_id=row.resource_id)
    assert response.status_code == 404
    assert "Somebody else has just deleted it, so nothing was changed." in response.content.decode()


def test_readers_see_disabled_fields_and_why(reader_client: Client) -> None:
    row = make_subscription()
    response = reader_client.get(EDIT)
    assert all(field.disabled for field in response.context["form"].fields.values())
    assert "only members of the group Administrators" in text_of(response)
    assert ">Save<" not in response.content.decode()
    assert reader_client.post(EDIT, fields(row, display_name="Mine")).status_code == 403
    assert Subscription.objects.get().display_name == "Mobile app"


def test_no_form_holds_a_key(administrator_client: Client) -> None:
    make_subscription()
    for address in (ADD, EDIT):
        names = set(administrator_client.get(address).context["form"].fields)
        assert names <= {"display_name", "owner", "api", "allow_tracing", "revision"}


# --- more APIs than a drop-down holds -----------------------------------------------------------------------------
@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """A drop-down holds three, a search finds two."""
    monkeypatch.setattr(choice, "MOST_IN_DROP_DOWN", 3)
    monkeypatch.setattr(choice, "MOST_RESULTS", 2)


def buttons(response: Any) -> list[str]:
    return re.findall(r'<input type="radio" name="api" value="([^"]+)"', response.content.decode())


@pytest.mark.usefixtures("few")
def test_up_to_the_limit_there_is_a_drop_down_above_it_a_search(administrator_client: Client) -> None:
    for number in range(3):
        make_api(f"API {number}")
    assert '<select name="api"' in administrator_client.get(ADD).content.decode()
    make_api("One more")
    response = administrator_client.get(ADD)
    assert '<select name="api"' not in response.content.decode()
    assert len(buttons(response)) == 3
    assert "4 of 4 APIs match. The first 2 are shown" in text_of(response)


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("how", ["button", "enter key"])
def test_a_search_saves_nothing_and_loses_nothing(administrator_client: Client, how: str) -> None:
    apis = [make_api(f"API {number}") for number in range(5)]
    sought = fields(search="api-4") | ({"find": "1"} if how == "button" else {})
    response = administrator_client.post(ADD, sought)
    assert buttons(response) == ["all", str(apis[4].key)]
    assert 'value="Alice Ansley"' in response.content.decode()
    assert not Subscription.objects.exists()
    found = fields(search="api-4", searched="api-4", api=str(apis[4].key))
    assert administrator_client.post(ADD, found).status_code == 302
    assert Subscription.objects.get().api == apis[4]


@pytest.mark.usefixtures("few")
def test_the_api_that_is_chosen_stays_among_those_to_choose_from(administrator_client: Client) -> None:
    apis = [make_api(f"API {number}") for number in range(5)]
    row = make_subscription("Mobile app", apis[4])
    assert str(apis[4].key) in buttons(administrator_client.get(EDIT))
    searched = administrator_client.post(EDIT, fields(row, api=str(apis[3].key), search="0", find="1"))
    assert buttons(searched) == ["all", *(str(apis[number].key) for number in (3, 4, 0))]
    assert f'value="{apis[3].key}" checked' in re.sub(
        r" (id|required|aria-\w+)(=\"[^\"]*\")?", "", searched.content.decode()
    )


@pytest.mark.usefixtures("few")
def test_a_search_that_finds_nothing_says_what_to_do(administrator_client: Client) -> None:
    for number in range(4):
        make_api(f"API {number}")
    page = text_of(administrator_client.post(ADD, fields(search="nothing\0", find="1")))
    assert "0 of 4 APIs match “nothing”. Search for less, such as the beginning of the name." in page
