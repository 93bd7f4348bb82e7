"""Why a call failed, in its trace: in the very words of a test of the connection to the same back end."""

import gc
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.addresses import AddressRules
from gateway.embedded.traced.trace import CallTrace
from gateway.probe import Order, probe
from gateway.probing.chain import chain_of
from gateway.probing.line import Closed
from gateway.probing.messages import Seen as Passed
from gateway.probing.outcome import no_answer
from gateway.probing.report import Report
from gateway.probing.scene import Scene
from gateway.snapshot import CertificateMaterial, Trust
from tests.back_end import BackEnd, Connection, Seen
from tests.odd_back_ends import (
    closes,
    full_queue,
    half_a_flight,
    instead_of_finishing,
    listening,
    resets,
    s_server,
    says,
    silent,
)
from tests.pki import issue, make_ca
from tests.running_engine import LOOPBACK, wait_until
from tests.snapshots import material, trust
from tests.traces import TracedEngine, entries, found, messages, traced_engine

pytestmark = pytest.mark.wire
NOW = datetime.now(UTC)
CA, OTHER = make_ca("Demo CA"), make_ca("Other CA")
SERVER = issue(CA, "localhost", client=False)
GOOD = material(issue(CA, "partner-bank", server=False))
STRANGER = material(issue(OTHER, "stranger", server=False))
EXPIRED = material(issue(CA, "expired", not_after=NOW - timedelta(days=3)))
NO_CLIENT = material(issue(CA, "no-client", client=False))
TRUSTED = trust(CA)
BOTH = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)


@pytest.fixture(scope="module")
def engine() -> Iterator[TracedEngine]:
    with traced_engine() as engine:
        yield engine


def told(
    engine: TracedEngine,
    url: str,
    certificate: CertificateMaterial | None = GOOD,
    trusted: Trust = TRUSTED,
    **settings: Any,
) -> dict[str, Any]:
    """The trace of a call; what its outcome says stands with the step that failed, too."""
    engine.apply(url, certificate=certificate, trusts=trusted, settings={"connect_timeout": 0.3, **settings})
    document = engine.traced("OPTIONS", "/bank/")
    failures = [data["failure"] for data in entries(document) if "failure" in data]
    outcome = document["outcome"]
    for failure in failures:
        assert failure.items() <= outcome.items()
    return outcome  # type: ignore[no-any-return]


def probed(
    url: str,
    certificate: CertificateMaterial | None = GOOD,
    trusted: Trust = TRUSTED,
    rules: AddressRules = LOOPBACK,
) -> Report:
    return probe(Order(url, certificate, trusted, rules, 10, True, "here"))


def same(outcome: dict[str, Any], report: Report) -> None:
    assert (outcome["verdict"], outcome["message"], outcome["remedy"]) == (
        report.verdict,
        report.summary,
        report.remedy,
    )
    failed = next(step for step in report.steps if step.state == "failed")
    assert set(outcome["details"]) <= set(failed.details)


CERTIFICATES = [None, STRANGER, EXPIRED, NO_CLIENT]


def test_what_was_seen_of_a_connection_that_failed(engine: TracedEngine) -> None:
    with BackEnd(SERVER, CA) as back_end:
        engine.apply(back_end.url, certificate=STRANGER, trusts=trust(OTHER))
        untrusted = engine.traced()
        engine.apply(back_end.url, certificate=STRANGER, trusts=TRUSTED)
        refused = engine.traced()
    for document in (untrusted, refused):
        assert found(document, "connection")["address"] == "127.0.0.1"
        assert found(document, "backEndCertificates")[0]["thumbprint"] == SERVER.thumbprint
        assert found(document, "certificate")["asked"] is True
        assert found(document, "certificate")["thumbprint"] == STRANGER.thumbprint
    assert untrusted["spans"][-2]["name"] == "handshake"
    assert "The TLS handshake failed." in str(messages(untrusted, "backend"))
    assert found(refused, "connection")["handshakeIn"] > 0  # the refusal came late


def test_a_back_end_that_asks_for_the_certificate_when_it_has_the_request(engine: TracedEngine) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    with s_server(SERVER, "-tls1_2", "-no_resumption_on_reneg", clients=CA, answer=answer, late=True) as url:
        engine.apply(url, certificate=GOOD, trusts=TRUSTED)
        document = engine.traced("OPTIONS", "/bank/")
    assert document["outcome"]["status"] == 200
    assert found(document, "certificate")["asked"] is True
    assert "did not ask" not in str(messages(document, "backend"))


def test_a_trace_leaves_nothing_to_the_collector(engine: TracedEngine) -> None:
    with BackEnd(SERVER, CA) as back_end:
        gc.collect()
        gc.disable()
        try:
            for certificate in (GOOD, STRANGER):
                engine.apply(back_end.url, certificate=certificate, trusts=TRUSTED)
                engine.traced()
            wait_until(lambda: not [each for each in gc.get_objects() if type(each) is CallTrace])
        finally:
            gc.enable()


def test_whether_a_certificate_was_asked_for_is_not_known_of_half_a_handshake(engine: TracedEngine) -> None:
    with BackEnd(SERVER, CA, newest=ssl.TLSVersion.TLSv1_2) as back_end:
        engine.apply(back_end.url, certificate=GOOD, trusts=trust(OTHER))
        document = engine.traced()
    assert found(document, "certificate")["asked"] is None
    assert found(document, "backEndCertificates")[0]["thumbprint"] == SERVER.thumbprint


@pytest.mark.parametrize("newest", BOTH, ids=["TLS 1.2", "TLS 1.3"])
@pytest.mark.parametrize("certificate", CERTIFICATES, ids=["none", "unknown CA", "expired", "wrong usage"])
def test_a_client_certificate_that_is_turned_down(
    engine: TracedEngine, certificate: CertificateMaterial | None, newest: ssl.TLSVersion
) -> None:
    with BackEnd(SERVER, CA, newest=newest) as back_end:
        outcome = told(engine, back_end.url, certificate)
        assert outcome["failedBy"] == "back end"
        same(outcome, probed(back_end.url, certificate))


TRUSTS = {
    "another CA": (SERVER, trust(OTHER)),
    "public CAs only": (SERVER, trust(public_cas=True)),
    "expired": (issue(CA, "old", not_after=NOW - timedelta(days=2)), trust(CA)),
    "another name": (issue(CA, "elsewhere", sans=["elsewhere.example"]), trust(CA)),
    "another name, chain not checked": (
        issue(CA, "elsewhere", sans=["elsewhere.example"]),
        trust(validate_chain=False),
    ),
}


@pytest.mark.parametrize("case", TRUSTS)
def test_a_back_end_that_is_not_trusted(engine: TracedEngine, case: str) -> None:
    server, trusted = TRUSTS[case]
    with BackEnd(server, CA) as back_end:
        outcome = told(engine, back_end.url, trusted=trusted)
        assert outcome["code"] in ("back-end-certificate-untrusted", "back-end-name-mismatch")
        same(outcome, probed(back_end.url, trusted=trusted))


def resets_after_the_hello(connection: socket.socket) -> None:
    connection.recv(65536)
    resets(connection)


BACK_ENDS: dict[str, Callable[[str], AbstractContextManager[str]]] = {
    "closes after the hello": lambda _: listening(says(b"")),
    "resets after the hello": lambda _: listening(resets_after_the_hello),
    "speaks HTTP": lambda _: listening(says(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")),
    "closes after the certificate": lambda url: listening(instead_of_finishing(url, closes)),
    "resets after the certificate": lambda url: listening(instead_of_finishing(url, resets)),
    "closes in the middle of the handshake": lambda url: listening(half_a_flight(url, closes)),
}


@pytest.mark.parametrize("case", BACK_ENDS)
def test_a_handshake_that_breaks_off(engine: TracedEngine, case: str) -> None:
    with BackEnd(SERVER, CA, newest=ssl.TLSVersion.TLSv1_2) as real, BACK_ENDS[case](real.url) as url:
        same(told(engine, url), probed(url))


def test_a_back_end_that_says_nothing(engine: TracedEngine) -> None:
    with listening(silent) as url:
        outcome = told(engine, url)
        assert (outcome["verdict"], outcome["code"]) == ("timed-out", "back-end-timeout")
        assert outcome["message"].startswith("The back end took the connection and then said nothing at all")


def test_no_connection(engine: TracedEngine) -> None:
    with listening(closes) as url:
        pass
    same(told(engine, url), probed(url))
    with full_queue() as url:
        outcome = told(engine, url)
    assert (outcome["verdict"], outcome["code"]) == ("timed-out", "back-end-timeout")
    assert outcome["message"].startswith("Nothing answered at port ")


def test_a_name_without_an_address(engine: TracedEngine) -> None:
    url = "https://no-such-host.invalid"
    same(told(engine, url), probed(url))


def test_an_address_that_is_refused() -> None:
    rules = AddressRules.from_settings([])
    with traced_engine(rules=rules) as engine:
        same(told(engine, "https://127.0.0.1:8443"), probed("https://127.0.0.1:8443", rules=rules))


def test_a_certificate_or_trust_that_cannot_be_used(engine: TracedEngine) -> None:
    unusable = material(issue(CA, "broken"), private_key=None, problem="no key")
    outcome = told(engine, "https://localhost:9", unusable)
    assert (outcome["code"], outcome["verdict"]) == ("client-certificate-unusable", "certificate-unusable")
    broken = trust(authorities_pem=("nonsense",))
    same(told(engine, "https://localhost:9", trusted=broken), probed("https://localhost:9", trusted=broken))


def test_an_expired_certificate_that_the_gateway_itself_refuses(engine: TracedEngine) -> None:
    refusing = trust(CA, refuse_expired=True)
    url = "https://localhost:9"
    same(told(engine, url, EXPIRED, refusing), probed(url, EXPIRED, refusing))


def test_a_back_end_that_answers_what_is_wrong_with_the_certificate(engine: TracedEngine) -> None:
    page = b"<html><center>No required SSL certificate was sent</center></html>"

    def behave(connection: Connection, _: Seen) -> None:
        connection.answer(page, status="400 Bad Request")

    with BackEnd(SERVER, CA, required=False, behave=behave) as back_end:
        outcome = told(engine, back_end.url, None)
        assert (outcome["status"], outcome["code"]) == (400, "")
        same(outcome, probed(back_end.url, None))


def test_answers_that_are_no_http(engine: TracedEngine) -> None:
    def behave(connection: Connection, _: Seen) -> None:
        connection.write(b"SSH-2.0-x\r\n")
        connection.end()

    with BackEnd(SERVER, CA, behave=behave) as back_end:
        outcome = told(engine, back_end.url)
        report = probed(back_end.url)
    assert (
        (outcome["verdict"], outcome["message"])
        == (report.verdict, report.summary)
        == ("not-http", outcome["message"])
    )


def test_plain_http_to_a_port_for_https(engine: TracedEngine) -> None:
    with BackEnd(SERVER, CA) as back_end:
        url = back_end.url.replace("https", "http")
        outcome = told(engine, url, None)
        assert outcome["verdict"] == "https-expected" or outcome["code"] == "back-end-closed"


def test_a_back_end_that_closes_over_http_made_no_handshake(engine: TracedEngine) -> None:
    with listening(closes, "http") as url:
        outcome = told(engine, url, None)
    assert outcome["verdict"] == "closed"
    assert "handshake" not in outcome["message"]
    assert "whether the back end expects https:// there" in outcome["remedy"]


@pytest.mark.parametrize(("certificate", "words"), [(EXPIRED, ", which expired on "), (GOOD, ". Its log")])
def test_a_back_end_that_closes_in_silence_may_mind_that_the_certificate_expired(
    certificate: CertificateMaterial, words: str
) -> None:
    seen = Passed()
    seen.presented = 1
    scene = Scene("localhost", certificate, TRUSTED, seen, chain_of((), TRUSTED), b"", NOW)
    assert f"may not accept the client certificate{words}" in no_answer(Closed(reset=False), scene).remedy


def test_a_refusal_on_a_connection_that_an_untraced_call_made(engine: TracedEngine) -> None:
    with BackEnd(SERVER, CA) as back_end:
        engine.apply(back_end.url, certificate=GOOD, trusts=TRUSTED)
        engine.call()
        back_end.behave = lambda connection, _: connection.close()
        document = engine.traced("POST", "/bank/", b"x")
        assert found(document, "connection")["reused"]
        assert document["outcome"]["code"] == "back-end-closed"
        assert document["outcome"]["message"] == (
            "The back end closed the connection after the handshake, without saying why."
        )


def test_no_answer_in_time(engine: TracedEngine) -> None:
    with BackEnd(SERVER, CA, behave=lambda connection, _: silent(connection.socket)) as back_end:
        outcome = told(engine, back_end.url, read_timeout=0.3)
        assert (outcome["code"], outcome["verdict"]) == ("back-end-timeout", "timed-out")
        assert outcome["message"] == "The back end did not answer OPTIONS in time."
