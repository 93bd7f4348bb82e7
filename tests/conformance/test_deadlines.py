"""Deadlines: how long the gateway waits for a back end, and for a caller. What takes time goes on together."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple

import pytest

from tests.answer import wait_until
from tests.back_end import Connection, Seen
from tests.conformance.back_ends import BackEnds
from tests.conformance.caller import Cut, request
from tests.conformance.configuration import BODY_SECONDS
from tests.conformance.marks import failure, shows
from tests.conformance.serving import Gateway

pytestmark = pytest.mark.wire

LATE = ("impatient", "brief", "deadline", "full")
CUT = [f"/{api}/{framing}" for api in ("impatient", "brief") for framing in ("length", "chunked")]


class Slow:
    """Back ends that take their time; how is the last word of a call's path."""

    def __init__(self) -> None:
        self.released = threading.Event()

    def __call__(self, connection: Connection, seen: Seen) -> None:
        word = seen.target.rpartition("/")[2]
        behave: Callable[[Connection], None] = getattr(self, word)
        behave(connection)

    def late(self, connection: Connection) -> None:
        self.released.wait(10)
        connection.close()

    def length(self, connection: Connection) -> None:
        connection.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        self.late(connection)

    def chunked(self, connection: Connection) -> None:
        connection.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")
        self.late(connection)

    def pauses(self, connection: Connection) -> None:
        connection.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")
        time.sleep(2.3)
        connection.write(b"cd")

    def trickles(self, connection: Connection) -> None:
        connection.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n")
        for _ in range(4):
            time.sleep(0.6)
            connection.write(b"x")

    def floods(self, connection: Connection) -> None:
        connection.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        for _ in range(10_000):
            connection.write(b"x" * 100_000)


def late(gateway: Gateway, api: str) -> tuple[tuple[int, str], bool]:
    began = time.monotonic()
    failed = failure(gateway.call("POST", f"/{api}/late"))
    return failed, 0.5 < time.monotonic() - began < 6


def status_of_what_is_cut(gateway: Gateway, target: str) -> int:
    with gateway.caller(seconds=6) as caller:
        caller.send(request("GET", target))
        status, fields = caller.head()
        with pytest.raises(Cut):
            list(caller.parts("GET", status, fields))
        return status


def is_let_go(gateway: Gateway, listeners: BackEnds) -> None:
    """A caller that reads nothing; fails unless its exchange is closed."""
    plain = listeners["plain"]

    def seen() -> list[Seen]:
        return [seen for seen in listeners.seen if seen.target.endswith("/floods")]

    with gateway.caller() as caller:
        caller.send(request("GET", "/plain/floods"))
        wait_until(lambda: bool(seen()))
        wait_until(lambda: not plain.is_open(seen()[0].connection), BODY_SECONDS + 5)


class Outcomes(NamedTuple):
    """The calls by target, and what the back ends that answer late have seen."""

    calls: dict[str, Future[Any]]
    late: list[Seen]


@pytest.fixture(scope="module")
def outcomes(gateway: Gateway, listeners: BackEnds) -> Outcomes:
    """Calls to slow back ends, one beside the other, until all are over."""
    slow = Slow()
    listeners.reset()
    listeners["mutual"].behave = listeners["plain"].behave = slow
    with ThreadPoolExecutor(20) as callers:
        calls = {f"/{api}/late": callers.submit(late, gateway, api) for api in LATE}
        calls |= {target: callers.submit(status_of_what_is_cut, gateway, target) for target in CUT}
        for target in ("/deadline/pauses", "/impatient/trickles"):
            calls[target] = callers.submit(gateway.call, "GET", target)
        calls["/plain/floods"] = callers.submit(is_let_go, gateway, listeners)
    slow.released.set()
    return Outcomes(calls, [seen for seen in listeners.seen if seen.target.endswith("/late")])


@shows(
    "RFC 9110", "15.6.5", "A back end that does not answer in time is told apart, by each of the deadlines."
)
def test_a_back_end_that_is_late_is_told(outcomes: Outcomes) -> None:
    told = [(api, *outcomes.calls[f"/{api}/late"].result()) for api in LATE]
    assert told == [(api, (504, "back-end-timeout"), True) for api in LATE]
    assert len(outcomes.late) == 3


@shows("this product", "deadlines", "forward-request's timeout is for the head of the answer alone.")
def test_the_timeout_of_the_policy_is_for_the_head(outcomes: Outcomes) -> None:
    assert outcomes.calls["/deadline/pauses"].result().body == b"abcd"


@shows("this product", "deadlines", "A deadline in the middle of an answer cuts it.")
def test_a_deadline_within_an_answer_cuts_it(outcomes: Outcomes) -> None:
    assert [outcomes.calls[target].result() for target in CUT] == [200] * 4


@shows("this product", "deadlines", "An answer that goes on is not cut by the deadline between two pieces.")
def test_an_answer_that_goes_on_is_not_cut(outcomes: Outcomes) -> None:
    assert outcomes.calls["/impatient/trickles"].result().body == b"xxxx"


@shows(
    "this product",
    "deadlines",
    "A caller that takes nothing of its answer is let go, and the exchange is closed.",
)
def test_a_caller_that_takes_nothing_is_let_go(outcomes: Outcomes) -> None:
    outcomes.calls["/plain/floods"].result()


@shows(
    "RFC 9110",
    "15.5.9",
    "A caller that sends nothing more of its body is answered 408, and the exchange is closed.",
)
def test_a_caller_that_sends_nothing_more_is_told(gateway: Gateway, listeners: BackEnds) -> None:
    back_end = listeners["mutual"]
    counted = threading.Barrier(4, timeout=10)

    def told(begun: bytes) -> tuple[int, str]:
        with gateway.caller(seconds=BODY_SECONDS + 5) as caller:
            caller.send(begun)
            counted.wait()
            failed = failure(caller.final("POST"))
            assert caller.end() == "closed"
            return failed

    begun = (
        request("POST", "/open/x", "Content-Length: 10") + b"half",
        request("POST", "/open/x", "Transfer-Encoding: chunked") + b"4\r\nhalf\r\n",
        request("POST", "/open/x", "Content-Length: 10"),
    )
    with ThreadPoolExecutor(len(begun)) as callers:
        answers = [callers.submit(told, each) for each in begun]
        wait_until(lambda: b"".join(listeners.wire).count(b"half") == 2)  # two exchanges have begun
        number = back_end.open
        counted.wait()
        assert [answer.result() for answer in answers] == [(408, "request-timeout")] * 3
    wait_until(lambda: back_end.open <= number - 2)
    assert not back_end.seen
