"""How failures are counted: at sign-in by account and by address, at the management REST API by both together."""

from typing import Any

from axes.handlers.database import AxesDatabaseHandler
from axes.helpers import get_client_username
from axes.models import AccessAttempt
from django.db.models import QuerySet
from django.http import HttpRequest

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
