"""What every change shares: who makes it, the revision lock, and the audit entry."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import connection, models, transaction
from django.db.models import F
from django.utils import timezone

from gateway.errors import EditConflict
from gateway.models import AuditEntry, Deletion, Revision
from gateway.models.base import ConfigurationRow


@dataclass(frozen=True, slots=True)
class Actor:
    """Who makes a change: `kind` is "user", "command" or "api", `name` what the audit log shows."""

    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Change:
    """A change that is under way, inside its transaction and behind the revision lock."""

    actor: Actor
    revision: int

    def audit(self, action: str, row: models.Model, changes: Mapping[str, Any] | None = None) -> None:
        """Record what was done to a row: `action` such as "created", `changes` without secrets."""
        AuditEntry.objects.create(
            at=timezone.now(),
            revision=self.revision,
            actor_kind=self.actor.kind,
            actor_name=self.actor.name[:200],
            action=action,
            object_kind=str(row._meta.verbose_name),
            object_key=row.pk,
            object_name=str(row)[:300],
            changes=dict(changes or {}),
        )

    def delete(self, row: ConfigurationRow, *taken_along: ConfigurationRow) -> None:
        """Delete a row, which takes others along, and record that they all went: differences are made of that."""
        Deletion.objects.bulk_create(
            Deletion(table=gone._meta.db_table, row=gone.part_key, revision=self.revision)
            for gone in (row, *taken_along)
        )
        row.delete()


@contextmanager
def change(actor: Actor) -> Iterator[Change]:
    """One transaction behind the revision lock: all changes are serial, on every database."""
    with transaction.atomic():
        Revision.objects.filter(pk=1).update(number=F("number") + 1)
        yield Change(actor, Revision.objects.values_list("number", flat=True).get(pk=1))
        _notify()


@contextmanager
def witnessed(actor: Actor) -> Iterator[Change]:
    """One transaction for an audit entry about something that changes nothing, such as a secret that was shown."""
    with transaction.atomic():
        yield Change(actor, Revision.objects.values_list("number", flat=True).get(pk=1))


def _notify() -> None:
    """Wake the gateways on commit, where the database can (SQLite's are woken by its data_version)."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("NOTIFY configuration")


def expect_revision(actual: int, expected: int | None) -> None:
    """Refuse to write over somebody else's change. None skips the check. Raises EditConflict."""
    if expected is not None and expected != actual:
        raise EditConflict(actual)
