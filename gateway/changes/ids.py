"""Ids of configuration rows: checked when given, made from a name when not."""

from typing import TypeVar

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.text import slugify

from gateway.errors import AlreadyExists, Invalid
from gateway.models.base import ResourceRow, validate_id

R = TypeVar("R", bound=ResourceRow)


def free_id(rows: QuerySet[R], given: str, name: str, *, field: str, default: str) -> str:
    """The id for a new row among `rows`: `given` if it is free, else one made from `name`.

    "Partner Bank" becomes "partner-bank", then "partner-bank-2". Raises Invalid or AlreadyExists on `field`.
    """
    if given:
        return _checked(rows, given, field)
    stem = slugify(name)[:70].strip("-") or default
    taken = _taken(rows)
    number, candidate = 1, stem
    while candidate in taken:
        number += 1
        candidate = f"{stem}-{number}"
    return candidate


def _taken(rows: QuerySet[R]) -> set[str]:
    """All ids in lower case. Compared here, because SQLite knows the case of ASCII letters only: where it let in
    both "Ärger" and "ärger", a document that names one could get the other."""
    return {row_id.lower() for row_id in rows.values_list("resource_id", flat=True)}


def _checked(rows: QuerySet[R], given: str, field: str) -> str:
    try:
        validate_id(given)
    except ValidationError as error:
        raise Invalid({field: error.messages}) from None
    if given.lower() in _taken(rows):
        raise AlreadyExists({field: f"The name “{given}” is already taken. Choose another one."})
    return given
