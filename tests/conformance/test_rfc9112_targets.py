"""RFC 9112, 3: whom a request is for."""

import pytest

from tests.back_end import BackEnd
from tests.conformance.caller import request
from tests.conformance.marks import refusal, shows
from tests.conformance.serving import Gateway

pytestmark = pytest.mark.wire

ALLOWED = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, TRACE"


@shows("RFC 9112", "3.2", "A request of HTTP/1.1 without exactly one Host is refused.")
@pytest.mark.parametrize(
    "fields",
    [
        (),
        ("Host: a", "Host: b"),
        ("Host: a", "Host: a"),
        ("Host: a", "X: y", "host: a"),
        ("X-Host: a",),
    ],
)
def test_a_request_without_exactly_one_host_is_refused(
    gateway: Gateway, back_end: BackEnd, fields: tuple[str, ...]
) -> None:
    assert refusal(gateway.says(request("GET", "/open/x", *fields, host=""))) == 400
    assert not back_end.seen


@shows("RFC 9112", "3.2", "A Host that is no host and port is refused.")
@pytest.mark.parametrize(
    "host",
    [
        "a b", "user@a", "a/b", "a?b", "a#b", "http://a", "a:b", "a:80:80", "a:-1", "[::1", "::1]:80",
        "a\\b", "<a>", '"a"', "a%", "caf\xe9", "a, a",
    ],
)  # fmt: skip
def test_a_malformed_host_is_refused(gateway: Gateway, back_end: BackEnd, host: str) -> None:
    assert refusal(gateway.says(request(host=host))) == 400
    assert not back_end.seen


@shows("RFC 9112", "3.2", "Any host and port is taken, and told to the back end in X-Forwarded-Host.")
@pytest.mark.parametrize(
    "host",
    [
        "gateway.example",
        "GATEWAY.example:8080",
        "127.0.0.1",
        "[::1]:8080",
        "a_b",
        "xn--caf-dma.example",
        "a:",
    ],
)
def test_a_host_is_told_to_the_back_end(gateway: Gateway, back_end: BackEnd, host: str) -> None:
    with gateway.caller() as caller:
        caller.send(request(host=host))
        assert caller.final().status == 200
    assert back_end.seen[0].values("x-forwarded-host") == [host]


@shows("RFC 9112", "3.2.2", "A target in absolute form is taken, and sent on in origin form.")
@pytest.mark.parametrize(
    ("target", "origin"),
    [
        ("http://gateway.example/open/x?y", "/base/x?y"),
        ("HTTP://other.example:8080/open/a%2fb?", "/base/a%2fb?"),
        ("http://[::1]:80/open//x", "/base//x"),
        ("http://127.0.0.1/open", "/base"),
        ("http://gateway.example/open/http://x/y?http://z", "/base/http://x/y?http://z"),
    ],
)
def test_an_absolute_target_is_sent_on_in_origin_form(
    gateway: Gateway, back_end: BackEnd, target: str, origin: str
) -> None:
    assert gateway.call(target=target).status == 200
    assert [seen.target for seen in back_end.seen] == [origin]


@shows("RFC 9112", "3.2.2", "The authority of an absolute target wins over Host.")
def test_the_authority_of_the_target_wins_over_host(gateway: Gateway, back_end: BackEnd) -> None:
    assert gateway.call(target="http://other.example:81/open/x").status == 200
    (seen,) = back_end.seen
    assert seen.values("x-forwarded-host") == ["other.example:81"]
    assert "gateway.example" not in str(seen.fields)


@shows("RFC 9112", "3.2.2", "An absolute target without a path is the root, never another API.")
@pytest.mark.parametrize("target", ["http://open", "http://open?x", "http://open/", "http://siblings"])
def test_an_absolute_target_without_a_path_is_the_root(
    gateway: Gateway, back_end: BackEnd, target: str
) -> None:
    assert gateway.call(target=target).status == 404
    assert not back_end.seen


@shows(
    "RFC 9112", "3.2.2", "An absolute target needs Host, too, and a scheme and an authority that are ones."
)
@pytest.mark.parametrize(
    "data",
    [
        request("GET", "http://gateway.example/open/x", host=""),
        request("GET", "http:///open/x"),
        request("GET", "http:/open/x"),
        request("GET", "http:open/x"),
        request("GET", "ftp://gateway.example/open/x"),
        request("GET", "file:///open/x"),
        request("GET", "//gateway.example:x/open/../x"),
        request("GET", "http://user:password@gateway.example/open/x"),
        request("GET", "http://a b/open/x"),
        request("GET", "http://a:b/open/x"),
        request("GET", "http://[::1/open/x"),
        request("GET", "http://a\\b/open/x"),
    ],
)
def test_an_absolute_target_that_is_none_is_refused(gateway: Gateway, back_end: BackEnd, data: bytes) -> None:
    assert refusal(gateway.says(data)) == 400
    assert not back_end.seen


@shows("RFC 9112", "3.2.1", "A target that begins with two slashes is a path and not an authority.")
def test_two_slashes_begin_a_path(gateway: Gateway, back_end: BackEnd) -> None:
    assert gateway.call(target="//open/x").status == 404
    assert not back_end.seen


@shows("RFC 9112", "3.2.3", "A target in authority form is refused, with CONNECT too.")
@pytest.mark.parametrize("method", ["GET", "POST", "CONNECT"])
@pytest.mark.parametrize("target", ["gateway.example:443", "localhost:80", "127.0.0.1:1"])
def test_an_authority_form_is_refused(gateway: Gateway, back_end: BackEnd, method: str, target: str) -> None:
    tunnelled = request("GET", "/open/smuggled")
    assert refusal(gateway.says(request(method, target) + tunnelled)) == 400
    assert not back_end.seen


@shows("RFC 9112", "3.2.1", "A target that is neither a path nor a URL is refused.")
@pytest.mark.parametrize("target", ["open/x", "x", "?x", "*/open", "**", ":", "@", "\\open\\x", ";/open/x"])
def test_a_target_of_no_form_is_refused(gateway: Gateway, back_end: BackEnd, target: str) -> None:
    assert refusal(gateway.says(request("GET", target))) == 400
    assert not back_end.seen


@shows("RFC 9112", "3.2.4", "An asterisk is refused with another method than OPTIONS.")
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "TRACE", "DELETE"])
def test_an_asterisk_with_another_method_is_refused(gateway: Gateway, back_end: BackEnd, method: str) -> None:
    assert refusal(gateway.says(request(method, "*"))) == 400
    assert not back_end.seen


@shows("RFC 9110", "9.3.7", "OPTIONS * is answered by the gateway itself, with the methods that it knows.")
def test_options_of_the_gateway_itself(gateway: Gateway, back_end: BackEnd) -> None:
    with gateway.caller() as caller:
        for _ in range(2):
            answer = caller.ask("OPTIONS", "*")
            assert (answer.status, answer.body, answer.values("content-length")) == (200, b"", ["0"])
            assert answer.values("allow") == [ALLOWED]
    assert not back_end.seen
