"""The token with which scripts can use the management REST API of a quickstart."""

from datetime import datetime, timedelta

from django.utils import timezone

from gateway.changes.principals import (
    create_principal,
    find_principal,
    read_management_api,
    regenerate_key,
    set_management_api,
    use_key,
)
from gateway.errors import Invalid
from gateway.models import AuditEntry, Principal
from gateway.models.management import CONTRIBUTOR
from portal.demonstration.api import ACTOR
from portal.management_api import tokens

IDENTIFIER = "quickstart"
_HOLDS = timedelta(days=1)


def ensure_management_token() -> str | None:
    """A token of quickstart's own principal; None where somebody has switched the API off.

    The key stays from run to run. One that was revoked, or has expired, is made anew.
    """
    if not _ensure_enabled():
        return None
    row = find_principal(IDENTIFIER) or create_principal(ACTOR, identifier=IDENTIFIER, role=CONTRIBUTOR)
    expires_at = timezone.now() + _HOLDS
    return tokens.token(row.resource_id, expires_at, _key(row, expires_at))


def _ensure_enabled() -> bool:
    """Whether the API is on; it is switched on where nobody has decided on it yet."""
    row = read_management_api()
    if not row.enabled and not AuditEntry.objects.filter(object_key=row.key).exists():
        row = set_management_api(ACTOR, enabled=True)
    return row.enabled


def _key(row: Principal, expires_at: datetime) -> str:
    try:
        return use_key(ACTOR, row.key, "primary", expires_at=expires_at)
    except Invalid:  # none, expired, or sealed with a key that is lost
        regenerate_key(ACTOR, row.key, "primary")
        return use_key(ACTOR, row.key, "primary", expires_at=expires_at)
