"""The operators' room: everything to be seen and searched, nothing edited past gateway.changes, secrets never.

Users and groups are managed here; configuration is changed by actions that call the same changes as the portal.
"""

from typing import TYPE_CHECKING

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from gateway import models
from gateway.changes import (
    apis,
    back_ends,
    ca_certificates,
    named_values,
    operations,
    security,
    subscriptions,
)
from gateway.changes.base import Actor
from portal import admin_certificates, admin_management, admin_records
from portal.admin_base import LookOnly, RoleMixin, each
from portal.roles import may_change, role_of

__all__ = [
    "admin_certificates",
    "admin_management",
    "admin_records",
]  # tables that are registered by being imported

if TYPE_CHECKING:
    _UserAdmin = UserAdmin[User]
else:
    _UserAdmin = UserAdmin

admin.site.site_header = "Publisher portal: operators"
admin.site.site_title = "Operators"
admin.site.index_title = "Everything there is"
admin.site.has_permission = lambda request: request.user.is_active and role_of(request.user) is not None  # type: ignore[method-assign]


class AccountsMixin(RoleMixin):
    """Accounts are for administrators alone."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return may_change(request.user)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return may_change(request.user)


admin.site.unregister((User, Group))


@admin.register(User)
class AccountAdmin(AccountsMixin, _UserAdmin):
    """Who may sign in, and in which group."""


@admin.register(Group)
class GroupsAdmin(AccountsMixin, GroupAdmin):
    """The groups; Administrators and Readers give a role in the portal."""


@admin.register(models.CaCertificate)
class CaCertificateAdmin(LookOnly):
    """CA certificates."""

    list_display = ("resource_id", "subject", "thumbprint", "not_after", "revision")
    list_filter = ("not_after",)
    search_fields = ("resource_id", "subject", "issuer", "thumbprint", "sha256")
    actions = ("delete_unused",)

    @admin.action(description="Delete the selected CA certificates (not those in use)", permissions=["act"])
    def delete_unused(self, request: HttpRequest, rows: QuerySet[models.CaCertificate]) -> None:
        each(
            request, rows, "deleted", lambda actor, row: ca_certificates.delete_ca_certificate(actor, row.key)
        )


@admin.register(models.Api)
class ApiAdmin(LookOnly):
    """APIs."""

    list_display = (
        "display_name",
        "resource_id",
        "suffix",
        "web_service_url",
        "http",
        "https",
        "subscription_required",
        "limits",
        "revision",
    )
    list_filter = ("http", "https", "subscription_required")
    search_fields = ("display_name", "resource_id", "suffix", "web_service_url", "description")
    actions = ("present_nothing", "delete_apis")

    @admin.display
    def limits(self, row: models.Api) -> str:
        """Those that are set; the others are the settings'."""
        values = {name: getattr(row, name) for name in apis.MOST}
        return ", ".join(f"{name} {value}" for name, value in values.items() if value is not None)

    @admin.action(description="Set With credentials to None for the selected APIs", permissions=["act"])
    def present_nothing(self, request: HttpRequest, rows: QuerySet[models.Api]) -> None:
        def change(actor: Actor, api: models.Api) -> None:
            trust = security.read_security(api).trust
            security.save_security(actor, api.key, credentials=security.NoCredentials(), trust=trust)

        each(request, rows, "changed", change)

    @admin.action(
        description="Delete the selected APIs with their operations and policies", permissions=["act"]
    )
    def delete_apis(self, request: HttpRequest, rows: QuerySet[models.Api]) -> None:
        each(request, rows, "deleted", lambda actor, row: apis.delete_api(actor, row.key))


@admin.register(models.Subscription)
class SubscriptionAdmin(LookOnly):
    """Subscriptions, without their keys."""

    hidden = ("sealed_primary_key", "sealed_secondary_key")
    list_display = ("display_name", "resource_id", "owner", "scope", "state", "allow_tracing", "revision")
    list_filter = ("state", "allow_tracing")
    list_select_related = ("api",)
    search_fields = ("display_name", "resource_id", "owner", "api__display_name")
    actions = ("suspend", "activate", "cancel")

    @admin.display(ordering="api__display_name")
    def scope(self, row: models.Subscription) -> str:
        return str(row.api or "All APIs")

    @admin.action(description="Suspend the selected subscriptions", permissions=["act"])
    def suspend(self, request: HttpRequest, rows: QuerySet[models.Subscription]) -> None:
        each(
            request, rows, "suspended", lambda actor, row: subscriptions.suspend_subscription(actor, row.key)
        )

    @admin.action(description="Activate the selected subscriptions", permissions=["act"])
    def activate(self, request: HttpRequest, rows: QuerySet[models.Subscription]) -> None:
        each(
            request, rows, "activated", lambda actor, row: subscriptions.activate_subscription(actor, row.key)
        )

    @admin.action(description="Cancel the selected subscriptions for good", permissions=["act"])
    def cancel(self, request: HttpRequest, rows: QuerySet[models.Subscription]) -> None:
        each(request, rows, "cancelled", lambda actor, row: subscriptions.cancel_subscription(actor, row.key))


@admin.register(models.Operation)
class OperationAdmin(LookOnly):
    """Operations of all APIs."""

    list_display = ("display_name", "api", "method", "url_template", "revision")
    list_filter = ("method",)
    list_select_related = ("api",)
    search_fields = ("display_name", "resource_id", "url_template", "api__display_name")
    actions = ("delete_operations",)

    @admin.action(description="Delete the selected operations", permissions=["act"])
    def delete_operations(self, request: HttpRequest, rows: QuerySet[models.Operation]) -> None:
        each(request, rows, "deleted", lambda actor, row: operations.delete_operation(actor, row.key))


@admin.register(models.BackEndTrust)
class BackEndTrustAdmin(LookOnly):
    """What APIs demand of their back ends' certificates."""

    list_display = (
        "api",
        "validate_certificate_chain",
        "validate_certificate_name",
        "public_cas",
        "refuse_expired",
    )
    list_filter = ("validate_certificate_chain", "validate_certificate_name", "public_cas", "refuse_expired")
    list_select_related = ("api",)
    search_fields = ("api__display_name", "trusted_cas__ca_certificate__resource_id")


@admin.register(models.BackEnd)
class BackEndAdmin(LookOnly):
    """Back ends, and what they check of the certificates at their URLs."""

    list_display = (
        "resource_id",
        "title",
        "url",
        "validate_certificate_chain",
        "validate_certificate_name",
        "revision",
    )
    list_filter = ("validate_certificate_chain", "validate_certificate_name")
    search_fields = ("resource_id", "title", "url")
    actions = ("delete_unused",)

    @admin.action(description="Delete the selected back ends (not those in use)", permissions=["act"])
    def delete_unused(self, request: HttpRequest, rows: QuerySet[models.BackEnd]) -> None:
        each(request, rows, "deleted", lambda actor, row: back_ends.delete_back_end(actor, row.key))


@admin.register(models.TrustedCa)
class TrustedCaAdmin(LookOnly):
    """Which API trusts which uploaded CA certificate."""

    list_display = ("trust", "ca_certificate")
    list_select_related = ("trust__api", "ca_certificate")
    search_fields = ("trust__api__display_name", "ca_certificate__resource_id")


@admin.register(models.PolicyDocument)
class PolicyDocumentAdmin(LookOnly):
    """Policy documents, which hold no secret."""

    list_display = ("__str__", "scope", "revision")
    list_select_related = ("api", "operation")
    search_fields = ("xml", "api__display_name", "operation__display_name")


@admin.register(models.PolicyVersion)
class PolicyVersionAdmin(LookOnly):
    """What the documents were before, which hold no secret either."""

    list_display = ("at", "scope", "action", "actor_name", "actor_kind", "revision")
    list_filter = ("action", "actor_kind", "at")
    list_select_related = ("api", "operation__api")
    search_fields = ("xml", "actor_name", "api__display_name", "operation__display_name")
    date_hierarchy = "at"
    ordering = ("-revision",)

    @admin.display
    def scope(self, row: models.PolicyVersion) -> str:
        return f"{row.operation.api} / {row.operation}" if row.operation else str(row.api or "All APIs")


@admin.register(models.PolicyReference)
class PolicyReferenceAdmin(LookOnly):
    """What documents refer to."""

    list_display = ("document", "certificate", "named_value", "back_end")
    list_select_related = ("document__api", "document__operation", "certificate", "named_value", "back_end")
    search_fields = ("certificate__resource_id", "named_value__resource_id", "back_end__resource_id")


@admin.register(models.NamedValue)
class NamedValueAdmin(LookOnly):
    """Named values, the secret ones without their value."""

    hidden = ("sealed_value",)
    list_display = ("resource_id", "secret", "value", "tags", "revision")
    list_filter = ("secret",)
    search_fields = ("resource_id", "value")
    actions = ("delete_unused",)

    @admin.action(description="Delete the selected named values (not those in use)", permissions=["act"])
    def delete_unused(self, request: HttpRequest, rows: QuerySet[models.NamedValue]) -> None:
        each(request, rows, "deleted", lambda actor, row: named_values.delete_named_value(actor, row.key))


@admin.register(models.AuditEntry)
class AuditEntryAdmin(LookOnly):
    """Who changed what, and when."""

    list_display = ("at", "actor_name", "actor_kind", "action", "object_kind", "object_name", "revision")
    list_filter = ("action", "object_kind", "actor_kind", "at")
    search_fields = ("actor_name", "object_name", "object_key", "changes")
    date_hierarchy = "at"
    ordering = ("-revision",)
