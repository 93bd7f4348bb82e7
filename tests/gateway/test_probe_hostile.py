"""The test of a connection against back ends that mean harm, or show too much."""

import os
import socket
import ssl
import time
from contextlib import closing, suppress

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtensionOID

from gateway.probing import tls_messages
from gateway.probing.line import Line, TlsLine, TooMuch
from gateway.probing.messages import Seen
from gateway.probing.report import State
from gateway.snapshot import CertificateMaterial
from gateway.tls import client_context
from tests.back_end import BackEnd, Connection
from tests.back_end import Seen as Request
from tests.gateway.test_probe import CA, GOOD, SERVER, STRANGER, probed, step, texts
from tests.odd_back_ends import endless, listening, s_server
from tests.pki import Issued, distinguished_name, issue, make_ca, make_key
from tests.snapshots import trust

HELLO_REQUESTS = b"\x16\x03\x03\x40\x00" + bytes(0x4000)


def test_messages_without_end() -> None:
    with listening(endless(HELLO_REQUESTS)) as url:
        report = probed(url)
    assert report.verdict == "tls-failed"
    assert "without end" in report.summary
    assert step(report, "tls").details == ("The gateway broke off: too many messages.",)


def test_bytes_without_end() -> None:
    with listening(endless(bytes(16384))) as url:
        address = ("127.0.0.1", int(url.rsplit(":", 1)[1]))
        with closing(Line(socket.AF_INET, address, time.monotonic() + 3)) as line:
            line.send(b"hello")
            with pytest.raises(TooMuch):
                _read_on(line)


def _read_on(line: Line) -> None:
    for _ in range(200):
        line.receive()


def test_bytes_in_drops() -> None:
    def drop(connection: object) -> None:
        for byte in b"\x16\x03\x03\x01\x00" + bytes(200):
            connection.sendall(bytes([byte]))  # type: ignore[attr-defined]
            time.sleep(0.02)

    with listening(drop) as url:
        report = probed(url, seconds=0.5)
    assert report.verdict == "timed-out"


def test_an_answer_without_end() -> None:
    def behave(connection: Connection, _: Request) -> None:
        connection.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        while True:
            connection.write(b"x" * 16384)

    with BackEnd(SERVER, CA, behave=behave) as back_end:
        report = probed(back_end.url, with_request=True)
    assert report.verdict == "accepted"


def test_a_head_without_end() -> None:
    def behave(connection: Connection, _: Request) -> None:
        connection.write(b"HTTP/1.1 200 \x1b[31mOK\xff" + b"x" * 5000)
        while True:
            connection.write(b"x" * 16384)

    with BackEnd(SERVER, CA, behave=behave) as back_end:
        report = probed(back_end.url, with_request=True)
    assert report.verdict == "not-http"
    assert len(texts(report, "request")) < 1000
    assert "\x1b" not in texts(report, "request")


def test_a_list_of_cas_is_cut() -> None:
    clients = [make_ca(f"CA {number}") for number in range(50)]
    both = Issued(CA.cert, CA.key, tuple(each.cert for each in clients))
    with s_server(SERVER, clients=both) as url:
        report = probed(url)
    lines = step(report, "asked").details
    assert sum(line.startswith("Accepted CA: ") for line in lines) == 20
    assert "31 more CAs are not listed." in lines
    assert "51 CAs" in step(report, "asked").text


def test_a_chain_is_cut() -> None:
    others = tuple(make_ca(f"CA {number}", parent=CA).cert for number in range(30))
    with BackEnd(Issued(SERVER.cert, SERVER.key, others)) as back_end:
        report = probed(back_end.url, None)
    assert report.verdict == "no-certificate-needed"
    assert "11 more that cannot be read or are too many to list." in step(report, "chain").details


def test_a_message_that_is_too_long() -> None:
    server = issue(CA, sans=[f"{number}.{'x' * 50}.example" for number in range(1600)])
    with BackEnd(server) as back_end:
        report = probed(back_end.url)
    assert report.verdict == "tls-failed"
    assert "too long" in report.summary


def test_names_that_trick_the_eye() -> None:
    server = issue(CA, "localhost\n\u202eevil\x1b", sans=[f"{number}.example" for number in range(300)])
    with BackEnd(server) as back_end:
        report = probed(back_end.url)
    assert report.verdict == "wrong-name"
    assert "and 295 more" in report.summary
    told = "".join(f"{each.text}{each.remedy}{''.join(each.details)}" for each in report.steps)
    assert not set(told) & set("\n\u202e\x1b")


@pytest.mark.parametrize("trusted", [trust(CA), trust(validate_chain=False)], ids=["chain", "name only"])
def test_an_extension_that_cannot_be_read(trusted: object) -> None:
    with BackEnd(_with_odd_names()) as back_end:
        report = probed(back_end.url, None, trusted)  # type: ignore[arg-type]
    assert report.verdict == "wrong-name"


def _with_odd_names() -> Issued:
    """A certificate whose alternative name is of a kind that nobody uses (x400Address)."""
    key = make_key()
    builder = x509.CertificateBuilder().subject_name(distinguished_name("odd")).issuer_name(CA.cert.subject)
    builder = builder.public_key(key.public_key()).serial_number(1)
    builder = builder.not_valid_before(SERVER.cert.not_valid_before_utc)
    builder = builder.not_valid_after(SERVER.cert.not_valid_after_utc)
    names = x509.UnrecognizedExtension(ExtensionOID.SUBJECT_ALTERNATIVE_NAME, b"\x30\x02\xa3\x00")
    cert = builder.add_extension(names, critical=False).sign(CA.key, hashes.SHA256())  # type: ignore[arg-type]
    return Issued(cert, key)


def test_bytes_that_are_no_messages_raise_nothing_but_value_errors() -> None:
    message = b"\x0d\x00\x00\x20" + os.urandom(32)
    for length in range(len(message)):
        for version in (0x0302, 0x0303, 0x0304):
            for read in (tls_messages.certificates, tls_messages.certificate_request):
                with pytest.raises(ValueError, match="ends too early"):
                    read(message[:length], version)
        with pytest.raises(ValueError, match="ends too early"):
            tls_messages.server_hello(message[:length])


# --- What shows the messages is private to Python ---------------------------------------------------------------


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_python_still_shows_the_messages(newest: ssl.TLSVersion) -> None:
    """Fails when ssl.SSLContext._msg_callback goes or changes: then gateway.probing.messages needs another way."""
    with BackEnd(SERVER, CA, newest=newest) as back_end:
        seen = _seen(back_end.port, GOOD)
        assert seen.works
        assert seen.hello
        assert seen.version == {"TLSv1_2": 0x0303, "TLSv1_3": 0x0304}[newest.name]
        assert seen.chain[0] == SERVER.cert.public_bytes(Encoding.DER)
        assert seen.asked
        assert seen.asked.algorithms
        # OpenSSL adds the issuer, which it finds among what is trusted.
        assert (seen.asked_late, seen.presented, seen.confirmed) == (False, 2, True)
        assert _seen(back_end.port, STRANGER).received == 48
        assert _seen(back_end.port, None).presented == 0


def _seen(port: int, certificate: CertificateMaterial | None) -> Seen:
    context = client_context(certificate, trust(CA))
    deadline = time.monotonic() + 3
    with closing(Line(socket.AF_INET, ("127.0.0.1", port), deadline)) as line:
        tls = TlsLine(line, context, "localhost")
        seen = tls.seen
        with suppress(ssl.SSLError):
            tls.handshake()
            tls.wait(deadline, lambda: seen.confirmed)
    return seen


@pytest.mark.parametrize("direction", ["read", "write"])
@pytest.mark.parametrize("kind", [4, 15, 16, 20, 24])
def test_no_ticket_signature_key_exchange_or_finished_is_kept(direction: str, kind: int) -> None:
    seen = Seen()
    seen.take(direction, 22, bytes([kind, 0, 0, 6]) + b"secret")
    assert seen.messages == 1
    assert "secret" not in repr(seen)


@pytest.fixture
def blind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssl.SSLContext, "_msg_callback", property())  # as good as gone: nothing can be set


@pytest.mark.usefixtures("blind")
def test_without_the_messages_it_says_what_it_could_not_see() -> None:
    with BackEnd(SERVER, CA) as back_end:
        report = probed(back_end.url, with_request=True)
    assert report.verdict == "handshake-only"
    assert step(report, "tls").state is step(report, "trust").state is State.OK
    assert "The others could not be seen." in step(report, "chain").text
    for name in ("asked", "presented", "accepted"):
        assert step(report, name).text.startswith("Could not be seen")


@pytest.mark.usefixtures("blind")
@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_without_the_messages_alerts_are_told_from_the_error(newest: ssl.TLSVersion) -> None:
    with BackEnd(SERVER, CA, newest=newest) as back_end:
        refused = probed(back_end.url, STRANGER, with_request=True)
        untrusted = probed(back_end.url, GOOD, trust())
    assert refused.verdict == "certificate-refused-unknown-ca"
    assert untrusted.verdict == "chain-untrusted"
