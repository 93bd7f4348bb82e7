"""How failures are counted: at sign-in by account and by address, at the management REST API by both together."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from axes.handlers.database import AxesDatabaseHandler
from axes.helpers import get_client_username
from axes.models import AccessAttempt
from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

MANAGEMENT = "management:"  # before the identifier of a principal; no user name has a colon


class Attempts(AxesDatabaseHandler):  # type: ignore[misc]  # axes has no types
    """Keeps the failures of programs and of people apart (AXES_HANDLER).

    An identifier is no secret, so nobody elsewhere shall shut a principal out with it; and a script with an old
    token shall keep nobody at its address from signing in.
    """

    def filter_user_attempts(
        self, request: HttpRequest, credentials: dict[str, Any] | None = None
    ) -> list[QuerySet[Any]]:
        """The failures that count for a request."""
        name = get_client_username(request, credentials) or ""
        if name.startswith(MANAGEMENT):
            address = getattr(request, "axes_ip_address", None)
            return [AccessAttempt.objects.filter(username=name, ip_address=address)]
        found = super().filter_user_attempts(request, credentials)
        return [attempts.exclude(username__startswith=MANAGEMENT) for attempts in found]


@dataclass(frozen=True, slots=True)
class Pause:
    """That no token of an identifier is taken from an address until then; "" stands for identifiers of nobody."""

    identifier: str
    address: str
    until: datetime


def pauses() -> list[Pause]:
    """The pauses of principals that are not over yet."""
    lasts = settings.AXES_COOLOFF_TIME
    rows = AccessAttempt.objects.filter(
        username__startswith=MANAGEMENT,
        failures_since_start__gte=settings.AXES_FAILURE_LIMIT,
        attempt_time__gt=timezone.now() - lasts,
    )
    return [
        Pause(row.username.removeprefix(MANAGEMENT), row.ip_address or "", row.attempt_time + lasts)
        for row in rows.order_by("attempt_time")
    ]
