"""What the pages of client certificates and of CA certificates share: tabs, list, upload, delete."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar
from urllib.parse import urlencode, urlsplit
from uuid import UUID

from django.contrib import messages
from django.db.models import Q, Value
from django.db.models.functions import Lower
from django.db.models.lookups import LessThan
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from gateway.errors import InUse, NotFound, Use
from gateway.models import AuditEntry, CaCertificate, Certificate, CertificateVersion
from portal.forms.certificates import FileForm
from portal.navigation import Tab, tab_bar, url_or_none
from portal.views.base import AdministratorRequired, Page, announce, safe_path
from portal.views.editing import FormPage
from portal.views.lists import Choice, Filter, ListPage, beside
from portal.views.material import say_remark

AREA = "security"
AnyCertificate = Certificate | CaCertificate


@dataclass(frozen=True, slots=True)
class Kind:
    """One of the two kinds of certificate: its rows, its noun, and the names of its routes and parameters."""

    model: type[Certificate] | type[CaCertificate]
    noun: str
    tab: str
    list_route: str
    delete_route: str
    page_route: str
    parameter: str  # by which an uploaded one comes back to the page that asked for it
    used_by: str
    in_use: str


CLIENT = Kind(
    Certificate,
    noun="certificate",
    tab="Client certificates",
    list_route="certificates",
    delete_route="certificate-delete",
    page_route="certificate",
    parameter="certificate",
    used_by="Used by",
    in_use="Certificate cannot be deleted since it is being used by one or more policies.",
)
CA = Kind(
    CaCertificate,
    noun="CA certificate",
    tab="CA certificates",
    list_route="ca-certificates",
    delete_route="ca-certificate-delete",
    page_route="ca-certificate",
    parameter="ca_certificate",
    used_by="Trusted by",
    in_use="CA certificate cannot be deleted since one or more APIs trust it.",
)


def security_tabs(selected: str) -> tuple[Tab, ...]:
    """The tabs of Security; `selected` is a label."""
    certificates = ((kind.tab, kind.list_route) for kind in (CLIENT, CA))
    return tab_bar(selected, (("API Management REST API", "management-api"), *certificates))


def facts_of(row: AnyCertificate) -> CertificateVersion | CaCertificate | None:
    """The row that has subject, thumbprint and validity: for a client certificate its current version."""
    return row if isinstance(row, CaCertificate) else row.current


def deletion_of(key: UUID) -> AuditEntry | None:
    """Who deleted the certificate that once had this key."""
    return AuditEntry.objects.filter(object_key=key, action="deleted").order_by("-revision").first()


# --- Uses ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class UseLink:
    """A place that refers to a certificate, and where one goes to change that."""

    text: str
    url: str | None
    is_api: bool


def use_links(uses: Iterable[Use], back: str = "") -> tuple[UseLink, ...]:
    """Links to the pages where each use is made; a Save there returns to `back`."""
    return tuple(_use_link(use, back) for use in uses)


def _use_link(use: Use, back: str) -> UseLink:
    if use.scope == "operation":
        return UseLink(str(use), url_or_none("policy-operation", use.api_id, use.operation_id), is_api=False)
    if use.scope == "global":
        return UseLink(str(use), url_or_none("policies"), is_api=False)
    url = url_or_none("api-security", use.api_id)
    return UseLink(str(use), f"{url}?{urlencode({'next': back})}" if url and back else url, is_api=True)


# --- List ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ListRow:
    """A row of a list of certificates."""

    name: str
    anchor: str
    facts: CertificateVersion | CaCertificate | None
    uses: tuple[UseLink, ...]
    delete_url: str
    is_new: bool
    url: str | None


def anchor_of(key: object) -> str:
    """The id of a certificate's row in its list."""
    return f"certificate-{key}"


def _among(kind: Kind, queryset_method: str) -> Q:
    """The rows that a method of the model's queryset finds now, as a condition."""
    now = () if queryset_method == "unused" else (timezone.now(),)
    return Q(pk__in=getattr(kind.model.objects.all(), queryset_method)(*now).values("pk"))


def filters_of(kind: Kind) -> tuple[Filter, ...]:
    """By validity and by use."""
    unused = partial(_among, kind, "unused")
    return (
        Filter(
            "state",
            "Valid until",
            (
                Choice("expired", "Expired", partial(_among, kind, "expired")),
                Choice("expiring", "Expires within 30 days", partial(_among, kind, "expiring")),
            ),
        ),
        Filter(
            "use",
            kind.used_by,
            (Choice("unused", "Nothing", unused), Choice("used", "Anything", lambda: ~unused())),
        ),
    )


class CertificateListPage(ListPage):
    """A list of certificates under its tab of Security."""

    area = AREA
    title = "Security"
    search_label = "Search names, subjects, thumbprints"
    kind: ClassVar[Kind]
    upload_route: ClassVar[str]

    def context(self) -> dict[str, Any]:
        """With the tabs and the address of the upload, and the page that sent the person here to look or upload."""
        asked_by = safe_path(self.request, "")
        query = f"?{urlencode({'next': asked_by})}" if asked_by else ""
        return super().context() | {
            "tab_bar": security_tabs(self.kind.tab),
            "upload_url": f"{reverse(self.upload_route)}{query}",
            "asked_by": asked_by,
            "kept": {"next": asked_by} if asked_by else {},
            "clear_url": f"{self.request.path}{query}",
        }

    def rows(self, page: list[Any]) -> list[Any]:
        """The rows with their uses and the address that deletes each."""
        fresh = set(self.request.GET.getlist("uploaded"))
        pairs = zip(page, beside(page), strict=True)
        return [self._row(row, neighbour, str(row.pk) in fresh) for row, neighbour in pairs]

    def _row(self, row: AnyCertificate, neighbour: AnyCertificate | None, is_new: bool) -> ListRow:
        query = {"next": self._address()} | ({"then": str(neighbour.pk)} if neighbour else {})
        url = f"{reverse(self.kind.delete_route, args=[row.pk])}?{urlencode(query)}"
        page = url_or_none(self.kind.page_route, row.pk)
        return ListRow(str(row), anchor_of(row.pk), facts_of(row), use_links(row.uses), url, is_new, page)

    def _address(self) -> str:
        """The list as it is, without the mark of what was uploaded last."""
        query = self.request.GET.copy()
        query.pop("uploaded", None)
        return f"{self.request.path}?{query.urlencode()}" if query else self.request.path


# --- Upload --------------------------------------------------------------------------------------------------


class UploadPage(AdministratorRequired, FormPage):
    """A form that uploads certificates, and goes back to the list or to the page that asked for one."""

    area = AREA
    kind: ClassVar[Kind]
    form_class: type[FileForm]

    def upload(self, form: FileForm) -> Sequence[AnyCertificate]:
        """Make the change. Raises Invalid."""
        raise NotImplementedError

    def context(self) -> dict[str, Any]:
        """With the tabs and where Cancel goes."""
        back = safe_path(self.request, reverse(self.kind.list_route))
        return super().context() | {"tab_bar": security_tabs(self.kind.tab), "back": back}

    def save(self, form: FileForm) -> HttpResponse:
        """Upload, say so, and show what was uploaded."""
        rows = self.upload(form)
        announce(self.request, _uploaded_words(self.kind, rows), rows[0].revision)
        for place, remark in form.remarks():
            say_remark(self.request, str(rows[place]), remark)
        back = safe_path(self.request, "")
        if back:
            return redirect(_with_parameter(back, self.kind.parameter, str(rows[0].pk)))
        return redirect(_list_that_shows(self.kind, rows))


def _uploaded_words(kind: Kind, rows: Sequence[AnyCertificate]) -> str:
    if len(rows) == 1:
        return f"The {kind.noun} {rows[0]} was uploaded."
    return f"{len(rows)} {kind.noun}s were uploaded: {', '.join(str(row) for row in rows)}."


def _with_parameter(path: str, name: str, value: str) -> str:
    parts = urlsplit(path)
    query = QueryDict(parts.query, mutable=True)
    query[name] = value
    return parts._replace(query=query.urlencode()).geturl()


def _list_that_shows(kind: Kind, rows: Sequence[AnyCertificate]) -> str:
    """The list at the page of the first row, by name, which is how it is sorted unless asked otherwise.

    The parameter `uploaded` marks the rows, and makes the address another one: a script that goes to the address
    where the browser already is, except for a fragment, loads nothing.
    """
    earlier = LessThan(Lower("resource_id"), Lower(Value(rows[0].resource_id)))
    before = kind.model.objects.filter(earlier).count()
    query: list[tuple[str, object]] = [("uploaded", row.pk) for row in rows]
    if before >= ListPage.page_size:
        query.append(("page", before // ListPage.page_size + 1))
    return f"{reverse(kind.list_route)}?{urlencode(query)}#{anchor_of(rows[0].pk)}"


# --- Delete --------------------------------------------------------------------------------------------------


class DeletePage(AdministratorRequired, Page):
    """Asks, deletes, and otherwise names whatever still uses the certificate.

    The address carries the list as it was (`next`) and the row beside this one (`then`). With `check` the page
    looks first whether the certificate is still in use: a Save that was reached from the warning returns to that.
    """

    area = AREA
    kind: ClassVar[Kind]
    in_use_template: ClassVar[str]

    def remove(self, key: UUID) -> int:
        """Make the change; returns its revision. Raises NotFound or InUse."""
        raise NotImplementedError

    def about(self, row: Any) -> dict[str, Any]:
        """What else there is to know before it goes."""
        return {}

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Ask."""
        row = self._find(kwargs["key"])
        if row is None:
            return self._gone(kwargs["key"])
        uses = row.uses if "check" in request.GET else ()
        return self._in_use(row, uses) if uses else self.page(**self._about(row) | self.about(row))

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Delete, or say why not."""
        row = self._find(kwargs["key"])
        if row is None:
            return self._gone(kwargs["key"])
        try:
            revision = self.remove(row.pk)
        except NotFound:
            return self._gone(row.pk)
        except InUse as error:
            return self._in_use(row, error.uses, status=409)
        announce(request, f"The {self.kind.noun} {row} was deleted.", revision)
        return redirect(f"{self._back()}#{self._neighbour()}")

    def _find(self, key: UUID) -> AnyCertificate | None:
        return self.kind.model.objects.with_uses().filter(pk=key).first()

    def _back(self) -> str:
        path = safe_path(self.request, reverse(self.kind.list_route))
        return urlsplit(path)._replace(fragment="").geturl()

    def _neighbour(self) -> str:
        try:
            return anchor_of(UUID(self.request.GET.get("then", "")))
        except ValueError:
            return "main"

    def _about(self, row: AnyCertificate) -> dict[str, Any]:
        return {
            "row": row,
            "facts": facts_of(row),
            "checked": "check" in self.request.GET,
            "tab_bar": security_tabs(self.kind.tab),
            "back": (back := f"{self._back()}#{anchor_of(row.pk)}"),
            "cancel": safe_path(self.request, back, "cancel"),
        }

    def _in_use(self, row: AnyCertificate, uses: tuple[Use, ...], *, status: int = 200) -> HttpResponse:
        query = self.request.GET.copy()
        query["check"] = "1"
        again = f"{self.request.path}?{query.urlencode()}"
        about = {
            "title": f"The {self.kind.noun} is in use",
            "message": self.kind.in_use,
            "links": sorted(use_links(uses, back=again), key=lambda link: not link.is_api),
            "again": again,
        }
        self.template_name = self.in_use_template
        return self.page(**self._about(row) | about, status=status)

    def _gone(self, key: UUID) -> HttpResponse:
        deleted = deletion_of(key)
        text = f"There is no such {self.kind.noun} any more: it was already deleted."
        if deleted:
            text = f"The {self.kind.noun} {deleted.object_name} was already deleted by {deleted.actor_name}."
        messages.warning(self.request, text)
        return redirect(self._back())
