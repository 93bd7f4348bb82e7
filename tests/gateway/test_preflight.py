"""What is found about a certificate before a back end finds it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed448, rsa
from cryptography.x509.oid import AuthorityInformationAccessOID

from gateway.findings import Finding, Severity
from gateway.preflight import findings_of
from tests import pki

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
ROOT = pki.make_ca("Root", not_before=NOW - 3000 * DAY, not_after=NOW + 3000 * DAY)


def issued(begins: timedelta = -10 * DAY, ends: timedelta = 355 * DAY, **options: object) -> pki.Issued:
    return pki.issue(ROOT, "client", not_before=NOW + begins, not_after=NOW + ends, **options)  # type: ignore[arg-type]


def found(client: pki.Issued, now: datetime = NOW) -> dict[str, Finding]:
    findings = findings_of(pki.pem(client.cert, *client.chain), now)
    assert all(finding.text.endswith(".") for finding in findings)
    return {finding.code: finding for finding in findings}


def signed(
    change: Callable[[x509.CertificateBuilder], x509.CertificateBuilder], key: object = None
) -> pki.Issued:
    """A certificate with a key and extensions of the test's own."""
    key = key or pki.make_key().public_key()
    builder = x509.CertificateBuilder().subject_name(pki.distinguished_name("client")).public_key(key)  # type: ignore[arg-type]
    builder = builder.issuer_name(ROOT.cert.subject).serial_number(7)
    builder = builder.not_valid_before(NOW - DAY).not_valid_after(NOW + 364 * DAY)
    cert = change(builder).sign(ROOT.key, hashes.SHA256())
    return pki.Issued(cert, pki.make_key(), (ROOT.cert,))


def as_it_is(builder: x509.CertificateBuilder) -> x509.CertificateBuilder:
    return builder


def usage(*, digital_signature: bool) -> x509.KeyUsage:
    no = dict.fromkeys(("content_commitment", "data_encipherment", "key_agreement", "key_cert_sign"), False)
    no |= dict.fromkeys(("crl_sign", "encipher_only", "decipher_only"), False)
    return x509.KeyUsage(digital_signature=digital_signature, key_encipherment=True, **no)


def test_nothing_is_found_about_a_good_certificate() -> None:
    assert found(issued()) == {}
    assert (
        found(signed(lambda builder: builder.add_extension(usage(digital_signature=True), critical=True)))
        == {}
    )


@pytest.mark.parametrize(
    ("begins", "ends", "code", "severity", "words"),
    [
        (-400, -35, "expired", "problem", "expired on 2026-04-27 12:00 UTC"),
        (2, 367, "not-yet-valid", "problem", "not valid before 2026-06-03 12:00 UTC"),
        (-335, 30, "expires-soon", "warning", "expires on 2026-07-01 12:00 UTC, in 30 days"),
        (-365, 0.5, "expires-soon", "warning", "in 12 hours"),
        (-1, 6, "short-validity", "warning", "valid for 7 days in all"),
        (-1, 3000, "long-validity", "note", "more than 8 years, until 2034-08-18"),
    ],
)
def test_validity(begins: int, ends: float, code: str, severity: str, words: str) -> None:
    findings = found(issued(begins * DAY, ends * DAY))

    assert list(findings) == [code]
    assert findings[code].severity == severity
    assert words in findings[code].text
    assert findings[code].remedy


def test_the_last_second_and_the_thirtieth_day_count() -> None:
    client = issued(ends=60 * DAY)
    end = client.cert.not_valid_after_utc

    assert list(found(client, end)) == ["expires-soon"]
    assert list(found(client, end + timedelta(seconds=1))) == ["expired"]
    assert list(found(client, end - 30 * DAY)) == ["expires-soon"]
    assert list(found(client, end - 30 * DAY - timedelta(seconds=1))) == []


def test_a_certificate_for_servers_is_warned_of() -> None:
    finding = found(issued(client=False))["no-client-usage"]

    assert finding.severity == Severity.WARNING
    assert "Public CAs no longer do that" in finding.remedy


def test_a_key_usage_without_digital_signature_is_warned_of() -> None:
    client = signed(lambda builder: builder.add_extension(usage(digital_signature=False), critical=True))

    assert found(client)["no-digital-signature"].severity == Severity.WARNING


def rsa_of(bits: int) -> rsa.RSAPublicKey:
    """A public key that nobody has the private one of: making that takes long."""
    return rsa.RSAPublicNumbers(65537, (1 << bits - 1) + 1).public_key()


@pytest.mark.parametrize(
    ("key", "code", "severity"),
    [
        (lambda: rsa_of(1024), "weak-key", "problem"),
        (lambda: rsa_of(4096), "", ""),
        (lambda: rsa_of(4104), "large-key", "warning"),
        (lambda: rsa_of(16384), "large-key", "warning"),
        (lambda: pki.make_key("ec384").public_key(), "", ""),
        (lambda: pki.make_key("ec521").public_key(), "uncommon-key", "warning"),
        (lambda: pki.make_key("ed25519").public_key(), "uncommon-key", "warning"),
        (lambda: ed448.Ed448PrivateKey.generate().public_key(), "uncommon-key", "warning"),
    ],
)
def test_a_key_that_some_cannot_use_is_warned_of(key: Callable[[], object], code: str, severity: str) -> None:
    findings = found(signed(as_it_is, key()))

    assert {name: str(finding.severity) for name, finding in findings.items()} == (
        {code: severity} if code else {}
    )


def test_a_self_signed_certificate_is_noted() -> None:
    alone = pki.self_signed(not_before=NOW - DAY, not_after=NOW + 364 * DAY)

    assert found(alone)["self-signed"].severity == Severity.NOTE
    assert list(found(alone)) == ["self-signed"]


def test_the_certificate_of_a_ca_is_mentioned() -> None:
    dates = {"not_before": NOW - DAY, "not_after": NOW + 364 * DAY}

    assert list(found(pki.make_ca("Own", parent=ROOT, **dates))) == ["ca-certificate"]
    assert "marked as a CA's" in found(pki.make_ca("Alone", **dates))["self-signed"].text


def test_a_chain_that_is_not_there_is_missed_with_where_to_find_it() -> None:
    url = x509.UniformResourceIdentifier("http://ca.example/issuing.cer")
    access = x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, url)
    extension = x509.AuthorityInformationAccess([access])
    client = signed(lambda builder: builder.add_extension(extension, critical=False))

    (finding,) = findings_of(client.pem, NOW)

    assert finding.code == "chain-incomplete"
    assert finding.severity == Severity.WARNING
    assert "its issuer, CN=Root," in finding.text
    assert finding.remedy.endswith("Its issuer offers it at http://ca.example/issuing.cer")


def test_an_issuer_that_expired_is_named() -> None:
    old = pki.make_ca("Old CA", parent=ROOT, not_before=NOW - 900 * DAY, not_after=NOW - DAY)
    client = pki.issue(old, not_before=NOW - 10 * DAY, not_after=NOW + 300 * DAY)

    finding = found(client)["issuer-expired"]

    assert "CN=Old CA expired on 2026-05-31" in finding.text


def test_the_gravest_comes_first() -> None:
    client = issued(-400 * DAY, -35 * DAY, client=False, key_type="ec521")

    assert [finding.severity for finding in found(client).values()] == ["problem", "warning", "warning"]
