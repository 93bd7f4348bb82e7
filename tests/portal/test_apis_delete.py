"""Deleting an API."""

import pytest
from django.test import Client

from gateway.changes.apis import delete_api
from gateway.changes.security import BasicCredentials
from gateway.models import Api, NamedValue, Operation
from tests.builders import ALICE, choose, make_api, make_subscription
from tests.portal.audit import newest_entry
from tests.portal.reading import text_of

pytestmark = pytest.mark.django_db
URL = "/apis/partner-bank/delete/"
BACK = "/apis/?q=bank&page=2"


def test_the_question_names_the_api_and_what_goes_with_it(administrator_client: Client) -> None:
    make_api(all_operations=True)
    page = text_of(administrator_client.get(URL, {"next": BACK}))
    assert "Are you sure you want to delete the API Partner Bank ?" in page
    assert "Its 8 operations, its policies and an HTTP basic password that only it uses go with it." in page
    assert "callers get 404 at http://127.0.0.1:8080/partner-bank" in page
    assert "Yes, delete it" in page
    assert "Cancel" in page
    assert Api.objects.exists()


def test_deleting_takes_everything_along_and_returns_to_the_list_as_it_was(
    administrator_client: Client,
) -> None:
    choose(make_api(all_operations=True), BasicCredentials("svc", "pw"))
    make_api("Bank two")
    response = administrator_client.post(URL, {"next": BACK}, follow=True)
    assert response.redirect_chain == [(BACK, 302)]
    assert "The API “Partner Bank” was deleted. No gateway is running" in text_of(response)
    assert [api.display_name for api in Api.objects.all()] == ["Bank two"]
    assert not Operation.objects.exists()
    assert not NamedValue.objects.exists()


def test_subscriptions_for_the_api_alone_are_said_to_go_with_it(administrator_client: Client) -> None:
    make_subscription("Mobile app", make_api())
    make_subscription("All")
    page = text_of(administrator_client.get(URL))
    assert "Its policies, 1 subscription for it alone and an HTTP basic password" in page


def test_the_audit_log_names_who_deleted_what(administrator_client: Client) -> None:
    make_api()
    administrator_client.post(URL)
    assert newest_entry() == ("alice", "deleted", "API", "Partner Bank")


def test_an_api_that_somebody_else_has_just_deleted_gives_a_message(administrator_client: Client) -> None:
    delete_api(ALICE, make_api().key)
    response = administrator_client.post(URL, {"next": BACK}, follow=True)
    assert response.redirect_chain == [(BACK, 302)]
    assert "This API had been deleted already." in text_of(response)


def test_another_sites_address_is_not_gone_to(administrator_client: Client) -> None:
    make_api()
    assert administrator_client.post(URL, {"next": "https://evil.example/"})["Location"] == "/apis/"


def test_readers_cannot_delete(reader_client: Client) -> None:
    make_api()
    assert reader_client.get(URL).status_code == 403
    assert reader_client.post(URL).status_code == 403
    assert Api.objects.exists()


def test_cancel_leads_back_to_the_summary_when_the_question_was_asked_there(
    administrator_client: Client,
) -> None:
    make_api()
    summary = administrator_client.get("/apis/partner-bank/").content.decode()
    assert f'href="{URL}?cancel=%2Fapis%2Fpartner-bank%2F"' in summary
    asked = administrator_client.get(URL, {"cancel": "/apis/partner-bank/"}).content.decode()
    assert 'href="/apis/partner-bank/">Cancel</a>' in asked
    assert (
        'href="/apis/">Cancel</a>'
        in administrator_client.get(URL, {"cancel": "//evil.example"}).content.decode()
    )


def test_after_a_deletion_the_row_beside_it_has_the_focus(administrator_client: Client) -> None:
    make_api()
    other = make_api("Zebra bank")
    then = administrator_client.get("/apis/").context["listing"].rows[0]["then"]
    assert then == f"api-{other.key}"
    assert f"&amp;then={then}" in administrator_client.get("/apis/").content.decode()
    assert f'value="{then}"' in administrator_client.get(URL, {"then": then}).content.decode()
    response = administrator_client.post(URL, {"next": BACK, "then": then})
    assert response["Location"] == f"{BACK}#{then}"


def test_what_is_no_row_is_left_out_of_the_way_back(administrator_client: Client) -> None:
    make_api()
    assert administrator_client.post(URL, {"next": BACK, "then": "x y#z"})["Location"] == BACK
