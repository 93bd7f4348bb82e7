"""Changes to who may use the management REST API, and the doors for the keys that sign their tokens."""

import base64
import re
import secrets
from datetime import datetime
from typing import Literal
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from gateway import keystore
from gateway.changes.base import Actor, change, expect_revision, witnessed
from gateway.changes.ids import free_id
from gateway.errors import Invalid, NotFound, Unreadable
from gateway.models import ManagementApi, Principal
from gateway.models.base import with_id
from gateway.models.management import ROLES

Which = Literal["primary", "secondary"]
WHICH: tuple[Which, Which] = ("primary", "secondary")
_IDENTIFIER = re.compile(r"[A-Za-z0-9._-]{1,80}")  # it stands in tokens, between & and =
_KEY_BYTES = 64
_SECRET = "(secret)"  # noqa: S105 (what the audit log shows instead of one)


# --- whether there is an API at all -------------------------------------------------------------------------------
def read_management_api() -> ManagementApi:
    """The one row; switched off where it is not there."""
    return ManagementApi.objects.first() or ManagementApi(revision=0)


def set_management_api(actor: Actor, *, enabled: bool, revision: int | None = None) -> ManagementApi:
    """Switch the management REST API on or off. Raises EditConflict."""
    with change(actor) as this:
        row = read_management_api()
        expect_revision(row.revision, revision)
        before, row.enabled, row.revision = row.enabled, enabled, this.revision
        row.save()
        words = {True: "yes", False: "no"}
        this.audit("updated", row, {"enabled": [words[before], words[enabled]]} if before != enabled else {})
    return row


# --- principals ---------------------------------------------------------------------------------------------------
def create_principal(actor: Actor, *, identifier: str, role: str) -> Principal:
    """Let somebody use the API, as soon as they have a key.

    Raises Invalid or AlreadyExists on "identifier" or "role".
    """
    identifier = identifier.strip()
    _check(identifier, role)
    with change(actor) as this:
        name = free_id(
            Principal.objects.all(), identifier, identifier, field="identifier", default="principal"
        )
        row = Principal(resource_id=name, role=role, created_at=timezone.now(), revision=this.revision)
        row.save()
        this.audit("created", row, {"role": ["", role]})
    return row


def create_principal_with_key(
    actor: Actor, *, identifier: str, role: str, expires_at: datetime | None
) -> tuple[Principal, str]:
    """Both, or neither: without a key the identifier would be taken by somebody who cannot use it.

    Raises as create_principal and regenerate_key do.
    """
    with transaction.atomic():
        row = create_principal(actor, identifier=identifier, role=role)
        return row, regenerate_key(actor, row.key, "primary", expires_at=expires_at)


def set_role(actor: Actor, key: UUID, *, role: str, revision: int | None = None) -> Principal:
    """Say what a principal may do; it counts from its next request on. Raises NotFound, EditConflict, Invalid."""
    with change(actor) as this:
        row = get_principal(key)
        expect_revision(row.revision, revision)
        _check(row.resource_id, role)
        before, row.role, row.revision = row.role, role, this.revision
        row.save()
        this.audit("updated", row, {"role": [before, role]} if before != role else {})
    return row


def delete_principal(actor: Actor, key: UUID, *, revision: int | None = None) -> int:
    """Delete a principal with its keys; returns the revision. Raises NotFound, EditConflict."""
    with change(actor) as this:
        row = get_principal(key)
        expect_revision(row.revision, revision)
        this.audit("deleted", row, {"role": [row.role, ""]})
        this.delete(row)
        return this.revision


def get_principal(key: UUID) -> Principal:
    """The principal with that key. Raises NotFound."""
    row = Principal.objects.filter(pk=key).first()
    if row is None:
        raise NotFound("Principal not found.")
    return row


def find_principal(identifier: str) -> Principal | None:
    """The principal with that identifier, in any case of its letters."""
    return with_id(Principal.objects.all(), identifier).first()


# --- keys ---------------------------------------------------------------------------------------------------------
def regenerate_key(
    actor: Actor, key: UUID, which: Which, *, expires_at: datetime | None = None, revision: int | None = None
) -> str:
    """Make one of the keys anew and return it, the only time that it is seen; what the former signed is refused.

    Raises NotFound, EditConflict, and Invalid on "expires_at".
    """
    if expires_at is not None and expires_at <= timezone.now():
        raise Invalid({"expires_at": "This is in the past. Enter a time to come, or none."})
    made = base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode()
    with change(actor) as this:
        row = get_principal(key)
        expect_revision(row.revision, revision)
        before, former = _sealed(row, which), _expiry(row, which)
        _set(row, which, _seal(row, which, made), timezone.now(), expires_at)
        row.revision = this.revision
        row.save()
        changes = {f"{which}_key": [_SECRET if before else "", _SECRET]}
        if former != expires_at:
            changes[f"{which}_key_expires"] = [_words(former), _words(expires_at)]
        this.audit(f"{'regenerated' if before else 'made'} the {which} key of", row, changes)
    return made


def revoke_key(actor: Actor, key: UUID, which: Which, *, revision: int | None = None) -> Principal:
    """Take one of the keys away: what it signed is refused. Raises NotFound, EditConflict, and Invalid on "key"."""
    with change(actor) as this:
        row = get_principal(key)
        expect_revision(row.revision, revision)
        if not _sealed(row, which):
            raise Invalid({"key": f"“{row}” has no {which} key (any more)."})
        _set(row, which, "", None, None)
        row.revision = this.revision
        row.save()
        this.audit(f"revoked the {which} key of", row, {f"{which}_key": [_SECRET, ""]})
    return row


def use_key(actor: Actor, key: UUID, which: Which, *, expires_at: datetime) -> str:
    """One of the keys, to sign a token that holds until `expires_at`; that somebody did is recorded.

    Raises NotFound, Invalid on "which" when there is no such key or it cannot be opened, on "expires_at" when the
    token would be expired at once, or outlive its key.
    """
    with witnessed(actor) as this:
        row = get_principal(key)
        _check_use(row, which, expires_at)
        try:
            opened = _open(row, which)
        except Unreadable as error:
            raise Invalid({"which": f"{error} Regenerate it."}) from None
        this.audit(
            "generated a token of", row, {"key": ["", which], "token_expires": ["", _words(expires_at)]}
        )
    return opened


def opened_keys(principal: Principal, *, expired: bool = False) -> list[tuple[Which, str]]:
    """The keys whose signatures count now, to verify a token; or those that would if they had not `expired`.

    One that cannot be opened is left out: it can have signed nothing that anybody could verify.
    """
    now, found = timezone.now(), []
    for which in WHICH:
        until = _expiry(principal, which)
        if _sealed(principal, which) and expired == (until is not None and until <= now):
            try:
                found.append((which, _open(principal, which)))
            except Unreadable:
                continue
    return found


def _check_use(row: Principal, which: Which, expires_at: datetime) -> None:
    until, now = _expiry(row, which), timezone.now()
    if not _sealed(row, which):
        raise Invalid({"which": f"“{row}” has no {which} key. Make one first."})
    if until is not None and until <= now:
        raise Invalid({"which": f"The {which} key of “{row}” expired at {_words(until)}. Regenerate it."})
    if expires_at <= now:
        raise Invalid({"expires_at": "This is in the past. Enter a time to come."})
    if until is not None and until < expires_at:
        raise Invalid({"expires_at": f"The {which} key expires before, at {_words(until)}."})


def _check(identifier: str, role: str) -> None:
    errors = {}
    if not _IDENTIFIER.fullmatch(identifier):
        errors["identifier"] = "Use 1 to 80 letters, digits and the characters - _ . only."
    if role not in dict(ROLES):
        errors["role"] = "Choose a role."
    if errors:
        raise Invalid(errors)


def _words(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC" if at else "never"


def _expiry(row: Principal, which: Which) -> datetime | None:
    found: datetime | None = getattr(row, f"{which}_expires_at")
    return found


def _sealed(row: Principal, which: Which) -> str:
    return str(getattr(row, _column(which)))


def _column(which: Which) -> str:
    return f"sealed_{which}_key"


def _set(row: Principal, which: Which, sealed: str, made: datetime | None, until: datetime | None) -> None:
    setattr(row, _column(which), sealed)
    setattr(row, f"{which}_made_at", made)
    setattr(row, f"{which}_expires_at", until)


def _seal(row: Principal, which: Which, key: str) -> str:
    return keystore.seal(row._meta.db_table, _column(which), row.key, key.encode())


def _open(row: Principal, which: Which) -> str:
    return keystore.open_sealed(row._meta.db_table, _column(which), row.key, _sealed(row, which)).decode()
