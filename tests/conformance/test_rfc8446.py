"""RFC 8446: which client certificate is presented, and what a back end thinks of it."""

import threading

import pytest

from tests.back_end import BackEnd
from tests.conformance.back_ends import BackEnds
from tests.conformance.credentials import KINDS_OF_KEY, Credentials
from tests.conformance.marks import failure, shows
from tests.conformance.serving import Gateway

pytestmark = pytest.mark.wire


def presented(gateway: Gateway, api: str) -> str | None:
    """The thumbprint that the back end of an API saw."""
    answer = gateway.call(target=f"/{api}/x")
    assert answer.status == 200
    seen = answer.json["client_certificate"]
    return str(seen["thumbprint"]) if seen else None


@shows("RFC 8446", "4.4.2", "The certificate that is chosen for an API is presented, of every kind of key.")
@pytest.mark.parametrize(
    ("api", "certificate"),
    [
        ("open", "client-one"),
        ("other", "client-two"),
        ("tls-1-2", "client-one"),
        *((f"kind-{kind}", f"client-{kind}") for kind in KINDS_OF_KEY),
    ],
)
def test_the_chosen_certificate_is_presented(
    gateway: Gateway, back_end: BackEnd, issued: Credentials, api: str, certificate: str
) -> None:
    assert presented(gateway, api) == issued[certificate].thumbprint


@shows("RFC 8446", "4.4.2", "Intermediate certificates are sent along.")
def test_intermediates_are_sent_along(gateway: Gateway, back_end: BackEnd, issued: Credentials) -> None:
    assert presented(gateway, "deep") == issued["client-deep"].thumbprint


@shows(
    "RFC 8446", "4.4.2", "An API without a certificate presents none, even to a back end that asks for one."
)
def test_without_a_certificate_none_is_presented(gateway: Gateway, back_end: BackEnd) -> None:
    assert presented(gateway, "presenting-none") is None


@shows(
    "this product",
    "certificates",
    "Calls of two APIs to one back end never share a connection, so certificates never mix.",
)
def test_certificates_never_mix(gateway: Gateway, back_end: BackEnd, issued: Credentials) -> None:
    expected = {"open": issued["client-one"].thumbprint, "other": issued["client-two"].thumbprint}
    wrong: list[str] = []

    def calls(api: str) -> None:
        with gateway.caller() as caller:
            for _ in range(25):
                seen = caller.ask("GET", f"/{api}/x").json["client_certificate"]["thumbprint"]
                if seen != expected[api]:
                    wrong.append(api)

    threads = [threading.Thread(target=calls, args=(api,)) for api in [*expected] * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert len(back_end.seen) == 200
    for one in expected:
        assert {seen.thumbprint for seen in back_end.seen} == set(expected.values()), one


@shows("RFC 8446", "6.2", "A back end that turns the certificate down, or misses one, is told apart.")
@pytest.mark.parametrize(
    ("api", "code"),
    [
        ("stranger", "client-certificate-rejected"),
        ("stranger-1-2", "client-certificate-rejected"),
        ("stranger-expired", "client-certificate-expired"),
        ("uncertified", "client-certificate-required"),
    ],
)
@pytest.mark.parametrize("body", [b"", b"body", b"x" * 1_000_000])
def test_a_certificate_that_is_turned_down_is_told(
    gateway: Gateway, listeners: BackEnds, api: str, code: str, body: bytes
) -> None:
    assert failure(gateway.call("POST", f"/{api}/x", body=body)) == (502, code)
    assert not listeners.wire


@shows(
    "RFC 5246",
    "7.4.6",
    "Before TLS 1.3 a back end that misses a certificate can only say that it could not agree.",
)
def test_a_certificate_that_tls_1_2_misses_is_a_failure(gateway: Gateway, listeners: BackEnds) -> None:
    status, code = failure(gateway.call(target="/uncertified-1-2/x"))
    assert (status, code) in [(502, "back-end-tls-failed"), (502, "client-certificate-required")]
    assert not listeners.wire


@shows("RFC 8996", "5", "TLS before 1.2 is not spoken.")
def test_tls_before_1_2_is_not_spoken(gateway: Gateway, listeners: BackEnds) -> None:
    assert failure(gateway.call(target="/old/x")) == (502, "back-end-tls-failed")
    assert not listeners.wire
