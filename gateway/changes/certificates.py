"""Changes to client certificates."""

from uuid import UUID

from django.db import IntegrityError
from django.utils import timezone

from gateway.changes.base import Actor, Change, change, expect_revision
from gateway.changes.certificate_versions import (
    added,
    create_version,
    get_current,
    read_material,
    refuse_known_thumbprint,
)
from gateway.changes.ids import free_id
from gateway.errors import InUse, NotFound
from gateway.models import Certificate
from gateway.x509 import X509Facts


def upload_certificate(
    actor: Actor, *, data: bytes, password: str, name: str = "", key: str = ""
) -> Certificate:
    """Store the client certificate of a PFX or PEM file under a name, proposed from its subject if empty.

    Of a file with several keys `key` says which. Raises Invalid on "file", "password", "key" or "name",
    AlreadyExists when the name or the certificate is there.
    """
    material = read_material(data, password, key)
    with change(actor) as this:
        refuse_known_thumbprint(material.facts)
        resource_id = free_id(
            Certificate.objects.all(), name.strip(), material.common_name, field="name", default="certificate"
        )
        certificate = create_certificate(
            this, resource_id, material.facts, material.chain_pem, material.private_key
        )
        this.audit("uploaded", certificate, added(get_current(certificate)))
    return certificate


def create_certificate(
    this: Change, resource_id: str, facts: X509Facts, chain_pem: str, private_key: bytes
) -> Certificate:
    """A certificate with its first version, which is in use. Raises AlreadyExists on "file"."""
    certificate = Certificate.objects.create(
        resource_id=resource_id, revision=this.revision, created_at=timezone.now()
    )
    certificate.current = create_version(this, certificate, facts, chain_pem, private_key)
    certificate.save(update_fields=["current"])
    return certificate


def delete_certificate(actor: Actor, key: UUID, *, revision: int | None = None) -> int:
    """Delete a certificate that nothing uses, with its versions and signing requests; returns the revision.

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
            this.delete(certificate, *certificate.versions.all(), *certificate.signing_requests.all())
            return this.revision
    except IntegrityError:  # the second line: a reference that the check above could not see
        if found := Certificate.objects.filter(pk=key).first():
            _refuse_in_use(found)
        raise


def _audited_deletion(certificate: Certificate) -> dict[str, list[str]]:
    version = certificate.current
    found = {name: [text, ""] for name, (_, text) in added(version).items()} if version else {}
    others = [each.number for each in certificate.versions.order_by("number") if each != version]
    if numbers := ", ".join(map(str, others)):
        found["other versions"] = [numbers, ""]
    if requests := ", ".join(each.subject for each in certificate.signing_requests.order_by("created_at")):
        found["signing requests"] = [requests, ""]
    return found


def _refuse_in_use(certificate: Certificate) -> None:
    if uses := certificate.uses:
        raise InUse("Certificate cannot be deleted since it is being used by one or more policies.", uses)
