"""Sign in, sign out, change password."""

from datetime import timedelta

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.models import User
from django.db.models import F
from django.test import Client, RequestFactory
from pytest_django import Settings

from portal.client_address import client_address
from tests.conftest import PASSWORD

GENERIC = "The user name or the password is wrong"


def sign_in(client: Client, name: str = "alice", password: str = PASSWORD, **extra: object):
    return client.post("/sign-in/", {"username": name, "password": password, **extra})


def test_the_right_password_leads_to_the_dashboard(client: Client, administrator: User) -> None:
    response = sign_in(client)
    assert (response.status_code, response["Location"]) == (302, "/")


@pytest.mark.parametrize(("name", "password"), [("alice", "opensesame"), ("nobody", PASSWORD)])
def test_a_failure_does_not_say_whether_name_or_password_is_wrong(
    client: Client, administrator: User, name: str, password: str
) -> None:
    page = sign_in(client, name, password).content.decode()
    assert GENERIC in page
    assert password not in page


def test_somebody_who_left_is_refused_in_the_same_words(client: Client, administrator: User) -> None:
    User.objects.update(is_active=False)
    assert GENERIC in sign_in(client).content.decode()


@pytest.mark.parametrize(
    "place", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:x()"]
)
def test_signing_in_leads_to_no_foreign_place(client: Client, administrator: User, place: str) -> None:
    assert sign_in(client, next=place)["Location"] == "/"


def test_signing_in_leads_back_to_where_one_wanted_to_go(client: Client, administrator: User) -> None:
    assert sign_in(client, next="/help/?x=1")["Location"] == "/help/?x=1"


def test_signing_in_changes_the_session_key(client: Client, administrator: User) -> None:
    client.get("/")
    session = client.session
    session["before"] = True
    session.save()
    client.cookies["portal_session"] = session.session_key
    before = session.session_key
    sign_in(client)
    assert client.session.session_key != before


def fail(client: Client, times: int, name: str = "alice", address: str = "203.0.113.5"):
    for _ in range(times):
        response = client.post(
            "/sign-in/",
            {"username": name, "password": "wrong"},
            REMOTE_ADDR=address,
            headers={"User-Agent": "x"},
        )
    return response


def test_the_fifth_failure_of_an_account_pauses_it_from_everywhere(
    client: Client, administrator: User
) -> None:
    for number in range(4):
        assert fail(client, 1, address=f"203.0.113.{number}").status_code == 200
    assert fail(client, 1, address="203.0.113.9").status_code == 429
    response = client.post(
        "/sign-in/", {"username": "alice", "password": PASSWORD}, REMOTE_ADDR="198.51.100.1"
    )
    assert response.status_code == 429
    assert "_auth_user_id" not in client.session


def test_failures_from_one_address_pause_it_for_every_account(client: Client, administrator: User) -> None:
    for number in range(4):
        fail(client, 1, name=f"user-{number}")
    assert fail(client, 1, name="user-5").status_code == 429
    assert sign_in(client).status_code == 302  # from another address
    paused = Client().post(
        "/sign-in/", {"username": "alice", "password": PASSWORD}, REMOTE_ADDR="203.0.113.5"
    )
    assert paused.status_code == 429


def test_the_page_of_a_pause_says_when_to_try_again(client: Client, administrator: User) -> None:
    response = fail(client, 5)
    page = response.content.decode()
    assert "Wait 10 minutes, until <time" in page
    assert "ask an administrator for a new one" in page
    assert 590 <= int(response["Retry-After"]) <= 600


def test_trying_on_does_not_make_the_pause_longer(client: Client, administrator: User) -> None:
    fail(client, 5)
    AccessAttempt.objects.update(attempt_time=F("attempt_time") - timedelta(minutes=4))
    assert 350 <= int(fail(client, 3)["Retry-After"]) <= 360


def test_after_the_pause_the_right_password_is_let_in(client: Client, administrator: User) -> None:
    fail(client, 5)
    AccessAttempt.objects.update(attempt_time=F("attempt_time") - timedelta(minutes=11))
    assert sign_in(client).status_code == 302


def test_behind_a_proxy_failures_count_by_what_the_proxy_saw(
    client: Client, administrator: User, settings: Settings
) -> None:
    settings.PORTAL_PROXY_COUNT = 1
    for number in range(5):
        response = client.post(
            "/sign-in/",
            {"username": f"user-{number}", "password": "wrong"},
            headers={"X-Forwarded-For": f"10.9.9.{number}, 203.0.113.77"},
        )
    assert response.status_code == 429
    assert set(AccessAttempt.objects.values_list("ip_address", flat=True)) == {"203.0.113.77"}


@pytest.mark.parametrize(
    ("sent", "counted"),
    [
        ("203.0.113.77:50123", "203.0.113.77"),
        ("[2001:db8::1:2:3:4]:50123", "2001:db8::"),
        ("[2001:db8::1:2:3:4]", "2001:db8::"),
        ("2001:db8::1:2:3:4", "2001:db8::"),
        ("203.0.113.77:", "127.0.0.1"),
        ("unknown", "127.0.0.1"),
    ],
)
def test_a_proxy_may_write_the_port_behind_the_address(settings: Settings, sent: str, counted: str) -> None:
    """Otherwise everybody behind it had one address, and one of them could pause the others."""
    settings.PORTAL_PROXY_COUNT = 1
    assert (
        client_address(RequestFactory().get("/", headers={"X-Forwarded-For": f"10.9.9.9, {sent}"})) == counted
    )


def test_without_a_stated_proxy_a_forwarded_address_is_not_believed(
    client: Client, administrator: User
) -> None:
    client.post("/sign-in/", {"username": "a", "password": "b"}, headers={"X-Forwarded-For": "203.0.113.77"})
    assert AccessAttempt.objects.get().ip_address == "127.0.0.1"


def test_a_subscriber_with_many_ipv6_addresses_counts_as_one(client: Client, administrator: User) -> None:
    for number in range(4):
        fail(client, 1, name=f"user-{number}", address=f"2001:db8:1:2::{number + 1}")
    assert fail(client, 1, name="user-5", address="2001:db8:1:2:ffff::1").status_code == 429


def test_no_password_is_kept_with_a_failure(client: Client, administrator: User) -> None:
    sign_in(client, password="a mistyped secret")
    attempt = AccessAttempt.objects.get()
    assert "mistyped" not in attempt.post_data + attempt.get_data


def test_the_operators_room_is_entered_by_the_same_door(client: Client, reader: User) -> None:
    response = client.get("/admin/gateway/api/", follow=True)
    assert response.redirect_chain[-1] == ("/sign-in/?next=/admin/gateway/api/", 302)
    assert sign_in(client, "bob", next="/admin/gateway/api/")["Location"] == "/admin/gateway/api/"
    assert client.get("/admin/gateway/api/").status_code == 200


def test_a_stranger_at_the_door_of_the_operators_room_is_told_so(stranger_client: Client) -> None:
    response = stranger_client.get("/admin/", follow=True)
    assert response.status_code == 403
    assert "Ask an administrator to add your account" in response.content.decode()


def test_signing_out_takes_a_post(administrator_client: Client) -> None:
    response = administrator_client.get("/sign-out/")
    assert response.status_code == 405
    assert "That cannot be done here" in response.content.decode()
    assert administrator_client.get("/").status_code == 200


def test_signing_out_ends_the_session_and_says_so(administrator_client: Client) -> None:
    page = administrator_client.post("/sign-out/", follow=True).content.decode()
    assert "You have signed out." in page
    assert administrator_client.get("/").status_code == 302


NEW = "a much better passphrase"


def change(client: Client, old: str = PASSWORD, new: str = NEW, again: str = NEW):
    return client.post(
        "/change-password/", {"old_password": old, "new_password1": new, "new_password2": again}
    )


def test_a_reader_changes_the_own_password_and_other_sessions_end(
    reader: User, reader_client: Client
) -> None:
    elsewhere = Client()
    elsewhere.force_login(reader)
    assert change(reader_client).status_code == 302
    assert "Your password was changed" in reader_client.get("/").content.decode()
    assert elsewhere.get("/").status_code == 302
    assert User.objects.get(pk=reader.pk).check_password(NEW)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"old": "wrong"}, "old_password"),
        ({"again": "something else entirely"}, "new_password2"),
        ({"new": "short", "again": "short"}, "new_password2"),
        ({"new": "123456789012", "again": "123456789012"}, "new_password2"),
    ],
)
def test_what_is_wrong_with_a_new_password_stands_on_its_field(
    administrator_client: Client, administrator: User, values: dict[str, str], field: str
) -> None:
    response = change(administrator_client, **values)
    assert response.status_code == 200
    assert list(response.context["form"].errors) == [field]
    assert f'id="id_{field}_error"' in response.content.decode()
    assert User.objects.get(pk=administrator.pk).check_password(PASSWORD)
