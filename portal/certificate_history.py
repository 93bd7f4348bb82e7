"""What was ever done to a client certificate, as its audit entries tell."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, Q, QuerySet

from gateway.models import AuditEntry, Certificate, SigningRequest

_COMPLETED = (
    "completed a signing request for"  # for a new certificate, unless it says which version came of it
)
_TIME = re.compile(r"^(\d{4}-\d\d-\d\d)T(\d\d:\d\d):\d\d(?:\.\d+)?\+00:00$")  # as changes write them


@dataclass(frozen=True, slots=True)
class Changed:
    """A value that a change gave another: "" stands for none."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Event:
    """An entry as a page shows it."""

    entry: AuditEntry
    changed: tuple[Changed, ...]


def history_of(certificate: Certificate) -> QuerySet[AuditEntry]:
    """The entries, the newest first, with those of the signing request that the certificate began with."""
    own = AuditEntry.objects.filter(object_key=certificate.pk)
    began_with_one = own.filter(action=_COMPLETED).exclude(changes__has_key="version")
    request = Q(
        object_kind=SigningRequest._meta.verbose_name,
        object_name=f"signing request of {certificate.resource_id}",
        action="created",
        at__lte=certificate.created_at,
    )
    about = Q(object_key=certificate.pk) | Q(object_key__in=certificate.versions.values("pk"))
    about |= request & Q(Exists(began_with_one))
    return AuditEntry.objects.filter(about).order_by("-revision", "-at", "pk")


def events(entries: Iterable[AuditEntry]) -> list[Event]:
    """The entries with their changes told apart."""
    return [Event(entry, changed_values(entry.changes)) for entry in entries]


def changed_values(changes: Mapping[str, Any]) -> tuple[Changed, ...]:
    """What an entry holds, by name: [before, after], or whatever else was written there."""
    return tuple(_changed(name, both) for name, both in changes.items())


def _changed(name: str, both: Any) -> Changed:
    words = name.replace("_", " ")
    if isinstance(both, list) and len(both) == 2:
        return Changed(words, _text(both[0]), _text(both[1]))
    return Changed(words, "", _text(both))


def _text(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(map(_text, value))
    return _TIME.sub(r"\1 \2 UTC", str(value))
