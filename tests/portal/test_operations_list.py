"""The Operations tab's list, and deleting from it."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from gateway.changes.operations import delete_operation
from gateway.models import Operation
from tests.builders import ALICE, make_api, make_operation
from tests.portal.audit import newest_entry
from tests.portal.reading import text_of

pytestmark = pytest.mark.django_db
URL = "/apis/partner-bank/operations/"


def templates(client: Client, query: str = "") -> list[str]:
    listing = client.get(URL + query).context["listing"]
    return [f"{row['operation'].method} {row['operation'].url_template}" for row in listing.rows]


def test_an_operation_is_listed_with_verb_name_template_and_rewrite(administrator_client: Client) -> None:
    make_operation(make_api(), "/customers/{id}", rewrite_template="Customers('{ID}')", display_name="Get it")
    response = administrator_client.get(URL)
    assert "GET Get it /customers/{id} Customers('{ID}')" in text_of(response)
    assert 'href="/apis/partner-bank/operations/get-it/?next=' in response.content.decode()


def test_an_api_without_operations_says_what_that_means_and_what_to_do(administrator_client: Client) -> None:
    make_api()
    response = administrator_client.get(URL)
    assert "No results found. Without operations this API answers 404 to everything" in text_of(response)
    assert response.content.decode().count('href="/apis/partner-bank/operations-add/') == 2


def test_another_apis_operations_are_not_listed(administrator_client: Client) -> None:
    make_operation(make_api("Other"), "/other")
    make_operation(make_api(), "/own")
    assert templates(administrator_client) == ["GET /own"]


def test_search_sort_and_filter(administrator_client: Client) -> None:
    api = make_api()
    make_operation(api, "/a", "POST", display_name="Zebra")
    make_operation(api, "/b", "GET", display_name="apple")
    make_operation(api, "/c", "GET", display_name="Mango")
    assert templates(administrator_client) == ["POST /a", "GET /b", "GET /c"]
    assert templates(administrator_client, "?sort=-name") == ["POST /a", "GET /c", "GET /b"]
    assert templates(administrator_client, "?sort=verb,-template") == ["GET /c", "GET /b", "POST /a"]
    assert templates(administrator_client, "?verb=GET&q=man") == ["GET /c"]
    assert "No results found. Try fewer words" in text_of(administrator_client.get(URL + "?verb=PUT"))


def test_operations_of_one_template_are_sorted_by_verb(administrator_client: Client) -> None:
    make_api(all_operations=True)
    shown = templates(administrator_client)
    assert shown == sorted(shown)


def test_there_are_pages(administrator_client: Client) -> None:
    api = make_api()
    for number in range(26):
        make_operation(api, f"/{number:02}")
    assert templates(administrator_client, "?page=2") == ["GET /25"]


def test_the_number_of_queries_does_not_grow_with_the_list(administrator_client: Client) -> None:
    api = make_api()
    make_operation(api, "/x", rewrite_template="/y")
    administrator_client.get(URL)
    with CaptureQueriesContext(connection) as few:
        administrator_client.get(URL)
    for number in range(12):
        make_operation(api, f"/{number}", rewrite_template=f"/to/{number}")
    with CaptureQueriesContext(connection) as many:
        administrator_client.get(URL)
    assert len(many) == len(few) <= 7


def test_readers_see_the_operations_and_why_they_cannot_change_them(reader_client: Client) -> None:
    make_operation(make_api(), "/own")
    response = reader_client.get(URL)
    assert "/own" in text_of(response)
    assert "only members of the group Administrators" in text_of(response)
    assert "operations-add" not in response.content.decode()
    assert "/delete/" not in response.content.decode()


def test_deleting_asks_first_and_then_returns_to_the_list_as_it_was(administrator_client: Client) -> None:
    make_operation(make_api(), "/own", display_name="Own", rewrite_template="/x")
    url = f"{URL}own/delete/"
    page = text_of(administrator_client.get(url))
    assert "Are you sure you want to delete the operation Own of Partner Bank?" in page
    assert "GET /own" in page
    assert Operation.objects.exists()
    response = administrator_client.post(url, {"next": f"{URL}?q=o"}, follow=True)
    assert response.redirect_chain == [(f"{URL}?q=o", 302)]
    assert "The operation “Own” was deleted. No gateway is running" in text_of(response)
    assert not Operation.objects.exists()
    assert newest_entry() == ("alice", "deleted", "operation", "Own")


def test_an_operation_that_somebody_else_has_just_deleted_gives_a_message(
    administrator_client: Client,
) -> None:
    operation = make_operation(make_api(), "/own", display_name="Own")
    delete_operation(ALICE, operation.key)
    response = administrator_client.post(f"{URL}own/delete/", follow=True)
    assert response.redirect_chain == [(URL, 302)]
    assert "This operation had been deleted already." in text_of(response)


def test_readers_cannot_delete(reader_client: Client) -> None:
    make_operation(make_api(), "/own", display_name="Own")
    assert reader_client.post(f"{URL}own/delete/").status_code == 403
    assert Operation.objects.exists()


def test_an_api_without_operations_gets_all_of_them_with_one_click(administrator_client: Client) -> None:
    make_api()
    assert 'action="/apis/partner-bank/operations-add-all/"' in administrator_client.get(URL).content.decode()
    response = administrator_client.post("/apis/partner-bank/operations-add-all/", follow=True)
    assert response.redirect_chain == [(URL, 302)]
    assert "All operations were added to “Partner Bank”. No gateway is running" in text_of(response)
    assert len(templates(administrator_client)) == 8
    assert "operations-add-all" not in response.content.decode()
    again = administrator_client.post("/apis/partner-bank/operations-add-all/", follow=True)
    assert "Every HTTP verb has an operation for /* already." in text_of(again)


def test_whoever_had_to_sign_in_again_to_add_all_operations_finds_the_list(
    administrator_client: Client,
) -> None:
    make_api()
    assert administrator_client.get("/apis/partner-bank/operations-add-all/")["Location"] == URL
    assert not Operation.objects.exists()


def test_readers_cannot_add_all_operations(reader_client: Client) -> None:
    make_api()
    assert "operations-add-all" not in reader_client.get(URL).content.decode()
    assert reader_client.post("/apis/partner-bank/operations-add-all/").status_code == 403
    assert not Operation.objects.exists()


def test_after_a_deletion_the_row_beside_it_has_the_focus(administrator_client: Client) -> None:
    api = make_api()
    own, next_one = (make_operation(api, path, display_name=path[1:]) for path in ("/own", "/zebra"))
    rows = administrator_client.get(URL).context["listing"].rows
    assert [row["then"] for row in rows] == [f"operation-{next_one.key}", f"operation-{own.key}"]
    then = rows[0]["then"]
    assert f'value="{then}"' in administrator_client.get(f"{URL}own/delete/?then={then}").content.decode()
    response = administrator_client.post(
        f"{URL}own/delete/", {"next": f"{URL}?q=e", "then": then}, follow=True
    )
    assert response.redirect_chain == [(f"{URL}?q=e#{then}", 302)]
    assert f'<tr id="{then}">' in response.content.decode()
