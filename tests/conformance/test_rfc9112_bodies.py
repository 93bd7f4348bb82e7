"""RFC 9112, 6 to 8: bodies in every framing, both ways, and what is not whole."""

import select
import socket
import ssl
import threading
from contextlib import suppress

import pytest

from tests.answer import wait_until
from tests.back_end import BackEnd, Connection, Seen
from tests.conformance.back_ends import BackEnds
from tests.conformance.caller import Cut, chunked, request
from tests.conformance.marks import failure, shows
from tests.conformance.serving import Gateway

pytestmark = pytest.mark.wire

SIZES = [0, 1, 4096, 70_000, 3_000_000]


def octets(size: int) -> bytes:
    """That many bytes of every kind."""
    return bytes(range(256)) * (size // 256) + b"x" * (size % 256)


def cut(body: bytes, size: int = 9999) -> list[bytes]:
    """A body in parts."""
    return [body[place : place + size] for place in range(0, len(body), size)]


@shows("RFC 9112", "6.3", "The body of a request arrives whole, in the framing that it came in.")
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("framing", ["Content-Length", "Transfer-Encoding"])
@pytest.mark.parametrize("method", ["POST", "GET"])
def test_a_body_arrives_whole(
    gateway: Gateway, back_end: BackEnd, size: int, framing: str, method: str
) -> None:
    body = octets(size)
    back_end.behave = lambda connection, seen: connection.answer(str(len(seen.body)).encode())
    field, sent = f"Content-Length: {size}", body
    if framing == "Transfer-Encoding":
        field, sent = "Transfer-Encoding: chunked", chunked(*cut(body))
    with gateway.caller() as caller:
        for _ in range(2):
            caller.send(request(method, "/open/x", field) + sent)
            assert caller.final().body == str(size).encode()
    assert [seen.body for seen in back_end.seen] == [body] * 2
    for seen in back_end.seen:
        assert (seen.values("transfer-encoding"), seen.values("content-length")) == (
            ([], [str(size)]) if framing == "Content-Length" else (["chunked"], [])
        )


@shows("RFC 9112", "6.3", "A request without framing has no body, and none is made for it.")
@pytest.mark.parametrize("method", ["GET", "DELETE", "POST"])
def test_a_request_without_a_body_gets_no_framing(gateway: Gateway, back_end: BackEnd, method: str) -> None:
    assert gateway.call(method).status == 200
    (seen,) = back_end.seen
    assert not seen.values("transfer-encoding")
    assert seen.values("content-length") in ([], ["0"] if method == "POST" else [])


@shows("RFC 9112", "6.1", "The name of the coding has no case.")
def test_chunked_has_no_case(gateway: Gateway, back_end: BackEnd) -> None:
    with gateway.caller() as caller:
        caller.send(request("POST", "/open/x", "Transfer-Encoding: Chunked") + chunked(b"abc"))
        assert caller.final("POST").status == 200
    assert back_end.seen[0].body == b"abc"


@shows("RFC 9112", "7.1", "Chunks of any size are read, with digits in either case and zeros before them.")
def test_sizes_of_chunks_are_read_in_every_spelling(gateway: Gateway, back_end: BackEnd) -> None:
    body = b"1\r\na\r\n0A\r\nbbbbbbbbbb\r\n00000a\r\ncccccccccc\r\n0\r\n\r\n"
    with gateway.caller() as caller:
        caller.send(request("POST", "/open/x", "Transfer-Encoding: chunked") + body)
        assert caller.final("POST").status == 200
    assert back_end.seen[0].body == b"a" + b"b" * 10 + b"c" * 10


@shows("RFC 9112", "7.1.1", "Chunk extensions are not understood, and dropped.")
def test_chunk_extensions_are_dropped(gateway: Gateway, listeners: BackEnds) -> None:
    body = b'3;a=b;c="d;e"\r\nabc\r\n0;last\r\n\r\n'
    with gateway.caller() as caller:
        caller.send(request("POST", "/open/x", "Transfer-Encoding: chunked") + body)
        assert caller.final("POST").status == 200
    assert listeners.seen[0].body == b"abc"
    assert b";" not in b"".join(listeners.wire).partition(b"\r\n\r\n")[2]


@shows("RFC 9110", "6.5.1", "Trailers of a request do not become fields; they are dropped.")
def test_trailers_of_a_request_are_dropped(gateway: Gateway, listeners: BackEnds) -> None:
    body = b"3\r\nabc\r\n0\r\nX-Role: admin\r\nAuthorization: Basic x\r\nHost: evil\r\n\r\n"
    with gateway.caller() as caller:
        caller.send(request("POST", "/open/x", "Transfer-Encoding: chunked", "Trailer: X-Role") + body)
        assert caller.final("POST").status == 200
        assert caller.ask().status == 200  # the connection is in step
    assert listeners.seen[0].body == b"abc"
    assert listeners.seen[0].values("x-forwarded-host") == ["gateway.example"]
    wire = b"".join(listeners.wire).lower()
    assert not [word for word in (b"x-role", b"authorization", b"evil") if word in wire]


def answering(framing: str, body: bytes) -> bytes:
    """A whole answer in one of the framings of RFC 9112, 6.3."""
    if framing == "length":
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    if framing == "chunked":
        extended = b"".join(b"%x;a=b\r\n%b\r\n" % (len(part), part) for part in cut(body))
        return (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + extended + b"0\r\nTrailer: no\r\n\r\n"
        )
    return b"HTTP/1.1 200 OK\r\n\r\n" + body


@shows("RFC 9112", "6.3", "The body of an answer reaches the caller whole, in whatever framing it came.")
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_an_answer_arrives_whole(
    gateway: Gateway, back_end: BackEnd, size: int, framing: str, version: str
) -> None:
    body = octets(size)

    def behave(connection: Connection, seen: Seen) -> None:
        connection.write(answering(framing, body))
        if framing == "close":
            connection.end()

    back_end.behave = behave
    for _ in range(2):
        with gateway.caller() as caller:
            caller.send(request(version=version))
            answer = caller.final()
        assert answer.body == body
        assert not answer.values("trailer")
    one, other = back_end.seen
    assert (one.connection == other.connection) is (framing != "close")


@shows("RFC 9112", "9.8", "An answer that ends with its connection ends with the closing alert of TLS.")
def test_an_answer_ends_with_the_closing_alert(gateway: Gateway, back_end: BackEnd) -> None:
    answered = threading.Event()

    def behave(connection: Connection, seen: Seen) -> None:
        assert isinstance(connection.socket, ssl.SSLSocket)
        connection.socket.settimeout(0.1)
        connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)  # both arrive at once
        connection.write(b"HTTP/1.1 200 OK\r\n\r\nbody")
        with suppress(OSError):
            connection.socket.unwrap()
        connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)
        answered.wait(5)  # and TCP goes on
        connection.close()

    back_end.behave = behave
    with gateway.caller(seconds=3) as caller:
        assert caller.ask().body == b"body"
    answered.set()


@shows("RFC 9110", "8.6", "A length that an answer has several times, always the same, is handed on once.")
@pytest.mark.parametrize("fields", ["Content-Length: 2, 2", "Content-Length: 2\r\nContent-Length: 2"])
def test_a_repeated_length_is_handed_on_once(gateway: Gateway, back_end: BackEnd, fields: str) -> None:
    answer = f"HTTP/1.1 200 OK\r\n{fields}\r\n\r\nok".encode()
    back_end.behave = lambda connection, seen: connection.write(answer)
    answered = gateway.call()
    assert (answered.body, answered.values("content-length")) == (b"ok", ["2"])


@shows("RFC 9112", "8", "An answer that ends before it is whole never looks whole to the caller.")
@pytest.mark.parametrize("version", ["1.0", "1.1"])
@pytest.mark.parametrize("part", [b"", b"half"])
@pytest.mark.parametrize("framing", ["Content-Length: 10", "Transfer-Encoding: chunked", "X: until the end"])
def test_an_answer_that_is_cut_is_cut_for_the_caller(
    gateway: Gateway, back_end: BackEnd, framing: str, part: bytes, version: str
) -> None:
    handed_on = threading.Event()

    def behave(connection: Connection, seen: Seen) -> None:
        start = b"a\r\n" + part if part and "chunked" in framing else part
        connection.write(f"HTTP/1.1 200 OK\r\n{framing}\r\n\r\n".encode() + start)
        handed_on.wait(5)
        connection.close()  # without the closing alert of TLS (RFC 9112, 9.8)

    back_end.behave = behave
    with gateway.caller() as caller:
        caller.send(request(version=version))
        status, fields = caller.head()
        parts = iter(caller.parts("GET", status, fields))
        if part:
            assert next(iter(parts)) == part
        handed_on.set()
        with pytest.raises(Cut):
            list(parts)


@shows("RFC 9112", "8", "A back end that ends the connection within the head of its answer has not answered.")
@pytest.mark.parametrize("part", [b"", b"HTTP/1.1 200 OK", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"])
def test_half_a_head_is_no_answer(gateway: Gateway, back_end: BackEnd, part: bytes) -> None:
    def behave(connection: Connection, seen: Seen) -> None:
        connection.write(part)
        connection.end()

    back_end.behave = behave
    assert failure(gateway.call("POST")) == (502, "back-end-closed")
    assert len(back_end.seen) == 1


@shows("RFC 9112", "8", "A request whose body is not whole never becomes a whole request at the back end.")
@pytest.mark.parametrize(
    "begun",
    [
        request("POST", "/open/x", "Content-Length: 10") + b"half",
        request("POST", "/open/x", "Transfer-Encoding: chunked") + b"4\r\nhalf\r\n",
        request("POST", "/open/x", "Transfer-Encoding: chunked") + b"9\r\nhalf",
        request("POST", "/open/x", "Transfer-Encoding: chunked") + b"4\r\nhalf\r\n0\r\n",
    ],
)
def test_a_request_that_is_cut_is_cut_for_the_back_end(
    gateway: Gateway, back_end: BackEnd, listeners: BackEnds, begun: bytes
) -> None:
    with gateway.caller() as caller:
        caller.send(begun)
        wait_until(lambda: b"half" in b"".join(listeners.wire))
        before = back_end.open
    wait_until(lambda: back_end.open < before)  # the exchange is closed
    assert not back_end.seen


@shows("RFC 9112", "9.5", "A back end that answers and stops reading before it has the whole body is heard.")
def test_an_early_answer_is_heard(gateway: Gateway, plain: BackEnd, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno"

    def early(connection: Connection, seen: Seen) -> bytes:
        connection.write(answer)
        connection.socket.shutdown(socket.SHUT_WR)
        raise EOFError

    monkeypatch.setattr(plain, "_body", early)
    with gateway.caller() as caller:
        caller.send(request("POST", "/plain/x", "Content-Length: 9000000"))
        for _ in range(
            9000
        ):  # in steps, so that nothing is left unread whose loss would reset the connection
            if select.select([caller.socket], [], [], 0.002)[0]:
                break
            caller.send(b"x" * 1000)
        assert caller.final("POST").body == b"no"
