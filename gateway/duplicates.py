"""Whether a client certificate, or its key, is already here."""

from collections.abc import Iterator

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.findings import Finding, Severity
from gateway.models import Certificate, CertificateVersion
from gateway.x509 import x509_facts


def duplicates_of(chain_pem: str, successor_of: Certificate | None = None) -> tuple[Finding, ...]:
    """What is already here of a certificate that is not stored yet, which comes first in the PEM.

    A successor may have the key of the certificate that it becomes a version of.
    """
    leaf = _leaf(chain_pem)
    facts = x509_facts(leaf)
    versions = CertificateVersion.objects.select_related("certificate").defer("sealed_private_key")
    if known := versions.filter(thumbprint=facts.thumbprint).first():
        return (_duplicate(known, successor_of),)
    public_key = _public_key(leaf)
    same = (row for row in versions.filter(key_type=facts.key_type) if _has_key(row, public_key))
    own = successor_of.pk if successor_of else None
    names = sorted({str(row.certificate) for row in same if row.certificate_id != own})
    return tuple(_same_key(names))


def _duplicate(known: CertificateVersion, successor_of: Certificate | None) -> Finding:
    text = f"This certificate is already here, under the name “{known.certificate}”."
    remedy = "Use that one. There is nothing to upload."
    if known.certificate == successor_of:
        text = f"This is version {known.number} of “{known.certificate}” already."
        remedy = "There is nothing to upload: what can be done with it, the page of the certificate says."
    return Finding("duplicate", Severity.PROBLEM, text, remedy)


def _same_key(names: list[str]) -> Iterator[Finding]:
    if names:
        called = ", ".join(f"“{name}”" for name in names)
        text = f"It has the same key as {called}, which is already here."
        remedy = (
            "If it is the successor of that one, make it the next version there, so that every API follows."
        )
        yield Finding("same-key", Severity.NOTE, text, remedy)


def _has_key(row: CertificateVersion, public_key: bytes) -> bool:
    return _public_key(_leaf(row.chain_pem)) == public_key


def _leaf(chain_pem: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(chain_pem.encode())


def _public_key(cert: x509.Certificate) -> bytes:
    return cert.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
