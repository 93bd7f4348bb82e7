"""Deadlines: how long the gateway waits for a back end, and for a caller."""

import threading
import time

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
@pytest.mark.parametrize("api", ["impatient", "brief", "deadline", "full"])
def test_a_back_end_that_is_late_is_told(gateway: Gateway, back_end: BackEnd, api: str) -> None:
    released = threading.Event()
    back_end.behave = lambda connection, seen: (released.wait(10), connection.close())[1]
    began = time.monotonic()
    answer = gateway.call("POST", f"/{api}/x")
    assert failure(answer) == (504, "back-end-timeout")
    assert 0.5 < time.monotonic() - began < 6
    wait_until(lambda: len(back_end.seen) == (0 if api == "full" else 1))
    released.set()


@shows("this product", "deadlines", "forward-request's timeout is for the head of the answer alone.")
def test_the_timeout_of_the_policy_is_for_the_head(gateway: Gateway, back_end: BackEnd) -> None:
    def behave(connection: Connection, seen: Seen) -> None:
        connection.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")
        time.sleep(2.3)
        connection.write(b"cd")

    back_end.behave = behave
    assert gateway.call(target="/deadline/x").body == b"abcd"


@shows("this product", "deadlines", "A deadline in the middle of an answer cuts it.")
@pytest.mark.parametrize("api", ["impatient", "brief"])
@pytest.mark.parametrize("framing", ["Content-Length: 10", "Transfer-Encoding: chunked"])
def test_a_deadline_within_an_answer_cuts_it(
    gateway: Gateway, back_end: BackEnd, api: str, framing: str
) -> None:
    released = threading.Event()

    def behave(connection: Connection, seen: Seen) -> None:
        begun = b"4\r\nhalf\r\n" if "chunked" in framing else b"half"
        connection.write(f"HTTP/1.1 200 OK\r\n{framing}\r\n\r\n".encode() + begun)
        released.wait(10)
        connection.close()

    back_end.behave = behave
    with gateway.caller(seconds=6) as caller:
        caller.send(request("GET", f"/{api}/x"))
        status, fields = caller.head()
        assert status == 200
        with pytest.raises(Cut):
            list(caller.parts("GET", status, fields))
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
@pytest.mark.parametrize(
    "begun",
    [
        request("POST", "/open/x", "Content-Length: 10") + b"half",
        request("POST", "/open/x", "Transfer-Encoding: chunked") + b"4\r\nhalf\r\n",
    ],
    ids=["length", "chunked"],
)
def test_a_caller_that_sends_nothing_more_is_told(
    gateway: Gateway, listeners: BackEnds, begun: bytes
) -> None:
    back_end = listeners["mutual"]
    with gateway.caller(seconds=BODY_SECONDS + 5) as caller:
        caller.send(begun)
        wait_until(lambda: b"half" in b"".join(listeners.wire))  # the exchange has begun
        number = back_end.open
        assert failure(caller.final("POST")) == (408, "request-timeout")
        assert caller.end() == "closed"
    wait_until(lambda: back_end.open < number)
    assert not back_end.seen


@shows("RFC 9110", "15.5.9", "A caller that sends nothing of its body at all is answered 408.")
def test_a_caller_that_sends_nothing_at_all_is_told(gateway: Gateway, back_end: BackEnd) -> None:
    with gateway.caller(seconds=BODY_SECONDS + 5) as caller:
        caller.send(request("POST", "/open/x", "Content-Length: 10"))
        assert failure(caller.final("POST")) == (408, "request-timeout")
        assert caller.end() == "closed"
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
        number = plain.open
        wait_until(lambda: plain.open < number, BODY_SECONDS + 5)
