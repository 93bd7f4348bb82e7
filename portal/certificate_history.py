"""What was ever done to a client certificate: the audit entries of it, its versions and its signing requests."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet

from gateway.models import AuditEntry, Certificate, CertificateVersion, SigningRequest

_TIME = re.compile(r"^(\d{4}-\d\d-\d\d)T(\d\d:\d\d):\d\d(?:\.\d+)?\+00:00$")  # as changes write them


@dataclass(frozen=True, slots=True)
class Changed:
    """A value that a change gave another: "" stands for none."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Event:
    """An entry as a page shows it. `about` names what of the certificate it is about, "" for the whole."""

    entry: AuditEntry
    about: str
    changed: tuple[Changed, ...]


def history_of(certificate: Certificate) -> QuerySet[AuditEntry]:
    """The entries, the newest first. Versions and requests that are gone are known by their names alone."""
    name = certificate.resource_id
    about = Q(object_key=certificate.pk)
    about |= Q(object_key__in=certificate.versions.values("pk"))
    about |= Q(object_key__in=certificate.signing_requests.values("pk"))
    gone = Q(object_kind=CertificateVersion._meta.verbose_name, object_name__startswith=f"{name} version ")
    gone |= Q(object_kind=SigningRequest._meta.verbose_name, object_name=f"signing request of {name}"[:300])
    about |= gone & Q(at__gte=certificate.created_at)
    return AuditEntry.objects.filter(about).order_by("-revision", "-at", "pk")


def events(entries: Iterable[AuditEntry]) -> list[Event]:
    """The entries with their changes told apart."""
    whole = str(Certificate._meta.verbose_name)
    return [
        Event(entry, "" if entry.object_kind == whole else entry.object_name, changed_values(entry.changes))
        for entry in entries
    ]


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
