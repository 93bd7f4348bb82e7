"""Requests that two servers could read in two ways, and what must become of each.

Behind each stands a request that a back end must never see: whoever takes the first for shorter than we do would
find it there.
"""

from collections.abc import Iterator
from typing import NamedTuple

Forwarded = tuple[str, str, bytes]


class Case(NamedTuple):
    """`arriving` is what may reach the back end, if anything does: method, target and body of each whole request.

    With a `status` the request must be answered so and in no other way. With 0 it may pass, as exactly what may
    arrive, or be refused.
    """

    name: str
    source: str
    section: str
    data: bytes
    status: int = 400
    arriving: tuple[Forwarded, ...] = ()


HOST = b"Host: gateway.example\r\n"
LINE = b"POST /open/x HTTP/1.1\r\n"
HEAD = LINE + HOST + b"Connection: close\r\n"
SMUGGLED = b"GET /open/smuggled HTTP/1.1\r\nHost: gateway.example\r\nConnection: close\r\n\r\n"
NOTHING: Forwarded = ("POST", "/base/x", b"")
ABC: Forwarded = ("POST", "/base/x", b"abc")


def shown(value: bytes) -> str:
    """Bytes as a part of a test's name."""
    text = value if len(value) < 40 else value[:30] + b"..."
    return ascii(text.decode("latin-1"))[1:-1]


def _with(fields: bytes, body: bytes = b"") -> bytes:
    return HEAD + fields + b"\r\n" + body + SMUGGLED


# --- Framing (RFC 9112, 6) ----------------------------------------------------------------------------------------

_BOTH = (
    b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
    b"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: chunked\r\nX: y\r\nContent-Length: 5\r\n",
    b"Content-Length: 3\r\nTransfer-Encoding: identity\r\n",
    b"Content-Length: 3\r\nTransfer-Encoding:\r\n",
    b"Content-Length: 3\r\nTransfer-Encoding: gzip, chunked\r\n",
    b"Content-Length: 3\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n",
    b"content-length: 3\r\ntransfer-encoding: chunked\r\n",
)
_CODINGS = (
    b"identity", b"gzip", b"xchunked", b"chunkedx", b"chunk", b"chunked, identity", b"identity, chunked",
    b"gzip, chunked", b"chunked, gzip", b"chunked, chunked", b"chunked;q=1", b"chunked;", b'"chunked"',
    b"'chunked'", b"chun ked", b"chun\tked", b"\x0bchunked", b"chunked\x0b", b"\x0cchunked", b"\x00chunked",
    b"chunked\x00", b"\xa0chunked", b"chunked\xa0", b"chun\xe2\x84\xaaed", b"\xef\xbb\xbfchunked", b"", b",",
    b"chunked.", b"(chunked)", b"chunked identity", b"\x7fchunked", b"=?chunked?=", b"cow", b"0",
)  # fmt: skip
_CODING_LINES = (
    b"Transfer-Encoding : chunked\r\n", b"Transfer-Encoding\t: chunked\r\n",
    b" Transfer-Encoding: chunked\r\n", b"X: y\r\n Transfer-Encoding: chunked\r\n",
    b"Transfer-Encoding:\r\n chunked\r\n", b"Transfer-Encoding: \r\n\tchunked\r\n",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
    b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding:\r\n", b"X: y\nTransfer-Encoding: chunked\r\n",
    b"X: y\rTransfer-Encoding: chunked\r\n", b"Transfer-Encoding\x00: chunked\r\n",
    b"Transfer\xadEncoding: chunked\r\n", b"Transfer-Encoding chunked\r\n",
    b"\x00Transfer-Encoding: chunked\r\n", b"Transfer-Encoding:chunked\rX: y\r\n",
    b"X: y\r\n\tTransfer-Encoding: chunked\r\n", b"Transfer-Encoding;: chunked\r\n",
)  # fmt: skip
_LENGTHS = (
    b"+3", b"-3", b"-0", b"0x3", b"3a", b"a3", b"3 3", b"3, 4", b"3;4", b"", b"3.0", b"3e0", b"\x0b3",
    b"3\x0b", b"\x003", b"3\x00", b"\xd9\xa3", b"1_0", b"_3", b"\xb3", b"99999999999999999999",
    b"18446744073709551616", b"18446744073709551619", b'"3"', b"3,", b",3", b"3 ,4", b"3\xa0", b"\xef\xbc\x93",
    b"three", b"3/1", b"3:", b"(3)", b"0b11", b"inf",
)  # fmt: skip
_LENGTH_LINES = (
    b"Content-Length: 3\r\nContent-Length: 4\r\n", b"Content-Length: 4\r\nX: y\r\ncontent-length: 3\r\n",
    b"Content-Length: 0\r\nContent-Length: 3\r\n", b"Content-Length : 3\r\n", b"Content-Length\t: 3\r\n",
    b" Content-Length: 3\r\n", b"Content-Length:\r\n 3\r\n", b"Content-Length: \r\n\t3\r\n",
    b"Content-Length: 3\r\n 0\r\n", b"X: y\nContent-Length: 3\r\n", b"X: y\rContent-Length: 3\r\n",
    b"Content-Length\x00: 3\r\n", b"Content-Length 3\r\n", b"Content-Length: 3\r\nContent-Length:\r\n",
    b"Content-Length: 3\nContent-Length: 4\r\n", b"\tContent-Length: 3\r\n",
)  # fmt: skip
_SIZES = (
    b"0x3", b"-3", b"+3", b"3 3", b" 3", b"\t3", b"\x0b3", b"3\x0b", b"3_", b"0_3", b"g", b"", b"\xb3",
    b"ffffffffffffffff3", b"10000000000000003", b"3\x00", b"\x003", b"3,3", b"3.", b"3:a", b'"3"', b"3;a\nb",
    b"3;\x00", b"3;a\rb", b"\xef\xbc\x93", b"\r\n3", b"3#", b"3=a", b"3\xa0",
)  # fmt: skip
_CHUNKS = (
    b"3\nabc\r\n0\r\n\r\n", b"3\r\nabc\n0\r\n\r\n", b"3\r\nabc0\r\n\r\n", b"3\r\nabcd\r\n0\r\n\r\n",
    b"3\r\nab\r\n0\r\n\r\n", b"3\rabc\r\n0\r\n\r\n", b"3\r\r\nabc\r\n0\r\n\r\n", b"3\n\nabc\r\n0\r\n\r\n",
    b"3\r\nabc\r0\r\n\r\n", b"3;\nabc\r\n0\r\n\r\n", b"3\r\nabc\r\n\r\n0\r\n\r\n", b"abc",
    b"3\r\nabc\r\n0\n\n", b"3\r\nabc\r\n0\r\n\n", b"3\r\nabc\r\n00x\r\n\r\n", b"3\r\nabc\r\n-0\r\n\r\n",
    b"3\r\nabc\r\n0\r\nX y: z\r\n\r\n", b"3\r\nabc\r\n0\r\nX: a\x00b\r\n\r\n",
    b"3\r\nabc\r\n0\r\nno colon\r\n\r\n", b"3\r\nabc\r\n0\r\nX: a\rY: b\r\n\r\n",
    b"3\r\nabc\r\n0\r\n: b\r\n\r\n", b"3\r\nabc\r\n0\r\nX: a\nY: b\r\n\r\n",
)  # fmt: skip


def framing() -> Iterator[Case]:
    """Where one request ends and the next begins."""
    for fields in _BOTH:
        yield Case(f"both: {shown(fields)}", "RFC 9112", "6.3", _with(fields, b"0\r\n\r\n"))
    for coding in _CODINGS:
        field = b"Transfer-Encoding: " + coding + b"\r\n"
        yield Case(f"coding: {shown(coding)}", "RFC 9112", "6.1", _with(field, b"0\r\n\r\n"))
    for fields in _CODING_LINES:
        yield Case(f"coding: {shown(fields)}", "RFC 9112", "6.1", _with(fields, b"0\r\n\r\n"))
    for length in _LENGTHS:
        field = b"Content-Length: " + length + b"\r\n"
        yield Case(f"length: {shown(length)}", "RFC 9112", "6.3", _with(field, b"abc"))
    for fields in _LENGTH_LINES:
        yield Case(f"length: {shown(fields)}", "RFC 9112", "6.3", _with(fields, b"abc"))
    old = LINE.replace(b"1.1", b"1.0") + HOST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED
    yield Case("coding: HTTP/1.0", "RFC 9112", "6.1", old)
    for size in _SIZES:
        body = size + b"\r\nabc\r\n0\r\n\r\n"
        yield Case(
            f"chunk size: {shown(size)}", "RFC 9112", "7.1", _with(b"Transfer-Encoding: chunked\r\n", body)
        )
    for body in _CHUNKS:
        yield Case(f"chunk: {shown(body)}", "RFC 9112", "7.1", _with(b"Transfer-Encoding: chunked\r\n", body))


def framing_that_may_pass() -> Iterator[Case]:
    """What a section lets a server read, in one way."""
    for line, method in ((b"POST /open/x RTSP/1.0", "POST"), (b"SOURCE /open/x ICE/1.0", "SOURCE")):
        data = line + b"\r\n" + HOST + b"\r\n"
        yield Case(f"request line: {shown(line)}", "RFC 9112", "3", data, 0, ((method, "/base/x", b""),))
    for value in (
        b"Chunked",
        b"CHUNKED",
        b"  chunked",
        b"chunked  ",
        b"\tchunked\t",
        b",chunked",
        b"chunked,",
    ):
        field = b"Transfer-Encoding:" + value + b"\r\n"
        data = _with(field, b"3\r\nabc\r\n0\r\n\r\n")
        yield Case(f"coding: {shown(value)}", "RFC 9112", "6.1", data, 0, (ABC,))
    for fields in (
        b"Content-Length: 3, 3\r\n", b"Content-Length: 3\r\nContent-Length: 3\r\n", b"Content-Length: 03\r\n",
        b"Content-Length:3\r\n", b"Content-Length: \t 3 \t\r\n",
        b"Content-Length: 00000000000000000000000003\r\n",
    ):  # fmt: skip
        yield Case(f"length: {shown(fields)}", "RFC 9112", "6.3", _with(fields, b"abc"), 0, (ABC,))
    for body in (
        b"3;a=b\r\nabc\r\n0\r\n\r\n", b"3 ;a\r\nabc\r\n0\r\n\r\n", b"3  \r\nabc\r\n0\r\n\r\n",
        b"0000000000000003\r\nabc\r\n000\r\n\r\n", b"00000000000000000000003\r\nabc\r\n0\r\n\r\n",
        b"3\r\nabc\r\n0\r\nContent-Length: 9\r\n\r\n", b"3\r\nabc\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"3\r\nabc\r\n0\r\nX: a\r\n b\r\n\r\n", b'3;a="b;c"\r\nabc\r\n0;d\r\n\r\n',
    ):  # fmt: skip
        yield Case(
            f"chunk: {shown(body)}",
            "RFC 9112",
            "7.1",
            _with(b"Transfer-Encoding: chunked\r\n", body),
            0,
            (ABC,),
        )


# --- Lines and fields (RFC 9112, 2 to 5) --------------------------------------------------------------------------

_ENDINGS = (
    b"POST /open/x HTTP/1.1\nHost: a\n\n", b"POST /open/x HTTP/1.1\r\nHost: a\n\r\n",
    b"POST /open/x HTTP/1.1\nHost: a\r\n\r\n", b"POST /open/x HTTP/1.1\r\nHost: a\r\nX: y\n\r\n",
    b"POST /open/x HTTP/1.1\r\nHost: a\r\nX: y\r\r\n\r\n", b"POST /open/x HTTP/1.1\rHost: a\r\r",
    b"POST /open/x HTTP/1.1\r\nHost: a\rX: y\r\n\r\n", b"POST /open/x HTTP/1.1\r\r\nHost: a\r\n\r\n",
    b"POST /open/x HTTP/1.1\r\nHost: a\r\n\n", b"POST /open/x\r HTTP/1.1\r\nHost: a\r\n\r\n",
    b"POST\r /open/x HTTP/1.1\r\nHost: a\r\n\r\n", b"POST /open/x HTTP/1.1\r\nHost: a\r\n\r\r\n",
    b"POST /open/x HTTP/1.1\x0bHost: a\r\n\r\n", b"POST /open/x HTTP/1.1\x85Host: a\r\n\r\n",
    b"POST /open/x HTTP/1.1\x0cHost: a\r\n\r\n",
)  # fmt: skip
_REQUEST_LINES = (
    b"POST /open/x", b"GET /open/x", b"GET", b"", b"/open/x HTTP/1.1", b"POST HTTP/1.1",
    b"POST\t/open/x\tHTTP/1.1", b"POST /open/x\tHTTP/1.1", b"POST /open/x HTTP/1.1 HTTP/1.1",
    b"POST /open/x y HTTP/1.1", b"POST /open/x http/1.1", b"POST /open/x HTTP/1.1x", b"POST /open/x HTTP/1,1",
    b"POST /open/x HTTP/ 1.1", b"POST /open/x HTTP /1.1", b"POST /open/x FTP/1.1", b"POST /open/x HTTPS/1.1",
    b"POST /open/x HTTP/1.1\x00", b"POST /open/x HTTP\x00/1.1", b"POST /open/x\x00 HTTP/1.1",
    b"POST /open\x00/x HTTP/1.1", b"PO\x00ST /open/x HTTP/1.1", b"\x00POST /open/x HTTP/1.1",
    b"PO ST /open/x HTTP/1.1", b" POST /open/x HTTP/1.1", b"\tPOST /open/x HTTP/1.1", b"POST/open/x HTTP/1.1",
    b"POST: /open/x HTTP/1.1", b'"POST" /open/x HTTP/1.1', b"POST\xa0/open/x HTTP/1.1",
    b"POST /open/\x7f HTTP/1.1", b"POST /open/\xa0 HTTP/1.1", b"HTTP/1.1 200 OK",
    b"POST http://a /open/x HTTP/1.1", b"\xef\xbb\xbfPOST /open/x HTTP/1.1", b"POST /open/x HTTP/1.1\x0b",
    b"P\xc3\x96ST /open/x HTTP/1.1", b"POST /open/x ICE/1.0", b"POST /open/x HTTP/1.2.3",
    b"POST /open/x HTTP/-1.1", b"POST /open/x HTTP/1.1;a",
)  # fmt: skip
_NAMES = (
    b"X y: a", b"X : a", b"X\t: a", b" X: a", b"\tX: a", b": a", b"X", b"X\x00: a", b"\x00X: a", b"X\x0b: a",
    b"X\xff: a", b"X\x7f: a", b"(X): a", b"X,Y: a", b"X;Y: a", b'X"Y: a', b"X@Y: a", b"X[Y]: a", b"X/Y: a",
    b"X=Y: a", b"X?Y: a", b"X{Y}: a", b"X\\Y: a", b"<X>: a", b"X\r: a", b"\xe2\x80\x8bX: a", b"X\xa0: a",
    b"Host : evil", b" Host: evil", b"Host\x00: evil", b"Host\t: evil",
)  # fmt: skip
_VALUES = (
    b"a\x00b", b"\x00", b"a\rb", b"a\nb", b"a\r", b"a\r\rb", b"a\x01b", b"a\x08b", b"a\x0bb", b"a\x0cb",
    b"a\x1bb", b"a\x7fb", b"a\x1f", b"\x02a", b"a\r\n folded", b"a\r\n\tfolded", b"a\r\n \r\n b", b"a\r\n  ",
    b"\r\n a",
)  # fmt: skip
_OTHER_PROTOCOLS = (
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 40, b"SSH-2.0-OpenSSH_9.6\r\n",
    b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n",
    b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c" + b"\x7f\x00\x00\x01" * 3, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"EHLO gateway.example\r\n", b"\xff" * 64, b"*1\r\n$4\r\nPING\r\n", b"\x00" * 64, b"\x05\x01\x00",
    b"CONNECT gateway.example:443 HTTP/1.1\r\nHost: gateway.example:443\r\n\r\n", b"{}\r\n\r\n",
)  # fmt: skip


def lines() -> Iterator[Case]:
    """Where one line ends, and what may stand in it."""
    for data in _ENDINGS:
        yield Case(f"line ends: {shown(data)}", "RFC 9112", "2.2", data + SMUGGLED)
    for line in _REQUEST_LINES:
        if line:
            yield Case(
                f"request line: {shown(line)}", "RFC 9112", "3", line + b"\r\n" + HOST + b"\r\n" + SMUGGLED
            )
    for name in _NAMES:
        yield Case(f"name: {shown(name)}", "RFC 9112", "5.1", _with(name + b"\r\n"))
        yield Case(
            f"first name: {shown(name)}", "RFC 9112", "5.1", LINE + name + b"\r\n" + HOST + b"\r\n" + SMUGGLED
        )
    for value in _VALUES:
        yield Case(f"value: {shown(value)}", "RFC 9110", "5.5", _with(b"X: " + value + b"\r\n"))
    for value in (b"a\x00b", b"a\rb", b"a\nb", b"a\r\n b", b"\r\n a", b"a\x0bb"):
        data = LINE + b"Host: " + value + b"\r\nConnection: close\r\n\r\n" + SMUGGLED
        yield Case(f"Host: {shown(value)}", "RFC 9112", "3.2", data)
    for data in _OTHER_PROTOCOLS:
        yield Case(f"other protocol: {shown(data)}", "RFC 9112", "2.1", data + SMUGGLED)


# --- What is too large --------------------------------------------------------------------------------------------

_MUCH = b"x" * 70_000


def sizes() -> Iterator[Case]:
    """Refused for its size; a method or a chunk has none that is fixed, so it may be refused for being none."""
    large = {
        "target": b"GET /open/" + _MUCH + b" HTTP/1.1\r\n" + HOST + b"\r\n",
        "query": b"GET /open/x?" + _MUCH + b" HTTP/1.1\r\n" + HOST + b"\r\n",
        "name": HEAD + _MUCH + b": y\r\n\r\n",
        "value": HEAD + b"X: " + _MUCH + b"\r\n\r\n",
        "fields": HEAD + b"X: y\r\n" * 20_000 + b"\r\n",
        "cookies": HEAD + b"Cookie: a=b\r\n" * 10_000 + b"\r\n",
        "Host": LINE + b"Host: " + _MUCH + b"\r\n\r\n",
        "trailer": HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX: " + _MUCH * 4,
        "trailers": HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n" + b"X: y\r\n" * 60_000,
    }
    for name, data in large.items():
        yield Case(f"large {name}", "RFC 6585", "5", data + SMUGGLED, 431)
    yield Case(
        "large method", "RFC 9110", "9.1", _MUCH + b" /open/x HTTP/1.1\r\n" + HOST + b"\r\n" + SMUGGLED
    )
    spaces = b"GET /open/x" + b" " * 70_000 + b"HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"
    yield Case("many spaces", "RFC 9112", "3", spaces, 0, (("GET", "/base/x", b""),))
    extension = HEAD + b"Transfer-Encoding: chunked\r\n\r\n3;" + _MUCH + b"\r\nabc\r\n0\r\n\r\n"
    yield Case("large chunk extension", "RFC 9112", "7.1.1", extension, 0, (ABC,))


# --- Requests within requests -------------------------------------------------------------------------------------


def _length(body: bytes) -> bytes:
    return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


def _chunked(body: bytes) -> bytes:
    return b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)


_TRICK = b"0\r\n\r\n" + SMUGGLED
_FRAMED = {
    "length": (_length(SMUGGLED), SMUGGLED),
    "chunked": (_chunked(SMUGGLED), SMUGGLED),
    "last chunk, length": (_length(_TRICK), _TRICK),
    "last chunk, chunked": (_chunked(_TRICK), _TRICK),
}
_FIELDS_BESIDE = (
    b"", b"Connection: Content-Length\r\n", b"Connection: Transfer-Encoding\r\n", b"Connection: Host\r\n",
    b"Connection: upgrade\r\nUpgrade: h2c\r\n", b"Connection: x, Upgrade\r\nUpgrade: a, b\r\n",
    b"Expect: 100-continue\r\n", b"Upgrade: h2c\r\n", b"Trailer: Content-Length\r\n", b"TE: chunked\r\n",
)  # fmt: skip


def within() -> Iterator[Case]:
    """A body that looks like a request is a body, wherever a gateway might lose sight of that."""
    for name, (framed, body) in _FRAMED.items():
        for fields in _FIELDS_BESIDE:
            data = HEAD + fields + framed
            yield Case(
                f"within, {name}: {shown(fields)}", "RFC 9112", "6", data, 200, (("POST", "/base/x", body),)
            )
        for method in ("GET", "DELETE", "TRACE", "OPTIONS", "PUT", "PATCH"):
            data = HEAD.replace(b"POST", method.encode()) + framed
            yield Case(f"within, {name}: {method}", "RFC 9112", "6", data, 200, ((method, "/base/x", body),))


def unread() -> Iterator[Case]:
    """The body of a call that is answered without it is not the next request."""
    answered = {
        b"POST /elsewhere": 404,
        b"POST /keyed/x": 401,
        b"POST /https-only/x": 403,
        b"POST /sealed/x": 500,
        b"POST /silent/x": 200,
        b"OPTIONS *": 200,
    }
    for line, status in answered.items():
        for name, (framed, _) in _FRAMED.items():
            data = line + b" HTTP/1.1\r\n" + HOST + framed
            yield Case(f"unread, {name}: {line.decode()}", "RFC 9112", "9.3", data, status)
    for field in (b"200-ok", b"y 100-continue", b"100-continue, x", b"100-continue;x", b"100-continuee"):
        data = HEAD + b"Expect: " + field + b"\r\n" + _length(SMUGGLED)
        yield Case(f"unread: {shown(field)}", "RFC 9110", "10.1.1", data, 417)
    for field in (b"X_Y: z", b"Content_Length: 5", b"Transfer_Encoding: chunked"):
        data = HEAD + field + b"\r\n" + _length(SMUGGLED)
        yield Case(f"unread: {shown(field)}", "this product", "fields", data, 400)


def behind() -> Iterator[Case]:
    """A good request, and behind it one that is none: the first is answered, the second refused."""
    good = LINE + HOST + b"Content-Length: 3\r\n\r\nabc"
    for name, bad in {
        "rubbish": b"\x01\x02\r\n\r\n",
        "more of the body": b"defg\r\n\r\n",
        "no version": b"GET /open/smuggled\r\n\r\n",
        "no host": b"GET /open/smuggled HTTP/1.1\r\n\r\n",
        "both": LINE + HOST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "dots": b"GET /open/../smuggled HTTP/1.1\r\n" + HOST + b"\r\n",
        "bare LF": b"GET /open/smuggled HTTP/1.1\nHost: a\n\n",
    }.items():
        yield Case(f"behind: {name}", "RFC 9112", "9.3.2", good + bad + SMUGGLED, 400, (ABC,))
    for name, first in {"no body": b"", "zero": b"Content-Length: 0\r\n"}.items():
        data = LINE + HOST + first + b"\r\nabc\r\n\r\n" + SMUGGLED
        yield Case(f"behind: {name}", "RFC 9112", "6.3", data, 400, (NOTHING,))


REFUSED = (*framing(), *lines(), *sizes())
PASSING = (*framing_that_may_pass(), *within(), *unread())
BEHIND = tuple(behind())
