"""The client certificates that one can choose from: all of them, or the ones that a search found."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models.functions import Lower
from django.utils import timezone

from gateway.models import Certificate
from gateway.models.certificates import CertificateQuerySet, CertificateVersion

MOST_IN_DROP_DOWN = 200  # with more there is a search instead
MOST_RESULTS = 50


@dataclass(frozen=True, slots=True)
class Option:
    """A certificate to choose: `state` is "valid", "expired" or "early" (not valid yet)."""

    key: str
    label: str
    state: str


@dataclass(frozen=True, slots=True)
class CertificateOptions:
    """What is offered: of `total` certificates `found` match the query, of which `options` are shown."""

    options: tuple[Option, ...]
    total: int
    found: int
    query: str

    @property
    def searchable(self) -> bool:
        """Whether there are too many for a drop-down."""
        return self.total > MOST_IN_DROP_DOWN

    @property
    def left_out(self) -> int:
        """How many match and are not shown."""
        return max(0, self.found - MOST_RESULTS) if self.searchable else 0


def certificate_options(query: str, keep: Iterable[UUID]) -> CertificateOptions:
    """The certificates to offer. `keep` are those that are chosen now: they are always among them.

    `query` only counts where there are too many for a drop-down. Asks the database at most four times.
    """
    query = query.replace("\0", "").strip()  # PostgreSQL fails on a NUL
    rows = Certificate.objects.select_related("current").order_by("current__subject", Lower("resource_id"))
    rows = rows.defer("current__chain_pem", "current__sealed_private_key")
    total = Certificate.objects.count()
    now = timezone.now()
    if total <= MOST_IN_DROP_DOWN:
        return CertificateOptions(_options(rows, now), total, total, "")
    matching = rows.search(query) if query else rows
    chosen = list(rows.filter(pk__in=set(keep)))
    shown = [row for row in matching[:MOST_RESULTS] if row not in chosen]
    return CertificateOptions(_options([*chosen, *shown], now), total, matching.count(), query)


def _options(rows: Iterable[Certificate] | CertificateQuerySet, now: datetime) -> tuple[Option, ...]:
    return tuple(_option(row, row.current, now) for row in rows if row.current is not None)


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
