"""Reads the audit log."""

from gateway.models import AuditEntry


def newest_entry() -> tuple[str, str, str, str]:
    """The newest audit entry as (actor, action, kind, name)."""
    entry = AuditEntry.objects.latest("revision", "at")
    return entry.actor_name, entry.action, entry.object_kind, entry.object_name
