"""Findings about a client certificate and its chain: what may keep back ends from accepting it, what to do. Pure.

What a file is like is found by its readers; what a certificate is like, here, at upload and ever after.
"""

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from gateway.findings import Finding, Severity
from gateway.x509 import (
    certificate_problem,
    is_ca,
    issuer_url,
    key_problem,
    name_text,
    signs_itself,
    time_text,
    weakly_hashed,
    weakly_signed,
)

EXPIRES_SOON = timedelta(days=30)
SHORT_VALIDITY = timedelta(days=14)
LONG_VALIDITY = timedelta(days=5 * 366)
LARGE_RSA_BITS = 4096

_ORDER = list(Severity)
_PRIME_FIELD = bytes.fromhex("06072a8648ce3d0101")  # 1.2.840.10045.1.1: in a key that does not name its curve
_RENEW = "Have a new one issued and replace this one."
_STRONGER = "Have the certificate issued again for a key of RSA 2048 to 4096 bits or EC P-256."


def findings_of(chain_pem: str, now: datetime) -> tuple[Finding, ...]:
    """What to know at the time `now` about a certificate, which comes first in the PEM, and its issuers."""
    leaf, *issuers = x509.load_pem_x509_certificates(chain_pem.encode())
    found = [
        *_validity(leaf, now),
        *_purposes(leaf),
        *_key(leaf),
        *_signature(leaf),
        *_standing(leaf),
        *_chain(leaf, issuers, now),
    ]
    return by_severity(found)


def ca_findings_of(pem: str, now: datetime) -> tuple[Finding, ...]:
    """What to know at the time `now` about a certificate that back ends' certificates are checked against."""
    cert = x509.load_pem_x509_certificate(pem.encode())
    return by_severity([*_ca_validity(cert, now), *_ca_standing(cert)])


def by_severity(findings: list[Finding]) -> tuple[Finding, ...]:
    """The gravest first."""
    return tuple(sorted(findings, key=lambda finding: _ORDER.index(finding.severity)))


# --- Validity ---------------------------------------------------------------------------------------------


def _validity(leaf: x509.Certificate, now: datetime) -> Iterator[Finding]:
    begins, ends = leaf.not_valid_before_utc, leaf.not_valid_after_utc
    if now > ends:
        text = f"It expired on {time_text(ends)}: most back ends refuse it."
        yield Finding("expired", Severity.PROBLEM, text, _RENEW)
        return
    if now < begins:
        text = f"It is not valid before {time_text(begins)}: until then most back ends refuse it."
        remedy = (
            f"Use it from then on. If it should be valid by now, compare clocks: here it is {time_text(now)}."
        )
        yield Finding("not-yet-valid", Severity.PROBLEM, text, remedy)
    if ends - begins < SHORT_VALIDITY:
        text = (
            f"It expires on {time_text(ends)} and is valid for {_days(ends - begins)} in all, so it has to be "
            "replaced all the time."
        )
        yield Finding("short-validity", Severity.WARNING, text, "Ask its issuer for a longer validity.")
    elif ends - now <= EXPIRES_SOON:
        text = f"It expires on {time_text(ends)}, in {_days(ends - now)}."
        yield Finding("expires-soon", Severity.WARNING, text, _RENEW)
    elif ends - begins > LONG_VALIDITY:
        text = f"It is valid for more than {(ends - begins).days // 366} years, until {time_text(ends)}."
        remedy = (
            "Some back ends refuse so long a validity, and a key so old is a risk: renew it before it ends."
        )
        yield Finding("long-validity", Severity.NOTE, text, remedy)


def _days(length: timedelta) -> str:
    hours = int(length.total_seconds() // 3600)
    count, unit = (hours // 24, "day") if hours >= 24 else (hours, "hour")
    return f"{count} {unit}{'' if count == 1 else 's'}" if count else "less than an hour"


# --- What it may be used for ------------------------------------------------------------------------------


def _purposes(leaf: x509.Certificate) -> Iterator[Finding]:
    with suppress(Exception):  # no such extension, or another one that cannot be read
        usages = set(leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
        if not usages & {ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}:
            yield Finding(
                "no-client-usage",
                Severity.WARNING,
                "It is not issued for TLS clients: its extended key usage does not have client authentication, and "
                "most back ends that look refuse it.",
                "Have it issued with client authentication (clientAuth). Public CAs no longer do that: ask a "
                "private CA, or the owner of the back end, for one.",
            )
    with suppress(Exception):  # the same
        usage = leaf.extensions.get_extension_for_class(x509.KeyUsage).value
        if not usage.digital_signature:
            yield Finding(
                "no-digital-signature",
                Severity.WARNING,
                "Its key usage does not have digital signature, which TLS 1.3 asks for: many back ends refuse it.",
                "Have it issued with the key usage digital signature (digitalSignature).",
            )


# --- Key and signature ------------------------------------------------------------------------------------


def _key(leaf: x509.Certificate) -> Iterator[Finding]:
    key = None
    with suppress(Exception):  # of a kind that the library does not know
        key = leaf.public_key()
    if problem := certificate_problem(leaf):
        yield Finding("weak-key", Severity.PROBLEM, problem, _STRONGER)
    elif isinstance(key, rsa.RSAPublicKey) and key.key_size > LARGE_RSA_BITS:
        text = (
            f"The RSA key has {key.key_size} bits: every handshake takes long, and some back ends and engines "
            f"refuse more than {LARGE_RSA_BITS}."
        )
        yield Finding("large-key", Severity.WARNING, text, _STRONGER)
    elif name := _uncommon(leaf, key):
        text = (
            f"Not every TLS library can use a key of {name}: some that are built on BoringSSL (such as Envoy) or "
            "run on Windows refuse it."
        )
        yield Finding(
            "uncommon-key", Severity.WARNING, text, f"If a back end refuses it: {_lower(_STRONGER)}"
        )


def _uncommon(leaf: x509.Certificate, key: object) -> str:
    match key:
        case ec.EllipticCurvePublicKey() if _PRIME_FIELD in leaf.tbs_certificate_bytes:
            return "a curve that is spelled out instead of named (explicit EC parameters)"
        case ec.EllipticCurvePublicKey() if key.curve.name == "secp521r1":
            return "EC P-521"
        case ed25519.Ed25519PublicKey():
            return "Ed25519"
        case ed448.Ed448PublicKey():
            return "Ed448"
    return ""


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _signature(leaf: x509.Certificate) -> Iterator[Finding]:
    if weakly_signed(leaf):
        text = "It is signed with SHA-1 or MD5, which TLS no longer accepts."
        yield Finding("weak-signature", Severity.PROBLEM, text, "Have it issued again, signed with SHA-256.")
    elif weakly_hashed(leaf):
        text = "It signs itself with SHA-1 or MD5. Few look at that signature, but some back ends refuse it."
        yield Finding(
            "weak-signature", Severity.NOTE, text, "If one does, make a new one, signed with SHA-256."
        )


# --- Who vouches for it -----------------------------------------------------------------------------------


def _standing(leaf: x509.Certificate) -> Iterator[Finding]:
    alone = signs_itself(leaf)
    if is_ca(leaf) and not alone:
        yield Finding(
            "ca-certificate",
            Severity.WARNING,
            "It is the certificate of a CA, which signs others: some back ends refuse it from a client.",
            "Check that this is the file you meant. Keys of CAs should not be on a gateway.",
        )
    if alone:
        marked = " It is marked as a CA's, which some back ends refuse from a client." if is_ca(leaf) else ""
        yield Finding(
            "self-signed",
            Severity.NOTE,
            f"It is self-signed: no CA vouches for it.{marked}",
            "Give the certificate, without the key, to the owner of the back end, who has to trust this very one.",
        )


def _chain(leaf: x509.Certificate, issuers: list[x509.Certificate], now: datetime) -> Iterator[Finding]:
    if not issuers and leaf.issuer != leaf.subject:
        issuer = name_text(leaf.issuer)
        where = f" Its issuer offers it at {url}" if (url := issuer_url(leaf)) else ""
        yield Finding(
            "chain-incomplete",
            Severity.WARNING,
            f"The certificate of its issuer, {issuer}, is not there, so it is not sent: a back end that does not "
            "have that one itself refuses yours.",
            "If that is not a root, upload a file that also has the intermediate certificates." + where,
        )
    for issuer_cert in issuers:
        if now > issuer_cert.not_valid_after_utc:
            name, ended = name_text(issuer_cert.subject), time_text(issuer_cert.not_valid_after_utc)
            text = f"The certificate of its issuer {name} expired on {ended}: back ends may refuse the chain."
            remedy = "Ask the CA for its new certificate, and upload a file that has it."
            yield Finding("issuer-expired", Severity.WARNING, text, remedy)


# --- A CA certificate -------------------------------------------------------------------------------------


def _ca_validity(cert: x509.Certificate, now: datetime) -> Iterator[Finding]:
    begins, ends = cert.not_valid_before_utc, cert.not_valid_after_utc
    if now > ends:
        text = f"It expired on {time_text(ends)}: it vouches for nothing any more."
        remedy = "Upload the CA's new certificate, and have the APIs trust that one."
        yield Finding("expired", Severity.PROBLEM, text, remedy)
    elif now < begins:
        text = f"It is not valid before {time_text(begins)}: until then it vouches for nothing."
        remedy = f"If it should be valid by now, compare clocks: here it is {time_text(now)}."
        yield Finding("not-yet-valid", Severity.PROBLEM, text, remedy)


def _ca_standing(cert: x509.Certificate) -> Iterator[Finding]:
    if not is_ca(cert):
        yield Finding(
            "no-ca",
            Severity.WARNING,
            "It is not marked as a CA certificate: it can only vouch for a back end that presents this very one.",
            "If the back end presents another one, upload the certificate of the CA that issued that.",
        )
    key = None
    with suppress(Exception):  # of a kind that the library does not know
        key = cert.public_key()
    if problem := key_problem(key):
        remedy = "If its back ends are not trusted, ask the CA for one with RSA from 2048 bits or EC P-256."
        yield Finding("weak-key", Severity.WARNING, f"{problem} TLS libraries may refuse it.", remedy)
