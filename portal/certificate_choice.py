"""The client certificates, and the CA certificates, that one can choose from."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db.models.functions import Lower
from django.utils import timezone

from gateway.models import CaCertificate, Certificate
from gateway.models.certificates import CertificateQuerySet, CertificateVersion
from portal.choice import Offered, Option, offer


def certificate_options(query: str, keep: Iterable[UUID]) -> Offered:
    """The certificates to offer, each with the state "valid", "expired" or "early" (not valid yet); see `offer`."""
    rows = Certificate.objects.filter(current__isnull=False).select_related("current")
    rows = rows.order_by("current__subject", Lower("resource_id"))
    rows = rows.defer("current__chain_pem", "current__sealed_private_key")
    now = timezone.now()

    def option(row: Certificate) -> Option:
        assert row.current is not None  # noqa: S101 (filtered above)
        return _option(row, row.current, now)

    return offer(rows, option, CertificateQuerySet.search, query=query, keep=keep)


def _option(row: Certificate, version: CertificateVersion, now: datetime) -> Option:
    """What tells it from another one with the same subject comes right after the subject."""
    state, words = _validity(version, now)
    label = f"{version.subject} …{version.thumbprint[-4:]} ({row.resource_id}, {words})"
    return Option(str(row.pk), label, state)


def _validity(version: CertificateVersion, now: datetime) -> tuple[str, str]:
    if version.not_after <= now:
        return "expired", f"expired on {version.not_after:%Y-%m-%d}"
    if version.not_before > now:
        return "early", f"not valid before {version.not_before:%Y-%m-%d}"
    return "valid", f"valid until {version.not_after:%Y-%m-%d}"


def ca_choices() -> list[tuple[str, str]]:
    """The uploaded CA certificates: keys and labels."""
    rows = CaCertificate.objects.order_by("subject", "resource_id").only(
        "resource_id", "subject", "thumbprint", "not_after"
    )
    return [(str(row.pk), _ca_label(row)) for row in rows]


def _ca_label(row: CaCertificate) -> str:
    return f"{row.subject} …{row.thumbprint[-4:]} ({row.resource_id}, valid until {row.not_after:%Y-%m-%d})"
