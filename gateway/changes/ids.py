"""Ids of configuration rows: checked when given, made from a name when not."""

import re
from collections.abc import Collection
from typing import TypeVar

from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.utils.text import slugify

from gateway.errors import AlreadyExists, Invalid
from gateway.models.base import ResourceRow, validate_id

R = TypeVar("R", bound=ResourceRow)

_ASCII = re.compile(r"[\x00-\x7f]*")
# The letters beyond ASCII whose lower case is ASCII (with a combining dot): the Kelvin sign and the dotted I
_LIKE_ASCII = ("\u212a", "\u0130")


def free_id(
    rows: QuerySet[R],
    given: str,
    name: str,
    *,
    field: str,
    default: str,
    planned: Collection[str] = (),
    column: str = "resource_id",
) -> str:
    """The id for a new row among `rows`: `given` if it is free, else one made from `name`.

    "Partner Bank" becomes "partner-bank", then "partner-bank-2"; not one of those `planned`. `column` is where the
    ids of `rows` are. Raises Invalid or AlreadyExists on `field`.
    """
    if given:
        return _checked(rows, given, field, column)
    stem = slugify(name.replace(".", "-"))[:70].strip("-") or default  # host names keep their parts apart
    taken = _taken(rows, stem, column).union(planned)
    number, candidate = 1, stem
    while candidate in taken:
        number += 1
        candidate = f"{stem}-{number}"
    return candidate


def is_free(rows: QuerySet[R], name: str, column: str = "resource_id") -> bool:
    """Whether no row has that id, in whatever case."""
    return name.lower() not in _taken(rows, name, column)


def _taken(rows: QuerySet[R], start: str, column: str) -> set[str]:
    """All ids in lower case that begin with `start`, and some others.

    Compared here, because SQLite knows the case of ASCII letters only: where it let in both "Ärger" and "ärger", a
    document that names one could get the other. So the database narrows by what is ASCII at the beginning.
    """
    begins = _ASCII.match(start)
    alike = Q((f"{column}__istartswith", begins[0] if begins else ""))
    for letter in _LIKE_ASCII:
        alike |= Q((f"{column}__contains", letter))
    return {row_id.lower() for row_id in rows.filter(alike).values_list(column, flat=True)}


def _checked(rows: QuerySet[R], given: str, field: str, column: str) -> str:
    try:
        validate_id(given)
    except ValidationError as error:
        raise Invalid({field: error.messages}) from None
    if not is_free(rows, given, column):
        what = "identifier" if field == "identifier" else "name"
        raise AlreadyExists({field: f"The {what} “{given}” is already taken. Choose another one."})
    return given
