"""Changes to subscriptions, and the two doors for their keys: to be shown, or to go with a call."""

import re
import secrets
from typing import Literal, NamedTuple
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
NO_LONGER_IN = (
    "This subscription is not there any more, or lets no calls of this API in now. Choose another one."
)


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
) -> Subscription:
    """Let somebody call an API (by its key), or all of them. Keys that are not given are made.

    Raises Invalid or AlreadyExists on "display_name", "owner", "api", "id", "primary_key" or "secondary_key".
    """
    values = _clean(display_name, owner, allow_tracing)
    keys = Keys(primary_key or _new_key(), secondary_key or _new_key())
    _check_keys(keys)
    with change(actor) as this:
        if primary_key or secondary_key:
            _refuse_known(keys)
        name = free_id(
            Subscription.objects.all(),
            resource_id.strip(),
            str(values["display_name"]),
            field="id",
            default="subscription",
        )
        row = Subscription(resource_id=name, api=_api(api), created_at=timezone.now(), **values)
        for which, key in zip(_NAMES, keys, strict=True):
            _seal(row, which, key)
        _write(this, row)
        scope = str(row.api or "All APIs")
        this.audit(
            "created",
            row,
            {"display_name": ["", row.display_name], "owner": ["", row.owner], "api": ["", scope]},
        )
    return row


def update_subscription(
    actor: Actor,
    key: UUID,
    *,
    display_name: str,
    owner: str = "",
    api: UUID | None = None,
    allow_tracing: bool = False,
    revision: int | None = None,
) -> Subscription:
    """Change what is known of a subscription. Raises what create_subscription does, NotFound, EditConflict."""
    values = _clean(display_name, owner, allow_tracing)
    with change(actor) as this:
        row = get_subscription(key)
        expect_revision(row.revision, revision)
        changed = {name: [getattr(row, name), value] for name, value in values.items()}
        changed["api"] = [str(row.api or "All APIs"), str(_api(api) or "All APIs")]
        for name, value in values.items():
            setattr(row, name, value)
        row.api = _api(api)
        _write(this, row)
        this.audit("updated", row, {name: both for name, both in changed.items() if both[0] != both[1]})
    return row


def suspend_subscription(actor: Actor, key: UUID) -> Subscription:
    """Let its keys in no longer, until it is activated again. Raises NotFound, Invalid."""
    return _set_state(actor, key, SUSPENDED, "suspended")


def activate_subscription(actor: Actor, key: UUID) -> Subscription:
    """Let the keys of a suspended one in again. Raises NotFound, Invalid."""
    return _set_state(actor, key, ACTIVE, "activated")


def cancel_subscription(actor: Actor, key: UUID) -> Subscription:
    """End it for good: its keys never work again. Raises NotFound."""
    return _set_state(actor, key, CANCELLED, "cancelled")


def _set_state(actor: Actor, key: UUID, state: str, action: str) -> Subscription:
    with change(actor) as this:
        row = get_subscription(key)
        if row.state == CANCELLED and state != CANCELLED:
            raise Invalid(
                {"state": f"“{row}” is cancelled, which is final. Create a new subscription instead."}
            )
        before, row.state = row.state, state
        _write(this, row)
        this.audit(action, row, {"state": [before, state]})
    return row


def regenerate_key(actor: Actor, key: UUID, which: Which) -> Subscription:
    """Replace one of the keys; the former one is let in no longer. Raises NotFound, Invalid."""
    with change(actor) as this:
        row = get_subscription(key)
        if row.state == CANCELLED:
            raise Invalid({"state": f"“{row}” is cancelled: its keys never work again."})
        _seal(row, which, _new_key())
        _write(this, row)
        this.audit(f"regenerated the {which} key of", row, {f"{which}_key": ["(secret)", "(secret)"]})
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


def _clean(display_name: str, owner: str, allow_tracing: bool) -> dict[str, str | bool]:
    """The values as they are stored. Raises Invalid with everything that is wrong."""
    name, owner = display_name.strip(), owner.strip()
    errors = {}
    if not 1 <= len(name) <= 100:
        errors["display_name"] = "Enter a name of at most 100 characters."
    if len(owner) > 200:
        errors["owner"] = "Use at most 200 characters."
    if errors:
        raise Invalid(errors)
    return {"display_name": name, "owner": owner, "allow_tracing": allow_tracing}


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


def _check_keys(keys: Keys) -> None:
    wrong = "Use 16 to 256 letters, digits and - . _ ~ for a key."
    errors = {
        f"{which}_key": wrong for which, key in zip(_NAMES, keys, strict=True) if not _KEY.fullmatch(key)
    }
    if not errors and keys.primary == keys.secondary:
        errors = {"secondary_key": "Use another key than the primary one."}
    if errors:
        raise Invalid(errors)


def _refuse_known(keys: Keys) -> None:
    """Two subscriptions with one key could not be told apart. Nothing derived from a key is stored."""
    for row in Subscription.objects.iterator():
        for which in _NAMES:
            try:
                known = _open(row, which)
            except Unreadable:
                continue
            for name, key in zip(_NAMES, keys, strict=True):
                if secrets.compare_digest(known, key):
                    raise AlreadyExists(
                        {f"{name}_key": "Another subscription has this key. Use another one."}
                    )


def _column(which: Which) -> str:
    return f"sealed_{which}_key"


def _seal(row: Subscription, which: Which, key: str) -> None:
    column = _column(which)
    setattr(row, column, keystore.seal(row._meta.db_table, column, row.key, key.encode()))


def _open(row: Subscription, which: Which) -> str:
    column = _column(which)
    return keystore.open_sealed(row._meta.db_table, column, row.key, getattr(row, column)).decode()
