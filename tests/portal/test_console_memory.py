"""What the console remembers of the last request, for whom and where; and what it forgets."""

import json
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from gateway.changes.operations import delete_operation
from gateway.changes.subscriptions import cancel_subscription
from portal.console.memory import without_secrets
from tests.builders import ALICE, make_api, make_operation, make_subscription
from tests.portal.reading import text_of

pytestmark = pytest.mark.django_db
SECRET = "hunter2-hunter2"


def console(name: str = "call") -> str:
    return f"/apis/partner-bank/operations/{name}/console/"


def values(client: Client, name: str = "call") -> dict[str, Any]:
    form = client.get(console(name)).context["form"]
    return {field.name: field.value() for field in form}


def kept() -> str:
    """All that is in the sessions."""
    return json.dumps([row.get_decoded() for row in Session.objects.all()], ensure_ascii=False)


def test_the_last_request_of_an_operation_is_there_again(reader_client: Client, client: Client) -> None:
    make_operation(make_api(), "/accounts/{id}?kind={kind}", "POST", resource_id="call")
    entered = {
        "p_id": " a/b ", "p_kind": "x", "query": "page=2", "headers": "Accept: a/b\r\nX-A: é", "key": "none",
        "content_type": "text/plain", "body": "a\r\nb", "scheme": "http",
    }  # fmt: skip
    assert reader_client.post(console(), entered).status_code == 200
    again = values(reader_client)
    assert {name: again[name] for name in ("p_id", "p_kind", "query", "key", "content_type")} == {
        name: entered[name] for name in ("p_id", "p_kind", "query", "key", "content_type")
    }
    assert (again["headers"], again["body"]) == ("Accept: a/b\nX-A: é", "a\r\nb")
    page = text_of(reader_client.get(console()))
    assert "This is the request that you sent last." in page
    assert "POST /partner-bank/accounts/%20a%2Fb%20?kind=x&page=2 HTTP/1.1" in page


def test_what_is_not_sent_is_not_remembered(reader_client: Client) -> None:
    make_operation(make_api(), "/accounts/{id}", resource_id="call")
    reader_client.post(console(), {"p_id": "", "query": "page=2", "key": "none"})
    reader_client.post(f"{console()}preview/", {"p_id": "1", "query": "page=2", "key": "none"})
    assert "page=2" not in kept()


def test_starting_afresh_empties_it(reader_client: Client) -> None:
    make_operation(make_api(), "/accounts/{id}", resource_id="call")
    reader_client.post(console(), {"p_id": "17", "key": "none"})
    page = reader_client.post(console(), {"afresh": "1"}, follow=True)
    assert page.redirect_chain == [(console(), 302)]
    assert values(reader_client)["p_id"] is None
    assert "sent last" not in text_of(page)


def test_it_is_nobody_elses(reader_client: Client, administrator_client: Client) -> None:
    make_operation(make_api(), "/accounts/{id}", resource_id="call")
    reader_client.post(console(), {"p_id": "17", "key": "none"})
    assert values(administrator_client)["p_id"] is None


def test_no_secret_is_remembered(reader_client: Client) -> None:
    make_operation(make_api(), "/accounts/{id}/{token}", "POST", resource_id="call")
    entered = {
        "p_id": "17", "p_token": SECRET, "query": f"api_key={SECRET}\npage=2", "key": "own", "own_key": SECRET,
        "headers": f"Accept: a/b\r\nAuthorization: Bearer x\u2028{SECRET}\r\ncookie: a={SECRET}",
        "body": f'{{"user": "alice", "password": "{SECRET}"}}',
    }  # fmt: skip
    words = "token, Authorization, cookie, api_key, the body, which may hold a secret."
    assert words in text_of(reader_client.post(console(), entered))
    assert SECRET not in kept()
    again = values(reader_client)
    assert (again["p_id"], again["p_token"], again["query"], again["headers"], again["key"]) == (
        "17", None, "page=2", "Accept: a/b", "own",
    )  # fmt: skip
    assert words in text_of(reader_client.get(console()))


@pytest.mark.parametrize(
    ("body", "left_out"),
    [
        ("client_secret=x&grant=y", True), ("<Password>x</Password>", True), ("{'access_token' : 1}", True),
        ("the secret of my token", False), ('{"name": "password"}', False),
    ],
)  # fmt: skip
def test_a_body_is_left_out_for_the_names_in_it(body: str, left_out: bool) -> None:
    assert ("body" not in without_secrets({"body": body})[0]) is left_out


def test_it_is_bounded(reader_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.console.memory.MOST_OPERATIONS", 3)
    api = make_api()
    for number in range(5):
        make_operation(api, f"/a{number}", "POST", resource_id=f"o{number}")
    for number in range(4):
        reader_client.post(console(f"o{number}"), {"key": "none", "body": "é" * 8000, "query": f"q={number}"})
    assert values(reader_client, "o0")["query"] is None
    assert values(reader_client, "o1")["query"] == "q=1"
    reader_client.post(console("o1"), {"key": "none", "body": "é" * 8001, "query": "q=1"})
    reader_client.post(console("o4"), {"key": "none", "query": "q=last"})
    assert values(reader_client, "o1")["body"] is None
    assert "Not kept, because it may be secret or is too long: the body, which is too long." in text_of(
        reader_client.get(console("o1"))
    )
    assert values(reader_client, "o2")["query"] is None
    much = {f"p_{number}": "x" * 1000 for number in range(61)}
    reader_client.post(console("o3"), {"key": "none", "query": "q=3", **much})
    assert values(reader_client, "o3")["query"] is None
    assert "the request, which is too long" in text_of(reader_client.get(console("o3")))


def test_a_session_that_ended_while_one_typed_keeps_no_secret(client: Client, reader: Any) -> None:
    make_operation(make_api(), "/accounts/{id}/{token}", "POST", resource_id="call")
    client.force_login(reader)
    session = client.session
    session["session_started_at"] = session["session_seen_at"] = 1.0
    session.save()
    entered = {
        "p_id": "17", "p_token": SECRET, "key": "own", "own_key": SECRET, "content_type": "a/b", "trace": "on",
        "headers": f"Accept: a/b\nAuthorization: Bearer {SECRET}", "body": "plain",
    }  # fmt: skip
    assert client.post(console(), entered)["Location"].startswith("/sign-in/")
    assert SECRET not in kept()
    sign_in = f"/sign-in/?next={console()}"
    client.post(sign_in, {"username": "bob", "password": "correct horse battery staple"})
    response = client.get(console())
    assert "Not back, because it may be secret or is too long: token, Authorization. Enter" in text_of(
        response
    )
    again = {field.name: field.value() for field in response.context["form"]}
    assert (again["p_id"], again["headers"], again["key"]) == ("17", "Accept: a/b", "own")
    assert (again["content_type"], again["body"], again["own_key"]) == ("a/b", "plain", None)


def test_a_subscription_that_is_gone_gives_way_to_one_that_is_there(administrator_client: Client) -> None:
    api = make_api()
    make_operation(api, "/accounts", resource_id="call")
    gone, there = make_subscription("Gone"), make_subscription("There")
    administrator_client.post(console(), {"key": str(gone.key), "query": "page=2", "scheme": "http"})
    assert values(administrator_client)["key"] == str(gone.key)
    cancel_subscription(ALICE, gone.key)
    again = values(administrator_client)
    assert (again["key"], again["query"]) == (str(there.key), "page=2")
    assert "Not complete yet" not in text_of(administrator_client.get(console()))


def test_the_tab_leads_back_to_the_operation_that_was_called_last(reader_client: Client) -> None:
    def leads_to(query: str = "") -> str:
        return reader_client.get(f"/apis/partner-bank/console/{query}")["Location"]

    api = make_api()
    for name in ("first", "second", "third"):
        make_operation(api, f"/{name}", resource_id=name)
    make_operation(make_api("Other"), "/x", resource_id="x")
    for name in ("third", "second"):
        reader_client.post(console(name), {"key": "none"})
    reader_client.post("/apis/other/operations/x/console/", {"key": "none"})
    assert leads_to() == console("second")
    assert leads_to("?operation=third") == console("third")
    delete_operation(ALICE, api.operations.get(resource_id="second").key)
    assert leads_to() == console("third")
    reader_client.post(console("third"), {"afresh": "1"})
    assert leads_to() == console("first")
