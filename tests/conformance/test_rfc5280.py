"""RFC 5280 and RFC 9525: what a back end has to show before it gets a request."""

import pytest

from tests.back_end import BackEnd
from tests.conformance.back_ends import BackEnds
from tests.conformance.marks import failure, shows
from tests.conformance.serving import Gateway

pytestmark = pytest.mark.wire

UNTRUSTED, MISNAMED = "back-end-certificate-untrusted", "back-end-name-mismatch"


def refused_as(gateway: Gateway, listeners: BackEnds, api: str) -> str:
    """The code with which calls of an API fail; no request may have been sent, with a body or without."""
    codes = {
        failure(gateway.call(method, f"/{api}/x", body=body))
        for method, body in (("GET", b""), ("POST", b"body"))
    }
    assert not listeners.wire
    ((status, code),) = codes
    assert status == 502
    return code


@shows("RFC 5280", "6", "A back end of a CA that is trusted gets the call, with public CAs or without.")
@pytest.mark.parametrize("api", ["open", "public-too"])
def test_a_back_end_of_a_trusted_ca_gets_the_call(gateway: Gateway, back_end: BackEnd, api: str) -> None:
    assert gateway.call(target=f"/{api}/x").status == 200


@shows("RFC 5280", "6", "A back end of a CA that is not trusted gets no request.")
@pytest.mark.parametrize("api", ["another-ca", "public-only", "nobody", "self-signed-not"])
def test_a_back_end_of_another_ca_gets_no_request(gateway: Gateway, listeners: BackEnds, api: str) -> None:
    assert refused_as(gateway, listeners, api) == UNTRUSTED


@shows(
    "RFC 5280",
    "6.1.1",
    "A certificate that is trusted is a trust anchor for what it is: intermediate or leaf.",
)
@pytest.mark.parametrize("api", ["intermediate", "leaf", "self-signed"])
def test_what_is_trusted_need_not_be_a_root(gateway: Gateway, back_end: BackEnd, api: str) -> None:
    assert gateway.call(target=f"/{api}/x").status == 200


@shows("RFC 5280", "6.1.3", "A back end whose certificate has expired gets no request.")
def test_an_expired_back_end_gets_no_request(gateway: Gateway, listeners: BackEnds) -> None:
    assert refused_as(gateway, listeners, "expired") == UNTRUSTED


@shows("RFC 9525", "6", "A certificate for another name is told apart, also where the chain is not checked.")
@pytest.mark.parametrize("api", ["other-name", "name-alone"])
def test_a_certificate_for_another_name_is_told_apart(
    gateway: Gateway, listeners: BackEnds, api: str
) -> None:
    assert refused_as(gateway, listeners, api) == MISNAMED


@shows("RFC 9525", "6.3", "A back end that is reached by its address is checked by it.")
def test_an_address_is_checked_as_one(gateway: Gateway, back_end: BackEnd) -> None:
    assert gateway.call(target="/by-address/x").status == 200


@shows("this product", "trust", "What is not to be checked is not checked, and nothing more is left out.")
@pytest.mark.parametrize("api", ["other-name-allowed", "chain-unchecked", "unchecked"])
def test_what_is_not_to_be_checked_is_not_checked(gateway: Gateway, back_end: BackEnd, api: str) -> None:
    assert gateway.call(target=f"/{api}/x").status == 200
