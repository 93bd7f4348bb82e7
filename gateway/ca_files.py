"""Reads CA certificate files, with messages for a person."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509

from gateway.file_contents import check_size, kind_of
from gateway.findings import Finding
from gateway.preflight import ca_findings_of
from gateway.x509 import (
    FileRefused,
    X509Facts,
    common_name,
    pem,
    visible,
    x509_facts,
)

_KEY_HERE = "The file contains a private key, which does not belong here: upload only certificates."
_NO_CA = {
    "pfx": "This is a .pfx file, which has a private key. Upload the certificate alone (.cer, .crt or .pem).",
    "private key": "This is a private key, which does not belong here: upload only certificates.",
    "pkcs7": "This is a .p7b file. Upload the certificates in it as .cer, .crt or .pem.",
    "certificate": "This certificate cannot be read: it is damaged or incomplete. Export or copy it again.",
}


@dataclass(frozen=True, slots=True)
class CaCertificateFile:
    """One certificate to be trusted."""

    facts: X509Facts
    pem: str
    common_name: str
    findings: tuple[Finding, ...]


def read_ca_certificates(data: bytes) -> list[CaCertificateFile]:
    """Read the certificates of a .cer, .crt or .pem file, each once, in the file's order.

    The file is one DER certificate or any number of PEM ones. Raises FileRefused on the field "file".
    """
    check_size(data)
    if b"PRIVATE KEY-----" in data:
        raise FileRefused("file", _KEY_HERE)
    certs = _pem_certificates(data) if b"-----BEGIN " in data else _der_certificate(data)
    return [_ca_certificate(cert) for cert in dict.fromkeys(certs)]


def _pem_certificates(data: bytes) -> list[x509.Certificate]:
    if b"-----BEGIN CERTIFICATE-----" not in data and b"-----BEGIN X509 CERTIFICATE-----" not in data:
        kind = data.split(b"-----BEGIN ", 1)[1].split(b"-----", 1)[0][:40].decode("ascii", "replace")
        text = f"The file has no certificate but: {visible(kind).lower() or 'nothing'}. Upload a certificate."
        raise FileRefused("file", text)
    with suppress(Exception):  # hostile bytes
        return x509.load_pem_x509_certificates(data)
    raise FileRefused("file", "A certificate in the file is damaged or incomplete. Export or copy it again.")


def _der_certificate(data: bytes) -> list[x509.Certificate]:
    with suppress(Exception):  # hostile bytes
        return [x509.load_der_x509_certificate(data)]
    text = "This is no certificate file. Upload a .cer, .crt or .pem file."
    raise FileRefused("file", _NO_CA.get(kind_of(data), text))


def _ca_certificate(cert: x509.Certificate) -> CaCertificateFile:
    text = pem([cert])
    return CaCertificateFile(
        facts=x509_facts(cert),
        pem=text,
        common_name=common_name(cert),
        findings=ca_findings_of(text, datetime.now(UTC)),
    )
