"""Who may use the management REST API."""

from django.db import models
from django.db.models.functions import Lower

from gateway.models.base import ConfigurationRow, ResourceRow

CONTRIBUTOR, READER = "contributor", "reader"
ROLES = ((CONTRIBUTOR, "Contributor"), (READER, "Reader"))


class ManagementApi(ConfigurationRow):
    """The one row: whether the management REST API answers at all."""

    only = models.BooleanField(default=True, unique=True, editable=False)
    enabled = models.BooleanField(default=False)

    class Meta:
        verbose_name = verbose_name_plural = "management REST API"

    def __str__(self) -> str:
        return "management REST API"


class Principal(ResourceRow):
    """Somebody who calls the management REST API: a script, a pipeline. Its id is the identifier in its tokens.

    Two keys sign tokens, so that one can be replaced while the other works. A key that is "" was never made, or was
    revoked; one with `..._expires_at` in the past signs no more.
    """

    role = models.CharField(max_length=20, choices=ROLES)
    sealed_primary_key = models.TextField(blank=True)
    sealed_secondary_key = models.TextField(blank=True)
    primary_made_at = models.DateTimeField(null=True)
    secondary_made_at = models.DateTimeField(null=True)
    primary_expires_at = models.DateTimeField(null=True)
    secondary_expires_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(Lower("resource_id"), name="principal_id_unique")]

    def __str__(self) -> str:
        return self.resource_id
