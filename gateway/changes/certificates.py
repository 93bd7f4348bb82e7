"""Changes to client certificates."""

from uuid import UUID

from django.db import IntegrityError
from django.utils import timezone

from gateway import keystore, pkcs12
from gateway.changes.base import Actor, Change, change, expect_revision
from gateway.changes.ids import free_id
from gateway.errors import AlreadyExists, InUse, Invalid, NotFound
from gateway.models import Certificate, CertificateVersion
from gateway.pkcs12 import ClientCertificate, Pkcs12Error


def upload_certificate(actor: Actor, *, data: bytes, password: str, name: str = "") -> Certificate:
    """Store the client certificate of a PFX file (RFC 7292) under a name, proposed from its subject if empty.

    Raises Invalid on "file", "password" or "name", AlreadyExists when the name or the certificate is there.
    """
    try:
        material = pkcs12.read_pfx(data, password)
    except Pkcs12Error as error:
        raise Invalid({error.field: error.message}) from None
    with change(actor) as this:
        _refuse_known_thumbprint(material)
        resource_id = free_id(
            Certificate.objects.all(), name.strip(), material.common_name, field="name", default="certificate"
        )
        certificate = Certificate.objects.create(
            resource_id=resource_id, revision=this.revision, created_at=timezone.now()
        )
        certificate.current = _create_version(this, certificate, material)
        certificate.save(update_fields=["current"])
        this.audit("uploaded", certificate, _audited(certificate.current))
    return certificate


def _refuse_known_thumbprint(material: ClientCertificate) -> None:
    known = (
        CertificateVersion.objects.filter(thumbprint=material.facts.thumbprint)
        .select_related("certificate")
        .first()
    )
    if known:
        raise AlreadyExists(
            {"file": f"This certificate is already here, under the name “{known.certificate}”."}
        )


def _create_version(
    this: Change, certificate: Certificate, material: ClientCertificate
) -> CertificateVersion:
    facts = material.facts
    version = CertificateVersion(
        certificate=certificate,
        number=1,
        revision=this.revision,
        created_at=timezone.now(),
        chain_pem=material.chain_pem,
        **x509_columns(facts),
    )
    version.sealed_private_key = keystore.seal(
        version._meta.db_table, "sealed_private_key", version.key, material.private_key
    )
    version.save(force_insert=True)
    return version


def x509_columns(facts: pkcs12.X509Facts) -> dict[str, object]:
    """The columns of a row that are derived from an X.509 certificate."""
    names = [
        "subject",
        "issuer",
        "serial_number",
        "not_before",
        "not_after",
        "thumbprint",
        "sha256",
        "key_type",
    ]
    return {name: getattr(facts, name) for name in names}


def _audited(version: CertificateVersion) -> dict[str, list[str]]:
    return {
        "subject": ["", version.subject],
        "thumbprint": ["", version.thumbprint],
        "valid until": ["", version.not_after.isoformat()],
    }


def delete_certificate(actor: Actor, key: UUID, *, revision: int | None = None) -> int:
    """Delete a certificate that nothing uses; returns the revision of the change.

    Raises NotFound, EditConflict, or InUse with every place that refers to it.
    """
    try:
        with change(actor) as this:
            certificate = Certificate.objects.with_uses().filter(pk=key).first()
            if certificate is None:
                raise NotFound("Certificate not found.")
            expect_revision(certificate.revision, revision)
            _refuse_in_use(certificate)
            this.audit("deleted", certificate, _audited_deletion(certificate))
            this.delete(certificate, *certificate.versions.all())
            return this.revision
    except IntegrityError:  # the second line: a reference that the check above could not see
        if found := Certificate.objects.filter(pk=key).first():
            _refuse_in_use(found)
        raise


def _audited_deletion(certificate: Certificate) -> dict[str, list[str]]:
    version = certificate.current
    return {name: [before, ""] for name, (_, before) in _audited(version).items()} if version else {}


def _refuse_in_use(certificate: Certificate) -> None:
    if uses := certificate.uses:
        raise InUse("Certificate cannot be deleted since it is being used by one or more policies.", uses)
