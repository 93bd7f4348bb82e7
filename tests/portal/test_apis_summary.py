"""An API's Summary tab: addresses, the curl line, and warnings that lead to where they can be mended."""

import shlex
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from gateway.changes.security import Trust
from gateway.changes.subscriptions import cancel_subscription, reveal_keys, suspend_subscription
from gateway.models import Api, Subscription
from tests.builders import ALICE, choose, make_api, make_certificate, make_operation, make_subscription
from tests.portal.reading import link, text_of

pytestmark = pytest.mark.django_db
URL = "/apis/partner-bank/"
NOW = datetime.now(UTC)
CURL = ["curl", "-H", "Ocp-Apim-Subscription-Key: <your key>"]


@pytest.fixture(autouse=True)
def everything(db: None) -> Subscription:
    """One to all APIs, without which nobody could call them."""
    return make_subscription("Everything")


def concerns(client: Client) -> list[str]:
    return [concern.text for concern in client.get(URL).context["concerns"]]


def curl(client: Client) -> list[str]:
    return shlex.split(client.get(URL).context["curl"])


def test_the_page_says_how_it_is_reached_and_where_it_goes(reader_client: Client) -> None:
    api = make_api(description="For the bank", all_operations=True)
    choose(api, make_certificate("partner-bank"))
    response = reader_client.get(URL)
    page = text_of(response)
    for words in (
        "APIs - Partner Bank", "For the bank", "Public URL http://127.0.0.1:8080/partner-bank",
        "Web service URL https://bank.example", "Credentials Client certificate partner-bank", "8 operations",
        "No problems found.", "only members of the group Administrators",
    ):  # fmt: skip
        assert words in page
    assert "Subscription Required · 1 active subscription" in page
    assert curl(reader_client) == [*CURL, "http://127.0.0.1:8080/partner-bank/"]
    assert (
        'data-copy="curl -H &#x27;Ocp-Apim-Subscription-Key: &lt;your key&gt;&#x27; '
        in response.content.decode()
    )


def test_the_tabs_lead_to_the_pages_of_the_api(administrator_client: Client) -> None:
    make_api()
    tabs = administrator_client.get(URL).context["tab_bar"]
    found = [(tab.label, tab.url, tab.selected) for tab in tabs]
    assert found[:3] == [
        ("Summary", "/apis/partner-bank/", True),
        ("Settings", "/apis/partner-bank/settings/", False),
        ("Operations", "/apis/partner-bank/operations/", False),
    ]


def test_an_api_without_operations_is_said_to_answer_404(administrator_client: Client) -> None:
    make_api()
    response = administrator_client.get(URL)
    assert "This API has no operations, so it answers 404 to everything. Add an operation" in text_of(
        response
    )
    assert 'href="/apis/partner-bank/operations/">Add an operation' in response.content.decode()


@pytest.mark.parametrize(
    ("issued", "words"),
    [
        ({"not_before": NOW - timedelta(days=9), "not_after": NOW - timedelta(days=1)}, "expired on"),
        ({"not_before": NOW - timedelta(days=9), "not_after": NOW + timedelta(days=9)}, "expires on"),
        (
            {"not_before": NOW + timedelta(days=9), "not_after": NOW + timedelta(days=99)},
            "is not valid before",
        ),
    ],
)
def test_a_certificate_that_is_not_valid_for_long_is_a_warning(
    administrator_client: Client, issued: dict[str, datetime], words: str
) -> None:
    certificate = make_certificate("partner-bank", **issued)
    choose(make_api(all_operations=True), certificate)
    (concern,) = administrator_client.get(URL).context["concerns"]
    assert f"The client certificate partner-bank {words}" in concern.text
    assert concern.url == f"/security/client-certificates/{certificate.pk}/"


def test_a_back_end_without_tls_is_a_warning_that_leads_to_settings(administrator_client: Client) -> None:
    make_api(all_operations=True, web_service_url="http://bank.example")
    response = administrator_client.get(URL)
    (concern,) = response.context["concerns"]
    assert "without TLS" in concern.text
    assert concern.url == "/apis/partner-bank/settings/"


def test_validation_that_is_off_is_a_warning(administrator_client: Client) -> None:
    api = make_api(all_operations=True)
    choose(api, make_certificate(), Trust(validate_chain=False, validate_name=False))
    chain, name = concerns(administrator_client)
    assert "certificate chain is not validated" in chain
    assert "name in the back end's certificate is not validated" in name


def test_trusting_no_ca_at_all_is_a_warning(administrator_client: Client) -> None:
    choose(make_api(all_operations=True), make_certificate(), Trust(public_cas=False))
    assert concerns(administrator_client) == ["No CA is trusted for the back end, so every call fails."]


def test_an_api_with_only_a_scheme_that_is_not_offered_cannot_be_reached(
    administrator_client: Client,
) -> None:
    make_api(all_operations=True, http=False, https=True)
    response = administrator_client.get(URL)
    assert "it takes HTTPs only, and the gateway has no TLS" in response.context["concerns"][0].text
    assert response.context["curl"] == ""
    assert "None: the gateway does not offer its scheme" in text_of(response)


def test_both_addresses_are_shown_where_both_schemes_are_offered(
    administrator_client: Client, settings: Settings
) -> None:
    settings.GATEWAY_TLS_CERTIFICATE, settings.GATEWAY_PLAIN_PORT = "c.pem", 8081
    make_api()
    assert administrator_client.get(URL).context["urls"] == (
        "https://127.0.0.1:8080/partner-bank",
        "http://127.0.0.1:8081/partner-bank",
    )


@pytest.mark.parametrize(
    ("method", "template", "line"),
    [
        ("GET", "/accounts/{id}?date={date}", ["http://127.0.0.1:8080/partner-bank/accounts/1?date=1"]),
        ("GET", "/files/*", ["http://127.0.0.1:8080/partner-bank/files/"]),
        ("POST", "/it's", ["-X", "POST", "http://127.0.0.1:8080/partner-bank/it's"]),
        ("HEAD", "/", ["--head", "http://127.0.0.1:8080/partner-bank/"]),
    ],
)
def test_the_curl_line_calls_an_operation(
    administrator_client: Client, method: str, template: str, line: list[str]
) -> None:
    make_operation(make_api(), template, method)
    assert curl(administrator_client) == [*CURL, *line]


def test_the_curl_line_prefers_get(administrator_client: Client) -> None:
    api = make_api()
    make_operation(api, "/a", "DELETE")
    make_operation(api, "/z", "GET")
    make_operation(api, "/b", "GET")
    assert curl(administrator_client) == [*CURL, "http://127.0.0.1:8080/partner-bank/b"]


def test_an_api_without_a_suffix_is_called_at_the_gateway_itself(administrator_client: Client) -> None:
    make_operation(make_api(suffix=""), "/a")
    assert Api.objects.get().suffix == ""
    assert curl(administrator_client) == [*CURL, "http://127.0.0.1:8080/a"]


def test_an_open_api_is_a_warning_that_leads_to_settings_and_needs_no_key(
    administrator_client: Client,
) -> None:
    make_api(all_operations=True, subscription_required=False)
    response = administrator_client.get(URL)
    (concern,) = response.context["concerns"]
    assert "open to anyone who reaches the gateway" in concern.text
    assert (concern.url, concern.severe) == ("/apis/partner-bank/settings/", False)
    assert curl(administrator_client) == ["curl", "http://127.0.0.1:8080/partner-bank/"]
    assert "Subscription Not required" in text_of(response)
    assert "your key" not in text_of(response)


@pytest.mark.parametrize("end", [suspend_subscription, cancel_subscription])
def test_an_api_that_no_active_subscription_covers_cannot_be_called_yet(
    administrator_client: Client, reader_client: Client, everything: Subscription, end: Any
) -> None:
    make_api(all_operations=True)
    make_subscription("Elsewhere", make_api("Other"))
    end(ALICE, everything.key)
    response = administrator_client.get(URL)
    (concern,) = response.context["concerns"]
    assert "no active subscription covers it: nobody can call it yet" in concern.text
    assert concern.severe
    assert link(response, "Add a subscription") == "/subscriptions-add/?api=partner-bank"
    assert reader_client.get(URL).context["concerns"][0].url == "/subscriptions/?api=partner-bank"
    make_subscription("Own", Api.objects.get(suffix="partner-bank"))
    assert concerns(administrator_client) == []


def test_the_summary_leads_to_the_subscriptions_of_the_api(reader_client: Client) -> None:
    make_subscription("Own", make_api())
    page = reader_client.get(URL)
    assert link(page, "2 active subscriptions") == "/subscriptions/?api=partner-bank&state=active"


def test_no_key_is_in_the_curl_line(administrator_client: Client, everything: Subscription) -> None:
    make_api(all_operations=True)
    page = administrator_client.get(URL).content.decode()
    assert not [key for key in reveal_keys(ALICE, everything.key) if key in page]
