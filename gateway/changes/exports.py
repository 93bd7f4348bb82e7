"""The door for what is secret in an export of the configuration, which seals it with a passphrase."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from gateway import keystore
from gateway.changes.base import Actor, witnessed
from gateway.errors import Unreadable
from gateway.models import Revision
from gateway.snapshot import Secret


@dataclass(frozen=True, slots=True)
class SealedValue:
    """A secret as a row has it, in one column. `kind` and `name` say in words what it is, and of what."""

    table: str
    column: str
    key: UUID
    sealed: str
    kind: str
    name: str


def open_all(
    actor: Actor, revision: int, values: Iterable[SealedValue]
) -> tuple[dict[SealedValue, Secret], list[str]]:
    """The secrets of the configuration of that revision, for an export that is recorded.

    And a message for each that cannot be opened, which is not among them.
    """
    found: dict[SealedValue, Secret] = {}
    problems: list[str] = []
    with witnessed(actor) as this:
        for value in values:
            try:
                opened = keystore.open_sealed(value.table, value.column, value.key, value.sealed)
            except Unreadable as error:
                problems.append(f"The {value.kind} of {value.name} is left out. {error}")
            else:
                found[value] = Secret(opened)
        counts = Counter(value.kind for value in found)
        words = {kind: ["", str(number)] for kind, number in sorted(counts.items())}
        this.audit("exported the secrets of", Revision(number=revision), words)
    return found, problems
