"""Brings certificates into the middle of their life: versions, signing requests, and what gateways observed."""

from datetime import datetime

from django.utils import timezone

from gateway.changes.base import change
from gateway.changes.certificates import x509_columns
from gateway.models import (
    Certificate,
    CertificateVersion,
    GatewayLease,
    HeldConnections,
    Presentation,
    SigningRequest,
)
from gateway.x509 import x509_facts
from tests import pki
from tests.builders import ALICE


def add_versions(
    certificate: Certificate, *issued: pki.Issued, use: bool = False
) -> list[CertificateVersion]:
    """Further versions, without a key that opens; with `use` the last becomes the current one."""
    added = []
    for each in issued:
        with change(ALICE) as this:
            version = CertificateVersion(
                certificate=certificate,
                number=certificate.versions.count() + 1,
                revision=this.revision,
                created_at=timezone.now(),
                chain_pem=pki.pem(each.cert, *each.chain),
                **x509_columns(x509_facts(each.cert)),
            )
            version.save(force_insert=True)
            added.append(version)
            this.audit("uploaded", version, {"thumbprint": ["", version.thumbprint]})
    if use:
        with change(ALICE) as this:
            certificate.current, certificate.revision = added[-1], this.revision
            certificate.save()
    return added


def add_signing_request(certificate: Certificate, subject: str = "CN=partner-bank") -> SigningRequest:
    """A signing request under way, without a key that opens."""
    with change(ALICE) as this:
        request = SigningRequest.objects.create(
            certificate=certificate,
            name=certificate.resource_id,
            subject=subject,
            key_type="EC P-256",
            public_key_sha256=f"{SigningRequest.objects.count():064X}",
            created_at=timezone.now(),
            created_by="alice",
            revision=this.revision,
        )
        this.audit("created", request, {"subject": ["", subject]})
    return request


def present(
    thumbprint: str,
    api: str = "partner-bank",
    back_end: str = "bank.example:443",
    *,
    at: datetime | None = None,
    expired_at: datetime | None = None,
) -> Presentation:
    """That a version was presented."""
    return Presentation.objects.create(
        thumbprint=thumbprint, api=api, back_end=back_end, last_at=at or timezone.now(), expired_at=expired_at
    )


def hold(thumbprint: str, connections: int, *, renewed_at: datetime | None = None) -> None:
    """That a gateway process holds connections."""
    now = timezone.now()
    lease = GatewayLease.objects.create(
        name="gateway-1", started_at=now, renewed_at=renewed_at or now, revision=1
    )
    HeldConnections.objects.create(lease=lease, thumbprint=thumbprint, connections=connections)
