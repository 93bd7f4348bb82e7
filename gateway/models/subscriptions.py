"""Subscriptions: whose calls are let in, by their keys."""

from django.db import models
from django.db.models.functions import Lower

from gateway.models.apis import Api
from gateway.models.base import ResourceRow

ACTIVE, SUSPENDED, CANCELLED = "active", "suspended", "cancelled"
STATES = ((ACTIVE, "Active"), (SUSPENDED, "Suspended"), (CANCELLED, "Cancelled"))


class Subscription(ResourceRow):
    """A subscription to one API, or to all (no `api`). Two keys, so that one can be replaced while the other works.

    Only the keys of an active one let a call in. The keys are sealed, and nothing is derived from them here.
    """

    display_name = models.CharField(max_length=100)
    owner = models.CharField(max_length=200, blank=True)
    api = models.ForeignKey(Api, null=True, on_delete=models.CASCADE, related_name="subscriptions")
    state = models.CharField(max_length=10, choices=STATES, default=ACTIVE)
    allow_tracing = models.BooleanField(default=False)
    sealed_primary_key = models.TextField()
    sealed_secondary_key = models.TextField()
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(Lower("resource_id"), name="subscription_id_unique")]

    def __str__(self) -> str:
        return self.display_name
