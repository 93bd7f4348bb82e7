"""Changes to policy documents. Whatever writes one (the policy editor, the Security tab, an operation's Rewrite URL
template, an import) comes through save_document, so all are checked and kept alike, and none holds a password.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from gateway.changes.base import Actor, Change, change, expect_revision
from gateway.changes.policy_documents import (
    Scope,
    document_of,
    documents_of,
    presents_certificate,
    read,
    references_in,
    scope_columns,
    sends_secret,
    text_of,
    write_version,
)
from gateway.changes.policy_references import Lookup, faults_in, refuse, write_references
from gateway.changes.policy_secrets import (
    Move,
    conceal_in_history,
    concealed,
    new_values,
    planned_moves,
    write_secrets,
)
from gateway.errors import Invalid, InvalidPolicy, NotFound
from gateway.models import Api, Operation, PolicyDocument, PolicyVersion
from gateway.policies.faults import Fault, PolicyErrors
from gateway.policies.parser import Document
from gateway.policies.secrets import with_named_values

__all__ = [
    "SavedPolicy",
    "Scope",
    "check_document",
    "delete_policy",
    "document_of",
    "documents_of",
    "faults_of",
    "presents_certificate",
    "references_in",
    "restore_policy",
    "save_document",
    "save_policy",
    "sends_secret",
    "text_of",
]


@dataclass(frozen=True, slots=True)
class SavedPolicy:
    """What a save came to: the revision of its change (the document's own if nothing was written), and the secret
    named values that passwords moved to."""

    revision: int
    moved: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Checked:
    """A document that can be saved: as its author wrote it, as it is kept, and with what was looked up for it."""

    written: Document
    final: Document
    moves: tuple[Move, ...]
    lookup: Lookup

    @property
    def moved(self) -> tuple[str, ...]:
        return tuple(move.name for move in self.moves)


class _Unchanged(Exception):
    """Nothing is to be written, not even a revision."""


def faults_of(scope: Scope, xml: str) -> tuple[Fault, ...]:
    """Why a text would be refused as the document of a scope, in order; nothing is written."""
    try:
        _check(scope, xml)
    except PolicyErrors as error:
        return tuple(error.faults)
    return ()


def check_document(scope: Scope, xml: str) -> Document:
    """A text as the document of a scope, if it can be saved; nothing is written. Raises Invalid on "xml"."""
    return _checked(scope, xml).written


def save_policy(
    actor: Actor, scope: Scope, xml: str, *, revision: int | None = None, move: Iterable[str] = ()
) -> SavedPolicy:
    """Make a text the document of a scope.

    `revision` is that of the document that the author began from, 0 for none. Passwords move into secret named
    values, as do the literal secrets with the ids `move` (see gateway.policies.secrets). A text that is there
    already raises no revision. Raises NotFound, EditConflict, or Invalid on "xml" with every fault.
    """
    return _save(actor, scope, xml, revision, move, "saved")


def restore_policy(
    actor: Actor, scope: Scope, version_key: UUID, *, revision: int | None = None
) -> SavedPolicy:
    """Make a former version of a scope's document its document again. Raises what save_policy does."""
    version = PolicyVersion.objects.filter(pk=version_key, **scope_columns(scope)).first()
    if version is None:
        raise NotFound("This policy has no such version.")
    if not version.xml:
        raise Invalid({"xml": "With this version the policy was deleted, so it has no text to restore."})
    return _save(actor, scope, version.xml, revision, (), "restored")


def _save(
    actor: Actor, scope: Scope, xml: str, revision: int | None, move: Iterable[str], action: str
) -> SavedPolicy:
    try:
        with change(actor) as this:
            scope = _locked(scope)
            before = document_of(scope)
            expect_revision(before.revision if before else 0, revision)
            checked = _checked(scope, xml, move)
            if not _write(this, scope, before, checked, action):
                raise _Unchanged
            return SavedPolicy(this.revision, checked.moved)
    except _Unchanged:  # and so the revision that the change began with is taken back
        return SavedPolicy(before.revision if before else 0, checked.moved)


def _locked(scope: Scope) -> Scope:
    """A scope as it is behind the revision lock. Raises NotFound."""
    if isinstance(scope, Api):
        found: Scope = Api.objects.filter(pk=scope.pk).first()
    elif isinstance(scope, Operation):
        found = Operation.objects.select_related("api").filter(pk=scope.pk).first()
    else:
        return None
    if found is None:
        raise NotFound(f"{'API' if isinstance(scope, Api) else 'Operation'} not found.")
    return found


def save_document(this: Change, scope: Scope, xml: str) -> tuple[str, ...]:
    """Write a scope's document within a change, and return the secret named values that passwords moved to.

    A text that is there already is left alone, as is the one that a new document starts with where there is none.
    Raises Invalid on "xml" with every fault of the document.
    """
    if text_of(scope) == xml:
        return ()
    checked = _checked(scope, xml)
    _write(this, scope, document_of(scope), checked, "saved")
    return checked.moved


def _checked(scope: Scope, xml: str, move: Iterable[str] = ()) -> _Checked:
    try:
        return _check(scope, xml, move)
    except PolicyErrors as error:
        raise InvalidPolicy(error.faults) from None


def _check(scope: Scope, xml: str, move: Iterable[str] = ()) -> _Checked:
    """Raises PolicyErrors with all faults: of how the document is written, and of what it refers to."""
    written, faults = read(scope, xml)
    moves = planned_moves(scope, written, () if faults else move)
    final, _ = read(scope, with_named_values(xml, {each.secret: each.name for each in moves}))
    lookup = Lookup(new_values(moves))
    refuse((*faults, *faults_in(scope, written, final, lookup)))
    return _Checked(written, final, moves, lookup)


def _write(this: Change, scope: Scope, row: PolicyDocument | None, checked: _Checked, action: str) -> bool:
    """Write what differs: the secrets, the document with its references, a version. False if nothing does."""
    written = write_secrets(this, checked.moves)
    before, xml = row.xml if row else None, checked.final.xml
    if before == xml:
        return written
    row = row or PolicyDocument(**scope_columns(scope))
    row.xml, row.revision = xml, this.revision
    row.save()
    write_references(row, checked.final, checked.lookup)
    conceal_in_history(scope, checked.moves)
    write_version(this, scope, action, xml)
    this.audit(action, row, {"policy": [concealed(scope, before or "", checked.moves), xml]})
    return True


def delete_policy(actor: Actor, scope: Scope, *, revision: int | None = None) -> int:
    """Delete the document of an API or operation, which then inherits; returns the revision of the change.

    The named values that it alone referred to stay, so that a version of it can be restored. Raises NotFound,
    EditConflict, or Invalid on "xml" for All APIs.
    """
    if scope is None:
        raise Invalid({"xml": "The policy of All APIs cannot be deleted. Empty its sections instead."})
    with change(actor) as this:
        scope = _locked(scope)
        row = document_of(scope)
        if row is None:
            raise NotFound("There is no policy for this scope.")
        expect_revision(row.revision, revision)
        this.audit("deleted", row, {"policy": [row.xml, ""]})
        this.delete(row)
        write_version(this, scope, "deleted", "")
        return this.revision
