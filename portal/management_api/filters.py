"""$filter of lists: the part of OData that the original knows, as a condition of the database."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from django.db.models import Q

from portal.management_api.errors import Detail, incorrect


@dataclass(frozen=True, slots=True)
class Field:
    """A field that $filter may name: the column behind it, and what its literals are."""

    column: str
    kind: Literal["text", "time", "boolean"] = "text"


def condition(text: str, fields: Mapping[str, Field]) -> Q:
    """The rows that a $filter lets through. Raises ApiError on "$filter"."""
    if not text.strip():
        return Q()
    raise incorrect(Detail("$filter", "Not there yet."))
