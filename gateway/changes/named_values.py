"""Changes to named values, and the one door through which a secret one is shown."""

import re
from collections.abc import Iterable
from uuid import UUID

from django.db import IntegrityError
from django.utils.text import slugify

from gateway import keystore
from gateway.changes.base import Actor, Change, change, expect_revision, witnessed
from gateway.changes.ids import free_id, is_free
from gateway.changes.policy_references import Lookup, derive_references, value_of
from gateway.errors import InUse, Invalid, NotFound, Unreadable
from gateway.models import Api, AuditEntry, NamedValue, PolicyDocument
from gateway.models.base import with_id
from gateway.snapshot import Secret

MOST_CHARACTERS = 4096
MOST_TAGS = 32
_MOST_NAMED = 5  # documents in one message
_SECRET = "(secret)"  # noqa: S105 (what the audit log shows instead of one)
_EXPRESSION = re.compile(r"\s*@[({]")
# What neither a field of a message (RFC 9110, 5.5) nor PostgreSQL takes; a plain value may have several lines
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_CONTROL_OR_LINE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_NOT_IN_TAGS = re.compile(r'[,"\\\x00-\x1f\x7f\ud800-\udfff]')


def create_named_value(
    actor: Actor,
    *,
    name: str,
    value: str,
    secret: bool = False,
    tags: Iterable[str] = (),
    entity_id: str = "",
) -> NamedValue:
    """Add a named value, which documents refer to as {{name}}; a secret one is sealed.

    `entity_id` is what the REST API is to know it by if that is not its name. Raises Invalid or AlreadyExists on
    "name", "value", "tags" or "entity_id".
    """
    name, kept = name.strip(), _clean_tags(tags)
    if not name:
        raise Invalid({"name": "Enter a name."})
    if "{" in name or "}" in name:
        raise Invalid({"name": "Use no braces in a name: policies write it between doubled ones."})
    _check_value(value, secret=secret)
    with change(actor) as this:
        free = free_id(NamedValue.objects.all(), name, "", field="name", default="property")
        row = _new_row(free, entity_id)
        row.tags = kept
        _write(this, row, value, secret=secret)
        this.audit("created", row, {part: ["", text] for part, text in _audited(row).items() if text})
    return row


def update_named_value(
    actor: Actor,
    key: UUID,
    *,
    value: str | None,
    secret: bool | None,
    tags: Iterable[str] | None = (),
    revision: int | None = None,
) -> int:
    """Change a named value in every document that refers to it; returns the revision of the change.

    What is None stays what it is. A secret one never becomes readable: that takes a new value. Raises NotFound,
    EditConflict, Invalid on "value", "secret" or "tags", also when a document would become invalid.
    """
    given_tags = None if tags is None else _clean_tags(tags)
    with change(actor) as this:
        row = get_named_value(key, uses=False)
        expect_revision(row.revision, revision)
        secret = row.secret if secret is None else secret
        kept = row.tags if given_tags is None else given_tags
        replaced = value is not None and (row.secret or value != row.value)
        other_kind = secret != row.secret
        if other_kind and secret:
            _conceal(row)
        before, former = _audited(row) | ({"value": _SECRET} if secret else {}), value_of(row)
        _change_value(this, row, value, secret=secret, tags=kept)
        if replaced or other_kind:
            _follow(this, row, former, "value" if replaced else "secret")
        this.audit("updated", row, _difference(before, _audited(row), replaced=replaced))
        return this.revision


def delete_named_value(actor: Actor, key: UUID, *, revision: int | None = None) -> int:
    """Delete a named value that no document refers to; returns the revision of the change.

    Raises NotFound, EditConflict, or InUse with every document that refers to it.
    """
    try:
        with change(actor) as this:
            row = get_named_value(key)
            expect_revision(row.revision, revision)
            _refuse_in_use(row)
            this.audit("deleted", row, {"value": [_shown(row), ""]})
            this.delete(row)
            return this.revision
    except IntegrityError:  # the second line: a reference that the check above could not see
        if found := NamedValue.objects.filter(pk=key).first():
            _refuse_in_use(found)
        raise


def reveal_named_value(actor: Actor, key: UUID) -> str:
    """The value, for somebody who is recorded to have seen it. Raises NotFound, and Invalid on "value" when it
    cannot be opened.
    """
    with witnessed(actor) as this:
        row = get_named_value(key, uses=False)
        try:
            value = _open(row) if row.secret else row.value
        except Unreadable as error:
            raise Invalid({"value": str(error)}) from None
        this.audit("was shown the value of", row)
    return value


def get_named_value(key: UUID, *, uses: bool = True) -> NamedValue:
    """The named value with that key, with its uses where somebody wants to know them. Raises NotFound."""
    rows = NamedValue.objects.with_uses() if uses else NamedValue.objects.all()
    row = rows.filter(pk=key).first()
    if row is None:
        raise NotFound("Property not found.")
    return row


def set_secret(this: Change, name: str, secret: str) -> NamedValue:
    """Create or replace the secret named value `name`; its text is sealed."""
    row = with_id(NamedValue.objects.all(), name).first()
    action = "replaced" if row else "created"
    row = row or _new_row(name)
    _write(this, row, secret, secret=True)
    this.audit(action, row, {"value": [_SECRET if action == "replaced" else "", _SECRET]})
    return row


def password_stem(api: Api) -> str:
    """What the name of an API's HTTP basic password starts with: partner-bank-basic-password."""
    return f"{slugify(api.resource_id)[:50]}-basic-password"


def delete_password_if_unused(this: Change, api: Api, name: str) -> None:
    """Delete a password that the Security tab made for an API once no document refers to it any more."""
    if not name.startswith(password_stem(api)):
        return  # somebody else's named value: not ours to delete
    row = with_id(NamedValue.objects.unused(), name).first()
    if row:
        this.audit("deleted", row)
        this.delete(row)


# --- what may be written ------------------------------------------------------------------------------------------
def _check_value(value: str, *, secret: bool) -> None:
    problem = ""
    if not value.strip():
        problem = "Enter the value."
    elif len(value) > MOST_CHARACTERS:
        problem = f"Use at most {MOST_CHARACTERS} characters."
    elif "{{" in value:
        problem = "A value cannot refer to another property: use no doubled braces in it."
    elif _EXPRESSION.match(value):
        problem = "Policy expressions such as @(...) are not supported here."
    elif (_CONTROL_OR_LINE if secret else _CONTROL).search(value):
        problem = "Use no control characters" + (" and no line breaks." if secret else ".")
    if problem:
        raise Invalid({"value": problem})


def _clean_tags(tags: Iterable[str]) -> list[str]:
    """The tags without what is empty, each once in whatever case."""
    kept: dict[str, str] = {}
    for tag in tags:
        kept.setdefault(tag.strip().lower(), tag.strip())
    found = [tag for tag in kept.values() if tag]
    if len(found) > MOST_TAGS:
        raise Invalid({"tags": f"Use at most {MOST_TAGS} tags."})
    if any(len(tag) > 80 or _NOT_IN_TAGS.search(tag) for tag in found):
        raise Invalid({"tags": "A tag has at most 80 characters and no commas, quotes or backslashes."})
    return found


# --- writing ------------------------------------------------------------------------------------------------------
def _new_row(name: str, entity_id: str = "") -> NamedValue:
    """One with that name, which is free, and an id of its own if it is given one, or its name is another's id."""
    known = NamedValue.objects.with_known_as()
    if not entity_id and is_free(known, name, "known_as"):
        return NamedValue(resource_id=name)
    own = free_id(known, entity_id, name, field="entity_id", default="property", column="known_as")
    return NamedValue(resource_id=name, entity_id="" if own == name else own)


def _change_value(this: Change, row: NamedValue, value: str | None, *, secret: bool, tags: list[str]) -> None:
    if not value and row.secret and not secret:
        raise Invalid({"value": "Enter a new value: a secret one never becomes readable."})
    if value is None and row.secret:
        row.revision, row.tags = this.revision, tags
        row.save()
        return
    text = row.value if value is None else value
    if value is not None or secret:
        _check_value(text, secret=secret)
    row.tags = tags
    _write(this, row, text, secret=secret)


def _write(this: Change, row: NamedValue, value: str, *, secret: bool) -> None:
    row.revision, row.secret = this.revision, secret
    row.value = "" if secret else value
    row.sealed_value = (
        keystore.seal(row._meta.db_table, "sealed_value", row.key, value.encode()) if secret else ""
    )
    row.save()


def _open(row: NamedValue) -> str:
    return keystore.open_sealed(row._meta.db_table, "sealed_value", row.key, row.sealed_value).decode()


def _follow(this: Change, row: NamedValue, former: str | Secret, field: str) -> None:
    """Derive the references of every document that refers to a named value again; `former` is what the value was.

    Raises Invalid on `field` with each document that the new value makes invalid.
    """
    documents = PolicyDocument.objects.filter(references__named_value=row)
    errors, lookup, before = [], Lookup(), Lookup({row.resource_id: former})
    for document in documents.select_related("api", "operation__api"):
        try:
            derive_references(this, document, lookup, before)
        except Invalid as error:
            errors.append(f"The policy of {document.use} would become invalid: {error.errors['xml'][0]}")
    errors.sort()
    if (more := len(errors) - _MOST_NAMED) > 0:
        errors[_MOST_NAMED:] = [f"So would {more} more."]
    if errors:
        raise Invalid({field: errors})


def _refuse_in_use(row: NamedValue) -> None:
    if uses := row.uses:
        raise InUse("Property cannot be deleted since it is being used by one or more policies.", uses)


# --- what the audit log shows -------------------------------------------------------------------------------------
def _shown(row: NamedValue) -> str:
    return _SECRET if row.secret else row.value


def _audited(row: NamedValue) -> dict[str, str]:
    return {
        "value": _shown(row),
        "secret": "yes" if row.secret else "no",
        "tags": ", ".join(row.tags),
    }


def _conceal(row: NamedValue) -> None:
    """Take the values of what becomes secret out of what the audit log has of it."""
    for entry in AuditEntry.objects.filter(object_key=row.pk, changes__has_key="value"):
        entry.changes["value"] = [_SECRET if text else "" for text in entry.changes["value"]]
        entry.save()


def _difference(before: dict[str, str], after: dict[str, str], *, replaced: bool) -> dict[str, list[str]]:
    """What became of each part; two secrets look the same, and are told from one that stayed by `replaced`."""
    return {
        name: [before[name], after[name]]
        for name in before
        if before[name] != after[name] or (name == "value" and replaced and after[name] == _SECRET)
    }
