"""Targets on their way to a back end: never decoded, never normalised, never read in two ways."""

import pytest

from tests.back_end import BackEnd
from tests.conformance.caller import request
from tests.conformance.marks import refusal, shows
from tests.conformance.serving import Gateway

pytestmark = pytest.mark.wire

UNRESERVED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"


@shows("RFC 3986", "2.1", "What follows the API's suffix arrives byte for byte, in whatever spelling.")
@pytest.mark.parametrize(
    "rest",
    [
        "",
        "/",
        "/a",
        "/a/",
        "//double//slashes/",
        "/a%2fb",
        "/a%2Fb",
        "/%7euser/%7Euser/~user",
        "/with%20space%00%e2%82%ac%ff",
        "/%",
        "/%zz%1",
        "/a;v=1,2/b=c@:$!'()*+&",
        '/a|b[c]^d`e{f}g"h<i>j',
        "/back\\slash",
        "/p?",
        "/p??x",
        "/p?a=%20&b=+&c=%zz&a=1&&=&",
        "/p?q=http://x/y?z[]{}|\\^`",
        "/" + UNRESERVED,
        "?",
        "?a=b",
    ],
)
def test_a_target_arrives_byte_for_byte(gateway: Gateway, back_end: BackEnd, rest: str) -> None:
    assert gateway.call(target=f"/open{rest}").status == 200
    assert [seen.target for seen in back_end.seen] == [f"/base{rest}"]


@shows("RFC 3986", "2.1", "A target may be as long as the head may be.")
@pytest.mark.parametrize("length", [8000, 60_000])
def test_a_long_target_arrives_whole(gateway: Gateway, back_end: BackEnd, length: int) -> None:
    rest = "/" + "a" * (length // 2) + "?" + "b" * (length // 2)
    assert gateway.call(target=f"/open{rest}").status == 200
    assert back_end.seen[0].target == f"/base{rest}"


def arrived_at(gateway: Gateway, back_end: BackEnd, target: str) -> str | None:
    """The operation of the API "matching" that a call was for (see apis.py)."""
    answer = gateway.call(target=target)
    if answer.status == 404:
        return None
    assert answer.status == 200
    return back_end.seen[-1].target.removeprefix("/base/op")


@shows("RFC 3986", "2.2", "An escaped reserved character is another address than the character.")
def test_an_escaped_slash_is_no_slash(gateway: Gateway, back_end: BackEnd) -> None:
    assert arrived_at(gateway, back_end, "/matching/escaped%2Fslash") == "/escaped%2Fslash"
    assert arrived_at(gateway, back_end, "/matching/escaped/slash") == "/+"
    assert arrived_at(gateway, back_end, "/matching%2Fa%2Fb%2Fc") is None
    assert arrived_at(gateway, back_end, "/matching/a%2Fb%2Fc") == "/+"


@shows("RFC 3986", "6.2.2.1", "The digits of an escape are the same in either case; nothing else is.")
def test_case_counts_but_for_the_digits_of_escapes(gateway: Gateway, back_end: BackEnd) -> None:
    assert arrived_at(gateway, back_end, "/matching/escaped%2fslash") == "/escaped%2Fslash"
    assert arrived_at(gateway, back_end, "/matching/Case") == "/Case"
    assert arrived_at(gateway, back_end, "/matching/case") == "/+"
    assert arrived_at(gateway, back_end, "/Matching/Case") is None


@shows("RFC 3986", "6.2.2.2", "An escaped unreserved character is the same address as the character.")
@pytest.mark.parametrize(
    ("target", "operation"),
    [
        ("/matching/%61/%62/%63", "/a/b/c"),
        ("/%6d%61tching/a/b/c", "/a/b/c"),
        ("/matching/%2D%2e%5F%7E/t", "/-._~/t"),
        ("/matching/q?%6bind=special", "/q!kind=special"),
        ("/matching/q?kind=%73pecial", "/q!kind=special"),
        ("/n%65sted/v2/y", "/y"),
        ("/nested/%76%32/y", "/y"),
    ],
)
def test_escaped_unreserved_characters_are_compared_decoded(
    gateway: Gateway, back_end: BackEnd, target: str, operation: str
) -> None:
    assert arrived_at(gateway, back_end, target) == operation


DOTS = (".", "..", "%2e", "%2E", ".%2e", "%2e.", "%2E%2e", "..;", "..;x=1", "%2e%2E%3Bx")
SEPARATORS = ("/", "\\", "%2f", "%2F", "%5c", "%5C")


@shows("RFC 3986", "5.2.4", "A target with a dot segment, in any spelling, is refused and never forwarded.")
@pytest.mark.parametrize("dots", DOTS)
@pytest.mark.parametrize("api", ["open", "siblings/public", "elsewhere"])
def test_a_dot_segment_is_refused_in_every_spelling(
    gateway: Gateway, back_end: BackEnd, api: str, dots: str
) -> None:
    for separator in SEPARATORS:
        for rest in (
            f"/{dots}",
            f"/a{separator}{dots}",
            f"/{dots}{separator}a",
            f"/a{separator}{dots}{separator}b?c",
        ):
            assert refusal(gateway.says(request("GET", f"/{api}{rest}"))) == 400, rest
    assert not back_end.seen


@shows("RFC 3986", "5.2.4", "A dot segment before the suffix is refused, too.")
@pytest.mark.parametrize(
    "target", ["/.", "/..", "/../open/x", "/./open/x", "/x/../open/x", "/%2e%2e/open/x", "/x/..%2fopen"]
)
def test_a_dot_segment_before_the_suffix_is_refused(gateway: Gateway, back_end: BackEnd, target: str) -> None:
    assert refusal(gateway.says(request("GET", target))) == 400
    assert not back_end.seen


@shows("RFC 3986", "3.3", "Other dots are part of a name.")
@pytest.mark.parametrize(
    "rest", ["/...", "/.a", "/a..", "/a.b", "/..a/b", "/%2e%2e%2e", "/%252e%252e/a", "/..%20", "/.%00"]
)
def test_other_dots_arrive(gateway: Gateway, back_end: BackEnd, rest: str) -> None:
    assert gateway.call(target=f"/open{rest}").status == 200
    assert back_end.seen[0].target == f"/base{rest}"


@shows("RFC 3986", "3.4", "Dots in a query are part of it.")
def test_dots_in_a_query_arrive(gateway: Gateway, back_end: BackEnd) -> None:
    assert gateway.call(target="/open/x?a=/../b&c=..%2f.").status == 200
    assert back_end.seen[0].target == "/base/x?a=/../b&c=..%2f."


@shows("RFC 3986", "3.5", "A fragment is refused: it is never sent.")
@pytest.mark.parametrize("rest", ["/x#", "/x#y", "/x?y#z", "#", "#/../x"])
def test_a_fragment_is_refused(gateway: Gateway, back_end: BackEnd, rest: str) -> None:
    assert refusal(gateway.says(request("GET", f"/open{rest}"))) == 400
    assert not back_end.seen


@shows("RFC 3986", "2", "A target holds printable ASCII characters; anything else is refused.")
@pytest.mark.parametrize("character", [*range(0x20), *range(0x7F, 0x100, 9), 0xFF])
def test_a_raw_character_that_is_not_ascii_or_not_printable_is_refused(
    gateway: Gateway, back_end: BackEnd, character: int
) -> None:
    data = request("GET", f"/open/a{chr(character)}b?c{chr(character)}d")
    assert refusal(gateway.says(data)) == 400
    assert not back_end.seen
