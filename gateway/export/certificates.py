"""Client certificates, CA certificates and signing requests, as files: what is public of them."""

from collections import defaultdict
from collections.abc import Iterator
from uuid import UUID

from gateway.export.names import file_name
from gateway.export.texts import File, as_json, moment
from gateway.models import CaCertificate, Certificate, CertificateVersion, SigningRequest
from gateway.models.certificates import X509Columns


def certificates(using: str) -> Iterator[tuple[File, ...]]:
    """Each client certificate: its versions, which one is in use, and the chain of each."""
    versions = defaultdict[UUID, list[CertificateVersion]](list)
    rows = CertificateVersion.objects.using(using).defer("sealed_private_key").order_by("number")
    for version in rows.iterator():
        versions[version.certificate_id].append(version)
    for row in Certificate.objects.using(using).iterator():
        yield tuple(_certificate(row, versions.pop(row.key)))


def _certificate(row: Certificate, versions: list[CertificateVersion]) -> Iterator[File]:
    folder = f"certificates/{file_name(row.resource_id)}"
    values = {
        "id": row.resource_id,
        "current": next(each.number for each in versions if each.key == row.current_id),
        "versions": [{"number": each.number, **_facts(each)} for each in versions],
    }
    yield File(f"{folder}/certificate.json", as_json(values))
    for each in versions:
        yield File(f"{folder}/{each.number}.pem", each.chain_pem.encode())


def ca_certificates(using: str) -> Iterator[tuple[File, ...]]:
    """Each CA certificate that APIs may trust."""
    for row in CaCertificate.objects.using(using).iterator():
        stem = f"caCertificates/{file_name(row.resource_id)}"
        values = as_json({"id": row.resource_id, **_facts(row)})
        yield File(f"{stem}.json", values), File(f"{stem}.pem", row.pem.encode())


def signing_requests(using: str) -> Iterator[tuple[File, ...]]:
    """Each signing request, known by its public key: several may be for one certificate."""
    rows = SigningRequest.objects.using(using).select_related("certificate").defer("sealed_private_key")
    for row in rows.iterator():
        name = row.certificate.resource_id if row.certificate else row.name
        stem = f"signingRequests/{file_name(name)}/{row.public_key_sha256}"
        values = {
            "certificate": row.certificate.resource_id if row.certificate else None,
            "name": row.name,
            "subject": row.subject,
            "names": row.names.splitlines(),
            "keyType": row.key_type,
            "publicKeySha256": row.public_key_sha256,
        }
        yield File(f"{stem}.json", as_json(values)), File(f"{stem}.pem", row.csr_pem.encode())


def _facts(row: X509Columns) -> dict[str, object]:
    return {
        "subject": row.subject,
        "issuer": row.issuer,
        "serialNumber": row.serial_number,
        "notBefore": moment(row.not_before),
        "notAfter": moment(row.not_after),
        "thumbprint": row.thumbprint,
        "sha256": row.sha256,
        "keyType": row.key_type,
    }
