"""Traces of calls: written in moments, kept for an hour, bounded, and never in the way of calls."""

import logging
import threading
import time
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from gateway import records_traces, trace_writer
from gateway.models import Trace
from gateway.trace_writer import MOST, TraceWriter
from tests.arrange import update_directly


@pytest.fixture
def writer() -> TraceWriter:
    """One whose thread does not run: a test's rows are seen by its own connection only."""
    return TraceWriter("https://portal.example")


def put(writer: TraceWriter, document: dict[str, Any] | None = None) -> UUID:
    ticket = writer.open()
    assert ticket
    writer.put(ticket, "bank", document or {})
    return ticket.key


def write(count: int, **columns: Any) -> list[Trace]:
    rows = [Trace(at=timezone.now(), api="bank", content={}) for _ in range(count)]
    records_traces.write(rows)
    return rows


def test_a_trace_is_found_at_the_address_that_the_caller_was_told(writer: TraceWriter, db: None) -> None:
    ticket = writer.open()
    assert ticket
    assert ticket.address == f"https://portal.example/traces/{ticket.key}"
    assert records_traces.find(ticket.key) is None
    writer.put(ticket, "bank", {"traceId": "x"})
    writer.write_all()
    found = records_traces.wait_for(ticket.key, 0)
    assert found
    assert (found.api, found.content) == ("bank", {"traceId": "x"})
    assert timezone.now() - found.at < timedelta(seconds=10)


@pytest.mark.parametrize("text", ["a\x00b", "a\ud800b"])
def test_what_a_database_takes_in_no_text_is_replaced(writer: TraceWriter, db: None, text: str) -> None:
    key, other = put(writer, {"data": [{text: text}], "face": "😀"}), put(writer)
    writer.write_all()
    found = records_traces.find(key)
    assert found
    assert found.content == {"data": [{"a\ufffdb": "a\ufffdb"}], "face": "😀"}
    assert records_traces.find(other)


def test_traces_of_more_than_an_hour_ago_are_not_shown_and_forgotten(db: None) -> None:
    (old,) = write(1)
    update_directly(Trace, old.key, at=timezone.now() - timedelta(minutes=61))
    assert records_traces.find(old.key) is None
    (new,) = write(1)
    records_traces.forget()
    assert set(Trace.objects.values_list("pk", flat=True)) == {new.key}


def test_only_the_newest_are_kept(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records_traces, "MOST", 3)
    rows = [row for _ in range(5) for row in write(1)]
    records_traces.forget()
    assert [row.key for row in Trace.objects.order_by("at")] == [row.key for row in rows[-3:]]


def test_a_writer_forgets_after_so_many_traces(
    writer: TraceWriter, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records_traces, "MOST", 3)
    monkeypatch.setattr(trace_writer, "_FORGET_EACH", 5)
    counts = []
    for _ in range(12):
        put(writer)
        writer.write_all()
        counts.append(Trace.objects.count())
    assert counts == [1, 2, 3, 4, 3, 4, 5, 6, 7, 3, 4, 5]


# --- never in the way of calls --------------------------------------------------------------------------------
def test_a_call_is_not_traced_when_too_many_are_or_wait_to_be_written(writer: TraceWriter, db: None) -> None:
    tickets = [writer.open() for _ in range(MOST)]
    assert all(tickets)
    assert writer.open() is None
    writer.put(tickets.pop(), "bank", {})
    assert writer.open() is None
    writer.write_all()
    assert writer.open()


def test_a_call_that_never_hands_in_its_trace_takes_no_room(writer: TraceWriter) -> None:
    for _ in range(2 * MOST):
        assert writer.open()


def test_a_trace_is_taken_once(writer: TraceWriter, db: None) -> None:
    ticket = writer.open()
    assert ticket
    writer.put(ticket, "bank", {})
    writer.put(ticket, "bank", {})
    writer.write_all()
    assert Trace.objects.count() == 1


def test_a_database_that_is_away_loses_traces_and_says_so_once(
    writer: TraceWriter, db: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(trace_writer, "connections", Kept())

    def away(*_: object) -> None:
        raise OperationalError("the server closed the connection")

    with connection.execute_wrapper(away):
        for _ in range(3):
            put(writer)
            writer.write_all()
    put(writer)
    writer.write_all()
    assert Trace.objects.count() == 1
    (said,) = (record for record in caplog.records if record.name == "gateway.trace_writer")
    assert said.levelno == logging.WARNING
    assert "the server closed the connection" in said.message


class Kept:
    """The connections of a test, which its transaction is on."""

    def close_all(self) -> None:
        """They stay open."""


def test_a_fault_of_our_own_is_logged_and_later_traces_are_written(
    writer: TraceWriter, db: None, caplog: pytest.LogCaptureFixture
) -> None:
    put(writer, {"set": {1}})
    writer.write_all()
    assert "TypeError" in caplog.text
    key = put(writer)
    writer.write_all()
    assert records_traces.find(key)


# --- the thread -----------------------------------------------------------------------------------------------
class Written:
    """Stands where rows would be written."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.batches: list[list[UUID]] = []
        self.seen = threading.Event()
        monkeypatch.setattr(records_traces, "write", self.write)

    def write(self, traces: list[Trace]) -> None:
        self.batches.append([trace.key for trace in traces])
        self.seen.set()


def test_the_thread_writes_at_once_and_what_waits_when_it_is_stopped(
    writer: TraceWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = Written(monkeypatch)
    writer.start()
    first, began = put(writer), time.monotonic()
    assert written.seen.wait(5)
    assert time.monotonic() - began < 1
    keys = [put(writer) for _ in range(5)]
    writer.stop()
    assert not writer.is_alive()
    assert [key for batch in written.batches for key in batch] == [first, *keys]


def test_a_trace_that_comes_when_the_thread_is_about_to_end_is_written(
    writer: TraceWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    written, keys = Written(monkeypatch), [put(writer)]

    class Closing:
        def close_all(self) -> None:
            """Something comes, and the process stops, after the last look at what waits."""
            if len(keys) == 1:
                keys.append(put(writer))
                writer._stopping = True

    monkeypatch.setattr(trace_writer, "connections", Closing())
    monkeypatch.setattr(trace_writer, "_LINGER_SECONDS", 0.01)
    writer.run()
    assert [key for batch in written.batches for key in batch] == keys


def test_waiting_for_a_trace_that_never_comes_ends(db: None) -> None:
    began = time.monotonic()
    assert records_traces.wait_for(uuid4(), 0.1) is None
    assert 0.1 <= time.monotonic() - began < 2
