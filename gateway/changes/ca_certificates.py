"""Changes to CA certificates, which APIs trust when they validate their back ends."""

from uuid import UUID

from django.db import IntegrityError
from django.utils import timezone

from gateway.ca_files import CaCertificateFile, read_ca_certificates
from gateway.changes.base import Actor, Change, change, expect_revision
from gateway.changes.certificate_versions import x509_columns
from gateway.changes.ids import free_id
from gateway.errors import AlreadyExists, InUse, Invalid, NotFound
from gateway.models import CaCertificate
from gateway.x509 import FileRefused


def upload_ca_certificates(actor: Actor, *, data: bytes, name: str = "") -> list[CaCertificate]:
    """Store every CA certificate of a file (DER or PEM), all or none; `name` serves the first.

    Raises Invalid on "file" or "name", AlreadyExists when a name or a certificate is there.
    """
    try:
        files = read_ca_certificates(data)
    except FileRefused as error:
        raise Invalid({error.field: error.message}) from None
    with change(actor) as this:
        return [_create(this, file, name.strip() if n == 0 else "") for n, file in enumerate(files)]


def _create(this: Change, file: CaCertificateFile, name: str) -> CaCertificate:
    known = CaCertificate.objects.filter(thumbprint=file.facts.thumbprint).first()
    if known:
        raise AlreadyExists({"file": f"This CA certificate is already here, under the name “{known}”."})
    row = CaCertificate.objects.create(
        resource_id=free_id(
            CaCertificate.objects.all(), name, file.common_name, field="name", default="ca-certificate"
        ),
        revision=this.revision,
        created_at=timezone.now(),
        pem=file.pem,
        **x509_columns(file.facts),
    )
    this.audit("uploaded", row, {"subject": ["", row.subject], "thumbprint": ["", row.thumbprint]})
    return row


def delete_ca_certificate(actor: Actor, key: UUID, *, revision: int | None = None) -> int:
    """Delete a CA certificate that no API trusts; returns the revision. Raises NotFound, EditConflict, InUse."""
    try:
        with change(actor) as this:
            row = CaCertificate.objects.filter(pk=key).first()
            if row is None:
                raise NotFound("CA certificate not found.")
            expect_revision(row.revision, revision)
            _refuse_in_use(row)
            this.audit("deleted", row, {"subject": [row.subject, ""], "thumbprint": [row.thumbprint, ""]})
            this.delete(row)
            return this.revision
    except IntegrityError:
        if found := CaCertificate.objects.filter(pk=key).first():
            _refuse_in_use(found)
        raise


def _refuse_in_use(row: CaCertificate) -> None:
    if uses := row.uses:
        raise InUse("CA certificate cannot be deleted since one or more APIs trust it.", uses)
