"""Named values: text that policy documents refer to as {{name}}."""

import json
from typing import Any

from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Cast, Coalesce, Lower, NullIf
from django.db.models.lookups import Exact, IContains

from gateway.errors import Use
from gateway.models.base import ResourceRow, referring, validate_id


class Readable(json.JSONEncoder):
    """Letters beyond ASCII as they are: both databases then search in the same text."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options | {"ensure_ascii": False})


class NamedValueQuerySet(models.QuerySet["NamedValue"]):
    """Lists of named values."""

    def with_tag_text(self) -> "NamedValueQuerySet":
        """With their tags as one text, `tag_text`, in which they can be searched."""
        return self.annotate(tag_text=Cast("tags", models.TextField()))

    def tagged(self, tag: str) -> "NamedValueQuerySet":
        """Those that have a tag, which holds no quotation mark itself."""
        return self.filter(IContains(Cast("tags", models.TextField()), f'"{tag}"'))

    def with_known_as(self) -> "NamedValueQuerySet":
        """With the id by which the REST API knows each, `known_as`."""
        return self.annotate(known_as=Coalesce(NullIf(F("entity_id"), Value("")), F("resource_id")))

    def known_as(self, name: str) -> "NamedValueQuerySet":
        """The one that the REST API knows by that id, in any case. Asked as the indexes are made."""
        wanted = Lower(Value(name))
        by_name = Q(Exact(Lower("resource_id"), wanted), entity_id="")
        return self.filter(by_name | Q(~Q(entity_id=""), Exact(Lower("entity_id"), wanted)))

    def unused(self) -> "NamedValueQuerySet":
        return self.filter(policy_references=None)

    def with_uses(self) -> "NamedValueQuerySet":
        """With the documents that refer to each."""
        paths = ("document__api", "document__operation__api")
        return self.prefetch_related(referring(self, "policy_references", *paths, without="document__xml"))


class NamedValue(ResourceRow):
    """A named value; a secret one is sealed and its `value` is empty. Its id is the name used in {{name}}.

    `tags` are words by which people find it. `entity_id` is the id by which the REST API knows one whose name is
    another, "" for all others.
    """

    entity_id = models.CharField(max_length=80, blank=True, validators=[validate_id])
    secret = models.BooleanField(default=False)
    value = models.TextField(blank=True)
    sealed_value = models.TextField(blank=True)
    tags = models.JSONField(default=list, blank=True, encoder=Readable)

    objects = NamedValueQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("resource_id"), name="named_value_id_unique"),
            models.UniqueConstraint(
                Lower("entity_id"), condition=~models.Q(entity_id=""), name="named_value_entity_id_unique"
            ),
        ]

    def __str__(self) -> str:
        return self.resource_id

    @property
    def rest_id(self) -> str:
        """The id by which the REST API knows it."""
        return self.entity_id or self.resource_id

    @property
    def uses(self) -> tuple[Use, ...]:
        """The policy documents that refer to this named value, by name."""
        return tuple(sorted((r.document.use for r in self.policy_references.all()), key=str))
