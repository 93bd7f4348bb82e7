"""Heads of requests: taken apart without changing a byte, or refused."""

import re
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import strategies as st

from gateway.request_head import BadHead, RequestHead, read_head
from tests.properties import examples, holds

HOST = (b"host", b"gateway.example")


def read(
    target: bytes, *fields: tuple[bytes, bytes], method: str = "GET", version: str = "1.1"
) -> RequestHead:
    return read_head(method, version, target, fields or (HOST,))


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        (b"/", "/", None),
        (b"/a%2fb//c", "/a%2fb//c", None),
        (b"/p?", "/p", ""),
        (b"/p??x=/../y", "/p", "?x=/../y"),
        (b"/a...b/.c/d.", "/a...b/.c/d.", None),
    ],
)
def test_a_target_stays_as_it_was_sent(target: bytes, path: str, query: str | None) -> None:
    head = read(target)
    assert (head.path, head.query) == (path, query)


@pytest.mark.parametrize(
    "target",
    [b"", b"x", b"*", b"bank:443", b"/a b", b"/\xff", b"/#x", b"/.", b"/%2e/x", b"/a/%2E./b", b"/a%5c..%5Cb",
     b"/a\\..", b"ftp://x/y", b"http:///x", b"http://user@x/y", b"http://x y/z"],
)  # fmt: skip
def test_a_target_that_two_could_read_differently_is_refused(target: bytes) -> None:
    with pytest.raises(BadHead):
        read(target)


@pytest.mark.parametrize("target", [b"http://other.example:81", b"HTTP://other.example:81/x?y"])
def test_the_authority_of_an_absolute_target_wins_over_host(target: bytes) -> None:
    head = read(target)
    assert head.authority == b"other.example:81"
    assert head.path == ("/x" if b"/x" in target else "/")


def test_an_asterisk_is_for_options_alone() -> None:
    assert read(b"*", method="OPTIONS").path == "*"
    with pytest.raises(BadHead):
        read(b"http://x/../*", method="OPTIONS")


def test_a_tunnel_is_refused_whatever_its_target() -> None:
    with pytest.raises(BadHead):
        read(b"/x", method="CONNECT")


@pytest.mark.parametrize(
    "hosts", [[], [b"a", b"a"], [b"a b"], [b'a"b'], [b"a/b"], [b"u@a"], [b"[::1"], [b"a:80:80"], [b"a:x"]]
)
def test_a_request_has_exactly_one_well_formed_host(hosts: list[bytes]) -> None:
    with pytest.raises(BadHead):
        read(b"/", (b"x", b"y"), *((b"host", host) for host in hosts))


@pytest.mark.parametrize(
    "host", [b"", b"a", b"a:80", b"[2001:db8::1]:8443", b"192.0.2.1", b"xn--bcher-kva.example"]
)
def test_well_formed_hosts_pass(host: bytes) -> None:
    assert read(b"/", (b"host", host)).authority == host


def test_http_1_0_does_without_a_host() -> None:
    assert read(b"/", (b"x", b"y"), version="1.0").authority == b""


@pytest.mark.parametrize(
    "fields",
    [
        [(b"content-length", b"3"), (b"transfer-encoding", b"chunked")],
        [(b"content-length", b"3"), (b"content-length", b"4")],
        [(b"content-length", b"+3")],
        [(b"transfer-encoding", b"gzip, chunked")],
        [(b"transfer-encoding", b"chunked"), (b"transfer-encoding", b"chunked")],
    ],
)
def test_faulty_framing_is_refused(fields: list[tuple[bytes, bytes]]) -> None:
    with pytest.raises(BadHead):
        read(b"/", HOST, *fields)


def test_http_1_0_has_no_chunks() -> None:
    with pytest.raises(BadHead):
        read(b"/", HOST, (b"transfer-encoding", b"chunked"), version="1.0")


PIECES = st.sampled_from(
    [b"/", b"//", b"\\", b"%2f", b"%5C", b".", b"..", b"%2e", b"a", b"%41", b"?", b"#", b"%", b"%zz", b" ", b"\xff",
     b"\x00", b"\r\n", b"http://", b"https://a", b"@", b":", b"*", b";"]
)  # fmt: skip
TARGETS = st.lists(PIECES, max_size=10).map(b"".join) | st.binary(max_size=30)


@examples(500, 10_000)
def test_any_target_is_refused_or_taken_apart_without_changing_a_byte(count: int) -> None:
    def refused_or_the_same(target: bytes) -> None:
        try:
            head = read(target)
        except BadHead:
            return
        whole = head.path.encode() + (b"" if head.query is None else b"?" + head.query.encode())
        origin = re.sub(rb"^https?://[^/?]*", b"", target, flags=re.IGNORECASE)
        assert whole == (origin if origin.startswith(b"/") else b"/" + origin)

    holds(count, refused_or_the_same, TARGETS | TARGETS.map(lambda rest: b"/" + rest))


@examples(500, 10_000)
def test_no_target_that_is_taken_leads_out_of_its_place(count: int) -> None:
    """However a back end reads it: decoding once, taking a backslash for a slash."""

    def in_its_place(rest: bytes) -> None:
        try:
            head = read(b"/api/" + rest)
        except BadHead:
            return
        segments = re.split(rb"[/\\]", unquote_to_bytes(head.path))
        assert not {b".", b".."} & {*segments}

    holds(count, in_its_place, TARGETS)
