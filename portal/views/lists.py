"""Lists: search, columns to sort by, filters and pages, all kept in the address.

    class Certificates(ListPage):
        area, title, template_name = "security", "Client certificates", "portal/certificates/list.html"
        columns = (
            Column("name", "Name", Lower("resource_id")),
            Column("until", "Valid until", "current__not_after"),
            Column("", ""),  # actions
        )
        search_fields = ("resource_id", "current__subject")
        thumbprint_fields = ("current__thumbprint",)
        filters = (Filter("state", "State", (Choice("expired", "Expired", expired),)),)

        def queryset(self): return Certificate.objects.select_related("current")

The template shows `listing` with parts/search_and_filters.html, parts/table_head.html, parts/pagination.html, and
loops over `listing.rows`. `listing.empty` is a list without any rows at all, `listing.narrowed` one that is
searched or filtered.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

from django.core.paginator import Page as RowsPage
from django.core.paginator import Paginator
from django.db.models import Count, F, Model, OuterRef, Q, QuerySet, Subquery
from django.db.models.expressions import BaseExpression
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils.text import smart_split, unescape_string_literal

from gateway.thumbprints import normalise_thumbprint
from portal.views.base import Page

MOST_SORT_COLUMNS = 3


@dataclass(frozen=True, slots=True)
class Column:
    """A column: `by` is what it is sorted by (a field's path or an expression), or None."""

    name: str
    label: str
    by: str | BaseExpression | None = None
    css: str = ""

    def order(self, descending: bool) -> Any:
        """The ordering expression."""
        expression: Any = F(self.by) if isinstance(self.by, str) else self.by
        return expression.desc() if descending else expression.asc()


@dataclass(frozen=True, slots=True)
class Choice:
    """A choice of a filter: `condition` is a Q, or a function without arguments that makes one (for "now")."""

    value: str
    label: str
    condition: Q | Callable[[], Q]

    def q(self) -> Q:
        """The condition."""
        return self.condition if isinstance(self.condition, Q) else self.condition()


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter: the name of its parameter, its label, and its choices."""

    name: str
    label: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a column as parts/table_head.html draws it."""

    label: str
    css: str
    sort: str  # the value of the parameter `sort` when it is clicked, or ""
    direction: str  # "ascending", "descending" or ""


@dataclass(frozen=True, slots=True)
class Option:
    """A choice in a drop-down."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class ShownFilter:
    """A filter and what is chosen."""

    name: str
    label: str
    choices: tuple[Choice, ...]
    selected: str


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of a list with everything that the parts need."""

    rows: list[Any]
    page: RowsPage[Any]
    heads: tuple[Head, ...]
    filters: tuple[ShownFilter, ...]
    orders: tuple[Option, ...]
    query: str
    sort: str
    search_label: str
    page_numbers: tuple[int | str, ...]
    ellipsis: str

    @property
    def narrowed(self) -> bool:
        """Whether it is searched or filtered."""
        return bool(self.query) or any(shown.selected for shown in self.filters)

    @property
    def empty(self) -> bool:
        """Whether there is nothing at all, rather than nothing that matches."""
        return not self.page.paginator.count and not self.narrowed


class ListPage(Page):
    """A page with a list. See the top of this module."""

    columns: tuple[Column, ...] = ()
    search_fields: tuple[str, ...] = ()
    thumbprint_fields: tuple[str, ...] = ()
    search_label = "Search"
    filters: tuple[Filter, ...] = ()
    default_sort = ""  # the name of a column, with "-" in front for descending; the first one if empty
    then_by: tuple[str, ...] = ()  # what rows that are equal in the chosen order are sorted by
    page_size = 25

    def queryset(self) -> QuerySet[Any]:
        """All rows of the list."""
        raise NotImplementedError

    def rows(self, page: list[Any]) -> list[Any]:
        """The rows of one page as the template wants them; here more can be fetched for all of them at once."""
        return page

    def get_filters(self) -> tuple[Filter, ...]:
        """The filters, for lists where they depend on the address."""
        return self.filters

    def context(self) -> dict[str, Any]:
        """The context with `listing`."""
        return super().context() | {"listing": self.listing()}

    def listing(self) -> Listing:
        """Read the address, ask the database."""
        parameters = self.request.GET
        query = parameters.get("q", "").replace("\0", "").strip()
        sort = self._sort(parameters.get("sort", ""))
        shown = tuple(
            ShownFilter(f.name, f.label, f.choices, _chosen(f, self.request)) for f in self.get_filters()
        )
        rows = self._search(self._filter(self.queryset(), shown), query).order_by(
            *self._order(sort), *self.then_by, "pk"
        )
        paginator = Paginator(rows, self.page_size)
        page = paginator.get_page(parameters.get("page"))
        numbers = tuple(paginator.get_elided_page_range(page.number, on_each_side=2, on_ends=1))
        return Listing(
            self.rows(list(page)), page, self._heads(sort), shown, self._orders(sort), query, ",".join(sort),
            self.search_label, numbers, str(Paginator.ELLIPSIS),
        )  # fmt: skip

    def _filter(self, rows: QuerySet[Any], shown: Iterable[ShownFilter]) -> QuerySet[Any]:
        for each in shown:
            for choice in each.choices:
                if choice.value == each.selected:
                    rows = rows.filter(choice.q())
        return rows

    def _search(self, rows: QuerySet[Any], query: str) -> QuerySet[Any]:
        """Every word (or "quoted words") in any of the fields, or the whole text as a thumbprint."""
        if not query:
            return rows
        words = Q()
        for word in _words(query):
            words &= _any(self.search_fields, word)
        thumbprint = normalise_thumbprint(query)
        if self.thumbprint_fields and re.fullmatch("[0-9A-F]{4,64}", thumbprint):
            words |= _any(self.thumbprint_fields, thumbprint)
        # Through a subquery, so that a row that matches twice by a relation is listed once.
        return rows.filter(pk__in=rows.order_by().filter(words).values("pk"))

    def _sort(self, text: str) -> tuple[str, ...]:
        """The columns to sort by that the address names, or the default."""
        names = {column.name for column in self.columns if column.by is not None}
        asked = [part for part in text.split(",") if part.removeprefix("-") in names]
        if asked:
            return tuple(asked[:MOST_SORT_COLUMNS])
        first = next((column.name for column in self.columns if column.by is not None), "")
        default = self.default_sort or first
        return (default,) if default else ()

    def _order(self, sort: tuple[str, ...]) -> list[Any]:
        columns = {column.name: column for column in self.columns}
        return [columns[part.removeprefix("-")].order(part.startswith("-")) for part in sort]

    def _heads(self, sort: tuple[str, ...]) -> tuple[Head, ...]:
        return tuple(_head(column, sort) for column in self.columns)

    def _orders(self, sort: tuple[str, ...]) -> tuple[Option, ...]:
        options = [
            Option(f"{minus}{column.name}", f"{column.label}{' (descending)' if minus else ''}")
            for column in self.columns
            if column.by is not None
            for minus in ("", "-")
        ]
        current = ",".join(sort)
        if current and current not in {option.value for option in options}:
            options.append(Option(current, "Several columns"))
        return tuple(options)


def beside(page: list[Any]) -> list[Any]:
    """For each row the one that gets the focus when it is deleted: the next, for the last the one before."""
    following = [*page[1:], *page[-2:-1]]
    return [*following, *[None] * (len(page) - len(following))]


def number_of(model: type[Model], foreign_key: str) -> Coalesce:
    """How many rows of another model point to a row, to sort by."""
    rows = model._default_manager.filter(**{foreign_key: OuterRef("pk")}).order_by().values(foreign_key)
    return Coalesce(Subquery(rows.annotate(number=Count("pk")).values("number")), 0)


def anchor_of(row: Model | None) -> str:
    """The id of a row's element in its list. Without a row the page itself gets the focus."""
    return f"{row._meta.model_name}-{row.pk}" if row else "main"


def _head(column: Column, sort: tuple[str, ...]) -> Head:
    """A click sorts by this column first, and the other way round when it already is the first."""
    if column.by is None:
        return Head(column.label, column.css, "", "")
    current = sort[0] if sort and sort[0].removeprefix("-") == column.name else ""
    clicked = f"-{column.name}" if current == column.name else column.name
    rest = [part for part in sort if part.removeprefix("-") != column.name]
    direction = {"": "", column.name: "ascending"}.get(current, "descending")
    return Head(column.label, column.css, ",".join([clicked, *rest][:MOST_SORT_COLUMNS]), direction)


def _chosen(each: Filter, request: HttpRequest) -> str:
    value = request.GET.get(each.name, "")
    return value if value in {choice.value for choice in each.choices} else ""


def _words(query: str) -> Iterable[str]:
    for word in smart_split(query):
        quoted = len(word) > 1 and word[0] == word[-1] and word[0] in "\"'"
        yield unescape_string_literal(word) if quoted else word


def _any(fields: Iterable[str], word: str) -> Q:
    return reduce(or_, (Q(**{f"{field}__icontains": word}) for field in fields), Q())
