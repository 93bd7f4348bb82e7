"""The only writer of what is observed: leases of running gateways, which revision they run, what they present."""

import time
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice

from django.db import connection, transaction
from django.db.models import Sum
from django.utils import timezone

from gateway.models import CertificateVersion, GatewayLease, HeldConnections, Presentation
from gateway.observing.presented import Presented

LEASE_SECONDS = 6
RENEW_SECONDS = 2
# Far below what any database takes in one statement.
_AT_ONCE = 100
_LOOK_AGAIN_SECONDS = 0.01


def register_gateway(name: str, revision: int = 0) -> uuid.UUID:
    """Give a gateway process a lease and return its key; processes that are long gone lose theirs."""
    now = timezone.now()
    GatewayLease.objects.filter(renewed_at__lt=now - timedelta(seconds=10 * LEASE_SECONDS)).delete()
    return GatewayLease.objects.create(name=name, started_at=now, renewed_at=now, revision=revision).key


def renew_gateway(key: uuid.UUID, revision: int, problem: str = "") -> bool:
    """Renew a lease and say which revision its process runs. False if the lease is gone: register anew."""
    return bool(
        GatewayLease.objects.filter(pk=key).update(
            renewed_at=timezone.now(), revision=revision, problem=problem
        )
    )


def end_gateway(key: uuid.UUID) -> None:
    """End the lease of a process that stops."""
    GatewayLease.objects.filter(pk=key).delete()


@dataclass(frozen=True, slots=True)
class Effect:
    """Which live gateways run a revision (or a later one), and which lag behind."""

    revision: int
    running: tuple[str, ...]
    lagging: tuple[str, ...]

    @property
    def complete(self) -> bool:
        return not self.lagging


def live_gateways() -> list[GatewayLease]:
    """The processes that renewed their lease in the last 6 s, by name."""
    since = timezone.now() - timedelta(seconds=LEASE_SECONDS)
    return list(GatewayLease.objects.filter(renewed_at__gte=since).order_by("name", "started_at"))


_in_vain: dict[uuid.UUID, int] = {}  # leases, each with what it did not run yet when a whole wait was over


def wait_in_effect(revision: int, seconds: float = 2.0) -> Effect:
    """Wait until every live gateway runs `revision`, at most `seconds`; say who does and who lags.

    Nobody waits again for one that was waited for in vain before it has come that far: a gateway that hangs would
    hold every thread that saves, and so all the portal.
    """
    deadline = time.monotonic() + seconds
    while awaited := _awaited(leases := live_gateways(), revision):
        if time.monotonic() >= deadline:
            if seconds:
                _note_in_vain(awaited, revision, leases)
            break
        time.sleep(_LOOK_AGAIN_SECONDS)
    return Effect(
        revision,
        tuple(lease.name for lease in leases if lease.revision >= revision),
        tuple(lease.name for lease in leases if lease.revision < revision),
    )


def _awaited(leases: Iterable[GatewayLease], revision: int) -> list[uuid.UUID]:
    """The leases of gateways that are likely to run the revision soon, and do not yet."""
    return [each.key for each in leases if _in_vain.get(each.key, 0) <= each.revision < revision]


def _note_in_vain(awaited: Iterable[uuid.UUID], revision: int, leases: Iterable[GatewayLease]) -> None:
    _in_vain.update(dict.fromkeys(awaited, revision))
    live = {each.key for each in leases}
    for gone in [key for key in list(_in_vain) if key not in live]:
        _in_vain.pop(gone, None)


_UPSERT = """
INSERT INTO {table} ({columns}) VALUES {rows}
ON CONFLICT (thumbprint, api, back_end) DO UPDATE SET
    last_at = CASE WHEN EXCLUDED.last_at > {table}.last_at THEN EXCLUDED.last_at ELSE {table}.last_at END,
    expired_at = CASE
        WHEN {table}.expired_at IS NULL OR EXCLUDED.expired_at > {table}.expired_at THEN EXCLUDED.expired_at
        ELSE {table}.expired_at
    END
"""


def note_presented(presented: Iterable[Presented]) -> None:
    """Note what calls presented. Several processes do, in any order: no time is ever moved back."""
    rest = iter(sorted(presented))  # in one order, so that no two processes wait for each other
    while some := list(islice(rest, _AT_ONCE)):
        _upsert(some)


def _upsert(presented: Sequence[Presented]) -> None:
    columns = Presentation._meta.concrete_fields
    # Django's own upsert would take whatever comes last.
    values = [
        column.get_db_prep_save(getattr(each, column.attname), connection)
        for each in map(_row, presented)
        for column in columns
    ]
    row = f"({', '.join(['%s'] * len(columns))})"
    names = ", ".join(connection.ops.quote_name(str(column.column)) for column in columns)
    rows = ", ".join([row] * len(presented))
    with connection.cursor() as cursor:
        cursor.execute(_UPSERT.format(table=Presentation._meta.db_table, columns=names, rows=rows), values)


def _row(each: Presented) -> Presentation:
    return Presentation(
        thumbprint=each.thumbprint,
        api=each.api,
        back_end=each.back_end,
        last_at=_moment(each.last_at),
        expired_at=_moment(each.expired_at) if each.expired_at else None,
    )


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def forget_presentations() -> None:
    """Forget what was presented of certificates that are not there any more."""
    there = CertificateVersion.objects.values("thumbprint")
    Presentation.objects.exclude(thumbprint__in=there).delete()


def presentations(thumbprints: Collection[str]) -> list[Presentation]:
    """What calls presented of these certificates, the newest first."""
    return list(
        Presentation.objects.filter(thumbprint__in=thumbprints).order_by("-last_at", "api", "back_end")
    )


def hold_connections(lease: uuid.UUID, counts: Mapping[str, int]) -> None:
    """Say how many connections a process holds, by the thumbprint of their certificate. Goes with its lease."""
    held = [HeldConnections(lease_id=lease, thumbprint=t, connections=counts[t]) for t in sorted(counts)]
    with transaction.atomic():
        HeldConnections.objects.filter(lease=lease).delete()
        HeldConnections.objects.bulk_create(held)


def held(thumbprints: Collection[str]) -> dict[str, int]:
    """How many connections live gateways hold that were made with each of these certificates."""
    since = timezone.now() - timedelta(seconds=LEASE_SECONDS)
    rows = HeldConnections.objects.filter(thumbprint__in=thumbprints, lease__renewed_at__gte=since)
    sums = rows.values_list("thumbprint").annotate(Sum("connections"))
    return {**dict.fromkeys(thumbprints, 0), **dict(sums)}
