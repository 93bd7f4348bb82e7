"""Records: what is observed rather than configured. Written by gateway.records only."""

from django.db import models

from gateway.models.base import Row


class GatewayLease(Row):
    """A running gateway process: renewed every 2 s, gone after 6. `revision` is the one that it runs."""

    name = models.CharField(max_length=200)
    started_at = models.DateTimeField()
    renewed_at = models.DateTimeField(db_index=True)
    revision = models.BigIntegerField()
    problem = models.TextField(blank=True)

    def __str__(self) -> str:
        return self.name
