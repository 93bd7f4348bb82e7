"""What every row has, and the one row that puts all changes in order."""

import uuid
from typing import Any, TypeVar

from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Lower
from django.db.models.lookups import Exact

ID_PATTERN = r"^(?!.*\{\{)[^/\\%'\"\x00-\x1f\x7f]{1,80}\Z"

validate_id = RegexValidator(
    ID_PATTERN,
    "Use 1 to 80 characters without slashes, percent signs, quotes, {{ or control characters.",
    code="invalid_id",
)


class Row(models.Model):
    """A row with a UUID primary key made before INSERT, so that a sealed value can be bound to it."""

    key = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)

    class Meta:
        abstract = True


class ConfigurationRow(Row):
    """A row of configuration: `revision` is the change that last wrote it, its ETag and its conflict check."""

    revision = models.BigIntegerField(db_index=True)

    class Meta:
        abstract = True

    @property
    def part_key(self) -> uuid.UUID:
        """The key under which a snapshot holds what is made of this row."""
        return self.key


class ResourceRow(ConfigurationRow):
    """A row with an id as the REST API uses it: immutable, unique without regard to case (in a subclass)."""

    resource_id = models.CharField("id", max_length=80, validators=[validate_id])

    class Meta:
        abstract = True


R = TypeVar("R", bound=ResourceRow)


def with_id(rows: "models.QuerySet[R]", name: str) -> "models.QuerySet[R]":
    """The row with that id, in any case. Asked as the index of ids is made: __iexact would look at every row."""
    return rows.filter(Exact(Lower("resource_id"), Lower(models.Value(name))))


def referring(
    rows: "models.QuerySet[Any]", relation: str, *paths: str, without: str = ""
) -> "models.Prefetch[Any, Any, Any]":
    """What refers to some rows by a relation, with what that belongs to, in one query; `without` a large column.

    Prefetched along a path, Django asks for "key = a OR key = b ...", of which SQLite takes a thousand at most.
    """
    related: Any = rows.model._meta.get_field(relation).related_model
    found = related._default_manager.select_related(*paths)
    return models.Prefetch(relation, found.defer(without) if without else found)


class Revision(models.Model):
    """The one row whose UPDATE makes changes serial on every database. `number` counts changes."""

    number = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return str(self.number)


class Deletion(Row):
    """That a row of configuration went away, and at which revision. `row` is its `part_key`."""

    table = models.CharField(max_length=64)
    row = models.UUIDField()
    revision = models.BigIntegerField(db_index=True)

    def __str__(self) -> str:
        return f"{self.table} {self.row} at {self.revision}"
