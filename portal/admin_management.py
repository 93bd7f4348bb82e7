"""The operators' tables of the management REST API: whether it is on, and who may use it."""

from django.contrib import admin

from gateway import models
from portal.admin_base import LookOnly


@admin.register(models.ManagementApi)
class ManagementApiAdmin(LookOnly):
    """Whether the management REST API answers at all."""

    list_display = ("__str__", "enabled", "revision")
    search_fields = ("enabled",)


@admin.register(models.Principal)
class PrincipalAdmin(LookOnly):
    """Who may use it, without the keys."""

    hidden = ("sealed_primary_key", "sealed_secondary_key")
    list_display = (
        "resource_id",
        "role",
        "primary_made_at",
        "primary_expires_at",
        "secondary_made_at",
        "secondary_expires_at",
        "revision",
    )
    list_filter = ("role",)
    search_fields = ("resource_id",)
