"""Who may do what."""

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from portal.roles import role_of

pytestmark = pytest.mark.urls("tests.portal.frame_urls")


def test_the_groups_give_the_roles(administrator: User, reader: User, stranger: User) -> None:
    assert [role_of(user) for user in (administrator, reader, stranger)] == ["administrator", "reader", None]


def test_a_superuser_is_an_administrator_without_any_group(db: None) -> None:
    assert role_of(User.objects.create_superuser("root")) == "administrator"


def test_nobody_and_somebody_who_left_have_no_role(administrator: User) -> None:
    administrator.is_active = False
    assert role_of(AnonymousUser()) is None
    assert role_of(administrator) is None


def test_a_member_of_both_groups_is_an_administrator(administrator: User, reader: User) -> None:
    administrator.groups.add(*reader.groups.all())
    assert role_of(User.objects.get(pk=administrator.pk)) == "administrator"


def test_the_role_is_asked_for_once(reader: User, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(1):
        assert role_of(reader) == role_of(reader) == "reader"


def test_a_stranger_is_told_to_ask_an_administrator(stranger_client: Client) -> None:
    response = stranger_client.get("/")
    assert response.status_code == 403
    assert "Ask an administrator to add your account" in response.content.decode()
    assert "Sign out" in response.content.decode()


def test_an_anonymous_person_is_sent_to_sign_in_and_back(client: Client, db: None) -> None:
    response = client.get("/help/?a=1")
    assert (response.status_code, response["Location"]) == (302, "/sign-in/?next=/help/%3Fa%3D1")


def test_a_reader_sees_a_form_but_cannot_send_it(reader_client: Client) -> None:
    page = reader_client.get("/test/note/")
    assert page.status_code == 200
    assert all(field.disabled for field in page.context["form"].fields.values())
    response = reader_client.post("/test/note/", {"title": "mine", "revision": 7})
    assert response.status_code == 403
    assert "only members of the group Administrators can change it" in response.content.decode()


def test_a_page_for_administrators_is_refused_to_a_reader_and_shown_to_an_administrator(
    reader_client: Client, administrator_client: Client
) -> None:
    assert reader_client.get("/test/administrators/").status_code == 403
    assert administrator_client.get("/test/administrators/").status_code == 200


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_every_method_that_changes_is_refused_to_a_reader(reader_client: Client, method: str) -> None:
    assert getattr(reader_client, method)("/help/").status_code == 403


def test_a_fetch_is_told_in_a_header_where_a_redirect_goes(
    administrator_client: Client, client: Client
) -> None:
    asked = {"X-Portal-Fetch": "1"}
    anonymous = client.get("/test/note/", headers=asked)
    saved = administrator_client.post("/test/note/", {"title": "mine", "revision": 7}, headers=asked)
    assert (anonymous.status_code, anonymous["X-Location"]) == (204, "/sign-in/?next=/test/note/")
    assert (saved.status_code, saved["X-Location"]) == (204, "/")
