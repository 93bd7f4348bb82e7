"""Tests of connections, from the order to the report: the only writer of their table.

The portal asks; gateway processes take orders, one at a time, and answer.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from gateway.models import ConnectionTest

_KEPT = timedelta(hours=1)
# What is older was given up by whoever asked, also where the clocks of two machines differ. Whoever gives up an
# order withdraws it, so this is for one who ended before; and it must not hide orders from a clock that is ahead.
_WAITS_AT_MOST = timedelta(minutes=1)


def ask(order: dict[str, Any]) -> UUID:
    """Ask the gateways for a test and return its key; tests of long ago are removed."""
    now = timezone.now()
    with transaction.atomic():
        ConnectionTest.objects.filter(asked_at__lt=now - _KEPT).delete()
        key = ConnectionTest.objects.create(asked_at=now, order=order).key
        if connection.vendor == "postgresql":  # SQLite's followers see each commit by themselves
            with connection.cursor() as cursor:
                cursor.execute("NOTIFY configuration")
    return key


def withdraw(key: UUID) -> bool:
    """Take an order back. False if a gateway has taken it, or the order is gone."""
    return bool(ConnectionTest.objects.filter(pk=key, gateway="").delete()[0])


def state_of(key: UUID) -> tuple[str, Any]:
    """Which process has taken a test ("" for none), and what it answered (None as long as it has not)."""
    found = ConnectionTest.objects.filter(pk=key).values_list("gateway", "report").first()
    return found or ("", None)


def is_one_waiting(using: str) -> bool:
    """Whether a test waits for a gateway, as the connection `using` sees it."""
    since = timezone.now() - _WAITS_AT_MOST
    return ConnectionTest.objects.using(using).filter(gateway="", asked_at__gt=since).exists()


def take(gateway: str) -> tuple[UUID, dict[str, Any]] | None:
    """The oldest order that waits, for this process alone; None if there is none."""
    waiting = ConnectionTest.objects.filter(gateway="", asked_at__gt=timezone.now() - _WAITS_AT_MOST)
    for key, order in waiting.order_by("asked_at").values_list("key", "order"):
        if ConnectionTest.objects.filter(pk=key, gateway="").update(gateway=gateway):
            return key, order
    return None


def answer(key: UUID, report: dict[str, Any]) -> None:
    """Hand the report to whoever asked."""
    ConnectionTest.objects.filter(pk=key).update(report=report)
