"""What saving a text as the policy of a scope comes to, worked out before it is saved."""

from collections.abc import Iterable
from dataclasses import dataclass

from gateway.changes.policies import SavedPolicy
from gateway.changes.policy_documents import Scope, parsed
from gateway.changes.policy_secrets import Move, planned_moves
from gateway.policies.parser import Document
from gateway.policies.secrets import literal_secrets, with_named_values
from portal.policy_difference import TextDifference, difference
from portal.policy_effective import Broken, documents_around, meanings
from portal.views.policy_scopes import ScopeView


@dataclass(frozen=True, slots=True)
class Review:
    """The difference to what is in effect, the secrets that move into named values, and what calls will notice.

    `passwords` move in any case, `likely` secrets where the author agrees; in the difference all have moved.
    """

    difference: TextDifference
    passwords: tuple[Move, ...]
    likely: tuple[Move, ...]
    meanings: tuple[str, ...]


def review_of(view: ScopeView, xml: str, *, moves_likely: bool = True) -> Review:
    """What saving a valid text comes to."""
    moves = _moves(view.owner, parsed(view.owner, xml), moves_likely)
    final = without_secrets(xml, moves)
    saved = view.document.xml if view.document else ""
    return Review(
        difference(saved, final),
        tuple(move for move in moves if move.secret.certain),
        tuple(move for move in moves if not move.secret.certain),
        _meanings(view, parsed(view.owner, final)),
    )


def draft_without_secrets(owner: Scope, xml: str) -> str:
    """A valid text as a page may show it: with the named values that its secrets would move to."""
    return without_secrets(xml, _moves(owner, parsed(owner, xml), likely=True))


def without_secrets(xml: str, moves: Iterable[Move]) -> str:
    """A text with named values in the place of its secrets."""
    return with_named_values(xml, {move.secret: move.name for move in moves})


def meanings_of_deletion(view: ScopeView) -> tuple[str, ...]:
    """What calls will notice when the scope's policy is deleted."""
    return _meanings(view, None)


def _moves(owner: Scope, document: Document, likely: bool) -> tuple[Move, ...]:
    ids = [secret.id for secret in literal_secrets(document)] if likely else []
    return planned_moves(owner, document, ids)


def _meanings(view: ScopeView, after: Document | None) -> tuple[str, ...]:
    """Nothing is said where a document cannot be read: what calls get from it is not known."""
    try:
        before = documents_around(view.api, view.operation)
    except Broken:
        return ()
    names = {step.key: step.name for step in view.trail}
    return meanings(before, (*before[:-1], after), names)


def moved_words(saved: SavedPolicy) -> str:
    """What is added to the message after a save: where the secrets went that were written in the document."""
    if not saved.moved:
        return ""
    *others, last = saved.moved
    names = f"{', '.join(others)} and {last}" if others else last
    what = "Secrets that were written in it are" if others else "A secret that was written in it is"
    return f" {what} now in the secret named value{'s'[: bool(others)]} {names}."
