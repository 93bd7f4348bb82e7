"""Rows -> Snapshot, and rows -> what became of a snapshot since its revision."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.db import transaction

from gateway.models import Revision
from gateway.publish import parts
from gateway.publish.changed import changed_keys
from gateway.publish.parts import Keys
from gateway.publish.policies import policies
from gateway.snapshot import Snapshot
from gateway.snapshot_difference import KINDS, Changed, Difference, apply

_READERS: Mapping[str, Callable[[str, Keys], Iterable[Any]]] = {
    "certificates": parts.certificates,
    "trusts": parts.trusts,
    "apis": parts.apis,
    "operations": parts.operations,
    "policies": policies,
    "subscriptions": parts.subscriptions,
    "back_ends": parts.back_ends,
}
_NOTHING = Snapshot(revision=-1)


def current_revision(using: str = "snapshot") -> int:
    """The revision of the newest committed change."""
    return Revision.objects.using(using).values_list("number", flat=True).get(pk=1)


def load(previous: Snapshot | None = None, using: str = "snapshot") -> Snapshot:
    """The whole configuration as one transaction of the connection `using` sees it.

    With `previous`, an earlier snapshot of the same database, only what changed is read, and all other parts are
    the same objects. A secret that cannot be opened becomes a `problem` of its part and takes nothing else down.
    """
    before = previous or _NOTHING
    return apply(before, read_difference(before, using, whole=previous is None))


def read_difference(previous: Snapshot, using: str = "snapshot", *, whole: bool = False) -> Difference:
    """What became of a snapshot, as one transaction of the connection `using` sees it.

    Reads what has a later revision and what depends on that; everything if `whole`, which is for a database that
    may be another one, or if the database is older than the snapshot: a restored backup.
    """
    with transaction.atomic(using=using):
        revision = current_revision(using)
        if revision == previous.revision and not whole:
            return Difference(revision, revision)
        older = revision < previous.revision
        all_keys: dict[str, Keys] = dict.fromkeys(KINDS)
        keys = all_keys if whole or older else changed_keys(previous, using)
        kinds: dict[str, Any] = {
            kind: _changed(getattr(previous, kind), keys[kind], _READERS[kind](using, keys[kind]))
            for kind in KINDS
        }
        return Difference(previous.revision, revision, **kinds)


def _changed(before: Mapping[str, Any], asked: Keys, read: Iterable[Any]) -> Changed[Any]:
    """What became of the parts that were asked for. One that equals its predecessor counts as that very object."""
    found = {part.key: part for part in read}
    gone = (before.keys() if asked is None else before.keys() & asked) - found.keys()
    return Changed({key: part for key, part in found.items() if before.get(key) != part}, frozenset(gone))
