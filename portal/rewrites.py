"""Policy documents that a change of a certificate rewrites, as a page shows them before that is confirmed."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import astuple, dataclass

from gateway.changes.policy_rewriting import Rewrite
from portal.policy_difference import TextDifference, difference
from portal.views.properties import policy_links

MOST_SHOWN = 20


@dataclass(frozen=True, slots=True)
class ShownRewrite:
    """A document that will be rewritten: what it is the policy of, its page, and what becomes of it.

    Where there are very many, `difference` is None for the later ones: they change in the same way.
    """

    text: str
    url: str
    difference: TextDifference | None


def shown_rewrites(rewrites: Iterable[Rewrite]) -> tuple[ShownRewrite, ...]:
    """The documents with what becomes of them."""
    rewrites = tuple(rewrites)
    links = policy_links(rewrite.use for rewrite in rewrites)
    return tuple(
        ShownRewrite(
            link.text, link.url, difference(rewrite.before, rewrite.after) if place < MOST_SHOWN else None
        )
        for place, (link, rewrite) in enumerate(zip(links, rewrites, strict=True))
    )


def seal_of(rewrites: Iterable[Rewrite]) -> str:
    """Stands for exactly these rewrites: a confirmation carries it, so that it is for what the person has seen."""
    listed = [[astuple(rewrite.use), rewrite.before, rewrite.after] for rewrite in rewrites]
    return hashlib.sha256(json.dumps(listed).encode()).hexdigest()
