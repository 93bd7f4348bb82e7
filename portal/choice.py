"""Rows to choose one from: all in a drop-down, or where they are too many for that the ones that a search found."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import QuerySet

Rows = TypeVar("Rows", bound=QuerySet[Any])

MOST_IN_DROP_DOWN = 200  # with more there is a search instead
MOST_RESULTS = 50


@dataclass(frozen=True, slots=True)
class Option:
    """A row to choose. `state` is what a page says more about it while it is chosen (static/js/shows_for.js)."""

    key: str
    label: str
    state: str = ""


@dataclass(frozen=True, slots=True)
class Offered:
    """What is offered: of `total` rows `found` match the query, of which `options` are shown."""

    options: tuple[Option, ...]
    total: int
    found: int
    query: str

    @property
    def searchable(self) -> bool:
        """Whether there are too many for a drop-down."""
        return self.total > MOST_IN_DROP_DOWN

    @property
    def left_out(self) -> int:
        """How many match and are not shown."""
        return max(0, self.found - MOST_RESULTS) if self.searchable else 0


def offer(
    rows: Rows,
    option: Callable[[Any], Option],
    search: Callable[[Rows, str], Rows],
    *,
    query: str,
    keep: Iterable[UUID],
) -> Offered:
    """The rows to offer. `keep` are those that are chosen now: they are always among them.

    `query` only counts where there are too many for a drop-down. Asks the database at most four times.
    """
    query = query.replace("\0", "").strip()  # PostgreSQL fails on a NUL
    total = rows.count()
    if total <= MOST_IN_DROP_DOWN:
        return Offered(tuple(map(option, rows)), total, total, "")
    matching = search(rows, query) if query else rows
    chosen = list(rows.filter(pk__in=set(keep)))
    shown = [row for row in matching[:MOST_RESULTS] if row not in chosen]
    return Offered(tuple(map(option, [*chosen, *shown])), total, matching.count(), query)
