"""Named values: text that policy documents refer to as {{name}}."""

from django.db import models
from django.db.models.functions import Lower

from gateway.models.base import ResourceRow


class NamedValue(ResourceRow):
    """A named value; a secret one is sealed and its `value` is empty. Its id is the name used in {{name}}.

    `tags` are words by which people find it.
    """

    secret = models.BooleanField(default=False)
    value = models.TextField(blank=True)
    sealed_value = models.TextField(blank=True)
    tags = models.JSONField(default=list, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(Lower("resource_id"), name="named_value_id_unique")]

    def __str__(self) -> str:
        return self.resource_id
