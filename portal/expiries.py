"""Certificates that expire, as pages and e-mails speak of them; and which APIs that concerns."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q
from django.urls import reverse

from gateway.expiries import expiry_of
from gateway.expiry_notices import Expiry
from gateway.models import Api, PolicyReference, TrustedCa
from gateway.models.certificates import EXPIRES_SOON

_PAGES = {"client": "certificate", "CA": "ca-certificate"}
_MOST_BADGES = 3


def certificate_path(expiry: Expiry) -> str:
    """The page of a certificate."""
    return reverse(_PAGES[expiry.kind], args=[expiry.key])


def expiry_words(expiry: Expiry, now: datetime) -> str:
    """When a certificate expires, or that it has expired, counted in days."""
    if expiry.not_after > now:
        days = expiry.days_left(now)
        return "expires within a day" if days < 1 else f"expires in {_days(days)}"
    days = (now - expiry.not_after).days
    return "has expired" if days < 1 else f"expired {_days(days)} ago"


def _days(count: int) -> str:
    return f"{count} day{'' if count == 1 else 's'}"


def expiry_heading(expiry: Expiry, now: datetime) -> str:
    """The certificate by kind and name, and when it expires."""
    return f"{expiry.noun[0].upper()}{expiry.noun[1:]} {expiry.name} {expiry_words(expiry, now)}"


# --- APIs at risk -------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Badge:
    """That a certificate on which an API depends expires soon or has expired."""

    text: str
    url: str
    expired: bool


def badges_of(apis: Sequence[Api], now: datetime) -> dict[UUID, tuple[Badge, ...]]:
    """The badges of each API that has any, the first to expire first; in as many queries for many as for one."""
    found: dict[UUID, dict[tuple[str, str], Expiry]] = defaultdict(dict)
    for key, expiry in [*_presented(apis, now), *_trusted(apis, now)]:
        found[key][expiry.kind, expiry.key] = expiry
    return {key: _badges(expiries.values(), now) for key, expiries in found.items()}


def _badges(expiries: Iterable[Expiry], now: datetime) -> tuple[Badge, ...]:
    ordered = sorted(expiries, key=lambda expiry: (expiry.not_after, expiry.name))
    return tuple(
        Badge(expiry_heading(expiry, now), certificate_path(expiry), expiry.not_after <= now)
        for expiry in ordered[:_MOST_BADGES]
    )


def _presented(apis: Sequence[Api], now: datetime) -> Iterator[tuple[UUID, Expiry]]:
    """What the policies of the APIs and their operations present. What All APIs' policy presents concerns the
    APIs whose own names no certificate."""
    own = Q(document__api__in=apis) | Q(document__operation__api__in=apis)
    references = (
        PolicyReference.objects.filter(own | Q(document__api=None, document__operation=None))
        .filter(certificate__current__not_after__lte=now + EXPIRES_SOON)
        .select_related("certificate__current", "document__operation")
        .defer("document__xml", "certificate__current__chain_pem", "certificate__current__sealed_private_key")
    )
    of_all: list[Expiry] = []
    for reference in references:
        certificate, document = reference.certificate, reference.document
        if certificate is None or certificate.current is None:
            continue
        expiry = expiry_of("client", certificate, certificate.current)
        if document.scope == "global":
            of_all.append(expiry)
        else:
            yield document.operation.api_id if document.operation else document.part_key, expiry
    if of_all:
        named = _naming_their_own(apis)
        yield from ((api.key, expiry) for api in apis if api.key not in named for expiry in of_all)


def _naming_their_own(apis: Sequence[Api]) -> set[UUID | None]:
    references = PolicyReference.objects.filter(document__api__in=apis, certificate__isnull=False)
    return set(references.values_list("document__api_id", flat=True))


def _trusted(apis: Sequence[Api], now: datetime) -> Iterator[tuple[UUID, Expiry]]:
    """The CA certificates by which the back ends are known."""
    rows = TrustedCa.objects.filter(trust__api__in=apis, trust__validate_certificate_chain=True)
    rows = rows.filter(ca_certificate__not_after__lte=now + EXPIRES_SOON)
    for row in rows.select_related("ca_certificate", "trust").defer("ca_certificate__pem"):
        yield row.trust.api_id, expiry_of("CA", row.ca_certificate, row.ca_certificate)
