"""The demonstration's certificates: a CA, the back end's certificate, and client certificates as PFX files.

They are made once, in a folder that only its owner can read, and found again by the next run.
"""

import ipaddress
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    pkcs12,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from gateway.certificate_files import read_certificate_file

_LIFETIME = timedelta(days=5 * 365)
_CA_LIFETIME = timedelta(days=10 * 365)
_CLIENTS = ("partner-bank-1", "partner-bank-2")
_NAMES = (x509.DNSName("localhost"), *(x509.IPAddress(ipaddress.ip_address(a)) for a in ("127.0.0.1", "::1")))


@dataclass(frozen=True, slots=True)
class ClientFile:
    """A client certificate as a person uploads it."""

    path: Path
    password: str = field(repr=False)
    subject: str
    thumbprint: str


@dataclass(frozen=True, slots=True)
class DemonstrationPki:
    """Where the demonstration's files are."""

    ca_certificate: Path
    back_end_certificate: Path
    back_end_key: Path
    clients: tuple[ClientFile, ...]


def demonstration_pki(folder: Path) -> DemonstrationPki:
    """The certificates in the folder; what is missing is made, what is there is kept."""
    folder.mkdir(mode=0o700, exist_ok=True)
    ca, ca_key = _ensure_ca(folder)
    certificate, key = folder / "back-end.crt", folder / "back-end.key"
    if not (certificate.exists() and key.exists()):
        _issue_server(ca, ca_key, certificate, key)
    password = _ensure_password(folder / "pfx-password")
    clients = tuple(_ensure_client(ca, ca_key, folder / f"{name}.pfx", name, password) for name in _CLIENTS)
    return DemonstrationPki(folder / "ca.crt", certificate, key, clients)


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    unfinished = path.with_name(path.name + ".new")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    unfinished.replace(path)


def _ensure_ca(folder: Path) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    certificate, key_file = folder / "ca.crt", folder / "ca.key"
    if certificate.exists() and key_file.exists():
        key = load_pem_private_key(key_file.read_bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)  # noqa: S101 (we wrote it)
        return x509.load_pem_x509_certificate(certificate.read_bytes()), key
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _name("Demonstration CA")
    builder = _builder(subject, subject, key, _CA_LIFETIME)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    ca = builder.add_extension(_usage(ca=True), critical=True).sign(key, hashes.SHA256())
    write_private(key_file, _key_pem(key))
    write_private(certificate, ca.public_bytes(Encoding.PEM))
    return ca, key


def _issue_server(
    ca: x509.Certificate, ca_key: ec.EllipticCurvePrivateKey, certificate: Path, key_file: Path
) -> None:
    issued, key = _issue(ca, ca_key, "localhost", ExtendedKeyUsageOID.SERVER_AUTH, _NAMES)
    write_private(key_file, _key_pem(key))
    write_private(certificate, issued.public_bytes(Encoding.PEM))


def _ensure_client(
    ca: x509.Certificate, ca_key: ec.EllipticCurvePrivateKey, path: Path, name: str, password: str
) -> ClientFile:
    if not path.exists():
        issued, key = _issue(ca, ca_key, name, ExtendedKeyUsageOID.CLIENT_AUTH, ())
        encryption = BestAvailableEncryption(password.encode())
        write_private(
            path, pkcs12.serialize_key_and_certificates(name.encode(), key, issued, [ca], encryption)
        )
    facts = read_certificate_file(path.read_bytes(), password).facts
    return ClientFile(path, password, facts.subject, facts.thumbprint)


def _ensure_password(path: Path) -> str:
    if not path.exists():
        write_private(path, secrets.token_urlsafe(9).encode() + b"\n")
    return path.read_text().strip()


def _issue(
    ca: x509.Certificate,
    ca_key: ec.EllipticCurvePrivateKey,
    name: str,
    purpose: x509.ObjectIdentifier,
    alternatives: Sequence[x509.GeneralName],
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(_name(name), ca.subject, key, _LIFETIME)
    issuer_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())
    builder = builder.add_extension(issuer_key, critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_usage(ca=False), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    if alternatives:
        builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
    return builder.sign(ca_key, hashes.SHA256()), key


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, lifetime: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC).replace(microsecond=0)
    public = key.public_key()
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))  # clocks differ
        .not_valid_after(now + lifetime)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _usage(*, ca: bool) -> x509.KeyUsage:
    """RFC 5280, 4.2.1.3: a CA signs certificates, the others sign handshakes."""
    return x509.KeyUsage(
        digital_signature=not ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common_name: str) -> x509.Name:
    organization = x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Publisher portal demonstration")
    return x509.Name([organization, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
