"""Reads when certificates expire: the current versions of client certificates, and CA certificates."""

from datetime import datetime

from gateway.expiry_notices import Expiry
from gateway.models import CaCertificate, Certificate, CertificateVersion

_LARGE = ("current__chain_pem", "current__sealed_private_key")


def read_expiries(until: datetime | None = None, *, most: int | None = None) -> list[Expiry]:
    """Without what uses them; the first to expire first. `until` leaves out what expires later."""
    return _sorted(_client_certificates(until, uses=False), _ca_certificates(until, uses=False), most)


def read_expiries_with_uses(until: datetime, *, most: int | None = None) -> list[Expiry]:
    """With the policies and the APIs that are at risk, in the same number of queries however many there are."""
    return _sorted(
        _client_certificates(until, uses=True, most=most), _ca_certificates(until, uses=True, most=most), most
    )


def _sorted(clients: list[Expiry], cas: list[Expiry], most: int | None) -> list[Expiry]:
    return sorted([*clients, *cas], key=lambda expiry: (expiry.not_after, expiry.name))[:most]


def _client_certificates(until: datetime | None, *, uses: bool, most: int | None = None) -> list[Expiry]:
    rows = Certificate.objects.with_uses() if uses else Certificate.objects.select_related("current")
    rows = rows.filter(current__isnull=False).defer(*_LARGE).order_by("current__not_after", "resource_id")
    if until is not None:
        rows = rows.filter(current__not_after__lte=until)
    return [_expiry("client", row, row.current, uses=uses) for row in rows[:most] if row.current]


def _ca_certificates(until: datetime | None, *, uses: bool, most: int | None = None) -> list[Expiry]:
    rows = CaCertificate.objects.with_uses() if uses else CaCertificate.objects.all()
    rows = rows.defer("pem").order_by("not_after", "resource_id")
    if until is not None:
        rows = rows.filter(not_after__lte=until)
    return [_expiry("CA", row, row, uses=uses) for row in rows[:most]]


def _expiry(
    kind: str, row: Certificate | CaCertificate, facts: CertificateVersion | CaCertificate, *, uses: bool
) -> Expiry:
    return Expiry(
        kind,
        str(row.key),
        row.resource_id,
        facts.subject,
        facts.thumbprint,
        facts.not_before,
        facts.not_after,
        row.uses if uses else (),
    )
