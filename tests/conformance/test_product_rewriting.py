"""What the statements of a policy make of a call (product, 2.2 and 2.3)."""

import pytest

from tests.back_end import BackEnd
from tests.conformance.marks import failure, shows
from tests.conformance.serving import Gateway

pytestmark = pytest.mark.wire


@shows(
    "product", "2.2", "rewrite-uri gives the address to ask for; what the template does not name is appended."
)
@pytest.mark.parametrize(
    ("target", "asked"),
    [
        ("/get?a=b&c=d", "/put?c=d"),
        ("/get?c=d&a=b", "/put?c=d"),
        ("/get?a=b", "/put"),
        ("/strict?a=b&c=d", "/put"),
        ("/odata?customerid=7", "/Customers('7')"),
        ("/customers/4%2F2?page=1", "/v2/c?id=4%2F2&page=1"),
        ("/customers/%e4'~?x=%2f&x", "/v2/c?id=%e4'~&x=%2f&x"),
        ("/files/a/%2F/b/?q", "/archive/a/%2F/b/?q"),
        ("/files/", "/archive/"),
        ("/files", "/archive/"),
    ],
)
def test_a_rewrite_gives_the_address(gateway: Gateway, back_end: BackEnd, target: str, asked: str) -> None:
    assert gateway.call(target=f"/rewriting{target}").status == 200
    assert back_end.seen[0].target == f"/base{asked}"


@shows("this product", "rewriting", "A value never brings a segment, a parameter or a fragment with it.")
@pytest.mark.parametrize(
    ("target", "asked"),
    [
        ("/inner?name=a/b?c", "/x/a%2Fb%3Fc/y"),
        ("/inner?name=a\\b", "/x/a%5Cb/y"),
        ("/role/1&role=admin+;x", "/x?name=1%26role=admin%2B%3Bx&role=user"),
        ("/role/1=2@:", "/x?name=1=2@:&role=user"),
    ],
)
def test_a_value_stays_in_its_place(gateway: Gateway, back_end: BackEnd, target: str, asked: str) -> None:
    assert gateway.call(target=f"/rewriting{target}").status == 200
    assert back_end.seen[0].target == f"/base{asked}"


@shows("this product", "rewriting", "A value that would leave its place is refused.")
@pytest.mark.parametrize("value", [".", "..", "%2e%2E", "../z", "a/../z", "..\\z", "..%2Fz", "a%5c..", "./"])
def test_a_value_that_would_leave_its_place_is_refused(
    gateway: Gateway, back_end: BackEnd, value: str
) -> None:
    assert failure(gateway.call(target=f"/rewriting/inner?name={value}")) == (400, "bad-target")
    assert not back_end.seen


@shows("this product", "rewriting", "A value that would make another authority of the path is refused.")
def test_an_empty_value_makes_no_authority(gateway: Gateway, back_end: BackEnd) -> None:
    assert failure(gateway.call(target="/rewriting/first?name=")) == (400, "bad-target")
    assert not back_end.seen


@shows("RFC 7617", "2", "authentication-basic sends the credentials, in the place of what the caller sent.")
@pytest.mark.parametrize(
    "fields", [(), ("Authorization: Bearer mine",), ("Authorization: a", "authorization: b")]
)
def test_basic_credentials_replace_those_of_the_caller(
    gateway: Gateway, back_end: BackEnd, fields: tuple[str, ...]
) -> None:
    assert gateway.call("GET", "/basic/x", *fields, "Connection: Authorization").status == 200
    assert back_end.seen[0].values("authorization") == ["Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="]


@shows("RFC 9110", "11.6.2", "Authorization of a caller passes unchanged where the policy says nothing.")
def test_authorization_of_a_caller_passes(gateway: Gateway, back_end: BackEnd) -> None:
    assert gateway.call("GET", "/open/x", "Authorization: Digest a=b, c").status == 200
    assert back_end.seen[0].values("authorization") == ["Digest a=b, c"]


@shows("product", "2.2", "Without forward-request nothing is forwarded, and the answer is 200 and empty.")
@pytest.mark.parametrize("body", [b"", b"body"])
def test_without_forward_request_nothing_is_forwarded(
    gateway: Gateway, back_end: BackEnd, body: bytes
) -> None:
    answer = gateway.call("POST", "/silent/x", body=body)
    assert (answer.status, answer.body, answer.values("gateway-error")) == (200, b"", [])
    assert not back_end.seen
