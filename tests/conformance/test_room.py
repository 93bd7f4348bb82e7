"""Room: limits, and that one back end cannot take from the others what they need."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import pytest

from tests.answer import Answer, wait_until
from tests.back_end import BackEnd, Connection, Seen, show
from tests.conformance.back_ends import BackEnds
from tests.conformance.caller import chunked, request
from tests.conformance.configuration import HEAD_SECONDS, MAX_CALLS
from tests.conformance.marks import failure, refusal, shows
from tests.conformance.serving import Gateway

pytestmark = pytest.mark.wire

MANY = 40  # far more than the gateway has threads


@contextmanager
def hanging(gateway: Gateway, back_end: BackEnd, api: str, count: int) -> Iterator[list[Future[Answer]]]:
    """That many calls of an API that wait for their back end, until the end of the block."""
    released = threading.Event()

    def behave(connection: Connection, seen: Seen) -> None:
        if "hang" in seen.target:
            assert released.wait(20)
        show(connection, seen)

    back_end.behave = behave
    with ThreadPoolExecutor(count) as callers:
        try:
            calls = [callers.submit(gateway.call, "GET", f"/{api}/hang") for _ in range(count)]
            wait_until(lambda: sum("hang" in seen.target for seen in back_end.seen) == count, 15)
            yield calls
        finally:
            released.set()


# --- Sizes ----------------------------------------------------------------------------------------------------


@shows(
    "RFC 9110",
    "15.5.14",
    "A body that is said to be larger than the API takes is refused without being read.",
)
def test_a_body_that_is_said_to_be_too_large_is_refused(gateway: Gateway, listeners: BackEnds) -> None:
    with gateway.caller() as caller:
        caller.send(request("POST", "/small/x", "Content-Length: 1001"))
        answer = caller.final("POST")
        assert failure(answer) == (413, "request-too-large")
        assert answer.values("connection") == ["close"]
        assert caller.end() == "closed"
    assert not listeners.wire


@shows(
    "RFC 9110", "15.5.14", "A chunked body that turns out to be larger is refused, and never arrives whole."
)
@pytest.mark.parametrize("parts", [[b"x" * 1001], [b"x" * 500] * 3, [b"x" * 100_000] * 10])
def test_a_chunked_body_that_is_too_large_is_refused(
    gateway: Gateway, back_end: BackEnd, parts: list[bytes]
) -> None:
    with gateway.caller() as caller:
        caller.send(request("POST", "/small/x", "Transfer-Encoding: chunked") + chunked(*parts)[:-5])
        assert failure(caller.final("POST")) == (413, "request-too-large")
        assert caller.end() in ("closed", "reset")
    assert not back_end.seen


@shows(
    "RFC 9110", "15.5.14", "When a body turns out to be too large, the exchange with the back end is closed."
)
def test_the_exchange_of_a_body_that_is_too_large_is_closed(gateway: Gateway, listeners: BackEnds) -> None:
    back_end = listeners["mutual"]
    with gateway.caller() as caller:
        caller.send(request("POST", "/small/x", "Transfer-Encoding: chunked") + chunked(b"x" * 500)[:-5])
        wait_until(lambda: b"x" * 500 in b"".join(listeners.wire))
        number = back_end.open
        caller.send(chunked(b"x" * 501))
        assert failure(caller.final("POST")) == (413, "request-too-large")
    wait_until(lambda: back_end.open < number)
    assert not back_end.seen


@shows("this product", "limits", "A body that is as large as the API takes arrives.")
@pytest.mark.parametrize("framing", ["Content-Length: 1000", "Transfer-Encoding: chunked"])
def test_a_body_of_the_largest_size_arrives(gateway: Gateway, back_end: BackEnd, framing: str) -> None:
    body = b"x" * 1000
    with gateway.caller() as caller:
        caller.send(request("POST", "/small/x", framing) + (chunked(body) if "chunked" in framing else body))
        assert caller.final("POST").status == 200
    assert back_end.seen[0].body == body


# --- Calls under way ------------------------------------------------------------------------------------------


@shows(
    "RFC 9110",
    "15.6.4",
    "A call beyond what its API may have under way is told when to come again; others are served.",
)
def test_an_api_has_room_for_so_many_calls(gateway: Gateway, back_end: BackEnd) -> None:
    with hanging(gateway, back_end, "few", 2) as calls:
        for _ in range(2):
            answer = gateway.call(target="/few/x")
            assert failure(answer) == (503, "api-busy")
            assert answer.values("retry-after") == ["1"]
        assert gateway.call(target="/open/x").status == 200
    assert [call.result().status for call in calls] == [200, 200]
    assert gateway.call(target="/few/x").status == 200


@shows("RFC 9110", "15.6.4", "A call beyond what the gateway may have under way is told when to come again.")
def test_the_gateway_has_room_for_so_many_calls(gateway: Gateway, plain: BackEnd) -> None:
    with hanging(gateway, plain, "plain", MAX_CALLS) as calls:
        answer = gateway.call(target="/open/x")
        assert failure(answer) == (503, "gateway-busy")
        assert answer.values("retry-after") == ["1"]
        assert gateway.call(target="/keyed/x").status == 401  # which takes no room
    assert {call.result().status for call in calls} == {200}
    assert gateway.call(target="/open/x").status == 200


# --- Nobody takes the others' room ----------------------------------------------------------------------------


@contextmanager
def others_are_served(gateway: Gateway) -> Iterator[None]:
    """After what happens in the block, calls of other APIs are answered as ever."""
    yield
    began = time.monotonic()
    with gateway.caller() as caller:
        for _ in range(20):
            assert caller.ask("GET", "/other/x").status == 200
    assert time.monotonic() - began < 4


@shows("this product", "room", "A back end that hangs at full load leaves the others theirs.")
def test_a_hanging_back_end_leaves_the_others_theirs(gateway: Gateway, plain: BackEnd) -> None:
    with hanging(gateway, plain, "plain", MANY) as calls, others_are_served(gateway):
        assert not any(call.done() for call in calls)
    assert {call.result().status for call in calls} == {200}


@shows("this product", "room", "A back end that accepts no connection leaves the others theirs.")
def test_a_back_end_that_accepts_nothing_leaves_the_others_theirs(
    gateway: Gateway, back_end: BackEnd
) -> None:
    with ExitStack() as stack:
        callers = [stack.enter_context(gateway.caller()) for _ in range(MANY)]
        for caller in callers:
            caller.send(request("GET", "/full/x"))
        with others_are_served(gateway):
            pass
        assert failure(callers[0].final()) == (504, "back-end-timeout")


@shows("this product", "room", "Event streams without end leave the others theirs.")
@pytest.mark.parametrize("framing", ["Transfer-Encoding: chunked", "Connection: close"])
def test_event_streams_leave_the_others_theirs(gateway: Gateway, plain: BackEnd, framing: str) -> None:
    released = threading.Event()

    def behave(connection: Connection, seen: Seen) -> None:
        event = b"9\r\ndata: 1\n\n\r\n" if "chunked" in framing else b"data: 1\n\n"
        connection.write(f"HTTP/1.1 200 OK\r\n{framing}\r\n\r\n".encode() + event)
        released.wait(20)
        connection.close()

    plain.behave = behave
    with ExitStack() as stack:
        stack.callback(released.set)
        for _ in range(MANY):
            caller = stack.enter_context(gateway.caller())
            caller.send(request("GET", "/plain/x"))
            status, fields = caller.head()
            assert next(iter(caller.parts("GET", status, fields))) == b"data: 1\n\n"
        with others_are_served(gateway):
            pass


@shows("this product", "room", "Callers that do not read their answers hold nothing that others need.")
def test_slow_readers_hold_nothing(gateway: Gateway, plain: BackEnd) -> None:
    big = b"x" * 20_000_000
    plain.behave = lambda connection, seen: connection.answer(big)
    with ExitStack() as stack, others_are_served(gateway):
        for _ in range(MANY // 4):
            stack.enter_context(gateway.caller()).send(request("GET", "/plain/x"))  # and never read
        wait_until(lambda: len(plain.seen) == MANY // 4)


@shows("this product", "room", "Callers that do not send their bodies hold nothing that others need.")
def test_slow_senders_hold_nothing(gateway: Gateway, listeners: BackEnds) -> None:
    with ExitStack() as stack:
        for _ in range(MANY):
            caller = stack.enter_context(gateway.caller())
            caller.send(request("POST", "/plain/x", "Content-Length: 100000") + b"begun")
        wait_until(lambda: b"".join(listeners.wire).count(b"begun") == MANY)
        with others_are_served(gateway):
            pass


@shows("RFC 9110", "15.5.9", "A head that is not whole in time is refused with 408.")
def test_a_head_that_is_not_whole_in_time_is_refused(gateway: Gateway) -> None:
    (half,) = gateway.half_head  # sent when the gateway started
    half.socket.settimeout(HEAD_SECONDS + 10)
    assert refusal(half.rest()) == 408
