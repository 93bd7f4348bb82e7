"""The only writer of what is observed: leases of running gateways, and who runs which revision."""

import time
import uuid
from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from gateway.models import GatewayLease

LEASE_SECONDS = 6
RENEW_SECONDS = 2
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


def _effect(revision: int) -> Effect:
    leases = live_gateways()
    return Effect(
        revision,
        tuple(lease.name for lease in leases if lease.revision >= revision),
        tuple(lease.name for lease in leases if lease.revision < revision),
    )


def wait_in_effect(revision: int, seconds: float = 2.0) -> Effect:
    """Wait until every live gateway runs `revision`, at most `seconds`; say who does and who lags."""
    deadline = time.monotonic() + seconds
    while not (effect := _effect(revision)).complete and time.monotonic() < deadline:
        time.sleep(_LOOK_AGAIN_SECONDS)
    return effect
