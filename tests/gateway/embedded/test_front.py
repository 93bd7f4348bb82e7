"""What a caller may try at the gateway's front to be understood by the back end as somebody else (RFC 9112, 11)."""

from collections.abc import Iterator

import pytest

from tests.back_end import BackEnd
from tests.pki import Authority, Issued
from tests.running_engine import RunningEngine, running_engine
from tests.snapshots import snapshot, trust

pytestmark = pytest.mark.wire

HEAD = b"POST /bank/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n"
SMUGGLED = b"GET /bank/smuggled HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.fixture
def back_end(ca: Authority, server: Issued) -> Iterator[BackEnd]:
    with BackEnd(server) as back_end:
        yield back_end


@pytest.fixture
def gateway(back_end: BackEnd, ca: Authority) -> Iterator[RunningEngine]:
    with running_engine(snapshot(back_end.url, trusts=trust(ca))) as gateway:
        yield gateway


@pytest.mark.parametrize(
    "request_bytes",
    [
        CHUNKED + b"Content-Length: 3\r\n\r\n0\r\n\r\n" + SMUGGLED,
        HEAD + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
        HEAD + b"Content-Length: 3\r\nTransfer-Encoding: identity\r\n\r\nabc",
        HEAD + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + SMUGGLED,
        HEAD + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
        HEAD + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n\r\n0\r\n\r\n" + SMUGGLED,
        HEAD + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
        HEAD + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
        HEAD + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
        HEAD + b"Content-Length: +3\r\n\r\nabc",
        HEAD + b"Content-Length: 0x3\r\n\r\nabc",
        HEAD + b"Content-Length: 3, 4\r\n\r\nabcd",
        HEAD + b"Content-Length: \r\n\r\nabc",
        HEAD + b"Content-Length: 99999999999999999999\r\n\r\nabc",
        b"POST /bank/x HTTP/1.1\nHost: a\nConnection: close\n\n",
        HEAD + b"X: a\nY: b\r\n\r\n",
        HEAD + b"X: a\rY: b\r\n\r\n",
        HEAD + b"X: a\r\n folded\r\n\r\n",
        HEAD + b": nameless\r\n\r\n",
        b"POST /bank/x HTTP/1.1\r\n Host: a\r\n\r\n",
        b"POST /bank/x HTTP/9.9\r\nHost: a\r\n\r\n",
        b"POST /bank/x\r\n\r\n",
    ],
)
def test_a_head_that_two_parsers_could_read_differently_is_never_forwarded(
    gateway: RunningEngine, back_end: BackEnd, request_bytes: bytes
) -> None:
    answer = gateway.raw(request_bytes, seconds=2)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1 ") == 1
    assert not back_end.connections


@pytest.mark.parametrize(
    "body",
    [
        b"3\nabc\r\n0\r\n\r\n",
        b"3 \r\nabc\r\n0\r\n\r\n",
        b"0x3\r\nabc\r\n0\r\n\r\n",
        b"-3\r\nabc\r\n0\r\n\r\n",
        b"ffffffffffffffffff\r\nabc\r\n0\r\n\r\n",
        b"3\r\nabcd\r\n0\r\n\r\n",
        b"3\r\nabc\n0\r\n\r\n",
    ],
)
def test_a_malformed_chunk_never_becomes_a_whole_request(
    gateway: RunningEngine, back_end: BackEnd, body: bytes
) -> None:
    answer = gateway.raw(CHUNKED + b"\r\n" + body + SMUGGLED, seconds=2)
    assert answer.startswith(b"HTTP/1.1 400 ") or not answer
    assert not back_end.seen


def test_trailers_do_not_become_fields(gateway: RunningEngine, back_end: BackEnd) -> None:
    trailers = b"X-Role: admin\r\nAuthorization: Basic x\r\nHost: evil\r\nCookie: a=b\r\n"
    answer = gateway.raw(CHUNKED + b"\r\n3\r\nabc\r\n0\r\n" + trailers + b"\r\n")
    assert answer.startswith(b"HTTP/1.1 200 ")
    (seen,) = back_end.seen
    assert seen.body == b"abc"
    names = {name.lower() for name, _ in seen.fields}
    assert not names & {"x-role", "authorization", "cookie"}
    assert seen.values("x-forwarded-host") == ["a"]


def test_a_trailer_without_end_is_refused(gateway: RunningEngine, back_end: BackEnd) -> None:
    answer = gateway.raw(CHUNKED + b"\r\n3\r\nabc\r\n0\r\nX: " + b"x" * 400_000, seconds=3)
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert not back_end.seen


@pytest.mark.parametrize("method", [b"CONNECT", b"PRI"])
def test_a_tunnel_is_never_made(gateway: RunningEngine, back_end: BackEnd, method: bytes) -> None:
    answer = gateway.raw(method + b" bank:443 HTTP/1.1\r\nHost: bank\r\n\r\n" + SMUGGLED, seconds=2)
    assert answer.startswith(b"HTTP/1.1 4")
    assert not back_end.connections


def test_an_upgrade_is_not_passed_on(gateway: RunningEngine, back_end: BackEnd) -> None:
    upgrade = b"Connection: upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n"
    gateway.raw(b"GET /bank/x HTTP/1.1\r\nHost: a\r\n" + upgrade, seconds=2)
    for seen in back_end.seen:
        assert not seen.values("upgrade")
        assert not seen.values("http2-settings")


@pytest.mark.parametrize(
    "fields",
    [
        b"X: a\rSet-Cookie: b\r\nContent-Length: 0\r\n",
        b"X: a\x00b\r\nContent-Length: 0\r\n",
        b"X y: b\r\nContent-Length: 0\r\n",
        b"Content-Length: 1\r\nContent-Length: 2\r\n",
    ],
)
def test_fields_that_a_back_end_must_not_send_reach_no_caller(
    gateway: RunningEngine, back_end: BackEnd, fields: bytes
) -> None:
    back_end.behave = lambda connection, seen: connection.write(b"HTTP/1.1 200 OK\r\n" + fields + b"\r\n")
    answer = gateway.call()
    assert (answer.status, answer.json["code"]) == (502, "back-end-protocol-error")
    assert not answer.values("set-cookie")


@pytest.mark.parametrize(
    "fields", [b"Content-Length: 2, 2\r\n", b"Content-Length: 2\r\nContent-Length: 2\r\n"]
)
def test_a_repeated_length_of_an_answer_is_handed_on_once(
    gateway: RunningEngine, back_end: BackEnd, fields: bytes
) -> None:
    back_end.behave = lambda connection, seen: connection.write(b"HTTP/1.1 200 OK\r\n" + fields + b"\r\nok")
    answer = gateway.call()
    assert (answer.status, answer.body, answer.values("content-length")) == (200, b"ok", ["2"])
