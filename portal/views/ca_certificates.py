"""Security > CA certificates: what APIs may trust when they validate their back ends."""

from collections.abc import Sequence
from uuid import UUID

from django.db.models import QuerySet
from django.db.models.functions import Lower

from gateway.changes.ca_certificates import delete_ca_certificate, upload_ca_certificates
from gateway.models import CaCertificate, TrustedCa
from portal.forms.certificates import CaCertificateForm, FileForm
from portal.views.base import actor_of
from portal.views.certificate_pages import (
    CA,
    AnyCertificate,
    CertificateListPage,
    DeletePage,
    UploadPage,
    filters_of,
)
from portal.views.lists import Column, number_of


class CaCertificates(CertificateListPage):
    """The CA certificates that an API can be told to trust."""

    template_name = "portal/ca_certificates/list.html"
    kind = CA
    upload_route = "ca-certificate-upload"
    columns = (
        Column("name", "Name", Lower("resource_id")),
        Column("subject", "Subject", "subject"),
        Column("issuer", "Issuer", "issuer"),
        Column("thumbprint", "Thumbprint", "thumbprint"),
        Column("until", "Valid until", "not_after"),
        Column("uses", CA.used_by, number_of(TrustedCa, "ca_certificate")),
        Column("actions", "", css="end"),
    )
    search_fields = ("resource_id", "subject", "issuer")
    thumbprint_fields = ("thumbprint", "sha256")
    filters = filters_of(CA)

    def queryset(self) -> QuerySet[CaCertificate]:
        """All of them, with what the list shows."""
        return CaCertificate.objects.with_uses()


class CaCertificateUpload(UploadPage):
    """Upload CA certificate."""

    title = "Upload CA certificate"
    template_name = "portal/ca_certificates/upload.html"
    form_class = CaCertificateForm
    kind = CA

    def upload(self, form: FileForm) -> Sequence[AnyCertificate]:
        """Store every CA certificate of the file."""
        values = form.values()
        return upload_ca_certificates(actor_of(self.request), data=values["file"], name=values["name"])


class CaCertificateDelete(DeletePage):
    """Delete beside a CA certificate."""

    title = "Are you sure you want to delete the CA certificate?"
    template_name = "portal/ca_certificates/delete.html"
    in_use_template = "portal/ca_certificates/in_use.html"
    kind = CA

    def remove(self, key: UUID) -> int:
        """Delete the CA certificate."""
        return delete_ca_certificate(actor_of(self.request), key)
