"""Send: what goes over the network, what the page says of the answer, and what is recorded of it."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from django.db import OperationalError, connection
from django.test import Client
from pytest_django import Settings

from gateway import records_traces
from gateway.changes.subscriptions import suspend_subscription
from gateway.models import AuditEntry, Trace
from portal.console import sending
from portal.views import console as view
from tests.back_end import BackEnd, Connection, Seen
from tests.builders import ALICE, make_api, make_operation, make_subscription
from tests.portal.audit import newest_entry
from tests.portal.reading import errors_beside, link, text_of

pytestmark = pytest.mark.django_db
KEY = "0123456789abcdef-primary"
URL = "/apis/partner-bank/operations/call/console/"


@pytest.fixture
def gateway(settings: Settings) -> Iterator[BackEnd]:
    """Stands where the gateway is: it keeps what came."""
    with BackEnd() as gateway:
        settings.CONSOLE_GATEWAY_URL = gateway.url
        yield gateway


def make(method: str = "GET", **subscription: Any) -> str:
    """An operation, and a subscription whose key is KEY."""
    operation = make_operation(make_api(), "/accounts/{id}", method, resource_id="call")
    row = make_subscription("Plain", operation.api, primary_key=KEY, **subscription)
    return str(row.key)


def send(client: Client, **entered: str) -> Any:
    response = client.post(URL, {"p_id": "17", "key": "none", **entered})
    assert response.status_code == 200
    return response


def test_what_was_entered_goes_to_the_gateway(administrator_client: Client, gateway: BackEnd) -> None:
    key = make("POST")
    entered = {"headers": "X-A: ä", "query": "a=b c", "body": "é\r\n", "content_type": "a/b", "key": key}
    page = send(administrator_client, **entered)
    seen = gateway.seen[0]
    assert (seen.method, seen.target) == ("POST", "/partner-bank/accounts/17?a=b%20c")
    assert seen.body == "é\n".encode()
    assert seen.values("ocp-apim-subscription-key") == [KEY]
    assert seen.values("x-a") == ["ä".encode().decode("latin-1")]
    assert seen.values("content-type") == ["a/b"]
    assert seen.values("ocp-apim-trace") == []
    assert "The answer" in text_of(page)
    assert 'id="answer" tabindex="-1" autofocus' in page.content.decode()
    assert newest_entry() == ("alice", "called an API with the key of", "subscription", "Plain")


@pytest.mark.parametrize(("key", "sent"), [("own", ["own-key"]), ("none", [])])
def test_a_reader_sends_an_own_key_or_none(
    reader_client: Client, gateway: BackEnd, key: str, sent: list[str]
) -> None:
    make()
    send(reader_client, key=key, own_key="own-key")
    assert gateway.seen[0].values("ocp-apim-subscription-key") == sent
    assert not AuditEntry.objects.filter(actor_name="bob").exists()


def test_a_second_send_is_a_second_call(reader_client: Client, gateway: BackEnd) -> None:
    make("POST")
    for _ in range(2):
        send(reader_client)
    assert len(gateway.seen) == 2
    assert reader_client.get(URL).status_code == 200
    assert len(gateway.seen) == 2


@pytest.mark.parametrize("wrong", [{"p_id": ""}, {"headers": "x"}, {"key": str(uuid4())}, {"key": "own"}])
def test_nothing_is_sent_while_something_is_wrong(
    administrator_client: Client, gateway: BackEnd, wrong: dict[str, str]
) -> None:
    make()
    assert "Nothing was sent yet" in text_of(send(administrator_client, **wrong))
    assert gateway.seen == []
    assert not AuditEntry.objects.filter(action__startswith="called").exists()


def test_a_subscription_that_is_suspended_while_one_sends_is_said_beside_its_field(
    administrator_client: Client, gateway: BackEnd, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = make()

    def meanwhile(actor: Any, row: Any, operation: Any) -> str:
        suspend_subscription(ALICE, row)
        return use_key(actor, row, operation)

    use_key = view.use_key
    monkeypatch.setattr(view, "use_key", meanwhile)
    page = send(administrator_client, key=key, query="a=b")
    assert "lets no calls of this API in now" in errors_beside(page, "key")[0]
    assert "a=b</textarea>" in page.content.decode()
    assert gateway.seen == []


def test_a_busy_database_keeps_the_call_from_being_sent(
    administrator_client: Client, gateway: BackEnd, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = make()

    def busy(*use: Any) -> str:
        raise OperationalError("database is locked")

    monkeypatch.setattr(view, "use_key", busy)
    response = administrator_client.post(URL, {"p_id": "17", "key": key})
    assert response.status_code == 503
    assert gateway.seen == []


def test_no_answer_says_why_and_loses_nothing(reader_client: Client, settings: Settings) -> None:
    make()
    with BackEnd() as gone:
        settings.CONSOLE_GATEWAY_URL = gone.url
    page = send(reader_client, query="a=b")
    assert "No gateway listens at" in text_of(page)
    assert "No answer" in text_of(page)
    assert "a=b</textarea>" in page.content.decode()


# --- traces -------------------------------------------------------------------------------------------------------
def answering_with(address: str) -> Any:
    def behave(connection: Connection, seen: Seen) -> None:
        connection.answer(b"{}", f"Ocp-Apim-Trace-Location: {address}")

    return behave


def store(key: Any) -> None:
    now = datetime.now(UTC)
    document = {"traceId": str(key), "at": now.isoformat(), "outcome": {"status": 200}, "traceEntries": {}}
    records_traces.write([Trace(key=key, at=now, api="partner-bank", content=document)])


def test_the_trace_of_the_call_is_on_the_page(administrator_client: Client, gateway: BackEnd) -> None:
    subscription, key = make(allow_tracing=True), uuid4()
    store(key)
    gateway.behave = answering_with(f"https://elsewhere.example/traces/{key}")
    page = send(administrator_client, key=subscription, trace="on")
    assert gateway.seen[0].values("ocp-apim-trace") == ["true"]
    assert "Every step" in text_of(page)
    assert "Every step" not in text_of(send(administrator_client, key=subscription))


def test_what_is_waited_for_because_of_a_call_takes_room_too(
    administrator_client: Client, gateway: BackEnd
) -> None:
    subscription, key, free = make(allow_tracing=True), uuid4(), []
    store(key)
    gateway.behave = answering_with(f"http://h/traces/{key}")

    def note(execute: Any, sql: str, *arguments: Any) -> Any:
        if "gateway_trace" in sql:
            free.append(sending._room._value)
        return execute(sql, *arguments)

    with connection.execute_wrapper(note):
        send(administrator_client, key=subscription, trace="on")
    assert free
    assert set(free) == {sending._MOST_AT_A_TIME - 1}
    assert sending._room._value == sending._MOST_AT_A_TIME


def test_no_call_is_made_when_there_is_no_room(administrator_client: Client, gateway: BackEnd) -> None:
    make()
    with ExitStack() as stack:
        for _ in range(sending._MOST_AT_A_TIME):
            stack.enter_context(sending.room())
        assert "under way already" in text_of(send(administrator_client))
    assert not gateway.seen


def test_a_trace_that_does_not_come_is_said_to_be_missing(
    administrator_client: Client, gateway: BackEnd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal.console.calling.TRACE_SECONDS", 0.05)
    subscription, key = make(allow_tracing=True), uuid4()
    gateway.behave = answering_with(f"http://h/traces/{key}")
    page = send(administrator_client, key=subscription, trace="on")
    assert "The trace is not there yet." in text_of(page)
    assert link(page, "Look again") == f"/traces/{key}/"
    gateway.behave = answering_with("http://h/nonsense")
    page = send(administrator_client, key=subscription, trace="on")
    assert "The gateway made no trace" in text_of(page)


def test_a_subscription_without_tracing_is_offered_to_be_changed(
    administrator_client: Client, gateway: BackEnd
) -> None:
    key = make()
    make_subscription("Traced", allow_tracing=True)
    page = send(administrator_client, key=key, trace="on")
    assert link(page, "Allow tracing for Plain") == "/subscriptions/plain/edit/"
    assert "Allow tracing for" not in text_of(send(administrator_client, trace="on"))
