"""Whether a client certificate, or its key, is already here."""

from collections.abc import Iterator

from gateway.certificate_contents import leaf_of
from gateway.findings import Finding, Severity
from gateway.models import Certificate, CertificateVersion
from gateway.x509 import key_sha256_of, x509_facts


def duplicates_of(chain_pem: str, successor_of: Certificate | None = None) -> tuple[Finding, ...]:
    """What is already here of a certificate that is not stored yet, which comes first in the PEM.

    A successor may have the key of the certificate that it becomes a version of.
    """
    leaf = leaf_of(chain_pem)
    facts = x509_facts(leaf)
    versions = CertificateVersion.objects.select_related("certificate").defer("sealed_private_key")
    if known := versions.filter(thumbprint=facts.thumbprint).first():
        return (_duplicate(known, successor_of),)
    key = key_sha256_of(leaf)
    of_this_type = versions.filter(key_type=facts.key_type)
    same = (row for row in of_this_type if key_sha256_of(leaf_of(row.chain_pem)) == key)
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
