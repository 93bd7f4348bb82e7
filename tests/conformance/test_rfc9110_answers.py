"""RFC 9110, 9 to 15: methods, content and statuses, as a gateway hands them on."""

from contextlib import suppress

import pytest

from tests.answer import wait_until
from tests.back_end import BackEnd, Connection, Seen
from tests.conformance.caller import Cut, request
from tests.conformance.marks import failure, refusal, shows
from tests.conformance.serving import Gateway

pytestmark = pytest.mark.wire


# --- Methods (9) ----------------------------------------------------------------------------------------------


@shows("RFC 9110", "9.1", "Every method of an operation reaches the back end as it is, with its body.")
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
@pytest.mark.parametrize("body", [b"", b"body"])
def test_methods_reach_the_back_end(gateway: Gateway, back_end: BackEnd, method: str, body: bytes) -> None:
    assert gateway.call(method, body=body).status == 200
    assert [(seen.method, seen.body) for seen in back_end.seen] == [(method, body)]


@shows("RFC 9110", "9.1", "Methods have a case, and an unknown one is refused.")
@pytest.mark.parametrize("method", ["get", "Get", "FOO", "GETT", "G", "GET,POST", "G\xc9T", "*", "CONNECT"])
def test_an_unknown_method_is_refused(gateway: Gateway, back_end: BackEnd, method: str) -> None:
    assert refusal(gateway.says(request(method))) == 400
    assert not back_end.seen


@shows("RFC 9110", "9.1", "A registered method that no operation has is not found.")
@pytest.mark.parametrize(
    "method", ["PROPFIND", "MKCOL", "LOCK", "REPORT", "SEARCH", "PURGE", "M-SEARCH", "QUERY"]
)
def test_a_method_without_an_operation_is_not_found(gateway: Gateway, back_end: BackEnd, method: str) -> None:
    with gateway.caller() as caller:
        caller.send(request(method, "/open/x"))
        answer = caller.final()
    assert answer.status in (400, 404)
    assert not back_end.seen


@shows("RFC 9110", "9.3.2", "An answer to HEAD says how long the content would be, and has none.")
@pytest.mark.parametrize("framing", ["Content-Length: 5", "Transfer-Encoding: chunked", "X: until the end"])
def test_an_answer_to_head_has_no_content(gateway: Gateway, back_end: BackEnd, framing: str) -> None:
    back_end.behave = lambda connection, seen: connection.write(
        f"HTTP/1.1 200 OK\r\nETag: x\r\n{framing}\r\n\r\n".encode()
    )
    with gateway.caller() as caller:
        for _ in range(2):
            answer = caller.ask("HEAD")
            assert (answer.status, answer.body, answer.values("etag")) == (200, b"", ["x"])
            assert answer.values("content-length") == (["5"] if "Length" in framing else [])
    assert len({seen.connection for seen in back_end.seen}) == 1


@shows("RFC 9110", "9.3.2", "A failure of the gateway is answered to HEAD without content, too.")
@pytest.mark.parametrize(("target", "status"), [("/elsewhere", 404), ("/keyed/x", 401), ("/sealed/x", 500)])
def test_a_failure_is_answered_to_head_without_content(
    gateway: Gateway, back_end: BackEnd, target: str, status: int
) -> None:
    with gateway.caller() as caller:
        head = caller.ask("HEAD", target)
        assert (head.status, head.body) == (status, b"")
        assert int(head.values("content-length")[0]) > 0
        assert caller.ask("GET", "/open/x").status == 200


@shows("RFC 9110", "9.3.7", "OPTIONS of an API is the back end's to answer.")
def test_options_of_an_api_reach_the_back_end(gateway: Gateway, back_end: BackEnd) -> None:
    back_end.behave = lambda connection, seen: connection.write(
        b"HTTP/1.1 204 No Content\r\nAllow: GET, PUT\r\nAccess-Control-Allow-Origin: *\r\n\r\n"
    )
    answer = gateway.call(
        "OPTIONS", "/open/x", "Origin: https://a.example", "Access-Control-Request-Method: PUT"
    )
    assert (answer.status, answer.values("allow")) == (204, ["GET, PUT"])
    assert answer.values("access-control-allow-origin") == ["*"]


# --- Content (8, 12 to 14) ------------------------------------------------------------------------------------


@shows("RFC 9110", "8.4", "Content that is encoded passes unchanged, both ways.")
@pytest.mark.parametrize("coding", ["gzip", "br", "zstd", "deflate"])
def test_encoded_content_passes_unchanged(gateway: Gateway, back_end: BackEnd, coding: str) -> None:
    body = b"\x1f\x8b\x08\x00 not really " + coding.encode()
    back_end.behave = lambda connection, seen: connection.answer(
        body, f"Content-Encoding: {coding}", "Vary: x"
    )
    fields = (f"Accept-Encoding: {coding};q=0.5, *;q=0", f"Content-Encoding: {coding}")
    answer = gateway.call("POST", "/open/x", *fields, body=body)
    assert (answer.body, answer.values("content-encoding"), answer.values("vary")) == (body, [coding], ["x"])
    (seen,) = back_end.seen
    assert (seen.body, seen.values("content-encoding")) == (body, [coding])
    assert seen.values("accept-encoding") == [f"{coding};q=0.5, *;q=0"]


@shows("RFC 9110", "14", "Ranges are the back end's business: the fields and the parts pass unchanged.")
@pytest.mark.parametrize(
    ("status", "fields", "body"),
    [
        ("206 Partial Content", ("Content-Range: bytes 2-4/10", "Accept-Ranges: bytes"), b"cde"),
        (
            "206 Partial Content",
            ("Content-Type: multipart/byteranges; boundary=X",),
            b"--X\r\nContent-Range: bytes 0-0/2\r\n\r\na\r\n--X--\r\n",
        ),
        ("416 Range Not Satisfiable", ("Content-Range: bytes */10",), b""),
    ],
)
def test_ranges_pass_unchanged(
    gateway: Gateway, back_end: BackEnd, status: str, fields: tuple[str, ...], body: bytes
) -> None:
    back_end.behave = lambda connection, seen: connection.answer(body, *fields, status=status)
    answer = gateway.call("GET", "/open/x", "Range: bytes=2-4", 'If-Range: "a"')
    assert (answer.status, answer.body) == (int(status[:3]), body)
    for line in fields:
        name, _, value = line.partition(": ")
        assert answer.values(name) == [value]
    assert back_end.seen[0].values("range") == ["bytes=2-4"]
    assert back_end.seen[0].values("if-range") == ['"a"']


@shows("RFC 9110", "13", "Conditions are the back end's to evaluate: they pass unchanged.")
def test_conditions_pass_unchanged(gateway: Gateway, back_end: BackEnd) -> None:
    date = "Sat, 29 Oct 1994 19:43:31 GMT"
    lines = (
        'If-Match: "a", W/"b"',
        "If-None-Match: *",
        f"If-Modified-Since: {date}",
        f"If-Unmodified-Since: {date}",
    )
    back_end.behave = lambda connection, seen: connection.answer(
        b"", 'ETag: W/"c"', status="412 Precondition Failed"
    )
    answer = gateway.call("PUT", "/open/x", *lines, body=b"x")
    assert (answer.status, answer.values("etag")) == (412, ['W/"c"'])
    for line in lines:
        name, _, value = line.partition(": ")
        assert back_end.seen[0].values(name) == [value]


@shows("RFC 9111", "5", "What caches are told passes unchanged, both ways.")
def test_fields_for_caches_pass_unchanged(gateway: Gateway, back_end: BackEnd) -> None:
    fields = ("Cache-Control: no-store, max-age=5", "Age: 7", "Expires: 0", "Pragma: no-cache")
    back_end.behave = lambda connection, seen: connection.answer(b"x", *fields)
    for _ in range(2):
        answer = gateway.call("GET", "/open/x", "Cache-Control: max-age=0", "Authorization: Bearer x")
        assert [answer.values(line.partition(":")[0])[0] for line in fields] == [
            line.partition(": ")[2] for line in fields
        ]
    assert len(back_end.seen) == 2  # nothing is cached here
    assert back_end.seen[0].values("cache-control") == ["max-age=0"]


# --- Statuses (15) --------------------------------------------------------------------------------------------


@shows("RFC 9110", "15", "Every final status is handed on with its content, unknown ones too.")
@pytest.mark.parametrize(
    "status", [
        200, 201, 202, 203, 207, 226, 299, 300, 301, 302, 303, 307, 308, 399, 400, 401, 403, 404, 407, 408,
        409, 410, 418, 421, 425, 429, 451, 499, 500, 501, 502, 503, 504, 511, 599,
    ]
)  # fmt: skip
def test_a_status_is_handed_on(gateway: Gateway, back_end: BackEnd, status: int) -> None:
    back_end.behave = lambda connection, seen: connection.answer(
        b"theirs",
        "Location: /there?a#b",
        'WWW-Authenticate: Basic realm="x"',
        "Retry-After: 9",
        status=f"{status} Odd phrase",
    )
    answer = gateway.call()
    assert (answer.status, answer.body, answer.values("location")) == (status, b"theirs", ["/there?a#b"])
    assert (answer.values("www-authenticate"), answer.values("retry-after")) == (['Basic realm="x"'], ["9"])
    assert len(back_end.seen) == 1  # a redirect is not followed, nothing is tried again


@shows("RFC 9112", "4", "A status line needs no reason.")
@pytest.mark.parametrize("line", [b"HTTP/1.1 200 \r\n", b"HTTP/1.1 200\r\n"])
def test_a_status_line_needs_no_reason(gateway: Gateway, back_end: BackEnd, line: bytes) -> None:
    back_end.behave = lambda connection, seen: connection.write(line + b"Content-Length: 2\r\n\r\nok")
    assert gateway.call().body == b"ok"


@shows("RFC 9110", "15.3.5", "204 and 304 have no content, and both connections live on.")
@pytest.mark.parametrize(
    "head",
    [
        "204 No Content",
        "204 No Content\r\nContent-Length: 0",
        "304 Not Modified",
        "304 Not Modified\r\nContent-Length: 5",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_answers_without_content_keep_both_connections(
    gateway: Gateway, back_end: BackEnd, head: str, method: str
) -> None:
    back_end.behave = lambda connection, seen: connection.write(
        f"HTTP/1.1 {head}\r\nETag: x\r\n\r\n".encode()
    )
    with gateway.caller() as caller:
        for _ in range(3):
            answer = caller.ask(method)
            assert (answer.status, answer.body, answer.values("etag")) == (int(head[:3]), b"", ["x"])
    assert len({seen.connection for seen in back_end.seen}) == 1


@shows("RFC 9110", "15.3.6", "205 is handed on, and has no content.")
@pytest.mark.parametrize(
    "framing", ["Content-Length: 0\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"]
)
def test_205_has_no_content(gateway: Gateway, back_end: BackEnd, framing: str) -> None:
    back_end.behave = lambda connection, seen: connection.write(
        f"HTTP/1.1 205 Reset Content\r\n{framing}".encode()
    )
    with gateway.caller() as caller:
        for _ in range(2):
            answer = caller.ask("POST", body=b"x")
            assert (answer.status, answer.body) == (205, b"")


@shows("RFC 9110", "15.2", "Interim answers of a back end are read and dropped, up to the final one.")
@pytest.mark.parametrize("count", [1, 5])
@pytest.mark.parametrize("status", ["100 Continue", "102 Processing", "103 Early Hints", "110 Odd"])
def test_interim_answers_are_dropped(gateway: Gateway, back_end: BackEnd, status: str, count: int) -> None:
    def behave(connection: Connection, seen: Seen) -> None:
        connection.write(f"HTTP/1.1 {status}\r\nX-Interim: 1\r\n\r\n".encode() * count)
        connection.answer(b"final")

    back_end.behave = behave
    with gateway.caller() as caller:
        for _ in range(2):
            caller.send(request())
            answer = caller.answer()
            assert (answer.status, answer.body, answer.values("x-interim")) == (200, b"final", [])
    assert len({seen.connection for seen in back_end.seen}) == 1


@shows(
    "RFC 9110", "15.6.3", "What is no valid answer is a failure of the back end, whose connection is closed."
)
@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 100,
        b"HTTP/1.1 99 Odd\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 600 Odd\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 +20 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 -200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/0.9 200 OK\r\n\r\n",
        b"HTTP/1.1\r\n\r\n",
        b"SSH-2.0-OpenSSH\r\n",
        b"<html>hello</html>\r\n\r\n",
        b"\x00\x00\x12\x04\x00\x00\x00\x00\x00" * 4 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n: no name\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX y: b\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX : b\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: a\x00b\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: a\rSet-Cookie: b\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2, 3\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0x2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 50_000 + b"Content-Length: 0\r\n\r\n",
    ],
)  # fmt: skip
def test_what_is_no_answer_is_a_failure_of_the_back_end(
    gateway: Gateway, back_end: BackEnd, answer: bytes
) -> None:
    back_end.behave = lambda connection, seen: connection.write(answer)
    answered = gateway.call("POST")
    assert failure(answered) == (502, "back-end-protocol-error")
    assert not answered.values("set-cookie")
    wait_until(lambda: not back_end.is_open(back_end.seen[0].connection))


@shows("RFC 9112", "7.1", "A malformed chunk of an answer cuts it: it never looks whole.")
@pytest.mark.parametrize(
    "chunk",
    [
        b"zz\r\nok\r\n",
        b"-1\r\nok\r\n",
        b"0x2\r\nok\r\n",
        b"\r\nok\r\n",
        b"2\r\nokXX0\r\n\r\n",
        b"f" * 40 + b"\r\nok",
    ],
)
def test_a_malformed_chunk_cuts_the_answer(gateway: Gateway, back_end: BackEnd, chunk: bytes) -> None:
    begun = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n"
    back_end.behave = lambda connection, seen: connection.write(begun + chunk + b"0\r\n\r\n")
    with gateway.caller() as caller:
        caller.send(request())
        with suppress(Cut):  # if the answer had begun
            assert failure(caller.final()) == (502, "back-end-protocol-error")
    wait_until(lambda: not back_end.is_open(back_end.seen[0].connection))


@shows("RFC 9112", "5.2", "A folded line of an answer is read as spaces.")
def test_a_folded_line_of_an_answer_is_read_as_spaces(gateway: Gateway, back_end: BackEnd) -> None:
    back_end.behave = lambda connection, seen: connection.answer(b"ok", "X-F: a\r\n  b\r\n\tc")
    assert gateway.call().values("x-f") == ["a b c"]
