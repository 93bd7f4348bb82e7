"""The subscriptions whose keys let a call of an API in, to choose from."""

from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q, QuerySet
from django.db.models.functions import Lower

from gateway.models import Api, Subscription
from gateway.models.subscriptions import ACTIVE

MOST = 200


@dataclass(frozen=True, slots=True)
class KeyChoice:
    """What there is to choose: `shown` of `total` subscriptions, and whether any of them allows tracing."""

    shown: tuple[Subscription, ...]
    total: int
    traceable: bool

    def get(self, key: UUID) -> Subscription | None:
        """One of those that are shown."""
        return next((row for row in self.shown if row.key == key), None)


def subscriptions_of(api: Api) -> QuerySet[Subscription]:
    """Those that let calls of an API in, without their keys; those that allow tracing first."""
    rows = Subscription.objects.filter(Q(api=api) | Q(api__isnull=True), state=ACTIVE)
    return rows.defer("sealed_primary_key", "sealed_secondary_key").order_by(
        "-allow_tracing", Lower("display_name"), "resource_id"
    )


def key_choice(api: Api) -> KeyChoice:
    """What there is to choose for calls of an API."""
    rows = subscriptions_of(api)
    shown = tuple(rows[:MOST])
    total = len(shown) if len(shown) < MOST else rows.count()
    return KeyChoice(shown, total, bool(shown) and shown[0].allow_tracing)
