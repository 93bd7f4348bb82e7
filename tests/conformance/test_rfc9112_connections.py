"""RFC 9112, 9: connections of callers and of the gateway, and what must never be mixed up on them."""

import threading
import time
from collections.abc import Callable

import pytest

from tests.answer import wait_until
from tests.back_end import BackEnd, Connection, Seen, show
from tests.conformance.caller import Caller, Cut, chunked, request
from tests.conformance.marks import failure, shows
from tests.conformance.serving import Gateway

pytestmark = pytest.mark.wire


@shows("RFC 9112", "9.3", "Both connections are kept for the next call.")
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS"])
def test_connections_are_kept(gateway: Gateway, back_end: BackEnd, method: str) -> None:
    with gateway.caller() as caller:
        for _ in range(4):
            answer = caller.ask(method)
            assert (answer.status, answer.values("connection")) == (200, [])
    assert len({seen.connection for seen in back_end.seen}) == 1


@shows("RFC 9112", "9.6", "A caller that asks for it has its connection closed after the answer.")
@pytest.mark.parametrize("value", ["close", "Close", "x-a, close"])
def test_a_connection_is_closed_when_that_is_asked_for(
    gateway: Gateway, back_end: BackEnd, value: str
) -> None:
    with gateway.caller() as caller:
        answer = caller.ask("GET", "/open/x", f"Connection: {value}")
        assert (answer.status, answer.values("connection")) == (200, ["close"])
        assert caller.end() == "closed"
    assert gateway.call().status == 200
    one, other = back_end.seen
    assert one.connection == other.connection  # which is another hop


@shows("RFC 9112", "9.6", "An answer is not lost because the caller was still sending its body.")
@pytest.mark.parametrize("framing", ["Content-Length: 30000000", "Transfer-Encoding: chunked"])
def test_a_caller_that_sends_all_of_its_body_first_gets_the_answer(gateway: Gateway, framing: str) -> None:
    size = 30_000_000
    with gateway.caller() as caller:
        caller.send(request("POST", "/nothing-is-here", framing))
        body = b"x" * size
        caller.send(chunked(body) if "chunked" in framing else body)
        answer = caller.final("POST")
        assert (answer.status, answer.values("connection")) == (404, ["close"])
        assert caller.end() == "closed"


@shows("RFC 9112", "9.6", "What comes behind a request whose answer was the last one is not processed.")
def test_nothing_behind_the_last_answer_is_processed(gateway: Gateway, back_end: BackEnd) -> None:
    with gateway.caller() as caller:
        caller.send(request("POST", "/nothing-is-here", "Content-Length: 9") + b"x" * 5)
        assert caller.final("POST").status == 404
        caller.send(b"x" * 4 + request("GET", "/open/x"))
        assert caller.end() == "closed"
    assert not back_end.seen


@shows("RFC 9112", "9.3.2", "Requests that are sent at once are answered one by one, in their order.")
def test_pipelined_requests_are_answered_in_order(gateway: Gateway, back_end: BackEnd) -> None:
    back_end.behave = lambda connection, seen: connection.answer(seen.target.encode() + seen.body)
    with gateway.caller() as caller:
        caller.send(
            request("GET", "/open/1")
            + request("POST", "/open/2", body=b"abc")
            + request("POST", "/open/3", "Transfer-Encoding: chunked")
            + chunked(b"d", b"ef")
            + request("HEAD", "/open/4")
            + request("GET", "/open/5", "Connection: close")
            + request("GET", "/open/6")
        )
        assert caller.final().body == b"/base/1"
        assert caller.final("POST").body == b"/base/2abc"
        assert caller.final("POST").body == b"/base/3def"
        assert caller.final("HEAD").status == 200
        assert caller.final().body == b"/base/5"
        assert caller.end() == "closed"
    assert [seen.target for seen in back_end.seen] == [f"/base/{number}" for number in range(1, 6)]


@shows(
    "RFC 9112",
    "9.3",
    "A request that follows one that the gateway answered itself is read from its beginning.",
)
def test_a_request_after_a_failure_is_in_step(gateway: Gateway, back_end: BackEnd) -> None:
    with gateway.caller() as caller:
        assert caller.ask("POST", "/elsewhere", body=b"GET /open/smuggled HTTP/1.1\r\n\r\n").status == 404
        try:
            assert caller.ask().status == 200
        except (Cut, OSError):
            assert not back_end.seen  # the connection was closed instead


# --- No caller gets another's answer --------------------------------------------------------------------------


@shows("RFC 9110", "15.2", "After an interim answer no caller gets the answer that is another's.")
@pytest.mark.parametrize(
    "interim",
    [
        b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 102 Processing\r\n\r\n" * 3,
        b"HTTP/1.1 199 Odd\r\nContent-Length: 5\r\n\r\n",
    ],
)
def test_no_caller_gets_anothers_answer(gateway: Gateway, back_end: BackEnd, interim: bytes) -> None:
    go_on = threading.Semaphore(0)

    def behave(connection: Connection, seen: Seen) -> None:
        connection.write(interim)
        assert go_on.acquire(timeout=5)
        connection.answer(seen.target.encode())

    back_end.behave = behave
    with gateway.caller() as one, gateway.caller() as other:
        for turn in range(6):
            caller = (one, other)[turn % 2]
            caller.send(request("GET", f"/open/{turn}"))
            wait_until(lambda: len(back_end.seen) > turn)  # noqa: B023 (called at once)
            go_on.release()
            assert caller.final().body == f"/base/{turn}".encode()
    assert len({seen.connection for seen in back_end.seen}) == 1


WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@shows(
    "RFC 9112",
    "6.3",
    "What a back end sends behind its answer reaches nobody, and the connection is not used again.",
)
@pytest.mark.parametrize(
    "answer",
    [
        WHOLE + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
        WHOLE + b"\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 7\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    ],
)
def test_a_connection_is_not_used_again_after_any_doubt(
    gateway: Gateway, back_end: BackEnd, answer: bytes
) -> None:
    back_end.behave = lambda connection, seen: connection.write(answer)
    for _ in range(3):
        assert gateway.call().body == b"ok"
    assert len({seen.connection for seen in back_end.seen}) == 3


@shows(
    "RFC 9112", "9.3", "An answer to one request that comes before the next is not taken for the next one's."
)
def test_an_answer_that_nobody_asked_for_reaches_nobody(gateway: Gateway, back_end: BackEnd) -> None:
    sent = threading.Event()

    def behave(connection: Connection, seen: Seen) -> None:
        connection.answer(b"mine")
        if "poison" in seen.target:
            sent.wait(5)
            connection.answer(b"evil")
            sent.clear()

    back_end.behave = behave
    assert gateway.call(target="/open/poison").body == b"mine"
    sent.set()
    wait_until(lambda: not sent.is_set())
    for _ in range(3):
        assert gateway.call().body == b"mine"


# --- Retries (9.3.1; RFC 9110, 9.2.2) -------------------------------------------------------------------------


def closing_after_one(answered: set[int]) -> Callable[[Connection, Seen], None]:
    """A back end that answers once on each connection, reads the next request, and closes without a word."""

    def behave(connection: Connection, seen: Seen) -> None:
        if connection.number in answered:
            connection.close()
        else:
            answered.add(connection.number)
            show(connection, seen)

    return behave


@shows(
    "RFC 9110", "9.2.2", "An idempotent call that a reused connection lost is made once more on a new one."
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"])
def test_an_idempotent_call_is_made_once_more(gateway: Gateway, back_end: BackEnd, method: str) -> None:
    back_end.behave = closing_after_one(set())
    for _ in range(4):
        assert gateway.call(method).status == 200


@shows("RFC 9110", "9.2.2", "That holds while the answer is waited for, too.")
def test_a_call_that_waits_is_made_once_more(gateway: Gateway, back_end: BackEnd) -> None:
    doomed = {gateway.call().json["connection"]}

    def behave(connection: Connection, seen: Seen) -> None:
        if connection.number in doomed:
            time.sleep(0.3)  # longer than any engine would look for an answer before it waits
            connection.close()
        else:
            show(connection, seen)

    back_end.behave = behave
    assert gateway.call().status == 200
    assert len(back_end.seen) == 3


@shows("RFC 9110", "9.2.2", "A call that is not idempotent, or has a body, is never made twice.")
@pytest.mark.parametrize(("method", "body"), [("POST", b""), ("PATCH", b""), ("PUT", b"x"), ("GET", b"x")])
def test_another_call_is_never_made_twice(
    gateway: Gateway, back_end: BackEnd, method: str, body: bytes
) -> None:
    back_end.behave = closing_after_one(set())
    assert gateway.call().status == 200
    before = len(back_end.seen)
    assert failure(gateway.call(method, body=body)) == (502, "back-end-closed")
    assert len(back_end.seen) == before + 1


@shows("RFC 9110", "9.2.2", "A call is made once more at most, and not on a new connection.")
def test_a_call_is_made_once_more_at_most(gateway: Gateway, back_end: BackEnd) -> None:
    assert gateway.call().status == 200
    back_end.behave = lambda connection, seen: connection.close()
    before = len(back_end.seen)
    assert failure(gateway.call()) == (502, "back-end-closed")
    assert len(back_end.seen) - before == 2  # on the kept connection, and once more on a new one
    assert failure(gateway.call()) == (502, "back-end-closed")
    assert len(back_end.seen) - before == 3


@shows("RFC 9110", "9.2.2", "A call of which an answer has begun is never made twice.")
def test_a_call_whose_answer_has_begun_is_never_made_twice(gateway: Gateway, back_end: BackEnd) -> None:
    def behave(connection: Connection, seen: Seen) -> None:
        if "half" in seen.target:
            connection.write(b"HTTP/1.1 2")
            connection.close()
        else:
            show(connection, seen)

    back_end.behave = behave
    assert gateway.call().status == 200
    assert failure(gateway.call(target="/open/half")) == (502, "back-end-closed")
    assert len(back_end.seen) == 2


# --- Callers of HTTP/1.0 --------------------------------------------------------------------------------------


def ask_1_0(caller: Caller, *fields: str, host: str = "gateway.example") -> tuple[int, dict[str, str]]:
    """Call by HTTP/1.0; status and fields of the answer, whose body is left."""
    caller.send(request("GET", "/open/x", *fields, host=host, version="1.0"))
    status, found = caller.head()
    return status, {name.lower(): value for name, value in found}


@shows(
    "RFC 9112",
    "9.3",
    "The connection of an HTTP/1.0 caller is closed after the answer, and the answer says so.",
)
@pytest.mark.parametrize("fields", [(), ("Connection: keep-alive", "Keep-Alive: 5")])
def test_a_connection_of_http_1_0_is_closed(
    gateway: Gateway, back_end: BackEnd, fields: tuple[str, ...]
) -> None:
    back_end.behave = lambda connection, seen: connection.answer(b"ok")
    with gateway.caller() as caller:
        status, found = ask_1_0(caller, *fields)
        assert (status, found["connection"], found["content-length"]) == (200, "close", "2")
        assert caller.rest() == b"ok"


@shows("RFC 9112", "3.2", "A caller of HTTP/1.0 needs no Host.")
def test_http_1_0_needs_no_host(gateway: Gateway, back_end: BackEnd) -> None:
    with gateway.caller() as caller:
        assert ask_1_0(caller, host="")[0] == 200
    assert back_end.seen[0].values("host") == [f"localhost:{back_end.port}"]


@shows(
    "RFC 9112",
    "6.1",
    "Nothing is chunked for an HTTP/1.0 caller: a body of unknown length ends with the connection.",
)
@pytest.mark.parametrize("framing", ["chunked", "close"])
def test_nothing_is_chunked_for_http_1_0(gateway: Gateway, back_end: BackEnd, framing: str) -> None:
    def behave(connection: Connection, seen: Seen) -> None:
        if framing == "chunked":
            connection.write(
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(b"a", b"b" * 70_000)
            )
        else:
            connection.write(b"HTTP/1.1 200 OK\r\n\r\na" + b"b" * 70_000)
            connection.end()

    back_end.behave = behave
    with gateway.caller() as caller:
        status, found = ask_1_0(caller)
        assert (status, found["connection"]) == (200, "close")
        assert "transfer-encoding" not in found
        assert caller.rest() == b"a" + b"b" * 70_000
        assert caller.end() == "closed"


@shows(
    "RFC 9112",
    "8",
    "A body that would end with the connection and is cut resets it: closed would look whole.",
)
def test_a_cut_body_resets_the_connection_of_http_1_0(gateway: Gateway, back_end: BackEnd) -> None:
    go_on = threading.Event()

    def behave(connection: Connection, seen: Seen) -> None:
        connection.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")
        go_on.wait(5)
        connection.close()

    back_end.behave = behave
    with gateway.caller() as caller:
        ask_1_0(caller)
        assert caller.some() == b"half"
        go_on.set()
        assert caller.end() == "reset"
