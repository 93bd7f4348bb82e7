"""The page Properties: what it shows, search, order, filters, pages, and how much it asks the database."""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.builders import make_api, make_named_value, make_operation, use_named_value
from tests.portal.reading import link, rows, text_of

pytestmark = pytest.mark.django_db
URL = "/properties/"


def names(client: Client, query: str = "") -> list[str]:
    return [row["property"].resource_id for row in client.get(URL + query).context["listing"].rows]


def test_a_property_is_listed_with_its_value_tags_and_uses(administrator_client: Client) -> None:
    make_named_value("seconds", "30", tags=["bank", "Test"])
    make_named_value("unused", "x" * 101)
    api = make_api()
    use_named_value("seconds", None, api, make_operation(api, display_name="Get account"))
    response = administrator_client.get(URL)
    page = text_of(response)
    assert (
        "seconds 30 bank Test All APIs Partner Bank Partner Bank / Get account Edit Delete unused "
        f"{'x' * 99}… None Nothing Edit Delete"
    ) in page
    assert link(response, "seconds") == "/properties/seconds/"
    assert link(response, "Test") == "?tag=test"
    main = response.content.decode().split("<main")[1]
    for address, words in (
        ("/policies/", "All APIs"),
        ("/policies/apis/partner-bank/", "Partner Bank"),
        ("/policies/apis/partner-bank/operations/get-account/", "Partner Bank / Get account"),
    ):
        assert f'<li><a href="{address}">{words}</a></li>' in main


def test_a_secret_value_is_masked_and_can_be_shown(administrator_client: Client) -> None:
    make_named_value("partner-key", "hunter2", secret=True)
    response = administrator_client.get(URL)
    assert "partner-key •••••• Secret Show None Nothing Edit Delete" in text_of(response)
    assert 'action="/properties/partner-key/value/#value"' in response.content.decode()
    assert "hunter2" not in response.content.decode()


def test_of_many_uses_the_first_are_named_and_the_others_counted(administrator_client: Client) -> None:
    make_named_value("seconds", "30")
    use_named_value("seconds", *(make_api(f"API {number}") for number in range(5)))
    response = administrator_client.get(URL)
    assert "API 0 API 1 API 2 and 2 more Edit" in text_of(response)
    assert link(response, "and 2 more") == "/properties/seconds/#uses"


def test_an_empty_list_says_what_to_do(administrator_client: Client) -> None:
    page = text_of(administrator_client.get(URL))
    assert "There is no property yet. Add one for a password" in page
    assert "Search" not in page


@pytest.mark.parametrize(
    "query", ["partner", "PARTNER-k", "bank.example", "production", "größe", '"two words"', "partner produ"]
)
def test_search_finds_by_name_plain_value_and_tag(administrator_client: Client, query: str) -> None:
    make_named_value("partner-key", "https://bank.example", tags=["Production", "größe", "two words"])
    make_named_value("other", "hunter2", secret=True)
    assert names(administrator_client, f"?q={query}") == ["partner-key"]


def test_no_search_finds_by_a_secret_value_or_its_seal(administrator_client: Client) -> None:
    row = make_named_value(value="hunter2", secret=True)
    for query in ("hunter2", row.sealed_value[:12]):
        assert names(administrator_client, f"?q={query}") == []
    assert "No results found." in text_of(administrator_client.get(URL, {"q": "hunter2"}))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?tag=bank", ["a", "c"]),
        ("?tag=größe", ["b"]),
        ("?tag=ban", ["a", "b", "c", "d"]),  # no tag of the list
        ("?kind=secret", ["c"]),
        ("?kind=plain", ["a", "b", "d"]),
        ("?use=used", ["a", "c"]),
        ("?use=unused", ["b", "d"]),
        ("?use=used&kind=plain&tag=bank", ["a"]),
        ("?kind=nonsense", ["a", "b", "c", "d"]),
    ],
)
def test_the_filters_tell_tags_kinds_and_uses_apart(
    administrator_client: Client, query: str, found: list[str]
) -> None:
    make_named_value("a", tags=["bank"])
    make_named_value("b", tags=["größe", "bank account"])
    make_named_value("c", secret=True, tags=["one", "Bank", "two"])
    make_named_value("d")
    use_named_value("a", make_api())
    use_named_value("c", make_api("Other"))
    assert names(administrator_client, query) == found


def test_each_tag_is_offered_once_in_order_and_none_if_there_is_none(administrator_client: Client) -> None:
    make_named_value("a")
    assert "Tag" not in [shown.label for shown in administrator_client.get(URL).context["listing"].filters]
    make_named_value("b", tags=["test", "bank"])
    make_named_value("c", tags=["Bank", "größe"])
    (tag, *_) = administrator_client.get(URL).context["listing"].filters
    assert [choice.value for choice in tag.choices] == ["bank", "größe", "test"]


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("name", ["a", "B", "C"]),
        ("-name", ["C", "B", "a"]),
        ("uses", ["C", "a", "B"]),
        ("-uses", ["B", "a", "C"]),
    ],
)
def test_the_list_is_sorted_by_name_and_by_use(
    administrator_client: Client, sort: str, order: list[str]
) -> None:
    for name in ("C", "a", "B"):
        make_named_value(name)
    use_named_value("a", make_api("one"))
    use_named_value("B", make_api("two"), make_api("three"))
    assert names(administrator_client, f"?sort={sort}") == order


def test_pages_keep_search_filters_and_order(administrator_client: Client) -> None:
    for number in range(26):
        make_named_value(f"key-{number:02}", tags=["bank"])
    response = administrator_client.get(f"{URL}?q=key&tag=bank&sort=-name&page=2")
    assert rows(response) == ["key-00"]
    assert "?q=key&amp;tag=bank&amp;sort=-name&amp;page=1" in response.content.decode()


def test_the_number_of_queries_does_not_grow_with_the_list_and_no_seal_is_read(
    administrator_client: Client,
) -> None:
    make_named_value("key-0", tags=["bank"])
    use_named_value("key-0", make_api("API 0"))
    administrator_client.get(URL)
    with CaptureQueriesContext(connection) as few:
        administrator_client.get(URL)
    for number in range(1, 12):
        make_named_value(f"key-{number}", secret=True, tags=[f"tag {number}"])
        use_named_value(f"key-{number}", make_operation(make_api(f"API {number}")))
    administrator_client.get(URL)
    with CaptureQueriesContext(connection) as many:
        administrator_client.get(URL)
    assert len(many) <= len(few) + 2  # operations and their APIs
    assert "sealed" not in " ".join(query["sql"] for query in many)


def test_readers_see_the_list_and_why_they_cannot_act(reader_client: Client) -> None:
    make_named_value("partner-key", "hunter2", secret=True)
    make_named_value("seconds", "30")
    response = reader_client.get(URL)
    page = text_of(response)
    assert "only members of the group Administrators can change it" in page
    assert "partner-key •••••• Secret None Nothing seconds 30 None Nothing" in page
    main = response.content.decode().split("<main", 1)[1]
    assert not re.search(r"/(delete|value)/|properties-add|method=\"post\"", main)


def test_strangers_and_anonymous_people_see_nothing(stranger_client: Client, client: Client) -> None:
    make_named_value()
    assert stranger_client.get(URL).status_code == 403
    assert client.get(URL)["Location"] == "/sign-in/?next=/properties/"


def test_the_menu_leads_to_it_after_security(reader_client: Client) -> None:
    labels = [entry.label for entry in reader_client.get(URL).context["menu"]]
    assert labels[labels.index("Security") + 1] == "Properties"
