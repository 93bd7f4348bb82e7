"""The operators' tables of what is recorded: deletions, gateway processes, what was presented, told, tested and
traced."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from gateway import models
from portal.admin_base import LookOnly


@admin.register(models.Deletion)
class DeletionAdmin(LookOnly):
    """Which rows of configuration went away, and with which change."""

    list_display = ("table", "row", "revision")
    list_filter = ("table",)
    search_fields = ("table", "row")
    ordering = ("-revision",)


@admin.register(models.GatewayLease)
class GatewayLeaseAdmin(LookOnly):
    """Running gateway processes."""

    list_display = ("name", "revision", "started_at", "renewed_at", "problem")
    search_fields = ("name",)


@admin.register(models.HeldConnections)
class HeldConnectionsAdmin(LookOnly):
    """How many connections gateway processes hold that were made with a client certificate."""

    list_display = ("lease", "thumbprint", "connections")
    list_select_related = ("lease",)
    search_fields = ("lease__name", "thumbprint")


@admin.register(models.Presentation)
class PresentationAdmin(LookOnly):
    """When client certificates were last presented, and to which back ends."""

    list_display = ("thumbprint", "api", "back_end", "last_at", "expired_at")
    list_filter = ("last_at", "expired_at")
    search_fields = ("thumbprint", "api", "back_end")
    ordering = ("-last_at",)


@admin.register(models.ExpiryNotice)
class ExpiryNoticeAdmin(LookOnly):
    """Which certificates people were told of before they expired."""

    list_display = ("thumbprint", "days", "claimed_at", "sent_at", "missed")
    list_filter = ("days", "sent_at")
    search_fields = ("thumbprint",)
    ordering = ("-claimed_at",)


@admin.register(models.NotificationRun)
class NotificationRunAdmin(LookOnly):
    """When certificates were looked for that people are to be told of."""

    list_display = ("at", "told", "problem")
    search_fields = ("problem",)
    ordering = ("-at",)


@admin.register(models.NotificationSettings)
class NotificationSettingsAdmin(LookOnly):
    """Who is told, and when."""

    list_display = ("recipients", "thresholds", "revision")
    search_fields = ("recipients",)


@admin.register(models.ConnectionTest)
class ConnectionTestAdmin(LookOnly):
    """Tests of connections to back ends, and their reports."""

    list_display = ("asked_at", "gateway")
    search_fields = ("gateway", "order")
    ordering = ("-asked_at",)


@admin.register(models.Trace)
class TraceAdmin(LookOnly):
    """When calls of which APIs were traced. A trace is for whoever knows its address, so none is told here."""

    list_display = ("at", "api")
    list_display_links = None
    hidden = ("content",)
    search_fields = ("api",)
    ordering = ("-at",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[models.Trace]:
        """Without what they say, which is long."""
        return super().get_queryset(request).defer("content")
