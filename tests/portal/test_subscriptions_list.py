"""The page Subscriptions: what it shows, search, order, filters, pages, and how much it asks the database."""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from gateway.changes.subscriptions import cancel_subscription, suspend_subscription
from tests.builders import ALICE, make_api, make_subscription
from tests.portal.reading import link, text_of

pytestmark = pytest.mark.django_db
URL = "/subscriptions/"


def names(client: Client, query: str = "") -> list[str]:
    return [row["subscription"].display_name for row in client.get(URL + query).context["listing"].rows]


def test_a_subscription_is_listed_with_owner_scope_state_and_masked_keys(
    administrator_client: Client,
) -> None:
    make_subscription("Mobile app", make_api(), owner="Alice Ansley")
    make_subscription("Monitoring")
    response = administrator_client.get(URL)
    page = text_of(response)
    assert "Mobile app mobile-app Alice Ansley Partner Bank Active XXXX... Show Edit Cancel" in page
    assert "Monitoring monitoring (none) All APIs Active XXXX... Show Edit Cancel" in page
    assert link(response, "Mobile app") == "/subscriptions/mobile-app/"
    assert link(response, "Partner Bank") == "/apis/partner-bank/"


def test_a_cancelled_one_can_be_deleted_and_no_longer_edited(administrator_client: Client) -> None:
    cancel_subscription(ALICE, make_subscription().key)
    page = text_of(administrator_client.get(URL))
    assert "All APIs Cancelled XXXX... Show Delete" in page
    assert "Edit" not in page


def test_an_empty_list_says_what_to_do(administrator_client: Client) -> None:
    page = text_of(administrator_client.get(URL))
    assert "There is no subscription yet. Add one for whoever is to call your APIs" in page
    assert "Search" not in page


@pytest.mark.parametrize("query", ["mobile", "ANSLEY", "mobile-a", "bank", "partner-b", '"partner bank" app'])
def test_search_finds_by_name_owner_id_and_api(administrator_client: Client, query: str) -> None:
    make_subscription("Mobile app", make_api(), owner="Alice Ansley")
    make_subscription("Other", make_api("Weather"), owner="Bob")
    response = administrator_client.get(URL, {"q": query})
    assert [row["subscription"].display_name for row in response.context["listing"].rows] == ["Mobile app"]


def test_no_search_finds_by_a_key(administrator_client: Client) -> None:
    make_subscription(primary_key="k" * 32)
    assert names(administrator_client, f"?q={'k' * 32}") == []
    assert "No results found." in text_of(administrator_client.get(URL, {"q": "k" * 32}))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?state=active", ["A", "C"]),
        ("?state=suspended", ["B"]),
        ("?state=cancelled", ["D"]),
        ("?scope=all", ["B", "C"]),
        ("?scope=one", ["A", "D"]),
        ("?scope=one&state=active", ["A"]),
        ("?state=nonsense", ["A", "B", "C", "D"]),
    ],
)
def test_the_filters_tell_states_and_scopes_apart(
    administrator_client: Client, query: str, found: list[str]
) -> None:
    api = make_api()
    make_subscription("A", api)
    suspend_subscription(ALICE, make_subscription("B").key)
    make_subscription("C")
    cancel_subscription(ALICE, make_subscription("D", api).key)
    assert names(administrator_client, query) == found


def test_those_of_one_api_are_its_own_and_those_for_all(administrator_client: Client) -> None:
    bank, weather = make_api(), make_api("Weather")
    make_subscription("Own", bank)
    make_subscription("All")
    make_subscription("Other", weather)
    assert names(administrator_client, "?api=partner-bank") == ["All", "Own"]
    response = administrator_client.get(URL, {"api": "partner-bank"})
    assert '<option value="partner-bank" selected>Partner Bank</option>' in response.content.decode()
    assert link(response, "Add subscription") == "/subscriptions-add/?api=partner-bank"
    assert names(administrator_client, "?api=nothing") == ["All", "Other", "Own"]


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("name", ["a", "B", "C"]),
        ("-name", ["C", "B", "a"]),
        ("owner", ["C", "B", "a"]),
        ("scope", ["B", "C", "a"]),
        ("-scope", ["a", "C", "B"]),
        ("state,name", ["a", "B", "C"]),
        ("-state", ["C", "B", "a"]),
    ],
)
def test_the_list_is_sorted_by_every_column(
    administrator_client: Client, sort: str, order: list[str]
) -> None:
    make_subscription("a", make_api("Zebra"), owner="z")
    make_subscription("B", owner="Y")
    suspend_subscription(ALICE, make_subscription("C", make_api("ant"), owner="x").key)
    assert names(administrator_client, f"?sort={sort}") == order


def test_pages_keep_search_filter_and_order(administrator_client: Client) -> None:
    for number in range(26):
        make_subscription(f"App {number:02}")
    response = administrator_client.get(f"{URL}?q=app&state=active&sort=-name&page=2")
    assert [row["subscription"].display_name for row in response.context["listing"].rows] == ["App 00"]
    assert "?q=app&amp;state=active&amp;sort=-name&amp;page=1" in response.content.decode()


def test_the_number_of_queries_does_not_grow_with_the_list(administrator_client: Client) -> None:
    make_subscription("A 0", make_api("B 0"))
    administrator_client.get(URL)
    with CaptureQueriesContext(connection) as few:
        administrator_client.get(URL)
    for number in range(1, 12):
        make_subscription(f"A {number}", make_api(f"B {number}"))
    with CaptureQueriesContext(connection) as many:
        administrator_client.get(URL)
    assert len(many) == len(few) <= 7
    assert "sealed" not in " ".join(query["sql"] for query in many)


def test_readers_see_the_list_and_why_they_cannot_act(reader_client: Client) -> None:
    make_subscription()
    response = reader_client.get(URL)
    page = text_of(response)
    assert "only members of the group Administrators can change it" in page
    assert "Mobile app mobile-app (none) All APIs Active XXXX..." in page
    main = response.content.decode().split("<main", 1)[1]
    assert not re.search(r"/(edit|cancel|delete|keys)/|subscriptions-add|method=\"post\"", main)


def test_strangers_and_anonymous_people_see_nothing(stranger_client: Client, client: Client) -> None:
    make_subscription()
    assert stranger_client.get(URL).status_code == 403
    assert client.get(URL)["Location"] == "/sign-in/?next=/subscriptions/"


def test_the_menu_leads_to_it_after_the_apis(reader_client: Client) -> None:
    labels = [entry.label for entry in reader_client.get(URL).context["menu"]]
    assert labels[labels.index("APIs") + 1] == "Subscriptions"
    assert reverse("subscriptions") == URL
