"""The operators' room: everything to be seen and searched, nothing edited past gateway.changes, secrets never.

Users and groups are managed here; configuration is changed by actions that call the same changes as the portal.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from gateway import models
from gateway.changes import (
    apis,
    ca_certificates,
    certificates,
    named_values,
    operations,
    security,
    subscriptions,
)
from gateway.changes.base import Actor
from gateway.errors import ChangeError, InUse
from gateway.thumbprints import looks_like_thumbprint
from portal.roles import may_change, role_of

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
    _UserAdmin = UserAdmin[User]
else:
    _ModelAdmin, _UserAdmin = admin.ModelAdmin, UserAdmin

admin.site.site_header = "Publisher portal: operators"
admin.site.site_title = "Operators"
admin.site.index_title = "Everything there is"
admin.site.has_permission = lambda request: request.user.is_active and role_of(request.user) is not None  # type: ignore[method-assign]


class RoleMixin:
    """Permissions by the user's role in the portal: Readers look, Administrators also act."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return role_of(request.user) is not None

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return role_of(request.user) is not None

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return may_change(request.user)

    has_change_permission = has_delete_permission = has_add_permission

    def has_act_permission(self, request: HttpRequest) -> bool:
        """For actions that are declared with permissions=["act"]."""
        return may_change(request.user)


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


class LookOnly(RoleMixin, _ModelAdmin):
    """A table to be seen and searched. Secrets (`hidden`) are left out."""

    hidden: tuple[str, ...] = ()
    actions_on_bottom = True
    list_per_page = 50
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    has_change_permission = has_delete_permission = has_add_permission

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        return [f.name for f in self.opts.fields if f.name not in self.hidden]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """A pasted thumbprint is found whatever separates its digits."""
        term = looks_like_thumbprint(search_term) or search_term
        return super().get_search_results(request, queryset, term)


def _each(
    request: HttpRequest, rows: QuerySet[Any], done: str, change: Callable[[Actor, Any], object]
) -> None:
    """Make one change for each row, and tell of each that was refused."""
    actor, count = Actor("user", request.user.get_username()), 0
    for row in rows:
        try:
            change(actor, row)
            count += 1
        except ChangeError as error:
            used = f" Used by: {', '.join(map(str, error.uses))}." if isinstance(error, InUse) else ""
            messages.error(request, f"{row}: {error.message}{used}")
    if count:
        messages.success(request, f"{count} {done}.")


@admin.register(models.Certificate)
class CertificateAdmin(LookOnly):
    """Client certificates."""

    list_display = ("resource_id", "subject", "issuer", "thumbprint", "not_after", "revision")
    list_filter = ("current__not_after",)
    list_select_related = ("current",)
    search_fields = ("resource_id", "current__subject", "current__issuer", "versions__thumbprint")
    actions = ("delete_unused",)

    @admin.display(ordering="current__subject")
    def subject(self, row: models.Certificate) -> str:
        return row.current.subject if row.current else ""

    @admin.display(ordering="current__issuer")
    def issuer(self, row: models.Certificate) -> str:
        return row.current.issuer if row.current else ""

    @admin.display(ordering="current__thumbprint")
    def thumbprint(self, row: models.Certificate) -> str:
        return row.current.thumbprint if row.current else ""

    @admin.display(ordering="current__not_after", description="valid until")
    def not_after(self, row: models.Certificate) -> Any:
        return row.current.not_after if row.current else None

    @admin.action(description="Delete the selected certificates (not those in use)", permissions=["act"])
    def delete_unused(self, request: HttpRequest, rows: QuerySet[models.Certificate]) -> None:
        _each(request, rows, "deleted", lambda actor, row: certificates.delete_certificate(actor, row.key))


@admin.register(models.CertificateVersion)
class CertificateVersionAdmin(LookOnly):
    """The material of client certificates, without the keys."""

    hidden = ("sealed_private_key",)
    list_display = ("certificate", "number", "subject", "thumbprint", "not_before", "not_after", "key_type")
    list_filter = ("key_type", "not_after")
    list_select_related = ("certificate",)
    search_fields = ("subject", "issuer", "thumbprint", "sha256", "serial_number")


@admin.register(models.CaCertificate)
class CaCertificateAdmin(LookOnly):
    """CA certificates."""

    list_display = ("resource_id", "subject", "thumbprint", "not_after", "revision")
    list_filter = ("not_after",)
    search_fields = ("resource_id", "subject", "issuer", "thumbprint", "sha256")
    actions = ("delete_unused",)

    @admin.action(description="Delete the selected CA certificates (not those in use)", permissions=["act"])
    def delete_unused(self, request: HttpRequest, rows: QuerySet[models.CaCertificate]) -> None:
        _each(
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

        _each(request, rows, "changed", change)

    @admin.action(
        description="Delete the selected APIs with their operations and policies", permissions=["act"]
    )
    def delete_apis(self, request: HttpRequest, rows: QuerySet[models.Api]) -> None:
        _each(request, rows, "deleted", lambda actor, row: apis.delete_api(actor, row.key))


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
        _each(
            request, rows, "suspended", lambda actor, row: subscriptions.suspend_subscription(actor, row.key)
        )

    @admin.action(description="Activate the selected subscriptions", permissions=["act"])
    def activate(self, request: HttpRequest, rows: QuerySet[models.Subscription]) -> None:
        _each(
            request, rows, "activated", lambda actor, row: subscriptions.activate_subscription(actor, row.key)
        )

    @admin.action(description="Cancel the selected subscriptions for good", permissions=["act"])
    def cancel(self, request: HttpRequest, rows: QuerySet[models.Subscription]) -> None:
        _each(
            request, rows, "cancelled", lambda actor, row: subscriptions.cancel_subscription(actor, row.key)
        )


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
        _each(request, rows, "deleted", lambda actor, row: operations.delete_operation(actor, row.key))


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

    list_display = ("document", "certificate", "named_value")
    list_select_related = ("document__api", "document__operation", "certificate", "named_value")
    search_fields = ("certificate__resource_id", "named_value__resource_id")


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
        _each(request, rows, "deleted", lambda actor, row: named_values.delete_named_value(actor, row.key))


@admin.register(models.AuditEntry)
class AuditEntryAdmin(LookOnly):
    """Who changed what, and when."""

    list_display = ("at", "actor_name", "actor_kind", "action", "object_kind", "object_name", "revision")
    list_filter = ("action", "object_kind", "actor_kind", "at")
    search_fields = ("actor_name", "object_name", "object_key", "changes")
    date_hierarchy = "at"
    ordering = ("-revision",)


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
