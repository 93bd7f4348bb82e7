"""Add new API."""

from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import Client
from pytest_django import Settings

from gateway.changes.operations import METHODS
from gateway.models import Api
from tests.builders import make_api
from tests.portal.audit import newest_entry
from tests.portal.reading import text_of

pytestmark = pytest.mark.django_db
ADD = "/apis-add/"
GOOD = {
    "display_name": "Partner Bank",
    "web_service_url": "https://bank.example/v1",
    "suffix": "partner-bank",
    "scheme": ["http"],
    "all_operations": "on",
}


def add(client: Client, **values: Any) -> Any:
    return client.post(ADD, GOOD | values)


def errors(response: Any, field: str) -> str:
    assert response.status_code == 200
    assert not Api.objects.filter(display_name="Partner Bank").exists()
    return " ".join(response.context["form"].errors.get(field, []))


def test_the_page_has_the_products_labels(administrator_client: Client) -> None:
    page = text_of(administrator_client.get(ADD))
    assert "Add new API" in page
    for label in (
        "Web API name",
        "Web service URL",
        "Web API URL suffix",
        "Web API URL scheme",
        "HTTP",
        "HTTPs",
    ):
        assert label in page
    assert "This is what the URL is going to look like: http://127.0.0.1:8080/" in page


def test_a_saved_api_opens_its_summary_and_is_announced(administrator_client: Client) -> None:
    response = administrator_client.post(ADD, GOOD, follow=True)
    assert response.redirect_chain == [("/apis/partner-bank/", 302)]
    assert "New API “Partner Bank” was successfully saved. No gateway is running" in text_of(response)
    api = Api.objects.get()
    assert (api.web_service_url, api.suffix, api.http, api.https) == (
        "https://bank.example/v1",
        "partner-bank",
        True,
        False,
    )


def test_all_operations_is_ticked_and_adds_one_for_every_verb(administrator_client: Client) -> None:
    box = administrator_client.get(ADD).context["form"]["all_operations"]
    assert box.value() is True
    add(administrator_client)
    templates = set(Api.objects.get().operations.values_list("method", "url_template"))
    assert templates == {(method, "/*") for method in METHODS}


def test_without_all_operations_there_are_none(administrator_client: Client) -> None:
    administrator_client.post(ADD, {name: value for name, value in GOOD.items() if name != "all_operations"})
    assert Api.objects.get().operations.count() == 0


def test_subscription_required_is_ticked_and_what_is_sent_counts(administrator_client: Client) -> None:
    page = administrator_client.get(ADD)
    assert page.context["form"]["subscription_required"].value() is True
    assert "open to anyone who reaches the gateway" in text_of(page)
    add(administrator_client, subscription_required="on")
    add(administrator_client, display_name="Open", suffix="open")
    required = dict(Api.objects.values_list("display_name", "subscription_required"))
    assert required == {"Partner Bank": True, "Open": False}


def test_the_audit_log_names_who_added_what(administrator_client: Client) -> None:
    administrator_client.post(ADD, {name: value for name, value in GOOD.items() if name != "all_operations"})
    assert newest_entry() == ("alice", "created", "API", "Partner Bank")


def test_an_api_may_be_called_add(administrator_client: Client) -> None:
    add(administrator_client, display_name="Add")
    assert "APIs - Add" in text_of(administrator_client.get("/apis/add/"))


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("", "Enter the web service URL"),
        ("bank.example", "Begin the web service URL with https:// or http://"),
        ("ftp://bank.example", "must begin with https:// or http://"),
        ("https://user:secret-word@bank.example", "must not hold a user name or password"),
        ("https://bank.example/?a=1", "must not hold a query"),
        ("https://bank.example/#top", "must not hold a query (?) or a fragment"),
        ("https://", "has no host"),
        ("https://127.0.0.1", "a loopback address"),
        ("https://2130706433", "valid IPv4 address"),
        ("https://[::1]", "a loopback address"),
        ("https://localhost:9000", "a name for this machine itself"),
        ("http://169.254.169.254/latest", "a cloud metadata address"),
        ("https://169.254.1.1", "a link-local address"),
        ("https://bank.example:99999", "port"),
    ],
)
def test_a_bad_web_service_url_is_refused_on_its_field(
    administrator_client: Client, url: str, message: str
) -> None:
    response = add(administrator_client, web_service_url=url)
    assert message in errors(response, "web_service_url")
    assert message in text_of(response)


def test_a_private_address_is_allowed(administrator_client: Client) -> None:
    assert add(administrator_client, web_service_url="https://10.1.2.3").status_code == 302


def test_an_operator_can_allow_loopback(administrator_client: Client, settings: Settings) -> None:
    settings.GATEWAY_ALLOWED_BACK_END_NETWORKS = ["127.0.0.0/8"]
    assert add(administrator_client, web_service_url="https://127.0.0.1:9443").status_code == 302


@pytest.mark.parametrize(
    ("suffix", "message"),
    [
        ("/bank", "must not begin or end with a slash"),
        ("bank/", "must not begin or end with a slash"),
        ("bank//v1", "two slashes in a row"),
        ("bank?x", "must not hold '?' or '#'"),
        ("bank/../x", "'.' or '..' segments"),
        ("bänk", "must be percent-encoded"),
        ("x" * 401, "longer than 400 characters"),
        ("OTHER", "is already taken by “Other”"),
    ],
)
def test_a_bad_suffix_is_refused_on_its_field(
    administrator_client: Client, suffix: str, message: str
) -> None:
    make_api("Other", suffix="other")
    assert message in errors(add(administrator_client, suffix=suffix), "suffix")


def test_nesting_and_one_empty_suffix_are_allowed(administrator_client: Client) -> None:
    make_api("Other", suffix="partner-bank/v2")
    assert add(administrator_client).status_code == 302
    assert add(administrator_client, display_name="Root", suffix="").status_code == 302
    response = add(administrator_client, display_name="Second root", suffix="")
    assert "Only one API can do without a suffix" in text_of(response)


def test_a_name_is_needed_and_has_an_end(administrator_client: Client) -> None:
    assert "Enter a name" in errors(add(administrator_client, display_name="  "), "display_name")
    assert "at most 100" in errors(add(administrator_client, display_name="x" * 101), "display_name")


def test_a_scheme_is_needed(administrator_client: Client) -> None:
    response = add(administrator_client, scheme=[])
    assert "Tick at least one scheme" in errors(response, "scheme")


def test_everything_that_is_wrong_is_said_at_once_and_what_was_typed_stays(
    administrator_client: Client,
) -> None:
    response = administrator_client.post(
        ADD, {"display_name": "My <API>", "web_service_url": "ftp://x", "suffix": "/a", "scheme": ["http"]}
    )
    form = response.context["form"]
    assert set(form.errors) == {"web_service_url", "suffix"}
    page = response.content.decode()
    assert 'value="My &lt;API&gt;"' in page
    assert 'value="ftp://x"' in page
    assert form["all_operations"].value() is False


def scheme_boxes(response: Any) -> dict[str, tuple[bool, bool]]:
    """(ticked, disabled) of each box."""
    widgets = [box.data for box in response.context["form"]["scheme"]]
    return {data["value"]: (data["selected"], bool(data["attrs"].get("disabled"))) for data in widgets}


def test_without_tls_http_is_ticked_and_https_cannot_be(administrator_client: Client) -> None:
    response = administrator_client.get(ADD)
    assert scheme_boxes(response) == {"http": (True, False), "https": (False, True)}
    assert "HTTPs is not offered: the gateway has no TLS" in text_of(response)


def test_with_tls_https_is_ticked_and_http_cannot_be(
    administrator_client: Client, settings: Settings
) -> None:
    settings.GATEWAY_TLS_CERTIFICATE = "gateway.pem"
    response = administrator_client.get(ADD)
    assert scheme_boxes(response) == {"http": (False, True), "https": (True, False)}
    assert "HTTP is not offered: the gateway listens with TLS only" in text_of(response)
    settings.GATEWAY_PLAIN_PORT = 8081
    assert scheme_boxes(administrator_client.get(ADD)) == {"http": (False, False), "https": (True, False)}


def test_readers_are_told_why_they_cannot_add(reader_client: Client) -> None:
    for response in (reader_client.get(ADD), reader_client.post(ADD, GOOD)):
        assert response.status_code == 403
        assert "only members of the group Administrators" in text_of(response)
    assert not Api.objects.exists()


def test_an_anonymous_post_leads_to_sign_in_and_changes_nothing(client: Client) -> None:
    response = client.post(ADD, GOOD)
    assert response["Location"].startswith(f"/{django_settings.LOGIN_URL}/")
    assert not Api.objects.exists()


def test_a_post_without_a_csrf_token_is_refused(administrator_client: Client) -> None:
    administrator_client.handler.enforce_csrf_checks = True
    assert add(administrator_client).status_code == 403
    assert not Api.objects.exists()


@pytest.mark.parametrize("method", ["put", "delete", "patch"])
def test_other_methods_are_refused(administrator_client: Client, method: str) -> None:
    assert getattr(administrator_client, method)(ADD).status_code == 405
