"""Where callers reach the gateway, by its listeners and its public URL; and the preview of an API's URL."""

import pytest
from django.test import Client, RequestFactory
from django.urls import reverse
from pytest_django import Settings

from portal.gateway_urls import gateway_bases, why_not_offered
from tests.builders import make_api
from tests.portal.reading import text_of


@pytest.mark.parametrize(
    ("values", "bases"),
    [
        ({}, {"http": "http://127.0.0.1:8080"}),
        ({"PORT": 80}, {"http": "http://127.0.0.1"}),
        ({"HOST": "::1"}, {"http": "http://[::1]:8080"}),
        ({"TLS_CERTIFICATE": "c.pem"}, {"https": "https://127.0.0.1:8080"}),
        ({"TLS_CERTIFICATE": "c.pem", "PORT": 443}, {"https": "https://127.0.0.1"}),
        (
            {"TLS_CERTIFICATE": "c.pem", "PORT": 8443, "PLAIN_PORT": 8081},
            {"https": "https://127.0.0.1:8443", "http": "http://127.0.0.1:8081"},
        ),
        ({"PLAIN_PORT": 8081}, {"http": "http://127.0.0.1:8080"}),
        ({"PUBLIC_URL": "http://gw.example"}, {"http": "http://gw.example"}),
        ({"PUBLIC_URL": "https://gw.example/x"}, {"https": "https://gw.example/x"}),
        (
            {"PUBLIC_URL": "https://gw.example", "TLS_CERTIFICATE": "c.pem", "PLAIN_PORT": 8081},
            {"https": "https://gw.example", "http": "http://gw.example:8081"},
        ),
    ],
)
def test_addresses_follow_the_real_listeners(
    settings: Settings, values: dict[str, str], bases: dict[str, str]
) -> None:
    for name, value in values.items():
        setattr(settings, f"GATEWAY_{name}", value)
    assert gateway_bases() == bases
    assert all(why_not_offered(scheme) for scheme in {"http", "https"} - set(bases))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", ""])
def test_a_gateway_on_every_address_is_shown_at_the_host_of_the_portal(settings: Settings, host: str) -> None:
    settings.GATEWAY_HOST, settings.ALLOWED_HOSTS = host, ["portal.example"]
    request = RequestFactory().get("/", headers={"host": "portal.example:8000"})
    assert gateway_bases(request) == {"http": "http://portal.example:8080"}
    assert gateway_bases() == {"http": "http://127.0.0.1:8080"}


def preview(client: Client, suffix: str, **more: str) -> str:
    return text_of(client.get(reverse("api-preview"), {"suffix": suffix, "scheme": "http", **more}))


def test_the_preview_shows_the_url(administrator_client: Client) -> None:
    assert preview(administrator_client, "bank/v2") == "http://127.0.0.1:8080/bank/v2"


def test_the_preview_shows_both_schemes_where_both_are_offered(
    administrator_client: Client, settings: Settings
) -> None:
    settings.GATEWAY_TLS_CERTIFICATE, settings.GATEWAY_PLAIN_PORT = "c.pem", 8081
    shown = preview(administrator_client, "bank", scheme=["http", "https"])  # type: ignore[arg-type]
    assert shown == "https://127.0.0.1:8080/bank http://127.0.0.1:8081/bank"


def test_the_preview_says_when_a_shorter_suffix_takes_the_rest(administrator_client: Client) -> None:
    make_api("Bank", suffix="bank")
    shown = preview(administrator_client, "bank/v2")
    assert "“Bank” takes the calls below /bank. Those to /bank/v2" in shown
    assert "the longest suffix wins, by whole segments" in shown


def test_the_preview_says_when_a_longer_suffix_takes_a_part(administrator_client: Client) -> None:
    make_api("Bank v2", suffix="bank/v2")
    assert "“Bank v2” (/bank/v2) has a longer suffix" in preview(administrator_client, "bank")


@pytest.mark.parametrize("suffix", ["ban", "bank2", "Bank/v2", "other"])
def test_a_suffix_that_shares_no_whole_segment_does_not_nest(
    administrator_client: Client, suffix: str
) -> None:
    make_api("Bank", suffix="bank")
    assert preview(administrator_client, suffix) == f"http://127.0.0.1:8080/{suffix}"


def test_a_longer_suffix_in_another_case_does_not_nest(administrator_client: Client) -> None:
    make_api("Bank v2", suffix="bank/v2")
    assert preview(administrator_client, "BANK") == "http://127.0.0.1:8080/BANK"


def test_the_preview_names_three_of_many_longer_suffixes(administrator_client: Client) -> None:
    for number in range(5):
        make_api(f"V{number}", suffix=f"bank/v{number}")
    shown = preview(administrator_client, "bank")
    assert "“V2” (/bank/v2) and others have longer suffixes" in shown
    assert "V3" not in shown


def test_the_preview_says_when_a_suffix_is_taken_but_not_by_the_api_itself(
    administrator_client: Client,
) -> None:
    make_api("Bank", suffix="bank")
    assert "already taken by “Bank”" in preview(administrator_client, "BANK")
    assert "taken" not in preview(administrator_client, "bank", own_id="bank")


def test_the_preview_explains_an_empty_suffix(administrator_client: Client) -> None:
    assert "every call that no other API's suffix is for" in preview(administrator_client, "")


def test_the_preview_is_for_people_with_a_role(stranger_client: Client, reader_client: Client) -> None:
    assert stranger_client.get(reverse("api-preview")).status_code == 403
    assert reader_client.get(reverse("api-preview")).status_code == 200
