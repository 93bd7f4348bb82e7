"""Security > Client certificates: the list, the upload of a file, and the deletion."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.db.models.functions import Lower

from gateway.changes.certificates import delete_certificate, upload_certificate
from gateway.models import Certificate, PolicyReference
from portal.certificate_versions import made_here
from portal.forms.certificates import CertificateForm, FileForm
from portal.views.base import actor_of
from portal.views.certificate_pages import (
    CLIENT,
    AnyCertificate,
    CertificateListPage,
    DeletePage,
    UploadPage,
    filters_of,
)
from portal.views.lists import Column, number_of
from portal.views.material import MaterialPage
from portal.views.signing_requests import pending


class Certificates(CertificateListPage):
    """The client certificates that the gateway can present."""

    template_name = "portal/certificates/list.html"
    kind = CLIENT
    upload_route = "certificate-upload"
    columns = (
        Column("name", "Name", Lower("resource_id")),
        Column("subject", "Subject", "current__subject"),
        Column("issuer", "Issuer", "current__issuer"),
        Column("thumbprint", "Thumbprint", "current__thumbprint"),
        Column("until", "Valid until", "current__not_after"),
        Column("uses", CLIENT.used_by, number_of(PolicyReference, "certificate")),
        Column("actions", "", css="end"),
    )
    search_fields = ("resource_id", "current__subject", "current__issuer")
    thumbprint_fields = ("current__thumbprint", "current__sha256")
    filters = filters_of(CLIENT)

    def queryset(self) -> QuerySet[Certificate]:
        """All of them, with what the list shows."""
        return Certificate.objects.with_uses()

    def context(self) -> dict[str, Any]:
        """With what is still to be signed."""
        return super().context() | {"signing_requests": pending()}


class CertificateUpload(UploadPage, MaterialPage):
    """Upload certificate."""

    title = "Upload certificate"
    template_name = "portal/certificates/upload.html"
    form_class = CertificateForm
    kind = CLIENT

    def upload(self, form: FileForm) -> Sequence[AnyCertificate]:
        """Store the client certificate of the PFX or PEM file."""
        values = form.values()
        return [
            upload_certificate(
                actor_of(self.request),
                data=values["file"],
                password=values["password"],
                key=values["key"],
                name=values["name"],
            )
        ]


class CertificateDelete(DeletePage):
    """Delete beside a client certificate."""

    title = "Are you sure you want to delete the certificate?"
    template_name = "portal/certificates/delete.html"
    in_use_template = "portal/certificates/in_use.html"
    kind = CLIENT

    def about(self, row: Certificate) -> dict[str, Any]:
        """What else goes with it: versions, keys that are nowhere else, signing requests."""
        return {
            "versions": row.versions.count(),
            "made_here": made_here(row),
            "requests": row.signing_requests.order_by("created_at").defer("sealed_private_key"),
        }

    def remove(self, key: UUID) -> int:
        """Delete the client certificate with all its versions."""
        return delete_certificate(actor_of(self.request), key)
