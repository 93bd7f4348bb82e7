"""Deadlines: how long the gateway waits for a back end, and for a caller. What takes time goes on together."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.answer import wait_until
from tests.back_end import BackEnd, Connection, Seen
from tests.conformance.back_ends import BackEnds
from tests.conformance.caller import Cut, request
from tests.conformance.configuration import BODY_SECONDS
from tests.conformance.marks import failure, shows
from tests.conformance.serving import Gateway

pytestmark = pytest.mark.wire


@shows(
    "RFC 9110", "15.6.5", "A back end that does not answer in time is told apart, by each of the deadlines."
)
def test_a_back_end_that_is_late_is_told(gateway: Gateway, back_end: BackEnd) -> None:
    released = threading.Event()
    back_end.behave = lambda connection, seen: (released.wait(10), connection.close())[1]

    def late(api: str) -> tuple[str, tuple[int, str], bool]:
        began = time.monotonic()
        failed = failure(gateway.call("POST", f"/{api}/x"))
        return api, failed, 0.5 < time.monotonic() - began < 6

    apis = ("impatient", "brief", "deadline", "full")
    with ThreadPoolExecutor(len(apis)) as callers:
        told = [*callers.map(late, apis)]
    released.set()
    assert told == [(api, (504, "back-end-timeout"), True) for api in apis]
    assert len(back_end.seen) == 3


@shows("this product", "deadlines", "forward-request's timeout is for the head of the answer alone.")
def test_the_timeout_of_the_policy_is_for_the_head(gateway: Gateway, back_end: BackEnd) -> None:
    def behave(connection: Connection, seen: Seen) -> None:
        connection.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")
        time.sleep(2.3)
        connection.write(b"cd")

    back_end.behave = behave
    assert gateway.call(target="/deadline/x").body == b"abcd"


@shows("this product", "deadlines", "A deadline in the middle of an answer cuts it.")
def test_a_deadline_within_an_answer_cuts_it(gateway: Gateway, back_end: BackEnd) -> None:
    released = threading.Event()

    def behave(connection: Connection, seen: Seen) -> None:
        chunked = "chunked" in seen.target
        framing = b"Transfer-Encoding: chunked\r\n\r\n4\r\n" if chunked else b"Content-Length: 10\r\n\r\n"
        connection.write(b"HTTP/1.1 200 OK\r\n" + framing + b"half" + (b"\r\n" if chunked else b""))
        released.wait(10)
        connection.close()

    def status_of_what_is_cut(target: str) -> int:
        with gateway.caller(seconds=6) as caller:
            caller.send(request("GET", target))
            status, fields = caller.head()
            with pytest.raises(Cut):
                list(caller.parts("GET", status, fields))
            return status

    back_end.behave = behave
    targets = [f"/{api}/{framing}" for api in ("impatient", "brief") for framing in ("length", "chunked")]
    with ThreadPoolExecutor(len(targets)) as callers:
        assert [*callers.map(status_of_what_is_cut, targets)] == [200] * 4
    released.set()


@shows("this product", "deadlines", "An answer that goes on is not cut by the deadline between two pieces.")
def test_an_answer_that_goes_on_is_not_cut(gateway: Gateway, back_end: BackEnd) -> None:
    def behave(connection: Connection, seen: Seen) -> None:
        connection.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n")
        for _ in range(4):
            time.sleep(0.6)
            connection.write(b"x")

    back_end.behave = behave
    assert gateway.call(target="/impatient/x").body == b"xxxx"


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


@shows(
    "this product",
    "deadlines",
    "A caller that takes nothing of its answer is let go, and the exchange is closed.",
)
def test_a_caller_that_takes_nothing_is_let_go(gateway: Gateway, plain: BackEnd) -> None:
    def behave(connection: Connection, seen: Seen) -> None:
        connection.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        for _ in range(10_000):
            connection.write(b"x" * 100_000)

    plain.behave = behave
    with gateway.caller() as caller:
        caller.send(request("GET", "/plain/x"))
        wait_until(lambda: bool(plain.seen))
        wait_until(lambda: not plain.is_open(plain.seen[0].connection), BODY_SECONDS + 5)
