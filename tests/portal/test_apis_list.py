"""The page APIs: what it shows, search, order, filters, pages, and how much it asks the database."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from gateway.changes import policies as policy_changes
from gateway.changes.base import change
from gateway.changes.security import BasicCredentials
from gateway.models import Api
from gateway.policies.documents import NEW_DOCUMENT
from tests.builders import ALICE, choose, make_api, make_certificate, make_operation
from tests.portal.reading import text_of

pytestmark = pytest.mark.django_db
CERTIFICATE = '<authentication-certificate certificate-id="partner-bank" />'


def names(client: Client, query: str = "") -> list[str]:
    listing = client.get(f"/apis/{query}").context["listing"]
    return [row["api"].display_name for row in listing.rows]


def write_policy(api: Api, statement: str, scope: object = None) -> None:
    with change(ALICE) as this:
        policy_changes.save_document(
            this, scope or api, NEW_DOCUMENT.replace("<base />", f"<base />{statement}", 1)
        )  # type: ignore[arg-type]


def test_an_api_is_listed_with_its_public_url_below_its_name(administrator_client: Client) -> None:
    make_api("Partner Bank")
    response = administrator_client.get("/apis/")
    assert "Partner Bank http://127.0.0.1:8080/partner-bank" in text_of(response)
    assert 'href="/apis/partner-bank/"' in response.content.decode()
    assert 'data-copy="http://127.0.0.1:8080/partner-bank"' in response.content.decode()


def test_credentials_are_said_in_words(administrator_client: Client) -> None:
    choose(make_api("A"), make_certificate("partner-bank"))
    choose(make_api("B"), BasicCredentials("svc", "secret-word"))
    make_api("C")
    page = text_of(administrator_client.get("/apis/"))
    assert "Client certificate partner-bank" in page
    assert "HTTP basic as svc" in page
    assert "secret-word" not in page
    rows = administrator_client.get("/apis/").context["listing"].rows
    assert rows[2]["credentials"].text == "None"


def test_a_certificate_named_by_its_thumbprint_is_named_by_its_id(administrator_client: Client) -> None:
    certificate = make_certificate("partner-bank")
    assert certificate.current
    write_policy(
        make_api(), f'<authentication-certificate thumbprint="{certificate.current.thumbprint.lower()}" />'
    )
    assert "Client certificate partner-bank" in text_of(administrator_client.get("/apis/"))


def test_an_empty_list_says_what_to_do(administrator_client: Client) -> None:
    page = text_of(administrator_client.get("/apis/"))
    assert "There is no API yet. Describe one" in page
    assert "Search" not in page


@pytest.mark.parametrize("query", ["bank", "PARTNER", "partner-ba", "weather bank.example", '"partner bank"'])
def test_search_finds_by_name_suffix_id_and_web_service_url(administrator_client: Client, query: str) -> None:
    make_api("Partner Bank", web_service_url="https://weather.bank.example")
    make_api("Other", web_service_url="https://other.example")
    assert names(administrator_client, f"?q={query.replace(' ', '+')}") == ["Partner Bank"]


def test_a_search_without_results_says_so_and_leads_back(administrator_client: Client) -> None:
    make_api()
    response = administrator_client.get("/apis/?q=nothing-like-it")
    assert "No results found." in text_of(response)
    assert 'href="/apis/"' in response.content.decode()


@pytest.mark.parametrize(
    ("sort", "order"),
    [("name", ["a", "B"]), ("-name", ["B", "a"]), ("suffix", ["B", "a"]), ("id", ["a", "B"])],
)
def test_the_list_is_sorted_by_name_suffix_or_id(
    administrator_client: Client, sort: str, order: list[str]
) -> None:
    make_api("a", suffix="z", resource_id="one")
    make_api("B", suffix="Y", resource_id="Two")
    assert names(administrator_client, f"?sort={sort}") == order


def test_the_filter_tells_who_presents_a_certificate(administrator_client: Client) -> None:
    certificate = make_certificate("partner-bank")
    choose(make_api("By API"), certificate)
    by_operation = make_api("By operation")
    write_policy(by_operation, CERTIFICATE, make_operation(by_operation))
    choose(make_api("Basic"), BasicCredentials("svc", "pw"))
    make_api("Nothing")
    assert names(administrator_client, "?credentials=certificate") == ["By API", "By operation"]
    assert "Operations present client certificates of their own" in text_of(
        administrator_client.get("/apis/")
    )


def test_the_filter_without_credentials_is_not_misled_by_a_comment(administrator_client: Client) -> None:
    make_certificate("partner-bank")
    make_api("Nothing")
    choose(make_api("Basic"), BasicCredentials("svc", "pw"))
    write_policy(make_api("Commented out"), f"<!-- {CERTIFICATE} -->")
    write_policy(make_api("Commented"), f"<!-- for the bank -->{CERTIFICATE}")
    assert names(administrator_client, "?credentials=none") == ["Commented out", "Nothing"]


def test_pages_keep_search_and_order(administrator_client: Client) -> None:
    for number in range(30):
        make_api(f"API {number:02}")
    response = administrator_client.get("/apis/?q=api&sort=-name&page=2")
    assert next(row["api"].display_name for row in response.context["listing"].rows) == "API 04"
    assert "?q=api&amp;sort=-name&amp;page=1" in response.content.decode()
    assert "next=%2Fapis%2F%3Fq%3Dapi%26sort%3D-name%26page%3D2" in response.content.decode()


def test_the_number_of_queries_does_not_grow_with_the_list(administrator_client: Client) -> None:
    choose(make_api("A 0"), make_certificate("c-0"))
    administrator_client.get("/apis/")
    with CaptureQueriesContext(connection) as few:
        administrator_client.get("/apis/")
    for number in range(1, 12):
        choose(make_api(f"A {number}"), make_certificate(f"c-{number}"))
    with CaptureQueriesContext(connection) as many:
        administrator_client.get("/apis/")
    assert len(many) == len(few) <= 10


def test_readers_see_the_list_and_why_they_cannot_change_it(reader_client: Client) -> None:
    make_api()
    response = reader_client.get("/apis/")
    assert "only members of the group Administrators can change it" in text_of(response)
    assert "api-add" not in response.content.decode()
    assert "/delete/" not in response.content.decode()


def test_strangers_and_anonymous_people_see_nothing(stranger_client: Client, client: Client) -> None:
    make_api()
    assert stranger_client.get("/apis/").status_code == 403
    response = client.get("/apis/")
    assert response.status_code == 302
    assert response["Location"].startswith("/sign-in/?next=/apis/")


def test_addresses_follow_a_public_url(administrator_client: Client, settings: Settings) -> None:
    settings.GATEWAY_PUBLIC_URL = "https://api.example.org"
    make_api()
    assert "https://api.example.org/partner-bank" in text_of(administrator_client.get("/apis/"))


def test_the_list_is_sorted_by_credentials_too(administrator_client: Client) -> None:
    choose(make_api("A"), BasicCredentials("svc", "pw"))
    make_api("B")
    choose(make_api("C"), make_certificate("zebra"))
    choose(make_api("D"), make_certificate("ant"))
    assert names(administrator_client, "?sort=credentials") == ["D", "C", "A", "B"]
    assert names(administrator_client, "?sort=-credentials") == ["B", "A", "C", "D"]
