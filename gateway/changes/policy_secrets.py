"""Passwords that are written in a policy document, on their way into secret named values.

Only what stands for them gets into the document, and so into its versions, the audit log and every page. One that
was left in the document for a while is taken out of what was kept meanwhile.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from django.utils.text import slugify

from gateway import keystore
from gateway.changes.base import Change
from gateway.changes.ids import free_id
from gateway.changes.named_values import set_secret
from gateway.changes.policy_documents import (
    Scope,
    api_of,
    document_of,
    parsed_or_none,
    scope_columns,
    scope_name,
)
from gateway.errors import Invalid, Unreadable
from gateway.models import AuditEntry, NamedValue, PolicyVersion
from gateway.models.base import with_id
from gateway.policies import parser
from gateway.policies.faults import PolicyErrors
from gateway.policies.parser import Document
from gateway.policies.references import references_of
from gateway.policies.secrets import LiteralSecret, literal_secrets, named_secrets, with_named_values
from gateway.snapshot import Secret

_GONE = (
    "A value that was to be moved into a named value is not in the document any more. Review it once more."
)


@dataclass(frozen=True, slots=True)
class Move:
    """A secret, and the named value that it moves to."""

    secret: LiteralSecret
    name: str


def planned_moves(scope: Scope, document: Document, ids: Iterable[str]) -> tuple[Move, ...]:
    """Where the passwords of a document go, and the likely secrets with those ids. Raises Invalid on "xml".

    To a new named value, unless the scope's former document has one for the same purpose and for nothing else.
    """
    found, chosen = literal_secrets(document), set(ids)
    if not chosen <= {secret.id for secret in found}:
        raise Invalid({"xml": _GONE})
    former = dict(_replaceable(scope))
    moves: list[Move] = []
    for secret in found:
        if secret.certain or secret.id in chosen:
            stem = _stem(scope, secret)
            name = former.get(secret.purpose, "")
            if not name.startswith(stem):
                name = _free_name(stem, {move.name for move in moves})
            moves.append(Move(secret, name))
    return tuple(moves)


def _stem(scope: Scope, secret: LiteralSecret) -> str:
    """What the name of a secret begins with: partner-bank-basic-password (see named_values.password_stem)."""
    api = api_of(scope)
    return slugify(f"{slugify(api.resource_id)[:50] if api else 'all-apis'}-{secret.suggested_name}")[:70]


def _free_name(stem: str, planned: Collection[str]) -> str:
    return free_id(NamedValue.objects.all(), "", stem, field="xml", default="secret", planned=planned)


def _replaceable(scope: Scope) -> Iterator[tuple[str, str]]:
    """The secret named values that serve for one purpose of the scope's document, and for nothing else."""
    document = parsed_or_none(document_of(scope))
    if document is None:
        return
    used = [each.name.lower() for each in references_of(document) if each.kind == "named-value"]
    for purpose, name in named_secrets(document).items():
        row = with_id(NamedValue.objects.filter(secret=True), name).first()
        if row and used.count(name.lower()) == 1 and row.policy_references.count() == 1:
            yield purpose, row.resource_id


def new_values(moves: Iterable[Move]) -> dict[str, Secret]:
    """The values of the named values to be, by name."""
    return {move.name: move.secret.value for move in moves}


def write_secrets(this: Change, moves: Iterable[Move]) -> bool:
    """Seal what moves; what is sealed already is left alone. Returns whether anything was written."""
    writing = [move for move in moves if not _holds(move)]
    for move in writing:
        set_secret(this, move.name, move.secret.value.reveal().decode())
    return bool(writing)


def _holds(move: Move) -> bool:
    row = with_id(NamedValue.objects.filter(secret=True), move.name).first()
    if row is None:
        return False
    try:
        sealed = keystore.open_sealed(row._meta.db_table, "sealed_value", row.key, row.sealed_value)
    except Unreadable:
        return False
    return sealed == move.secret.value.reveal()


def concealed(scope: Scope, xml: str, moves: Iterable[Move]) -> str:
    """A former text of a scope's document with what moves in it replaced, as in the document itself."""
    names = {move.secret.value: move.name for move in moves}
    try:
        found = literal_secrets(parser.parse(xml, scope_name(scope))) if xml and names else ()
    except PolicyErrors:  # of an earlier release
        found = ()
    return with_named_values(xml, {each: names[each.value] for each in found if each.value in names})


def conceal_in_history(scope: Scope, moves: Collection[Move]) -> None:
    """Take what moves out of the scope's versions, which all readers see, and out of the audit log."""
    if not moves:
        return
    versions = PolicyVersion.objects.filter(**scope_columns(scope))
    for version in versions:
        if (xml := concealed(scope, version.xml, moves)) != version.xml:
            version.xml = xml
            version.save()
    entries = AuditEntry.objects.filter(revision__in=versions.values("revision"), changes__has_key="policy")
    for entry in entries:
        texts = [concealed(scope, text, moves) for text in entry.changes["policy"]]
        if texts != entry.changes["policy"]:
            entry.changes["policy"] = texts
            entry.save()
