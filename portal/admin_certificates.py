"""The operators' tables of client certificates: what is presented, what was or will be, and what is asked for."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from gateway import models
from gateway.changes import certificate_versions, certificates, signing_requests
from gateway.changes.base import Actor
from portal.admin_base import LookOnly, each


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
        each(request, rows, "deleted", lambda actor, row: certificates.delete_certificate(actor, row.key))


@admin.register(models.CertificateVersion)
class CertificateVersionAdmin(LookOnly):
    """The material of client certificates, without the keys."""

    hidden = ("sealed_private_key",)
    list_display = (
        "certificate",
        "number",
        "in_use",
        "subject",
        "thumbprint",
        "not_before",
        "not_after",
        "key_type",
    )
    list_filter = ("key_type", "not_after")
    list_select_related = ("certificate",)
    search_fields = ("subject", "issuer", "thumbprint", "sha256", "serial_number")
    actions = ("use", "remove")

    @admin.display(boolean=True)
    def in_use(self, row: models.CertificateVersion) -> bool:
        return row.certificate.current_id == row.pk

    @admin.action(description="Use the selected versions from now on", permissions=["act"])
    def use(self, request: HttpRequest, rows: QuerySet[models.CertificateVersion]) -> None:
        def change(actor: Actor, row: models.CertificateVersion) -> None:
            certificate_versions.use_version(actor, row.certificate_id, row.key)

        each(request, rows, "in use", change)

    @admin.action(description="Remove the selected versions (not those in use)", permissions=["act"])
    def remove(self, request: HttpRequest, rows: QuerySet[models.CertificateVersion]) -> None:
        def change(actor: Actor, row: models.CertificateVersion) -> None:
            certificate_versions.remove_version(actor, row.certificate_id, row.key)

        each(request, rows, "removed", change)


@admin.register(models.SigningRequest)
class SigningRequestAdmin(LookOnly):
    """Signing requests, without their keys."""

    hidden = ("sealed_private_key",)
    list_display = ("name", "certificate", "subject", "key_type", "created_at", "created_by", "revision")
    list_filter = ("key_type",)
    list_select_related = ("certificate",)
    search_fields = ("name", "subject", "names", "public_key_sha256", "created_by")
    actions = ("delete_requests",)

    @admin.action(description="Delete the selected signing requests with their keys", permissions=["act"])
    def delete_requests(self, request: HttpRequest, rows: QuerySet[models.SigningRequest]) -> None:
        each(
            request,
            rows,
            "deleted",
            lambda actor, row: signing_requests.delete_signing_request(actor, row.key),
        )
