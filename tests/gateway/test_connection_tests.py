"""Tests of connections: who makes them, and what whoever asked is told when nobody does."""

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from gateway import connection_tests, records
from gateway import records_connection_tests as orders
from gateway.connection_tests import ConnectionOrder, NotMade, ask
from gateway.models import ConnectionTest
from gateway.probing.report import Report
from tests.arrange import update_directly
from tests.bank import Bank, open_bank
from tests.builders import renew

LOOPBACK = ["127.0.0.0/8", "::1/128"]


# --- without a gateway that runs; tests.gateway.test_process_and_portal has one ---------------------------------
@pytest.fixture
def bank(db: None, settings: Any) -> Iterator[Bank]:
    settings.GATEWAY_ALLOWED_BACK_END_NETWORKS = LOOPBACK
    with open_bank() as bank:
        yield bank


def order_of(bank: Bank, **more: Any) -> ConnectionOrder:
    values = {"certificate": bank.certificate.key, "ca_certificates": (bank.ca.key,), "public_cas": False}
    return ConnectionOrder(bank.back_end.url, **{**values, **more})


def test_without_a_gateway_the_portal_makes_the_test_and_says_so(bank: Bank) -> None:
    report = ask(order_of(bank))
    assert (report.verdict, report.certificate) == ("accepted", "partner-bank")
    assert report.made_by == "the portal itself, because no gateway is running"
    assert not ConnectionTest.objects.exists()


def test_a_version_that_is_not_in_use_is_presented_when_it_is_named(bank: Bank) -> None:
    first = bank.certificate.current
    assert first
    renew(bank.certificate)  # self-signed, which this back end does not accept
    assert ask(order_of(bank)).verdict == "certificate-refused-unknown-ca"
    assert ask(order_of(bank, version=first.pk)).succeeded
    assert [seen.thumbprint for seen in bank.back_end.seen] == [first.thumbprint]


@pytest.mark.parametrize("what", ["certificate", "version", "ca_certificates"])
def test_what_was_deleted_meanwhile_is_said(bank: Bank, what: str) -> None:
    gone = (uuid4(),) if what == "ca_certificates" else uuid4()
    with pytest.raises(NotMade, match="deleted meanwhile"):
        ask(order_of(bank, **{what: gone}))
    assert not bank.back_end.connections


def test_an_order_holds_keys_and_comes_back_from_json_as_it_was(bank: Bank) -> None:
    order = order_of(bank, version=uuid4(), connect_timeout=300)
    assert ConnectionOrder.from_json(order.as_json()) == order
    assert order.seconds == 10
    bare = ConnectionOrder("https://bank.example")
    assert ConnectionOrder.from_json(bare.as_json()) == bare
    assert "BEGIN" not in str(order.as_json())


def test_only_a_few_tests_are_under_way_at_a_time(bank: Bank) -> None:
    for _ in range(connection_tests.MOST_AT_A_TIME):
        connection_tests._ROOM.acquire()
    try:
        with pytest.raises(NotMade, match="2 tests are under way already"):
            ask(order_of(bank))
    finally:
        connection_tests._ROOM.release(connection_tests.MOST_AT_A_TIME)
    assert ask(order_of(bank)).succeeded  # and one that failed gives its place back


def test_a_database_that_is_away_is_said(bank: Bank) -> None:
    def away(*_: object) -> None:
        raise OperationalError("the server closed the connection")

    with connection.execute_wrapper(away), pytest.raises(NotMade, match="database did not answer"):
        ask(order_of(bank))


# --- with a gateway that does not do its part -----------------------------------------------------------------
def test_an_order_that_nobody_takes_is_withdrawn(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_tests, "TAKEN_WITHIN", 0.1)
    records.register_gateway("busy:1")
    with pytest.raises(NotMade, match=r"No gateway had time .*busy:1"):
        ask(ConnectionOrder("https://bank.example"))
    assert not ConnectionTest.objects.exists()


@pytest.mark.parametrize("ends", [True, False])
def test_a_gateway_that_takes_an_order_and_never_answers_is_named(
    db: None, monkeypatch: pytest.MonkeyPatch, ends: bool
) -> None:
    monkeypatch.setattr(connection_tests, "_MARGIN", 0.1)
    monkeypatch.setattr(connection_tests, "_LOOKS_BETWEEN_LEASES", 3)
    monkeypatch.setattr(connection_tests, "TEST_SECONDS", 10.0 if ends else 0.2)
    waiting = [records.register_gateway("dying:1")]

    def take(execute: Any, sql: str, *rest: Any) -> Any:
        """Let the gateway take it just before it is looked for."""
        if waiting and sql.startswith("SELECT") and "gateway_connectiontest" in sql:
            lease = waiting.pop()
            assert orders.take("dying:1")
            if ends:
                records.end_gateway(lease)
        return execute(sql, *rest)

    started = time.monotonic()
    expected = "dying:1 stopped while" if ends else "dying:1 took the test and has not answered"
    with connection.execute_wrapper(take), pytest.raises(NotMade, match=expected):
        ask(ConnectionOrder("https://bank.example"))
    assert not waiting
    assert time.monotonic() - started < 8


def answering(monkeypatch: pytest.MonkeyPatch, report: dict[str, Any], after: int = 0) -> None:
    """A gateway that takes what is asked for, and answers when it was looked for so many times."""
    records.register_gateway("other:1")
    looks: list[tuple[UUID, dict[str, Any]]] = []

    def sleep(_: float) -> None:
        if not looks:
            taken = orders.take("other:1")
            assert taken
            looks.extend([taken] * (after + 1))
        elif len(looks) == 1:
            orders.answer(looks[0][0], report)
        else:
            looks.pop()

    monkeypatch.setattr(connection_tests.time, "sleep", sleep)


def test_a_gateway_whose_connect_timeout_is_longer_is_waited_for(
    db: None, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.GATEWAY_CONNECT_TIMEOUT = 0.0001
    monkeypatch.setattr(connection_tests, "_MARGIN", 0)
    answering(monkeypatch, Report("timed-out", "In time after all.", "", ()).as_json(), after=50)
    assert ask(ConnectionOrder("https://bank.example")).summary == "In time after all."


@pytest.mark.parametrize("more", [{"colour": "red"}, {"steps": [{"state": "odd", "details": []}]}])
def test_a_report_of_another_version_is_told_and_no_error(
    db: None, monkeypatch: pytest.MonkeyPatch, more: dict[str, Any]
) -> None:
    answering(monkeypatch, {**Report("accepted", "All is well.", "", ()).as_json(), **more})
    with pytest.raises(NotMade, match="another version"):
        ask(ConnectionOrder("https://bank.example"))


def test_an_order_is_taken_once_and_an_old_one_never(db: None) -> None:
    key, old = orders.ask({"url": "one"}), orders.ask({"url": "old"})
    update_directly(ConnectionTest, old, asked_at=timezone.now() - timedelta(seconds=61))
    assert orders.is_one_waiting("default")
    assert orders.take("a") == (key, {"url": "one"})
    assert orders.take("b") is None
    assert not orders.is_one_waiting("default")
    assert not orders.withdraw(key)
    orders.answer(key, {"verdict": "x"})
    assert orders.state_of(key) == ("a", {"verdict": "x"})


def test_of_two_processes_that_see_an_order_one_takes_it(db: None) -> None:
    key, others = orders.ask({}), ["other:1"]

    def come_between(execute: Any, sql: str, *rest: Any) -> Any:
        """Let another process take it just before this one would."""
        if others and sql.startswith("UPDATE"):
            assert orders.take(others.pop())
        return execute(sql, *rest)

    with connection.execute_wrapper(come_between):
        assert orders.take("late:1") is None
    assert orders.state_of(key)[0] == "other:1"


def test_tests_of_long_ago_are_removed_when_another_one_is_asked_for(db: None) -> None:
    old = orders.ask({})
    update_directly(ConnectionTest, old, asked_at=timezone.now() - timedelta(minutes=61))
    new = orders.ask({})
    assert set(ConnectionTest.objects.values_list("pk", flat=True)) == {new}
