"""The test of a connection, against back ends that behave as each verdict says, on real sockets."""

import base64
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.addresses import AddressRules
from gateway.probe import Order, probe
from gateway.probing.report import VERDICTS, Report, State, Step
from gateway.snapshot import CertificateMaterial, Trust
from tests.back_end import BackEnd, Connection, Seen
from tests.odd_back_ends import (
    alert,
    closes,
    full_queue,
    half_a_flight,
    hides_its_last_word,
    instead_of_finishing,
    listening,
    resets,
    s_server,
    says,
    silent,
)
from tests.pki import Issued, issue, make_ca, self_signed
from tests.snapshots import material, trust

LOCAL = AddressRules.from_settings(["127.0.0.0/8", "::1/128"])
NOW = datetime.now(UTC)
CA, OTHER = make_ca("Demo CA"), make_ca("Other CA")
SERVER = issue(CA, "localhost", client=False)
PARTNER = issue(CA, "partner-bank", server=False)
GOOD = material(PARTNER)
STRANGER = material(issue(OTHER, "stranger", server=False))
EXPIRED = material(issue(CA, "expired", not_after=NOW - timedelta(days=3)))
NO_CLIENT = material(issue(CA, "no-client", client=False))
TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
both = pytest.mark.parametrize("newest", [TLS12, TLS13], ids=["TLS 1.2", "TLS 1.3"])


def probed(
    url: str,
    certificate: CertificateMaterial | None = GOOD,
    trusted: Trust = trust(CA),  # noqa: B008 - it is frozen
    *,
    seconds: float = 10,
    with_request: bool = False,
    rules: AddressRules = LOCAL,
) -> Report:
    """The report, and what holds for each."""
    begun = time.monotonic()
    report = probe(Order(url, certificate, trusted, rules, seconds, with_request, "gateway 1"))
    assert time.monotonic() - begun < seconds + 2  # a busy machine
    assert report.verdict in VERDICTS
    told = json.dumps(report.as_json())
    assert Report.from_json(json.loads(told)) == report
    failed = [step for step in report.steps if step.state is State.FAILED]
    assert len(failed) == (0 if report.succeeded else 1)
    assert report.succeeded or (report.summary, report.remedy) == (failed[0].text, failed[0].remedy)
    assert report.made_by == "gateway 1"
    if certificate and certificate.private_key:
        key = certificate.private_key.reveal()[-40:]
        assert key.hex() not in told
        assert base64.b64encode(key).decode()[4:-4] not in told
    return report


def timed_out(url: str, says_so: str, **more: Any) -> Report:
    """The report of a test whose time is over, in the words of the step in which it was.

    It gets little time, which a busy machine may need for the steps before: then it gets more.
    """
    for seconds in (0.3, 2, 8):
        report = probed(url, seconds=seconds, **more)
        if says_so in report.summary:
            break
    assert report.verdict == "timed-out"
    assert says_so in report.summary
    return report


def step(report: Report, name: str) -> Step:
    return next(step for step in report.steps if step.name == name)


def texts(report: Report, name: str) -> str:
    found = step(report, name)
    return "\n".join((found.text, found.remedy, *found.details))


# --- All is well -------------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize("with_request", [True, False])
def test_a_certificate_that_is_accepted(
    newest: ssl.TLSVersion, with_request: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.probe.LATE_SECONDS", 60)
    with BackEnd(SERVER, CA, newest=newest) as back_end:
        report = probed(back_end.url, with_request=with_request)
    assert report.verdict == ("accepted" if with_request else "handshake-only")
    assert step(report, "accepted").state is State.OK
    assert report.seconds < 2.5  # a ticket ends the wait for a late refusal
    version = "TLS 1.2" if newest is TLS12 else "TLS 1.3"
    assert step(report, "tls").text.startswith(f"{version} with ")
    assert "CN=localhost" in texts(report, "chain")
    assert step(report, "trust").text == "Trusted because of an uploaded CA certificate: CN=Demo CA"
    assert "localhost, 127.0.0.1" in texts(report, "name")
    assert PARTNER.thumbprint in texts(report, "presented")
    assert len(back_end.seen) == with_request
    assert [(seen.method, seen.target) for seen in back_end.seen] == [("OPTIONS", "/")] * with_request


def test_a_good_test_with_a_request_waits_for_nothing_but_its_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.probe.LATE_SECONDS", 60)
    with BackEnd(SERVER, CA, tickets=0) as back_end:
        report = probed(back_end.url, with_request=True)
    assert report.verdict == "accepted"
    assert report.seconds < 2.5


def test_a_good_handshake_waits_a_moment_for_a_late_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.probe.LATE_SECONDS", 0.2)
    with BackEnd(SERVER, CA, tickets=0) as back_end:
        report = probed(back_end.url)
    assert report.verdict == "handshake-only"
    assert step(report, "accepted").state is State.NOTE
    assert step(report, "accepted").seconds >= 0.2


def test_what_takes_time_is_told_of_the_step_that_took_it() -> None:
    def behave(connection: Connection, _: Seen) -> None:
        time.sleep(0.3)
        connection.answer(b"")

    with BackEnd(SERVER, CA, behave=behave) as back_end:
        report = probed(back_end.url, with_request=True)
    assert step(report, "request").seconds >= 0.3
    assert 0 < step(report, "tls").seconds <= report.seconds - 0.3


@both
def test_a_certificate_that_is_not_asked_for(newest: ssl.TLSVersion) -> None:
    with BackEnd(SERVER, newest=newest) as back_end:
        report = probed(back_end.url)
    assert report.verdict == "not-asked"
    assert step(report, "asked").state is State.NOTE
    assert "did not ask" in step(report, "asked").text


@both
@pytest.mark.parametrize("clients", [CA, None], ids=["asked", "not asked"])
def test_no_certificate_where_none_is_needed(newest: ssl.TLSVersion, clients: Issued | None) -> None:
    with BackEnd(SERVER, clients, required=False, newest=newest) as back_end:
        report, handshake = probed(back_end.url, None, with_request=True), probed(back_end.url, None)
    assert report.verdict == "no-certificate-needed"
    assert handshake.verdict == ("handshake-only" if clients else "no-certificate-needed")
    for each in (report, handshake):
        assert ("asked for a client" in step(each, "asked").text) == (clients is not None)


def test_plain_http() -> None:
    with BackEnd() as back_end:
        report = probed(f"{back_end.url}/v1", None, with_request=True)
        assert report.verdict == "plain-http"
        assert back_end.seen[0].target == "/v1"
        assert probed(back_end.url).verdict == "certificate-needs-https"


@pytest.mark.parametrize(
    "answer",
    [alert(10), b"HTTP/1.1 400 Bad Request\r\n\r\nThe plain HTTP request was sent to HTTPS port0\r\n\r\n"],
    ids=["alert", "nginx"],
)
def test_plain_http_where_tls_is_expected(answer: bytes) -> None:
    with listening(says(answer), "http") as url:
        assert probed(url, None, with_request=True).verdict == "https-expected"


def test_a_chain_and_a_name_that_are_not_checked() -> None:
    with BackEnd(issue(OTHER, sans=["elsewhere"]), CA) as back_end:
        report = probed(back_end.url, trusted=trust(validate_chain=False, validate_name=False))
    assert report.verdict == "handshake-only"
    assert step(report, "trust").state is step(report, "name").state is State.NOTE
    assert "not for localhost" in step(report, "name").text


def test_public_cas(public_ca: Issued) -> None:
    public = replace(trust(), public_cas=True)
    with BackEnd(issue(public_ca, "localhost"), CA) as back_end:
        assert "a public CA: CN=Public CA" in step(probed(back_end.url, trusted=public), "trust").text
        report = probed(back_end.url, trusted=trust(OTHER))
    assert report.verdict == "chain-untrusted"
    assert report.remedy == "Tick Public CAs under Trusted CA certificates."


@pytest.fixture
def public_ca(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Issued]:
    from gateway.probing.chain import public_authorities

    ca = make_ca("Public CA")
    (tmp_path / "public.pem").write_text(ca.pem)
    monkeypatch.setattr("certifi.where", lambda: str(tmp_path / "public.pem"))
    public_authorities.cache_clear()
    yield ca
    public_authorities.cache_clear()


# --- The client certificate ----------------------------------------------------------------------------------


@both
@pytest.mark.parametrize("with_request", [True, False])
@pytest.mark.parametrize(
    ("certificate", "verdict", "alert_name"),
    [
        (None, "certificate-required", "certificate_required"),
        (STRANGER, "certificate-refused-unknown-ca", "unknown_ca"),
        (EXPIRED, "certificate-refused-expired", "certificate_expired"),
        (NO_CLIENT, "certificate-refused-usage", "unsupported_certificate"),
    ],
    ids=["none", "unknown CA", "expired", "usage"],
)
def test_a_certificate_that_is_refused(
    newest: ssl.TLSVersion,
    with_request: bool,
    certificate: CertificateMaterial | None,
    verdict: str,
    alert_name: str,
) -> None:
    with BackEnd(SERVER, CA, newest=newest) as back_end:
        report = probed(back_end.url, certificate, with_request=with_request)
        assert not back_end.seen
    assert report.verdict == verdict
    assert step(report, "name").state is step(report, "asked").state is State.OK
    if (certificate, newest) == (None, TLS12):
        alert_name = "handshake_failure"  # all that TLS 1.2 has for it
    failed = "accepted" if certificate else "presented"
    assert f"The back end broke off with the alert {alert_name}." in step(report, failed).details


@pytest.mark.parametrize(
    ("certificate", "verdict"),
    [(None, "certificate-required"), (STRANGER, "certificate-refused-unknown-ca"), (GOOD, "closed")],
)
def test_a_refusal_that_a_reset_hid(
    certificate: CertificateMaterial | None, verdict: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a back end said before it reset the connection need not arrive."""
    monkeypatch.setattr("gateway.probe.LATE_SECONDS", 0.2)
    with BackEnd(SERVER, CA, tickets=0) as real, listening(hides_its_last_word(real.url)) as url:
        report = probed(url, certificate, with_request=True)
        assert len(real.seen) == (certificate is GOOD)
    assert report.verdict == verdict
    failed = step(report, "accepted" if certificate else "presented")
    assert failed.state is State.FAILED
    second = "Seen in a second handshake, after which nothing was sent."
    assert (second in failed.details) == (certificate is not GOOD)


@pytest.mark.parametrize(
    ("number", "certificate", "verdict"),
    [
        (40, None, "certificate-required"),
        (42, None, "certificate-required"),
        (40, GOOD, "certificate-refused"),
        (46, GOOD, "certificate-refused"),
        (44, GOOD, "certificate-refused"),
        (40, EXPIRED, "certificate-refused-expired"),
        (42, NO_CLIENT, "certificate-refused-usage"),
        (40, STRANGER, "certificate-refused-unknown-ca"),
        (45, GOOD, "certificate-refused-expired"),
        (80, GOOD, "tls-failed"),
    ],
)
def test_an_alert_that_says_little(
    number: int, certificate: CertificateMaterial | None, verdict: str, naming_server: str
) -> None:
    with listening(instead_of_finishing(naming_server, says(alert(number), first=True))) as url:
        report = probed(url, certificate)
    assert report.verdict == verdict


@pytest.fixture(scope="module")
def naming_server() -> Iterator[str]:
    """Speaks TLS 1.2, demands a certificate and names the CA that it must come from."""
    with s_server(SERVER, "-tls1_2", "-naccept", "99", clients=CA) as url:
        yield url


def test_the_cas_that_are_accepted() -> None:
    with s_server(SERVER, clients=CA) as url:
        report, stranger = probed(url), probed(url, STRANGER)
    asked = step(report, "asked")
    assert asked.state is State.OK
    assert "is among them: CN=Demo CA" in asked.text
    assert "Accepted CA: CN=Demo CA" in asked.details
    assert any(line.startswith("Accepted signatures: ECDSA with SHA-256") for line in asked.details)
    assert step(stranger, "asked").state is State.NOTE
    assert "is not among them: CN=Other CA" in step(stranger, "asked").text
    assert "It says that it accepts CN=Demo CA." in stranger.remedy


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_a_key_whose_signatures_are_not_taken(version: str) -> None:
    with s_server(SERVER, version, "-client_sigalgs", "rsa_pss_rsae_sha256", clients=CA) as url:
        report = probed(url)
    assert report.verdict == "certificate-unsuitable"
    assert "Accepted signatures: RSA-PSS with SHA-256" in step(report, "asked").details


@pytest.mark.parametrize(
    ("certificate", "status", "body", "verdict"),
    [
        (
            None,
            "400 Bad Request",
            b"<h1>400 No required SSL certificate was sent</h1>",
            "certificate-required",
        ),
        (
            GOOD,
            "400 Bad Request",
            b"<h1>400 No required SSL certificate was sent</h1>",
            "certificate-required",
        ),
        (GOOD, "400 Bad Request", b"<h1>The SSL certificate error</h1>", "certificate-refused"),
        (EXPIRED, "400 Bad Request", b"<h1>The SSL certificate error</h1>", "certificate-refused-expired"),
        (NO_CLIENT, "400 Bad Request", b"<h1>The SSL certificate error</h1>", "certificate-refused-usage"),
        (GOOD, "403 Forbidden", b"403.16 - Forbidden", "certificate-refused-unknown-ca"),
        (GOOD, "403 Forbidden", b"Not for you", "accepted"),
        (GOOD, "400 Bad Request", b"What?", "accepted"),
    ],
)
def test_a_refusal_in_the_answer(
    certificate: CertificateMaterial | None, status: str, body: bytes, verdict: str
) -> None:
    """As nginx and IIS do it: the handshake succeeds whatever is presented."""
    answer = b"HTTP/1.1 %b\r\nContent-Length: %d\r\n\r\n%b\r\n" % (status.encode(), len(body), body)
    with s_server(SERVER, clients=CA, answer=answer) as url:
        report = probed(url, certificate, with_request=True)
    assert report.verdict == verdict
    assert status[:3] in step(report, "request").text


def test_a_handshake_with_an_expired_certificate_proves_no_more_than_another() -> None:
    with s_server(SERVER, clients=CA, answer=b"x") as url:
        report = probed(url, EXPIRED)
    assert report.verdict == "handshake-only"
    assert "It expired on" in report.remedy
    assert "test with one to be sure" in report.remedy


@pytest.mark.parametrize(
    ("certificate", "verdict"), [(GOOD, "accepted"), (STRANGER, "certificate-refused-unknown-ca")]
)
def test_a_certificate_that_is_asked_for_after_the_request(
    certificate: CertificateMaterial, verdict: str
) -> None:
    """As IIS does it with TLS 1.2."""
    options = ("-tls1_2", "-no_resumption_on_reneg")
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    with s_server(SERVER, *options, clients=CA, answer=answer, late=True) as url:
        report = probed(url, certificate, with_request=True)
    assert report.verdict == verdict
    assert "after the request, in a second handshake" in step(report, "asked").text


def test_an_expired_certificate_that_calls_are_refused_with() -> None:
    strict = trust(CA, refuse_expired=True)
    with BackEnd(SERVER, CA) as back_end:
        assert probed(back_end.url, EXPIRED, strict).verdict == "certificate-expired-here"
        assert back_end.connections == 0
        assert probed(back_end.url, GOOD, strict).succeeded


def test_a_certificate_or_a_trust_that_cannot_be_used() -> None:
    lost = replace(GOOD, private_key=None, problem="its key cannot be opened")
    assert probed("https://localhost", lost).verdict == "certificate-unusable"
    assert probed("https://localhost", replace(GOOD, chain_pem="x")).verdict == "certificate-unusable"
    broken = replace(
        trust(), authorities_pem=("-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n",)
    )
    assert probed("https://localhost", trusted=broken).verdict == "trust-unusable"


# --- The back end's certificate ------------------------------------------------------------------------------

INTERMEDIATE = make_ca("Issuing CA", parent=CA)
OLD_INTERMEDIATE = make_ca("Old Issuing CA", parent=CA, not_after=NOW - timedelta(days=1))
OLD_ROOT = make_ca("Old Root", not_after=NOW - timedelta(days=1))
BELOW = issue(INTERMEDIATE, "localhost")
ALONE = Issued(BELOW.cert, BELOW.key)


@pytest.mark.parametrize(
    ("server", "trusted", "verdict", "says_so"),
    [
        (self_signed("localhost"), CA, "chain-untrusted", "self-signed"),
        (issue(OTHER, "localhost"), CA, "chain-untrusted", "CN=Other CA"),
        (ALONE, CA, "chain-untrusted", "is neither: CN=Issuing CA"),
        (BELOW, OTHER, "chain-untrusted", "was not sent: CN=Demo CA"),
        (BELOW, None, "chain-untrusted", "was not sent: CN=Demo CA"),
        (issue(CA, not_after=NOW - timedelta(days=2)), CA, "server-certificate-expired", "expired on"),
        (issue(CA, not_before=NOW + timedelta(days=2)), CA, "server-certificate-expired", "not valid before"),
        (issue(OLD_INTERMEDIATE), CA, "server-certificate-expired", "CN=Old Issuing CA"),
        (issue(OLD_ROOT), OLD_ROOT, "chain-untrusted", "CN=Old Root, which is trusted here, expired on"),
        (issue(CA, sans=["elsewhere", "10.0.0.1"]), CA, "wrong-name", "but for elsewhere, 10.0.0.1"),
        (issue(CA, "localhost", server=False), CA, "chain-untrusted", "not for TLS servers"),
    ],
    ids=[
        "self-signed", "unknown CA", "incomplete", "unknown root", "no CA", "expired", "not yet valid",
        "expired intermediate", "expired root", "wrong name", "usage",
    ],
)  # fmt: skip
def test_a_back_end_that_is_not_trusted(
    server: Issued, trusted: Issued | None, verdict: str, says_so: str
) -> None:
    with BackEnd(server, CA) as back_end:
        report = probed(back_end.url, trusted=trust(trusted) if trusted else trust(), with_request=True)
        assert not back_end.seen
    assert report.verdict == verdict
    assert says_so in report.summary
    assert "The gateway broke off with the alert" in texts(
        report, "name" if verdict == "wrong-name" else "trust"
    )
    assert step(report, "tls").state is step(report, "chain").state is State.OK


def test_a_self_signed_certificate_is_uploaded_by_its_thumbprint() -> None:
    server = self_signed("localhost")
    with BackEnd(server) as back_end:
        report = probed(back_end.url, None)
        assert probed(back_end.url, None, trust(server)).verdict == "no-certificate-needed"
    from gateway.x509 import x509_facts

    assert x509_facts(server.cert).sha256 in report.remedy


@pytest.mark.parametrize("with_chain", [True, False])
def test_a_name_is_checked_without_the_chain_too(with_chain: bool) -> None:
    trusted = trust(CA, validate_chain=with_chain)
    with BackEnd(issue(CA, sans=["elsewhere"]), CA) as back_end:
        report = probed(back_end.url, trusted=trusted, with_request=True)
        assert not back_end.seen
    assert report.verdict == "wrong-name"
    assert "The gateway broke off" in texts(report, "name")


# --- No TLS, or none in common -------------------------------------------------------------------------------


def test_an_old_version() -> None:
    with s_server(SERVER, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0") as url:
        report = probed(url)
    assert report.verdict == "protocol-version"
    assert "The back end chose TLS 1.1" in report.summary


def test_an_old_version_that_is_chosen_without_an_alert() -> None:
    hello = b"\x03\x01" + bytes(32) + b"\0" + b"\xc0\x14" + b"\0"
    message = b"\x02" + len(hello).to_bytes(3) + hello
    with listening(says(b"\x16\x03\x01" + len(message).to_bytes(2) + message)) as url:
        report = probed(url)
    assert report.verdict == "protocol-version"
    assert "The back end chose TLS 1.0" in report.summary


def test_only_versions_that_nobody_speaks() -> None:
    with listening(says(alert(70, 0x0300))) as url:
        assert probed(url).verdict == "protocol-version"


def test_no_common_cipher() -> None:
    server = issue(CA, "localhost", key_type="rsa")
    with s_server(server, "-tls1_2", "-cipher", "AES128-GCM-SHA256") as url:
        report = probed(url)
    assert report.verdict == "no-common-cipher"
    assert "such as AES128-GCM-SHA256 (TLS 1.2)" in report.summary


@pytest.mark.parametrize(("number", "name"), [(40, "handshake_failure"), (112, "unrecognized_name")])
def test_a_back_end_that_refuses_before_anything(number: int, name: str) -> None:
    with listening(says(alert(number))) as url:
        report = probed(url)
    assert report.verdict == "tls-failed"
    assert name in report.summary
    assert "localhost" in report.summary


@pytest.mark.parametrize(
    ("behave", "says_so"),
    [
        (says(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "plain HTTP"),
        (says(b"SSH-2.0-OpenSSH_9.2\r\n", first=True), "SSH-2.0-OpenSSH_9.2"),
        (says(b"\xff\xfb", first=True), ".."),
    ],
    ids=["HTTP", "SSH", "two bytes"],
)
def test_a_back_end_that_does_not_speak_tls(behave: Callable[[socket.socket], None], says_so: str) -> None:
    with listening(behave) as url:
        report = probed(url)
    assert report.verdict == "not-tls"
    assert says_so in report.summary


def test_plain_http_that_waits_for_the_end_of_a_line() -> None:
    with BackEnd() as back_end:
        report = probed(back_end.url.replace("http:", "https:"), seconds=0.8)
    assert report.verdict == "not-tls"


# --- Nobody there, or nobody who goes on ---------------------------------------------------------------------


def test_a_port_that_refuses() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as gone:
        port = gone.getsockname()[1]
    assert probed(f"https://localhost:{port}").verdict == "connection-refused"
    assert probed(f"http://localhost:{port}", None).verdict == "connection-refused"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_name_and_an_address(host: str) -> None:
    with BackEnd(SERVER, CA) as back_end:
        report = probed(f"https://{host}:{back_end.port}")
    words = {"localhost": "localhost is at 127.0.0.1.", "127.0.0.1": "there is no name to resolve."}
    assert step(report, "resolution").text.endswith(words[host])


def test_a_name_that_is_unknown() -> None:
    assert probed("https://nowhere.invalid").verdict == "name-not-found"


def test_an_address_that_is_refused() -> None:
    report = probed("https://localhost", rules=AddressRules())
    assert report.verdict == "address-refused"
    assert "GATEWAY_ALLOWED_BACK_END_NETWORKS" in report.remedy
    assert any("a loopback address" in line for line in step(report, "resolution").details)


def test_refused_addresses_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    def both_addresses(_: str, port: int, **__: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port)) for ip in ("127.0.0.2", "127.0.0.1")]

    monkeypatch.setattr(socket, "getaddrinfo", both_addresses)
    with BackEnd(SERVER, CA) as back_end:
        report = probed(back_end.url, rules=AddressRules.from_settings(["127.0.0.1/32"]))
        both = probed(back_end.url)
    assert report.verdict == both.verdict == "handshake-only"
    assert step(report, "resolution").state is State.NOTE
    assert "127.0.0.2 is a loopback address" in step(report, "resolution").text
    assert step(both, "connection").state is State.NOTE
    assert "127.0.0.2: " in texts(both, "connection")


def test_an_url_that_is_none() -> None:
    assert probed("ftp://localhost").verdict == "url-unusable"
    assert "pass" not in str(probed("https://user:pass@localhost").as_json()).replace("password", "")


def test_a_resolver_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(1))
    report = probed("https://localhost", seconds=0.2)
    assert report.verdict == "timed-out"
    assert step(report, "resolution").state is State.FAILED


def test_a_time_out_of_the_connection() -> None:
    with full_queue() as url:
        report = timed_out(url, "Nothing answered at port")
    assert step(report, "connection").state is State.FAILED


def test_a_back_end_that_says_nothing() -> None:
    with listening(silent) as url:
        report = timed_out(url, "said nothing at all")
    assert step(report, "tls").state is State.FAILED


def test_a_time_out_in_the_handshake() -> None:
    with BackEnd(SERVER) as back_end, listening(half_a_flight(back_end.url, silent)) as url:
        report = timed_out(url, "began the handshake")
    assert step(report, "tls").state is State.FAILED


def test_a_time_out_after_the_certificate(naming_server: str) -> None:
    with listening(instead_of_finishing(naming_server, silent)) as url:
        report = timed_out(url, "did not finish the handshake in time")
    assert step(report, "presented").state is State.OK
    assert "OCSP" in step(report, "accepted").remedy


def test_a_time_out_after_the_handshake() -> None:
    over = threading.Event()
    with BackEnd(SERVER, CA, behave=lambda *_: over.wait(20)) as back_end:
        report = timed_out(back_end.url, "did not answer OPTIONS in time", with_request=True)
        over.set()
    assert step(report, "accepted").state is State.OK
    assert step(report, "request").state is State.FAILED
    assert step(report, "request").seconds > 0.1


@pytest.mark.parametrize(("end", "how"), [(closes, "closed"), (resets, "reset")])
def test_a_connection_that_ends_without_an_alert(
    end: Callable[[socket.socket], None], how: str, naming_server: str
) -> None:
    def at_once(connection: socket.socket) -> None:
        connection.recv(65536)
        end(connection)

    places: list[tuple[AbstractContextManager[str], str]] = [
        (listening(at_once), "as soon as the handshake began"),
        (listening(half_a_flight(naming_server, end)), "in the middle of the handshake"),
        (listening(instead_of_finishing(naming_server, end)), "after it had the client certificate"),
    ]
    for back_end, where in places:
        with back_end as url:
            report = probed(url)
        assert report.verdict == "closed"
        assert f"The back end {how} the connection" in report.summary
        assert where in report.summary


def test_a_connection_that_ends_after_the_request() -> None:
    with BackEnd(SERVER, CA, behave=lambda connection, _: connection.close()) as back_end:
        report = probed(back_end.url, with_request=True)
    assert report.verdict == "closed"
    assert step(report, "request").state is State.FAILED


def test_an_answer_that_is_no_http() -> None:
    with BackEnd(
        SERVER, CA, behave=lambda connection, _: connection.write(b"220 smtp ready here\r\n")
    ) as back_end:
        report = probed(back_end.url, with_request=True)
    assert report.verdict == "not-http"
