"""What observers are told of a call when it is over."""

from collections.abc import Iterator

import pytest

from gateway.embedded.record import CallRecord
from tests.back_end import BackEnd
from tests.pki import Authority, Issued
from tests.running_engine import RunningEngine, running_engine, wait_until
from tests.snapshots import snapshot, trust

pytestmark = pytest.mark.wire


@pytest.fixture
def back_end(server: Issued) -> Iterator[BackEnd]:
    with BackEnd(server) as back_end:
        yield back_end


@pytest.fixture
def records(back_end: BackEnd, ca: Authority) -> Iterator[tuple[RunningEngine, list[CallRecord]]]:
    seen: list[CallRecord] = []
    with running_engine(snapshot(back_end.url, trusts=trust(ca))) as gateway:
        gateway.engine.observers.append(seen.append)
        yield gateway, seen


def test_a_call_is_recorded_with_what_it_did(records: tuple[RunningEngine, list[CallRecord]]) -> None:
    gateway, seen = records
    gateway.call("POST", "/bank/x?secret=1", b"abc")
    answer = gateway.call()
    wait_until(lambda: len(seen) == 2)
    first, second = seen
    assert (first.method, first.path, first.api, first.operation) == ("POST", "/bank/x", "bank", "post")
    assert (first.status, first.code, first.failed_by) == (200, "", "")
    assert (first.received, second.sent) == (3, len(answer.body))
    assert (first.connected, first.reused, second.reused) == (True, False, True)
    assert 0 < first.back_end_seconds < first.seconds
    assert first.activity != second.activity


def test_who_failed_is_recorded(records: tuple[RunningEngine, list[CallRecord]], back_end: BackEnd) -> None:
    gateway, seen = records
    gateway.call(target="/nowhere")
    back_end.behave = lambda connection, _: connection.answer(b"", status="500 Own Failure")
    gateway.call()
    back_end.behave = lambda connection, _: connection.close()
    gateway.call("POST")
    wait_until(lambda: len(seen) == 3)
    assert [(r.status, r.code, r.failed_by) for r in seen] == [
        (404, "not-found", "caller"),
        (500, "", "back end"),
        (502, "back-end-closed", "back end"),
    ]


def test_a_caller_that_leaves_with_the_last_byte_has_failed_nothing(
    records: tuple[RunningEngine, list[CallRecord]], back_end: BackEnd
) -> None:
    gateway, seen = records
    back_end.behave = lambda connection, _: connection.answer(b"y" * 600000)
    for _ in range(30):
        gateway.call()
    wait_until(lambda: len(seen) == 30)
    assert {(record.failed_by, record.sent) for record in seen} == {("", 600000)}


def test_a_failing_observer_costs_no_call(
    records: tuple[RunningEngine, list[CallRecord]], caplog: pytest.LogCaptureFixture
) -> None:
    gateway, seen = records
    gateway.engine.observers.insert(0, lambda record: 1 / 0)
    assert gateway.call().status == 200
    wait_until(lambda: len(seen) == 1)
    assert "could not be recorded" in caplog.text
