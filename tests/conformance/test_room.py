"""Time and room: deadlines, limits, and that one back end cannot take from the others what they need."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import pytest

from tests.answer import Answer, wait_until
from tests.back_end import BackEnd, Connection, Seen, show
from tests.conformance.back_ends import BackEnds
from tests.conformance.caller import Cut, chunked, request
from tests.conformance.configuration import BODY_SECONDS, HEAD_SECONDS, MAX_CALLS
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


# --- Deadlines ------------------------------------------------------------------------------------------------


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
    assert 0.5 < time.monotonic() - began < 4
    wait_until(lambda: len(back_end.seen) == (0 if api == "full" else 1))
    released.set()


@shows("this product", "deadlines", "forward-request's timeout is for the head of the answer alone.")
def test_the_timeout_of_the_policy_is_for_the_head(gateway: Gateway, back_end: BackEnd) -> None:
    def behave(connection: Connection, seen: Seen) -> None:
        connection.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")
        time.sleep(1.3)
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
    with gateway.caller(seconds=4) as caller:
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
            time.sleep(0.4)
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
    with gateway.caller(seconds=3) as caller:
        for _ in range(20):
            assert caller.ask("GET", "/other/x").status == 200


@shows("this product", "room", "A back end that hangs at full load leaves the others theirs.")
def test_a_hanging_back_end_leaves_the_others_theirs(gateway: Gateway, plain: BackEnd) -> None:
    with hanging(gateway, plain, "plain", MANY) as calls, others_are_served(gateway):
        assert not any(call.done() for call in calls)
    assert {call.result().status for call in calls} == {200}


@shows("this product", "room", "A back end that accepts no connection leaves the others theirs.")
def test_a_back_end_that_accepts_nothing_leaves_the_others_theirs(
    gateway: Gateway, back_end: BackEnd
) -> None:
    with ThreadPoolExecutor(3) as callers:
        with others_are_served(gateway):
            calls = [callers.submit(gateway.call, "GET", "/full/x") for _ in range(3)]
        assert {failure(call.result()) for call in calls} == {(504, "back-end-timeout")}


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
