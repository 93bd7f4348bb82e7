"""Session limits, forms that come back, caching, and errors that Django leaves without a page."""

import time

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import Settings

from portal.kept_forms import MOST_CHARACTERS
from tests.conftest import PASSWORD

pytestmark = pytest.mark.urls("tests.portal.frame_urls")

NOTE = {"title": "half written", "password": "hunter2", "revision": 7}


def age(client: Client, *, idle: float = 0, old: float = 0) -> None:
    """Make the session as if it had been used and begun so many seconds ago."""
    client.get("/help/")
    session = client.session
    session["session_seen_at"] = time.time() - idle
    session["session_started_at"] = time.time() - max(old, idle)
    session.save()


def sign_in_again(client: Client, name: str = "alice") -> None:
    assert client.post("/sign-in/", {"username": name, "password": PASSWORD}).status_code == 302


def test_a_session_that_was_idle_too_long_ends_and_says_so(administrator_client: Client) -> None:
    age(administrator_client, idle=31 * 60)
    response = administrator_client.get("/help/", follow=True)
    assert response.redirect_chain == [("/sign-in/?next=/help/", 302)]
    assert "You were signed out after 30 minutes without activity." in response.content.decode()


def test_a_session_in_use_stays(administrator_client: Client) -> None:
    age(administrator_client, idle=28 * 60)
    assert administrator_client.get("/help/").status_code == 200
    assert time.time() - administrator_client.session["session_seen_at"] < 60


def test_a_session_that_is_too_old_ends_however_busy_it_was(administrator_client: Client) -> None:
    age(administrator_client, old=12 * 3600 + 1)
    response = administrator_client.get("/help/", follow=True)
    assert "because you had signed in 12 hours ago" in response.content.decode()


def test_the_session_is_not_written_with_every_request(administrator_client: Client) -> None:
    age(administrator_client, idle=20)
    seen = administrator_client.session["session_seen_at"]
    administrator_client.get("/help/")
    assert administrator_client.session["session_seen_at"] == seen


def test_a_form_sent_after_the_limit_comes_back_without_its_secrets_and_files(
    administrator_client: Client, administrator: User
) -> None:
    age(administrator_client, idle=31 * 60)
    file = SimpleUploadedFile("key.pfx", b"private key")
    response = administrator_client.post("/test/note/", {**NOTE, "file": file})
    assert response["Location"] == "/sign-in/?next=/test/note/"
    kept = str(dict(administrator_client.session.items()))
    assert "half written" in kept
    assert "hunter2" not in kept
    assert "private key" not in kept
    sign_in_again(administrator_client)
    page = administrator_client.get("/test/note/")
    form = page.context["form"]
    assert (form["title"].value(), form["urgent"].value(), form["revision"].value()) == (
        "half written",
        False,
        "7",
    )
    assert "What you had entered is back but not saved yet" in page.content.decode()
    assert administrator_client.get("/test/note/").context["form"]["title"].value() == "theirs"


def test_a_form_does_not_come_back_to_another_person(
    administrator_client: Client, administrator: User, reader: User
) -> None:
    age(administrator_client, idle=31 * 60)
    administrator_client.post("/test/note/", NOTE)
    sign_in_again(administrator_client, "bob")
    assert administrator_client.get("/test/note/").context["form"]["title"].value() == "theirs"


def test_a_form_comes_back_on_its_own_page_only(administrator_client: Client, administrator: User) -> None:
    age(administrator_client, idle=31 * 60)
    administrator_client.post("/test/note/?of=one", NOTE)
    sign_in_again(administrator_client)
    assert administrator_client.get("/test/note/?of=two").context["form"]["title"].value() == "theirs"


def test_a_form_that_is_too_large_is_not_kept_which_is_said(
    administrator_client: Client, administrator: User
) -> None:
    age(administrator_client, idle=31 * 60)
    administrator_client.post("/test/note/", {**NOTE, "title": "x" * (MOST_CHARACTERS + 1)})
    assert "xxx" not in str(dict(administrator_client.session.items()))
    sign_in_again(administrator_client)
    page = administrator_client.get("/test/note/")
    assert "What you had entered was too long to be kept" in page.content.decode()
    assert page.context["form"]["title"].value() == "theirs"


def test_nothing_is_kept_of_a_form_from_somebody_who_never_signed_in(client: Client, db: None) -> None:
    assert client.post("/test/note/", NOTE)["Location"] == "/sign-in/?next=/test/note/"
    assert not client.cookies.get("portal_session")


def test_nothing_is_kept_of_a_form_without_its_token(administrator: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(administrator)
    age(client, idle=31 * 60)
    assert client.post("/test/note/", NOTE).status_code == 403
    assert "kept_form" not in client.session


@pytest.mark.parametrize("path", ["/", "/help/", "/sign-in/", "/nowhere/"])
def test_no_page_stays_in_a_cache(administrator_client: Client, path: str) -> None:
    assert "no-store" in administrator_client.get(path)["Cache-Control"]


def test_a_request_that_is_too_large_is_refused_before_it_is_read(
    administrator_client: Client, settings: Settings
) -> None:
    settings.REQUEST_MAX_BYTES = 3_000_000
    file = SimpleUploadedFile("big.pfx", b"x" * 3_000_001)
    response = administrator_client.post("/test/note/", {**NOTE, "file": file})
    assert response.status_code == 413
    assert "larger than 3 MB" in response.content.decode()


def test_of_a_large_file_the_form_learns_the_size_and_no_more_than_anybody_needs(
    administrator_client: Client,
) -> None:
    assert (
        _measure(administrator_client, b"x" * 20_000_000)
        == "2000000 of 20000000 bytes in InMemoryUploadedFile"
    )


def test_a_small_file_arrives_whole_and_in_memory(administrator_client: Client) -> None:
    assert _measure(administrator_client, b"abc") == "3 of 3 bytes in InMemoryUploadedFile"


def _measure(client: Client, content: bytes) -> str:
    file = SimpleUploadedFile("some.pfx", content)
    response = client.post("/test/note/", {**NOTE, "title": "measured", "file": file})
    return response.context["form"].errors["file"][0]
