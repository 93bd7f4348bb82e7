"""Changes to subscriptions, and the two doors for their keys: to be shown, or to go with a call."""

import re
import secrets
from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple
from uuid import UUID

from django.utils import timezone

from gateway import keystore
from gateway.changes.base import Actor, Change, change, expect_revision, witnessed
from gateway.changes.ids import free_id
from gateway.errors import AlreadyExists, Invalid, NotFound, Unreadable
from gateway.models import Api, Operation, Subscription
from gateway.models.subscriptions import ACTIVE, CANCELLED, SUSPENDED

Which = Literal["primary", "secondary"]
_NAMES: tuple[Which, Which] = ("primary", "secondary")
# What fits into a field and, unescaped, into a query: RFC 3986, 2.3
_KEY = re.compile(r"[A-Za-z0-9\-._~]{16,256}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
NO_LONGER_IN = (
    "This subscription is not there any more, or lets no calls of this API in now. Choose another one."
)
NEVER_AGAIN = "“{}” is cancelled: its keys never work again."
_ACTIONS = {ACTIVE: "activated", SUSPENDED: "suspended", CANCELLED: "cancelled"}
_SECRET = "(secret)"  # noqa: S105 (what the audit log shows instead of a key)


class Keys(NamedTuple):
    """Both keys of a subscription, in the clear."""

    primary: str
    secondary: str

    def __repr__(self) -> str:
        return "Keys(...)"


def create_subscription(
    actor: Actor,
    *,
    display_name: str,
    owner: str = "",
    api: UUID | None = None,
    allow_tracing: bool = False,
    resource_id: str = "",
    primary_key: str = "",
    secondary_key: str = "",
    state: str = ACTIVE,
) -> Subscription:
    """Let somebody call an API (by its key), or all of them. Keys that are not given are made.

    Raises Invalid or AlreadyExists on "display_name", "owner", "api", "id", "primary_key" or "secondary_key".
    """
    values = {**_clean(display_name, owner), "allow_tracing": allow_tracing, "state": state}
    given = _given_keys(primary_key, secondary_key)
    keys = {which: given.get(which) or _new_key() for which in _NAMES}
    _check_keys(keys)
    with change(actor) as this:
        _refuse_known(given)
        name = free_id(
            Subscription.objects.all(),
            resource_id.strip(),
            str(values["display_name"]),
            field="id",
            default="subscription",
        )
        row = Subscription(resource_id=name, api=_api(api), created_at=timezone.now(), **values)
        for which, key in keys.items():
            _seal(row, which, key)
        _write(this, row)
        told = [name for name in _told(row) if name != "allow_tracing" and (name, state) != ("state", ACTIVE)]
        this.audit("created", row, {name: ["", _told(row)[name]] for name in told})
    return row


def update_subscription(
    actor: Actor,
    key: UUID,
    *,
    display_name: str | None = None,
    owner: str | None = None,
    api: UUID | Literal["same"] | None = "same",
    allow_tracing: bool | None = None,
    state: str | None = None,
    primary_key: str = "",
    secondary_key: str = "",
    revision: int | None = None,
) -> Subscription:
    """Change what is known of a subscription; what is not given stays what it is (an `api` of None means all).

    Keys that are given take the place of the former ones, which are let in no longer. Raises what
    create_subscription does, NotFound, EditConflict.
    """
    values: dict[str, Any] = _clean(display_name, owner)
    values |= {n: v for n, v in (("allow_tracing", allow_tracing), ("state", state)) if v is not None}
    with change(actor) as this:
        row = get_subscription(key)
        expect_revision(row.revision, revision)
        before = _told(row)
        _refuse_to_revive(row, state)
        for name, value in values.items():
            setattr(row, name, value)
        if api != "same":
            row.api = _api(api)
        replaced = _replace_keys(row, _given_keys(primary_key, secondary_key))
        _write(this, row)
        changed = {name: [before[name], value] for name, value in _told(row).items() if before[name] != value}
        action = _ACTIONS[row.state] if [*changed, *replaced] == ["state"] else "updated"
        this.audit(action, row, changed | {f"{which}_key": [_SECRET, _SECRET] for which in replaced})
    return row


def suspend_subscription(actor: Actor, key: UUID) -> Subscription:
    """Let its keys in no longer, until it is activated again. Raises NotFound, Invalid."""
    return _set_state(actor, key, SUSPENDED)


def activate_subscription(actor: Actor, key: UUID) -> Subscription:
    """Let the keys of a suspended one in again. Raises NotFound, Invalid."""
    return _set_state(actor, key, ACTIVE)


def cancel_subscription(actor: Actor, key: UUID) -> Subscription:
    """End it for good: its keys never work again. Raises NotFound."""
    return _set_state(actor, key, CANCELLED)


def _set_state(actor: Actor, key: UUID, state: str) -> Subscription:
    with change(actor) as this:
        row = get_subscription(key)
        _refuse_to_revive(row, state)
        before, row.state = row.state, state
        _write(this, row)
        this.audit(_ACTIONS[state], row, {"state": [before, state]})
    return row


def _refuse_to_revive(row: Subscription, state: str | None) -> None:
    if row.state == CANCELLED and state not in (None, CANCELLED):
        raise Invalid({"state": f"“{row}” is cancelled, which is final. Create a new subscription instead."})


def _replace_keys(row: Subscription, given: Mapping[Which, str]) -> list[Which]:
    """Seal the keys that are given and differ from those that are there, and say which do."""
    before = {which: _open_or_none(row, which) for which in _NAMES} if given else {}
    replacing = {which: key for which, key in given.items() if key != before[which]}
    if not replacing:
        return []
    if row.state == CANCELLED:
        raise Invalid({"state": NEVER_AGAIN.format(row)})
    _check_keys(before | replacing, replacing)
    _refuse_known(replacing, row)
    for which, key in replacing.items():
        _seal(row, which, key)
    return list(replacing)


def regenerate_key(actor: Actor, key: UUID, which: Which) -> Subscription:
    """Replace one of the keys; the former one is let in no longer. Raises NotFound, Invalid."""
    with change(actor) as this:
        row = get_subscription(key)
        if row.state == CANCELLED:
            raise Invalid({"state": NEVER_AGAIN.format(row)})
        _seal(row, which, _new_key())
        _write(this, row)
        this.audit(f"regenerated the {which} key of", row, {f"{which}_key": [_SECRET, _SECRET]})
    return row


def reveal_keys(actor: Actor, key: UUID) -> Keys:
    """Both keys, for somebody who is recorded to have seen them. Raises NotFound, and Invalid on "keys" when they
    cannot be opened.
    """
    with witnessed(actor) as this:
        row = get_subscription(key)
        try:
            keys = Keys(*(_open(row, which) for which in _NAMES))
        except Unreadable as error:
            raise Invalid({"keys": str(error)}) from None
        this.audit("was shown the keys of", row)
    return keys


def use_key(actor: Actor, key: UUID, operation: Operation) -> str:
    """The primary key of a subscription for a call of an operation that somebody makes with it, which is recorded.

    Raises Invalid on "key" when it does not let calls of the API in (any more), or cannot be opened.
    """
    with witnessed(actor) as this:
        row = Subscription.objects.filter(key=key).first()
        if row is None or row.state != ACTIVE or row.api_id not in (None, operation.api_id):
            raise Invalid({"key": NO_LONGER_IN})
        try:
            opened = _open(row, "primary")
        except Unreadable as error:
            raise Invalid({"key": str(error)}) from None
        this.audit("called an API with the key of", row, {"operation": ["", _name_of(operation)]})
    return opened


def _name_of(operation: Operation) -> str:
    return f"{operation.method} {operation.url_template} of {operation.api}"


def delete_subscription(actor: Actor, key: UUID, *, revision: int | None = None) -> int:
    """Delete a subscription with its keys; returns the revision. Raises NotFound, EditConflict."""
    with change(actor) as this:
        row = get_subscription(key)
        expect_revision(row.revision, revision)
        delete_in(this, row)
        return this.revision


def delete_in(this: Change, row: Subscription) -> None:
    """Delete a subscription as part of another change."""
    this.audit("deleted", row, {"owner": [row.owner, ""], "api": [str(row.api or "All APIs"), ""]})
    this.delete(row)


def get_subscription(key: UUID) -> Subscription:
    """The subscription with that key. Raises NotFound."""
    row = Subscription.objects.select_related("api").filter(pk=key).first()
    if row is None:
        raise NotFound("Subscription not found.")
    return row


def _write(this: Change, row: Subscription) -> None:
    row.revision = this.revision
    row.save()


def _clean(display_name: str | None, owner: str | None) -> dict[str, Any]:
    """Those that are given as they are stored. Raises Invalid with everything that is wrong."""
    given = (("display_name", display_name), ("owner", owner))
    values = {name: value.strip() for name, value in given if value is not None}
    errors = {}
    if not 1 <= len(values.get("display_name", "-")) <= 100:
        errors["display_name"] = "Enter a name of at most 100 characters."
    if len(values.get("owner", "")) > 200:
        errors["owner"] = "Use at most 200 characters."
    errors |= {name: "Use no control characters." for name in values if _CONTROL.search(values[name])}
    if errors:
        raise Invalid(errors)
    return values


def _told(row: Subscription) -> dict[str, Any]:
    """What the audit log tells of one."""
    return {
        "display_name": row.display_name,
        "owner": row.owner,
        "allow_tracing": row.allow_tracing,
        "state": row.state,
        "api": str(row.api or "All APIs"),
    }


def _api(key: UUID | None) -> Api | None:
    if key is None:
        return None
    api = Api.objects.filter(pk=key).first()
    if api is None:
        raise Invalid({"api": "This API is not there any more. Choose another one."})
    return api


def _new_key() -> str:
    """A key as the original makes them: 128 random bits in hex."""
    return secrets.token_hex(16)


def _given_keys(primary: str, secondary: str) -> dict[Which, str]:
    """Those of them that are given: "" is none."""
    return {which: key for which, key in zip(_NAMES, (primary, secondary), strict=True) if key}


def _check_keys(keys: Mapping[Which, str | None], given: Iterable[Which] = _NAMES) -> None:
    """Refuse keys that cannot be sent, or are alike; `given` are those that are new."""
    wrong = "Use 16 to 256 letters, digits and - . _ ~ for a key."
    errors = {f"{which}_key": wrong for which in given if not _KEY.fullmatch(keys[which] or "")}
    if not errors and keys["primary"] == keys["secondary"]:
        errors = {f"{list(given)[-1]}_key": "Use two keys that differ from each other."}
    if errors:
        raise Invalid(errors)


def _refuse_known(keys: Mapping[Which, str], own: Subscription | None = None) -> None:
    """Two subscriptions with one key could not be told apart. Nothing derived from a key is stored."""
    others = Subscription.objects.exclude(pk__in=[own.pk] if own else [])
    for row in others.iterator() if keys else ():
        for known in (_open_or_none(row, which) for which in _NAMES):
            for name, key in keys.items():
                if known is not None and secrets.compare_digest(known, key):
                    raise AlreadyExists(
                        {f"{name}_key": "Another subscription has this key. Use another one."}
                    )


def _open_or_none(row: Subscription, which: Which) -> str | None:
    """A key, or None if it cannot be opened."""
    try:
        return _open(row, which)
    except Unreadable:
        return None


def _column(which: Which) -> str:
    return f"sealed_{which}_key"


def _seal(row: Subscription, which: Which, key: str) -> None:
    column = _column(which)
    setattr(row, column, keystore.seal(row._meta.db_table, column, row.key, key.encode()))


def _open(row: Subscription, which: Which) -> str:
    column = _column(which)
    return keystore.open_sealed(row._meta.db_table, column, row.key, getattr(row, column)).decode()
