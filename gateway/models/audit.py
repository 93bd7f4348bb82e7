"""The audit log: one entry for each change."""

from django.db import models

from gateway.models.base import Row


class AuditEntry(Row):
    """Who changed what, and when. The actor is text, so that the entry outlives the account.

    `changes` maps the name of a value to [before, after], secrets shown as "(secret)".
    """

    at = models.DateTimeField(db_index=True)
    revision = models.BigIntegerField(db_index=True)
    actor_kind = models.CharField(max_length=20)
    actor_name = models.CharField(max_length=200)
    action = models.CharField(max_length=40)
    object_kind = models.CharField(max_length=40)
    object_key = models.UUIDField(null=True, db_index=True)
    object_name = models.CharField(max_length=300)
    changes = models.JSONField(default=dict)

    class Meta:
        verbose_name_plural = "audit entries"

    def __str__(self) -> str:
        return f"{self.actor_name} {self.action} {self.object_kind} {self.object_name}"
