"""Which certificates are to be told of: a function of the certificates, the thresholds and what was told."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gateway.errors import Use

Told = Mapping[
    str, Collection[int]
]  # thumbprint -> the thresholds of days that were told, or are on their way


@dataclass(frozen=True, slots=True)
class Expiry:
    """A certificate that is in use until it expires: `kind` is "client" or "CA"."""

    kind: str
    key: str
    name: str
    subject: str
    thumbprint: str
    not_before: datetime
    not_after: datetime
    uses: tuple[Use, ...] = field(default=(), compare=False)
    issuer: str = field(default="", compare=False)  # where it is read with its uses

    @property
    def noun(self) -> str:
        return f"{self.kind} certificate"

    def days_left(self, now: datetime) -> int:
        """Whole days until it expires, negative after that."""
        return (self.not_after - now).days


@dataclass(frozen=True, slots=True)
class Notice:
    """That a certificate is told of, as one that expires within so many days."""

    expiry: Expiry
    days: int

    @property
    def id(self) -> tuple[str, int]:
        """By which it is known that it was told."""
        return self.expiry.thumbprint, self.days

    @property
    def moment(self) -> datetime:
        """When it is due."""
        return self.expiry.not_after - timedelta(days=self.days)


def due(
    expiries: Iterable[Expiry], thresholds: Collection[int], told: Told, now: datetime
) -> tuple[Notice, ...]:
    """What is to be told now, the first to expire first.

    Of the thresholds that a certificate has reached only the last one counts: those that were missed before it
    are not told on top. A threshold that was told covers the earlier ones, too, should it be taken away later.
    """
    notices = (notice for notice in reached(expiries, thresholds, now) if not _is_told(notice, told))
    return tuple(sorted(notices, key=lambda notice: (notice.expiry.not_after, notice.expiry.name)))


def reached(expiries: Iterable[Expiry], thresholds: Collection[int], now: datetime) -> Iterator[Notice]:
    """The last threshold that each certificate has reached, told or not."""
    return (notice for expiry in expiries if (notice := _reached(expiry, thresholds, now)))


def _reached(expiry: Expiry, thresholds: Collection[int], now: datetime) -> Notice | None:
    left = expiry.not_after - now
    reached = [days for days in thresholds if left <= timedelta(days=days)]
    return Notice(expiry, min(reached)) if reached else None


def _is_told(notice: Notice, told: Told) -> bool:
    return any(days <= notice.days for days in told.get(notice.expiry.thumbprint, ()))


def next_notice(expiries: Iterable[Expiry], thresholds: Collection[int], now: datetime) -> Notice | None:
    """What becomes due next, after now."""
    coming = (notice for expiry in expiries if (notice := _next_of(expiry, thresholds, now)))
    return min(coming, key=lambda notice: (notice.moment, notice.expiry.name), default=None)


def _next_of(expiry: Expiry, thresholds: Collection[int], now: datetime) -> Notice | None:
    left = expiry.not_after - now
    coming = [days for days in thresholds if left > timedelta(days=days)]
    return Notice(expiry, max(coming)) if coming else None
