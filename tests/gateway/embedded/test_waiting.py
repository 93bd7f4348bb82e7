"""Waiting for back ends and callers: what it costs, and when it ends. With four threads, so that it would show."""

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace

import pytest

from gateway.embedded.record import CallRecord
from gateway.snapshot import ForwardRequest, Snapshot
from tests.back_end import BackEnd, Behaviour, Connection, Seen, show
from tests.pki import Authority, Issued
from tests.running_engine import RunningEngine, running_engine, wait_until
from tests.snapshots import HERE, merged, snapshot, trust

pytestmark = pytest.mark.wire

THREADS = 4


@pytest.fixture
def slow(server: Issued) -> Iterator[BackEnd]:
    with BackEnd(server) as back_end:
        yield back_end


@pytest.fixture
def healthy(server: Issued) -> Iterator[BackEnd]:
    with BackEnd(server) as back_end:
        yield back_end


def beside(slow: Snapshot, url: str, ca: Authority) -> Snapshot:
    """Both APIs: the slow one at /bank and a healthy one at /healthy."""
    other = snapshot(url, suffix="healthy")
    api = replace(other.apis["bank"], key="healthy", id="healthy", trust="healthy")
    operations = {
        f"healthy {key}": replace(operation, key=f"healthy {key}", api="healthy")
        for key, operation in other.operations.items()
    }
    healthy = replace(
        other,
        apis={"healthy": api},
        trusts={"healthy": replace(trust(ca), key="healthy")},
        operations=operations,
        policies={},
    )
    return merged(slow, healthy)


def hang(released: threading.Event) -> Behaviour:
    def behave(connection: Connection, seen: Seen) -> None:
        assert released.wait(20)
        show(connection, seen)

    return behave


def test_calls_that_hang_at_their_back_end_hold_no_thread(
    slow: BackEnd, healthy: BackEnd, ca: Authority
) -> None:
    released = threading.Event()
    slow.behave = hang(released)
    chosen = beside(snapshot(slow.url, trusts=trust(ca)), healthy.url, ca)
    with (
        running_engine(chosen, exchange_threads=THREADS) as gateway,
        ThreadPoolExecutor(40) as callers,
    ):
        hanging = [callers.submit(gateway.call) for _ in range(5 * THREADS)]
        wait_until(lambda: len(slow.seen) == 5 * THREADS)
        assert [gateway.call(target="/healthy/x").status for _ in range(20)] == [200] * 20
        wait_until(lambda: gateway.engine.calls == 5 * THREADS)
        released.set()
        assert [call.result().status for call in hanging] == [200] * len(hanging)
        wait_until(lambda: gateway.engine.calls == 0)


@pytest.mark.parametrize("chunked", [True, False])
def test_event_streams_hold_no_thread_between_two_events(
    slow: BackEnd, healthy: BackEnd, ca: Authority, chunked: bool
) -> None:
    go_on = threading.Event()

    def behave(connection: Connection, seen: Seen) -> None:
        framing = b"Transfer-Encoding: chunked" if chunked else b"Connection: close"
        connection.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n" + framing + b"\r\n\r\n")
        for event in (b"data: 1\n\n", b"data: 2\n\n"):
            connection.write(b"%x\r\n%b\r\n" % (len(event), event) if chunked else event)
            assert go_on.wait(20)
        connection.write(b"0\r\n\r\n" if chunked else b"")
        connection.end()

    slow.behave = behave
    chosen = beside(snapshot(slow.url, trusts=trust(ca)), healthy.url, ca)
    with running_engine(chosen, exchange_threads=THREADS) as gateway, ExitStack() as stack:
        streams = [stack.enter_context(gateway.connect()) for _ in range(5 * THREADS)]
        for stream in streams:
            stream.request("GET", "/bank/events")
        answers = [stream.getresponse() for stream in streams]
        assert [answer.read1(100) for answer in answers] == [b"data: 1\n\n"] * len(streams)
        assert [gateway.call(target="/healthy/x").status for _ in range(20)] == [200] * 20
        go_on.set()
        assert [answer.read() for answer in answers] == [b"data: 2\n\n"] * len(streams)


def test_a_back_end_that_accepts_no_connection_leaves_the_others_their_threads(
    healthy: BackEnd, ca: Authority
) -> None:
    with socket.socket() as full, ExitStack() as stack:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(3):  # what the system still takes for it; from then on it answers no SYN
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        url = f"http://localhost:{full.getsockname()[1]}"
        chosen = beside(snapshot(url, settings={"connect_timeout": 1}), healthy.url, ca)
        with (
            running_engine(chosen, exchange_threads=2 * THREADS) as gateway,
            ThreadPoolExecutor(40) as callers,
        ):
            dead = [callers.submit(gateway.call) for _ in range(3)]
            assert [gateway.call(target="/healthy/x").status for _ in range(20)] == [200] * 20
            assert not any(call.done() for call in dead)
            assert {call.result().json["code"] for call in dead} == {"back-end-timeout"}


def test_calls_beyond_the_limit_of_an_api_are_answered_503_and_others_are_served(
    slow: BackEnd, healthy: BackEnd, ca: Authority
) -> None:
    released = threading.Event()
    slow.behave = hang(released)
    chosen = beside(snapshot(slow.url, trusts=trust(ca), settings={"max_calls": 3}), healthy.url, ca)
    with running_engine(chosen) as gateway, ThreadPoolExecutor(10) as callers:
        hanging = [callers.submit(gateway.call) for _ in range(3)]
        wait_until(lambda: len(slow.seen) == 3)
        refused = gateway.call()
        assert (refused.status, refused.json["code"]) == (503, "api-busy")
        assert refused.values("retry-after") == ["1"]
        assert refused.values("gateway-error") == ["api-busy"]
        assert gateway.call(target="/healthy/x").status == 200
        released.set()
        assert {call.result().status for call in hanging} == {200}
        assert gateway.call().status == 200


def test_a_reused_connection_that_dies_while_it_is_waited_for_costs_no_call(
    slow: BackEnd, ca: Authority
) -> None:
    doomed = threading.Event()

    def behave(connection: Connection, seen: Seen) -> None:
        if seen.connection == 1 and len(slow.seen) > 1:
            doomed.wait(0.2)  # long enough that the answer is waited for without a thread
            connection.close()
        else:
            show(connection, seen)

    slow.behave = behave
    with running_engine(snapshot(slow.url, trusts=trust(ca))) as gateway:
        assert [gateway.call().status for _ in range(2)] == [200, 200]
        assert slow.connections == 2
        assert [seen.connection for seen in slow.seen] == [1, 1, 2]


@pytest.mark.parametrize(
    ("settings", "timeout"), [({"read_timeout": 1}, None), ({"total_timeout": 1}, None), ({}, 1)]
)
def test_each_deadline_ends_a_call_that_hangs(
    slow: BackEnd, ca: Authority, settings: dict[str, int], timeout: int | None
) -> None:
    released = threading.Event()
    slow.behave = hang(released)
    backend = (ForwardRequest(timeout, HERE),)
    with running_engine(snapshot(slow.url, trusts=trust(ca), settings=settings, backend=backend)) as gateway:
        answer = gateway.call()
        assert (answer.status, answer.json["code"]) == (504, "back-end-timeout")
        wait_until(lambda: gateway.engine.calls == 0)
    released.set()


@pytest.mark.parametrize("settings", [{"read_timeout": 1}, {"total_timeout": 1}])
def test_a_deadline_in_the_middle_of_an_answer_cuts_it(
    slow: BackEnd, ca: Authority, settings: dict[str, int]
) -> None:
    released = threading.Event()

    def behave(connection: Connection, seen: Seen) -> None:
        connection.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        released.wait(20)

    slow.behave = behave
    with running_engine(snapshot(slow.url, trusts=trust(ca), settings=settings)) as gateway:
        answer = gateway.raw(b"GET /bank/x HTTP/1.1\r\nHost: x\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert answer.endswith(b"\r\n\r\nhalf")
    released.set()


def test_an_answer_without_length_that_is_cut_resets_a_caller_of_http_1_0(
    slow: BackEnd, ca: Authority
) -> None:
    handed_on = threading.Event()

    def behave(connection: Connection, seen: Seen) -> None:
        connection.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")
        handed_on.wait(5)
        connection.close()

    slow.behave = behave
    with (
        running_engine(snapshot(slow.url, trusts=trust(ca))) as gateway,
        socket.create_connection(("127.0.0.1", gateway.port), timeout=5) as caller,
    ):
        caller.sendall(b"GET /bank/x HTTP/1.0\r\n\r\n")
        answer = b""
        while not answer.endswith(b"half"):
            answer += caller.recv(1000)
        assert b"chunked" not in answer.lower()
        handed_on.set()
        with pytest.raises(ConnectionResetError):
            caller.recv(1000)


def test_a_caller_that_stops_sending_its_body_is_answered_408(slow: BackEnd, ca: Authority) -> None:
    with running_engine(snapshot(slow.url, trusts=trust(ca)), patience=0.3) as gateway:
        answer = gateway.raw(b"POST /bank/x HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf")
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b'"code": "request-timeout"' in answer
        wait_until(lambda: slow.open == 0)


def test_a_caller_that_takes_nothing_of_its_answer_is_let_go(slow: BackEnd, ca: Authority) -> None:
    def behave(connection: Connection, seen: Seen) -> None:
        connection.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
        for _ in range(1000):
            connection.write(b"x" * 100_000)

    slow.behave = behave
    with (
        running_engine(snapshot(slow.url, trusts=trust(ca)), patience=0.3) as gateway,
        socket.create_connection(("127.0.0.1", gateway.port)) as caller,
    ):
        caller.sendall(b"GET /bank/x HTTP/1.1\r\nHost: x\r\n\r\n")
        wait_until(lambda: slow.connections == 1 and slow.open == 0)
        wait_until(lambda: gateway.engine.calls == 0)


@pytest.fixture
def records(slow: BackEnd, ca: Authority) -> Iterator[tuple[RunningEngine, list[CallRecord]]]:
    seen: list[CallRecord] = []
    with running_engine(snapshot(slow.url, trusts=trust(ca))) as gateway:
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


def test_who_failed_is_recorded(records: tuple[RunningEngine, list[CallRecord]], slow: BackEnd) -> None:
    gateway, seen = records
    gateway.call(target="/nowhere")
    slow.behave = lambda connection, _: connection.answer(b"", status="500 Own Failure")
    gateway.call()
    slow.behave = lambda connection, _: connection.close()
    gateway.call("POST")
    wait_until(lambda: len(seen) == 3)
    assert [(r.status, r.code, r.failed_by) for r in seen] == [
        (404, "not-found", "caller"),
        (500, "", "back end"),
        (502, "back-end-closed", "back end"),
    ]


def test_a_failing_observer_costs_no_call(
    records: tuple[RunningEngine, list[CallRecord]], caplog: pytest.LogCaptureFixture
) -> None:
    gateway, seen = records
    gateway.engine.observers.insert(0, lambda record: 1 / 0)
    assert gateway.call().status == 200
    wait_until(lambda: len(seen) == 1)
    assert "could not be recorded" in caplog.text
