"""Bodies on their way: passed on as they come, in constant memory, and ended when one of the two leaves."""

import threading
import time
from contextlib import ExitStack, suppress

import pytest

from tests.answer import wait_until
from tests.back_end import BackEnd, Connection, Seen
from tests.conformance.back_ends import BackEnds
from tests.conformance.caller import chunked, request
from tests.conformance.marks import shows
from tests.conformance.serving import Gateway

pytestmark = pytest.mark.wire

MEGABYTE = 1_000_000
BLOCK = bytes(range(250)) * 4000  # a megabyte
GROWTH = 20 * MEGABYTE

sizes = pytest.mark.parametrize("megabytes", [64, pytest.param(2000, marks=pytest.mark.long)])


@shows("HTML", "9.2", "Server-sent events reach the caller when they are sent.")
@pytest.mark.parametrize("framing", ["Transfer-Encoding: chunked", "Connection: close", "Content-Length: 27"])
def test_events_arrive_when_they_are_sent(gateway: Gateway, back_end: BackEnd, framing: str) -> None:
    taken = threading.Semaphore(0)

    def behave(connection: Connection, seen: Seen) -> None:
        connection.write(f"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n{framing}\r\n\r\n".encode())
        for number in range(3):
            assert taken.acquire(timeout=5)
            event = b"data: %d\n\n" % number
            connection.write(b"9\r\n%b\r\n" % event if "chunked" in framing else event)
        assert taken.acquire(timeout=5)
        connection.write(b"0\r\n\r\n" if "chunked" in framing else b"")
        if "close" in framing:
            connection.end()

    back_end.behave = behave
    with gateway.caller() as caller:
        caller.send(request("GET", "/open/events", "Accept: text/event-stream"))
        status, fields = caller.head()  # while no event was sent
        taken.release()
        parts = iter(caller.parts("GET", status, fields))
        for number in range(3):
            assert next(parts) == b"data: %d\n\n" % number  # while the back end waits
            taken.release()
        assert list(parts) == []


@shows(
    "this product",
    "streaming",
    "What a back end sends in endless tiny parts is not held back until it is much.",
)
def test_endless_tiny_parts_arrive_as_they_are_sent(gateway: Gateway, plain: BackEnd) -> None:
    ended = threading.Event()

    def behave(connection: Connection, seen: Seen) -> None:
        connection.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        with suppress(OSError):  # until the caller has gone
            while True:
                connection.write(b"1\r\nx\r\n" * 10)
        connection.close()
        ended.set()

    plain.behave = behave
    with gateway.caller(seconds=1) as caller:  # for each of them
        caller.send(request("GET", "/plain/x"))
        parts = iter(caller.parts("GET", *caller.head()))
        for _ in range(1000):
            assert next(parts)
    assert ended.wait(5)


@shows("this product", "streaming", "The parts of a body reach the back end as they come.")
@pytest.mark.parametrize("framing", ["Transfer-Encoding: chunked", "Content-Length: 8"])
def test_parts_of_a_body_are_sent_on_as_they_come(
    gateway: Gateway, listeners: BackEnds, framing: str
) -> None:
    with gateway.caller() as caller:
        caller.send(request("POST", "/open/x", framing))
        for number in range(4):
            part = b"p%d" % number
            caller.send(b"2\r\n%b\r\n" % part if "chunked" in framing else part)
            wait_until(lambda expected=part: expected in b"".join(listeners.wire))  # type: ignore[misc]
        caller.send(b"0\r\n\r\n" if "chunked" in framing else b"")
        assert caller.final("POST").status == 200
    assert listeners.seen[0].body == b"p0p1p2p3"


@shows("this product", "streaming", "A large answer to a large request arrives whole.")
def test_a_large_answer_to_a_large_request_arrives_whole(gateway: Gateway, back_end: BackEnd) -> None:
    back_end.behave = lambda connection, seen: connection.answer(seen.body)
    assert gateway.call("POST", body=BLOCK * 3).body == BLOCK * 3


# --- Those who leave ------------------------------------------------------------------------------------------


@shows(
    "this product", "leaving", "A caller that leaves before its answer ends the exchange with the back end."
)
@pytest.mark.parametrize("body", [b"", b"body"])
def test_a_caller_that_leaves_ends_the_exchange(gateway: Gateway, back_end: BackEnd, body: bytes) -> None:
    left = threading.Event()

    def behave(connection: Connection, seen: Seen) -> None:
        try:
            connection.socket.recv(1)
        finally:
            left.set()
            connection.close()

    back_end.behave = behave
    with gateway.caller() as caller:
        caller.send(request("POST", "/open/x", body=body))
        wait_until(lambda: bool(back_end.seen))
        assert not left.is_set()
    assert left.wait(3)


@shows(
    "this product", "leaving", "A caller that leaves within its answer ends the exchange with the back end."
)
@pytest.mark.parametrize("quietly", [True, False])
def test_a_caller_that_leaves_within_its_answer_ends_the_exchange(
    gateway: Gateway, back_end: BackEnd, quietly: bool
) -> None:
    left = threading.Event()

    def behave(connection: Connection, seen: Seen) -> None:
        connection.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n")
        with suppress(OSError):
            while not quietly:
                connection.write(b"1\r\nx\r\n")
            connection.socket.recv(1)
        left.set()
        connection.close()

    back_end.behave = behave
    with gateway.caller() as caller:
        caller.send(request())
        assert caller.head()[0] == 200
    assert left.wait(5)


@shows("this product", "leaving", "Callers that leave leave nothing behind: the next calls are served.")
def test_callers_that_leave_leave_nothing_behind(gateway: Gateway, plain: BackEnd) -> None:
    released = threading.Event()
    plain.behave = lambda connection, seen: (released.wait(10), connection.close())[1]
    before = plain.open
    with ExitStack() as stack:
        for _ in range(40):
            stack.enter_context(gateway.caller()).send(request("GET", "/plain/x"))
        wait_until(lambda: len(plain.seen) == 40)
    released.set()
    wait_until(lambda: plain.open <= before)
    assert gateway.call().status == 200


# --- Large bodies ---------------------------------------------------------------------------------------------


def grown(gateway: Gateway, before: dict[int, int]) -> int:
    """By how much the peak of one of the gateway's processes has grown, in bytes."""
    return max(most - before[pid] for pid, most in gateway.memory().items())


@shows("this product", "streaming", "A large body goes up in constant memory.")
@pytest.mark.parametrize("framing", ["length", "chunked"])
@sizes
def test_a_large_body_goes_up_in_constant_memory(
    gateway: Gateway, listeners: BackEnds, plain: BackEnd, megabytes: int, framing: str
) -> None:
    plain.keep_bodies = False
    plain.wire = None
    gateway.forget_memory()
    before = gateway.memory()
    field = (
        "Transfer-Encoding: chunked" if framing == "chunked" else f"Content-Length: {megabytes * MEGABYTE}"
    )
    part = chunked(BLOCK)[:-5] if framing == "chunked" else BLOCK
    try:
        with gateway.caller(seconds=30) as caller:
            caller.send(request("POST", "/plain/x", field))
            for _ in range(megabytes):
                caller.send(part)
            caller.send(b"0\r\n\r\n" if framing == "chunked" else b"")
            assert caller.final("POST").status == 200
    finally:
        plain.wire = listeners.wire
    assert grown(gateway, before) < GROWTH


@shows(
    "this product",
    "streaming",
    "A large body comes down in constant memory, and no faster than the caller takes it.",
)
@pytest.mark.parametrize("framing", ["length", "chunked"])
@sizes
def test_a_large_body_comes_down_in_constant_memory(
    gateway: Gateway, plain: BackEnd, megabytes: int, framing: str
) -> None:
    sent: list[int] = []

    def behave(connection: Connection, seen: Seen) -> None:
        field = (
            "Transfer-Encoding: chunked"
            if framing == "chunked"
            else f"Content-Length: {megabytes * MEGABYTE}"
        )
        part = chunked(BLOCK)[:-5] if framing == "chunked" else BLOCK
        connection.write(f"HTTP/1.1 200 OK\r\n{field}\r\n\r\n".encode())
        for _ in range(megabytes):
            connection.write(part)
            sent.append(MEGABYTE)
        connection.write(b"0\r\n\r\n" if framing == "chunked" else b"")

    def stuck() -> bool:
        before = len(sent)
        time.sleep(0.1)
        return len(sent) == before

    plain.behave = behave
    gateway.forget_memory()
    before = gateway.memory()
    with gateway.caller(seconds=30) as caller:
        caller.send(request("GET", "/plain/x"))
        status, fields = caller.head()
        wait_until(stuck)  # as long as the caller takes nothing, so does the gateway
        assert len(sent) < 40
        taken = 0
        for part in caller.parts("GET", status, fields):
            taken += len(part)
    assert taken == megabytes * MEGABYTE
    assert grown(gateway, before) < GROWTH
