"""Error pages in the portal's own style that say what to do."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

pytestmark = pytest.mark.urls("tests.portal.frame_urls")

STYLE = '<header class="top-bar">'


@pytest.fixture
def quiet(administrator_client: Client) -> Client:
    administrator_client.raise_request_exception = False
    return administrator_client


def test_a_page_that_is_not_there(administrator_client: Client) -> None:
    response = administrator_client.get("/nowhere/")
    page = response.content.decode()
    assert response.status_code == 404
    assert STYLE in page
    assert "choose from the menu" in page


def test_a_page_that_is_not_there_shows_strangers_no_menu(client: Client, db: None) -> None:
    page = client.get("/nowhere/").content.decode()
    assert STYLE in page
    assert "API Management" not in page


def test_a_missing_or_old_token_says_how_to_save_what_was_entered(administrator: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(administrator)
    response = client.post("/test/note/", {"title": "mine"})
    assert response.status_code == 403
    assert "This form has expired" in response.content.decode()
    assert "Back button" in response.content.decode()


def test_a_wrong_method_names_it_and_keeps_allow(administrator_client: Client) -> None:
    response = administrator_client.delete("/help/")
    assert (response.status_code, response["Allow"]) == (405, "GET, HEAD, OPTIONS")
    assert "made with DELETE" in response.content.decode()


def test_a_busy_database_says_to_try_again(administrator_client: Client) -> None:
    response = administrator_client.get("/test/busy/")
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert "Wait a few seconds" in response.content.decode()


def test_a_failure_shows_no_detail(quiet: Client) -> None:
    response = quiet.get("/test/broken/")
    page = response.content.decode()
    assert response.status_code == 500
    assert STYLE in page
    assert "secret detail" not in page


def test_a_failure_is_shown_even_when_the_database_is_away(client: Client) -> None:
    client.raise_request_exception = False
    assert client.get("/test/broken/").status_code == 500  # no db fixture: a query would fail


def test_a_host_name_that_is_not_ours_is_refused_in_style(client: Client) -> None:
    response = client.get("/sign-in/", headers={"Host": "evil.example"})
    assert response.status_code == 400
    assert "ALLOWED_HOSTS" in response.content.decode()


def test_the_headers_of_a_page_are_strict(administrator_client: Client) -> None:
    headers = administrator_client.get("/").headers
    assert "script-src 'self'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Referrer-Policy"] == "same-origin"
