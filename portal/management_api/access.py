"""Who calls the management REST API."""

from dataclasses import dataclass

from django.http import HttpRequest

from gateway.changes.base import Actor
from gateway.models.management import CONTRIBUTOR


@dataclass(frozen=True, slots=True)
class Caller:
    """A principal whose token is good."""

    name: str
    role: str

    @property
    def actor(self) -> Actor:
        """As the audit log names it."""
        return Actor("api", self.name)

    @property
    def may_change(self) -> bool:
        return self.role == CONTRIBUTOR


def caller_of(request: HttpRequest) -> Caller | None:
    """Whoever the Authorization field names, None if it is not good enough for whatever reason."""
    return None
