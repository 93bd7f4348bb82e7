"""Many certificates at once, past the changes: for lists of them."""

import secrets

from django.utils import timezone

from gateway import keystore
from gateway.changes.base import change
from gateway.changes.certificate_versions import get_current
from gateway.models import Certificate, CertificateVersion
from tests.arrange import ARRANGER
from tests.builders import make_certificate


def fill_with_certificates(count: int) -> None:
    """Certificates "certificate-0", "certificate-1", ... with one's material; what lists show is their own."""
    like = get_current(make_certificate("like-all"))
    table = CertificateVersion._meta.db_table
    private_key = keystore.open_sealed(table, "sealed_private_key", like.key, like.sealed_private_key)
    now, rows, versions = timezone.now(), [], []
    with change(ARRANGER) as this:
        for number in range(count):
            row = Certificate(resource_id=f"certificate-{number}", revision=this.revision, created_at=now)
            version = CertificateVersion(
                certificate=row,
                number=1,
                revision=this.revision,
                created_at=now,
                subject=f"CN=partner-{number}, O=Partner Bank",
                issuer=like.issuer,
                serial_number=f"{number:x}",
                not_before=like.not_before,
                not_after=like.not_after,
                thumbprint=secrets.token_hex(20).upper(),
                sha256=secrets.token_hex(32).upper(),
                key_type=like.key_type,
                chain_pem=like.chain_pem,
            )
            version.sealed_private_key = keystore.seal(table, "sealed_private_key", version.key, private_key)
            rows.append(row)
            versions.append(version)
        Certificate.objects.bulk_create(rows, batch_size=1000)
        CertificateVersion.objects.bulk_create(versions, batch_size=1000)
        for row, version in zip(rows, versions, strict=True):
            row.current = version
        Certificate.objects.bulk_update(rows, ["current"], batch_size=200)
