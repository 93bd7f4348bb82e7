"""Reads when certificates expire: the current versions of client certificates, and CA certificates."""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Exists, OuterRef

from gateway.errors import Use
from gateway.expiry_notices import Expiry
from gateway.models import CaCertificate, Certificate, CertificateVersion, PolicyReference, TrustedCa

_LARGE = ("current__chain_pem", "current__sealed_private_key")
_NAMED = Exists(PolicyReference.objects.filter(certificate=OuterRef("pk")))
_CHECKED_BY = Exists(
    TrustedCa.objects.filter(ca_certificate=OuterRef("pk"), trust__validate_certificate_chain=True)
)
_FACTS = ("subject", "thumbprint", "not_before", "not_after")


def read_expiries(until: datetime | None = None) -> list[Expiry]:
    """Without what uses them; the first to expire first. `until` leaves out what expires later."""
    clients = Certificate.objects.filter(current__isnull=False)
    cas = CaCertificate.objects.all()
    if until is not None:
        clients, cas = clients.filter(current__not_after__lte=until), cas.filter(not_after__lte=until)
    client_facts = clients.values_list("key", "resource_id", *(f"current__{name}" for name in _FACTS))
    found = [Expiry("client", str(key), *facts) for key, *facts in client_facts]
    found += [
        Expiry("CA", str(key), *facts) for key, *facts in cas.values_list("key", "resource_id", *_FACTS)
    ]
    return _sorted(found)


def read_expiries_with_uses(until: datetime, *, most: int | None = None) -> list[Expiry]:
    """With the policies and the APIs that are at risk, in as many queries for many as for one.

    Of `most` nothing that is in use is left out for what is not.
    """
    clients = Certificate.objects.with_uses().defer(*_LARGE).filter(current__not_after__lte=until)
    cas = CaCertificate.objects.with_uses().defer("pem").filter(not_after__lte=until)
    found = [
        expiry_of("client", row, row.current, row.uses)
        for row in clients.order_by(_NAMED.desc(), "current__not_after", "resource_id")[:most]
        if row.current
    ]
    found += [
        expiry_of("CA", row, row, row.at_risk)
        for row in cas.order_by(_CHECKED_BY.desc(), "not_after", "resource_id")[:most]
    ]
    return _sorted(sorted(_sorted(found), key=lambda expiry: not expiry.uses)[:most])


def has_expired_between(begin: datetime, end: datetime) -> bool:
    """Whether one of them expired after `begin` and by `end`."""
    clients = Certificate.objects.filter(current__not_after__gt=begin, current__not_after__lte=end)
    return clients.exists() or CaCertificate.objects.filter(not_after__gt=begin, not_after__lte=end).exists()


def _sorted(found: Iterable[Expiry]) -> list[Expiry]:
    return sorted(found, key=lambda expiry: (expiry.not_after, expiry.name))


def expiry_of(
    kind: str,
    row: Certificate | CaCertificate,
    facts: CertificateVersion | CaCertificate,
    uses: tuple[Use, ...] = (),
) -> Expiry:
    """A certificate that was read as a row; `facts` is the row that has its validity."""
    return Expiry(
        kind,
        str(row.key),
        row.resource_id,
        facts.subject,
        facts.thumbprint,
        facts.not_before,
        facts.not_after,
        uses,
        facts.issuer,
    )
