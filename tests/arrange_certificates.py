"""Says what gateways observed of certificates, as if they had."""

from datetime import datetime

from django.utils import timezone

from gateway.models import GatewayLease, HeldConnections, Presentation


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
