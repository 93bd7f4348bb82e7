"""Security > CA certificates > one of them: its page, and its file."""

from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils import timezone

from gateway.certificate_contents import contents_of
from gateway.models import AuditEntry, CaCertificate
from gateway.models.certificates import EXPIRES_SOON
from gateway.preflight import ca_findings_of
from portal.certificate_history import events
from portal.validity_bar import validity_bar
from portal.views.base import PortalView
from portal.views.certificate_page import (
    MOST_NAMES,
    MOST_USES,
    certificate_file,
    file_name,
    folded,
    gone_words,
    standing,
)
from portal.views.certificate_pages import AREA, CA, use_links
from portal.views.lists import ListPage
from portal.views.missing import NotThere, RowView

MOST_RELATIVES = 20


class CaCertificateView(RowView):
    """Mix this in first for a page of one CA certificate, whose address has `key`."""

    area = AREA
    all_rows = (CA.list_route, "All CA certificates")

    @cached_property
    def certificate(self) -> CaCertificate:
        """The certificate that the address names. Raises NotThere, which says who deleted it."""
        row = CaCertificate.objects.with_uses().filter(pk=self.kwargs["key"]).first()
        if row is None:
            route, label = self.all_rows
            raise NotThere(gone_words(CA, self.kwargs["key"]), reverse(route), label)
        return row


class CaCertificatePage(CaCertificateView, ListPage):
    """What is known of a CA certificate. Its list is the history."""

    template_name = "portal/ca_certificates/ca_certificate.html"
    page_size = 10
    then_by = ("-revision", "-at")

    def get_title(self) -> str:
        """The certificate's name."""
        return f"CA certificate - {self.certificate}"

    def queryset(self) -> QuerySet[AuditEntry]:
        """The history."""
        return AuditEntry.objects.filter(object_key=self.certificate.pk)

    def rows(self, page: list[Any]) -> list[Any]:
        """The entries with what each changed."""
        return events(page)

    def context(self) -> dict[str, Any]:
        """Everything that the page shows."""
        row, now = self.certificate, timezone.now()
        contents, others = contents_of(row.pem), CaCertificate.objects.exclude(pk=row.pk).order_by("subject")
        delete = reverse(CA.delete_route, args=[row.pk])
        return super().context() | {
            "certificate": row,
            "facts": row,
            "breadcrumb": ((CA.tab, reverse(CA.list_route)),),
            "contents": contents,
            "names": folded(contents.names, MOST_NAMES),
            "bar": validity_bar(row.not_before, row.not_after, now, EXPIRES_SOON),
            "findings": ca_findings_of(row.pem, now),
            "standing": standing(row, row.uses, now),
            "uses": folded(use_links(row.uses), MOST_USES),
            "issuers": list(others.filter(subject=row.issuer)[:MOST_RELATIVES]),
            "issued": list(others.filter(issuer=row.subject)[:MOST_RELATIVES]),
            "delete_url": f"{delete}?{urlencode({'cancel': reverse(CA.page_route, args=[row.pk])})}",
        }


class CaCertificateDownload(CaCertificateView, PortalView):
    """The certificate as a file."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """The file."""
        return certificate_file(kwargs["form"], file_name(self.certificate.resource_id), self.certificate.pem)
