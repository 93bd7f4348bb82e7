"""The only writer of who was told of which certificate's expiry, and of the runs that looked for them."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet

from gateway.models import ExpiryNotice, NotificationRun

CLAIM_HOLDS = timedelta(minutes=15)  # what is on its way for longer was missed
_TRIED_FOR = timedelta(days=3)  # as long as mail servers try
_RUNS_KEPT = timedelta(days=400)
_LATELY = timedelta(hours=3)
_BATCH = 500


@dataclass(frozen=True, slots=True)
class Claim:
    """That this run tells of a certificate, and no other run does."""

    key: UUID
    id: tuple[str, int]  # thumbprint and days


def told(now: datetime) -> dict[str, set[int]]:
    """What was told of each thumbprint, or is on its way."""
    found: dict[str, set[int]] = defaultdict(set)
    counts = Q(sent_at__isnull=False) | Q(claimed_at__gt=now - CLAIM_HOLDS)
    for thumbprint, days in ExpiryNotice.objects.filter(counts).values_list("thumbprint", "days"):
        found[thumbprint].add(days)
    return found


def claim_notices(wanted: Collection[tuple[str, int]], now: datetime) -> list[Claim]:
    """Those of the wanted (thumbprint, days) that nobody has told or is about to tell, for this run alone."""
    with transaction.atomic():
        taken_over = [claim for claim in _missed(set(wanted), now) if _take_over(claim, now)]
        left = sorted(
            set(wanted) - {claim.id for claim in taken_over}
        )  # in order: no two runs wait in a circle
        rows = [ExpiryNotice(thumbprint=name, days=days, claimed_at=now) for name, days in left]
        ExpiryNotice.objects.bulk_create(rows, ignore_conflicts=True)
        written = set(ExpiryNotice.objects.filter(claimed_at=now, sent_at=None).values_list("pk", flat=True))
        made = [Claim(row.key, (row.thumbprint, row.days)) for row in rows if row.key in written]
        return [*taken_over, *made]


def _missed(wanted: set[tuple[str, int]], now: datetime) -> list[Claim]:
    rows = ExpiryNotice.objects.filter(sent_at=None, claimed_at__lte=now - CLAIM_HOLDS)
    ordered = rows.order_by("thumbprint", "days")
    return [
        Claim(row.key, (row.thumbprint, row.days)) for row in ordered if (row.thumbprint, row.days) in wanted
    ]


def _take_over(claim: Claim, now: datetime) -> bool:
    """Asked with the condition again: of two runs, one finds the row as it was."""
    row = ExpiryNotice.objects.filter(pk=claim.key, sent_at=None, claimed_at__lte=now - CLAIM_HOLDS)
    return bool(row.update(claimed_at=now))


def mark_sent(claims: Collection[Claim], now: datetime, missed: Sequence[str] = ()) -> None:
    """The claims were told, but to the addresses that were missed."""
    for keys in _batches(claims):
        rows = ExpiryNotice.objects.filter(pk__in=keys)
        rows.filter(sent_at=None).update(sent_at=now)
        rows.update(missed=list(missed), claimed_at=now - CLAIM_HOLDS)


def to_try_again(now: datetime) -> dict[tuple[str, int], tuple[str, ...]]:
    """Whom notices that were sent to others did not reach, by thumbprint and days; not what is on its way."""
    rows = _to_try_again(now).values_list("thumbprint", "days", "missed")
    return {(thumbprint, days): tuple(missed) for thumbprint, days, missed in rows}


def claim_again(wanted: Collection[tuple[str, int]], now: datetime) -> dict[Claim, tuple[str, ...]]:
    """Those of the wanted (thumbprint, days) that no other run is trying again, for this run alone, and whom they
    did not reach."""
    with transaction.atomic():
        rows = [row for row in _to_try_again(now) if (row.thumbprint, row.days) in wanted]
        return {
            Claim(row.key, (row.thumbprint, row.days)): tuple(row.missed)
            for row in rows
            if ExpiryNotice.objects.filter(pk=row.pk, claimed_at=row.claimed_at).update(claimed_at=now)
        }


def _to_try_again(now: datetime) -> QuerySet[ExpiryNotice]:
    rows = ExpiryNotice.objects.filter(sent_at__gt=now - _TRIED_FOR, claimed_at__lte=now - CLAIM_HOLDS)
    return rows.exclude(missed=[]).order_by("thumbprint", "days")


def release(claims: Collection[Claim]) -> None:
    """The claims could not be told: the next run may try at once."""
    for keys in _batches(claims):
        ExpiryNotice.objects.filter(pk__in=keys, sent_at=None).delete()


def was_one_missed_lately(now: datetime) -> bool:
    """Whether a run ended in the last hours before it could say that it told of something."""
    lately = ExpiryNotice.objects.filter(sent_at=None, claimed_at__gt=now - _LATELY)
    return lately.filter(claimed_at__lte=now - CLAIM_HOLDS).exists()


def _batches(claims: Collection[Claim]) -> list[list[UUID]]:
    keys = [claim.key for claim in claims]
    return [keys[start : start + _BATCH] for start in range(0, len(keys), _BATCH)]


def record_run(at: datetime, told: int, problem: str = "") -> None:
    """A run that looked: how many certificates it told of, and what went wrong."""
    NotificationRun.objects.create(at=at, told=told, problem=problem)
    NotificationRun.objects.filter(at__lt=at - _RUNS_KEPT).delete()
