"""APIs: the list, Add new API, Settings, Delete; and what all pages of one API share.

A page of one API: `class X(ApiView, Page)` (or FormPage, ListPage), with `self.api` and, in its context,
`tab_bar` by the class's `tab`. An id that is not there is answered by a 404 page that leads to the list.
"""

from functools import cached_property
from typing import Any

from django.contrib import messages
from django.db.models import Case, CharField, Exists, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Concat, Lower
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from gateway.addresses import parse_web_service_url
from gateway.changes import apis as changes
from gateway.changes.policies import presents_certificate
from gateway.errors import NeedsConfirmation, NotFound
from gateway.models import Api, PolicyDocument, PolicyReference
from gateway.policies import parser, splice
from gateway.policies.parser import PolicyErrors
from portal.credentials import credentials_of
from portal.expiries import badges_of
from portal.forms.apis import ApiSettingsForm, NewApiForm
from portal.forms.base import PortalForm
from portal.gateway_urls import gateway_bases, public_urls
from portal.navigation import Tab, tab_bar
from portal.roles import may_change
from portal.url_preview import UrlPreview, url_preview
from portal.views.base import (
    AdministratorRequired,
    Page,
    actor_of,
    announce,
    path_to_row,
    safe_path,
)
from portal.views.editing import Conflict, FormPage
from portal.views.lists import Choice, Column, Filter, ListPage, anchor_of, beside
from portal.views.missing import NotThere, RowView

_TABS = (
    ("Summary", "api-summary"),
    ("Settings", "api-settings"),
    ("Operations", "operations"),
    ("Security", "api-security"),
    ("Console", "api-console"),
    ("What happens to a call", "api-call"),
)

_TABS_WITH_BADGES = frozenset({"Summary", "Security"})  # where one can do something about it


def load_api(resource_id: str) -> Api:
    """The API with an id, without regard to case, with its trust and its policy document. Raises NotThere."""
    rows = Api.objects.select_related("trust", "policy_document")
    api = rows.filter(resource_id__iexact=resource_id).first()
    if api is None:
        message = f"There is no API with the id “{resource_id}”. Somebody may have deleted it."
        raise NotThere(message, reverse("apis"), "All APIs")
    return api


def api_tabs(api: Api, selected: str) -> tuple[Tab, ...]:
    """The tabs of an API's pages; `selected` is a label."""
    return tab_bar(selected, _TABS, api.resource_id)


class ApiView(RowView):
    """Mix this in first for a page of one API, whose address has `api_id`."""

    area = "apis"
    all_rows = ("apis", "All APIs")
    tab = ""

    @cached_property
    def api(self) -> Api:
        """The API that the address names."""
        return load_api(self.kwargs["api_id"])

    def get_title(self) -> str:
        """The title of all tabs of an API."""
        return f"APIs - {self.api}"

    def context(self) -> dict[str, Any]:
        """The context with the API, its tabs and the way back to the list."""
        inherited: dict[str, Any] = super().context()  # type: ignore[misc]
        badges = badges_of([self.api], timezone.now()) if self.tab in _TABS_WITH_BADGES else {}
        return inherited | {
            "api": self.api,
            "badges": badges.get(self.api.key, ()),
            "tab_bar": api_tabs(self.api, self.tab),
            "breadcrumb": (("APIs", reverse("apis")),),
        }


# --- the list -----------------------------------------------------------------------------------------------------
def _references(**where: Any) -> Exists:
    return Exists(PolicyReference.objects.filter(certificate__isnull=False, **where))


_OPERATIONS_PRESENT = _references(document__operation__api=OuterRef("pk"))


def _without_credentials() -> Q:
    """APIs whose own document holds no authentication statement.

    The text tells, unless it holds a comment: a statement may have been commented out, so these are read.
    """
    written = Q(policy_document__xml__contains="<authentication-")
    doubtful = PolicyDocument.objects.filter(api__isnull=False, xml__contains="<authentication-")
    mistaken = [
        document.api_id
        for document in doubtful.filter(xml__contains="<!")
        if not _authenticates(document.xml)
    ]
    return Q(policy_document=None) | ~written | Q(pk__in=mistaken)


def _authenticates(xml: str) -> bool:
    try:
        return splice.authentication_of(parser.parse(xml, "api")).kind != "none"
    except PolicyErrors:
        return True


_FILTERS = (
    Filter(
        "credentials",
        "Credentials",
        (
            Choice(
                "certificate",
                "Presents a client certificate",
                lambda: Q(_references(document__api=OuterRef("pk"))) | Q(_OPERATIONS_PRESENT),
            ),
            Choice("none", "Without credentials", _without_credentials),
        ),
    ),
)


_PRESENTED = PolicyReference.objects.filter(document__api=OuterRef("pk"), certificate__isnull=False)
_CREDENTIALS = Case(  # roughly what the list says of them, to sort by; a commented-out statement goes astray
    When(
        policy_document__xml__contains="<authentication-certificate",
        then=Concat(
            Value("Client certificate "), Subquery(_PRESENTED.values("certificate__resource_id")[:1])
        ),
    ),
    When(policy_document__xml__contains="<authentication-basic", then=Value("HTTP basic")),
    default=Value("None"),
    output_field=CharField(),
)


class Apis(ListPage):
    """The APIs."""

    area = "apis"
    title = "APIs"
    template_name = "portal/apis/list.html"
    search_label = "Search name, suffix, id or web service URL"
    columns = (
        Column("name", "Name", Lower("display_name")),
        Column("suffix", "URL suffix", Lower("suffix")),
        Column("id", "Id", Lower("resource_id")),
        Column("credentials", "Credentials", _CREDENTIALS),
        Column("actions", "", css="end"),
    )
    search_fields = ("display_name", "resource_id", "suffix", "web_service_url", "description")
    filters = _FILTERS

    def queryset(self) -> QuerySet[Api]:
        """APIs with what their credentials are read from."""
        rows = Api.objects.select_related("policy_document").annotate(operations_present=_OPERATIONS_PRESENT)
        return rows.prefetch_related("policy_document__references__certificate__current")

    def rows(self, page: list[Any]) -> list[Any]:
        """Each API with its public URLs and its credentials in words."""
        bases = gateway_bases(self.request)
        badges = badges_of(page, timezone.now())
        return [
            {
                "api": api,
                "badges": badges.get(api.key, ()),
                "anchor": anchor_of(api),
                "then": anchor_of(neighbour),
                "urls": public_urls(api, bases),
                "credentials": credentials_of(api),
            }
            for api, neighbour in zip(page, beside(page), strict=True)
        ]


# --- add ----------------------------------------------------------------------------------------------------------
class _WithPreview(FormPage):
    """A page whose form has a suffix and schemes, with the URL that they make."""

    def own_id(self) -> str:
        """The id of the API that is edited, whose suffix is no clash; "" for a new one."""
        return ""

    def form_options(self) -> dict[str, Any]:
        """The schemes that the gateway offers."""
        return {"offered": frozenset(gateway_bases(self.request))}

    def page(self, *, status: int = 200, **context: Any) -> TemplateResponse:
        """The page with the preview of what the form holds."""
        form = context["form"]
        suffix, schemes = form["suffix"].value() or "", form["scheme"].value() or []
        preview = url_preview(self.request, suffix, schemes, self.own_id())
        return super().page(status=status, preview=preview, own_id=self.own_id(), **context)


class ApiAdd(AdministratorRequired, _WithPreview):
    """Add new API."""

    area = "apis"
    title = "Add new API"
    template_name = "portal/apis/add.html"
    form_class = NewApiForm

    def initial(self) -> dict[str, Any]:
        """The safest scheme that the gateway offers is ticked."""
        return {"scheme": list(gateway_bases(self.request))[:1]}

    def context(self) -> dict[str, Any]:
        """The context with the way back."""
        return super().context() | {"breadcrumb": (("APIs", reverse("apis")),)}

    def save(self, form: NewApiForm) -> HttpResponse:
        """Describe the API and show its Summary."""
        api = changes.create_api(actor_of(self.request), **form.values())
        announce(self.request, f"New API “{api}” was successfully saved.", api.revision)
        return redirect("api-summary", api.resource_id)


class ApiPreview(Page):
    """The preview alone, for static/js/url-preview.js."""

    template_name = "portal/apis/preview.html"

    def context(self) -> dict[str, Any]:
        """The preview of what the address says."""
        asked = self.request.GET
        preview: UrlPreview = url_preview(
            self.request, asked.get("suffix", ""), asked.getlist("scheme"), asked.get("own_id", "")
        )
        return {"preview": preview}


# --- settings -----------------------------------------------------------------------------------------------------
class ApiSettings(ApiView, _WithPreview):
    """The Settings tab."""

    tab = "Settings"
    template_name = "portal/apis/settings.html"
    form_class = ApiSettingsForm

    def own_id(self) -> str:
        """This API's id."""
        return self.api.resource_id

    def initial(self) -> dict[str, Any]:
        """The settings as they are."""
        api = self.api
        names = (
            "display_name",
            "description",
            "web_service_url",
            "suffix",
            "subscription_required",
            "revision",
        )
        schemes = [scheme for scheme in ("http", "https") if getattr(api, scheme)]
        values = {name: getattr(api, name) for name in (*names, *changes.MOST)}
        return values | {"scheme": schemes}

    def build_form(self, data: QueryDict | None = None) -> PortalForm:
        """The form, which Readers cannot fill in."""
        return disabled_for_readers(super().build_form(data), self.request)

    def conflict(self, form: PortalForm, revision: int) -> Conflict:
        """Compare with what is there now, not with what was there when this request began."""
        self.__dict__.pop("api", None)
        return super().conflict(form, revision)

    def save(self, form: ApiSettingsForm) -> HttpResponse:
        """Save; ask first where a certificate would be presented to another host."""
        if "keep_editing" in self.request.POST:
            return self.page(form=form, not_saved=True)
        try:
            api = self._update(form, confirmed=False)
        except NeedsConfirmation as question:
            if self.request.POST.get("confirmed") != question.message:
                return self._ask(form, question)
            api = self._update(form, confirmed=True)
        announce(self.request, f"“{api}” was saved.", api.revision)
        return redirect("api-settings", api.resource_id)

    def _update(self, form: ApiSettingsForm, *, confirmed: bool) -> Api:
        actor, revision = actor_of(self.request), form.expected_revision()
        return changes.update_api(
            actor, self.api.key, revision=revision, confirmed=confirmed, **form.values()
        )

    def _ask(self, form: ApiSettingsForm, question: NeedsConfirmation) -> HttpResponse:
        """The page that names certificate and host, and carries everything that was entered."""
        left_out = {"csrfmiddlewaretoken", "confirmed", "keep_editing"}
        entered = [
            (name, value)
            for name, values in self.request.POST.lists()
            if name not in left_out
            for value in values
        ]
        host = parse_web_service_url(form.cleaned_data["web_service_url"]).authority
        context = self.context() | {"question": question.message, "host": host, "entered": entered}
        context["certificate"] = presents_certificate(self.api)
        return render(self.request, "portal/apis/confirm_host.html", context, status=409)


def disabled_for_readers(form: PortalForm, request: HttpRequest) -> PortalForm:
    """A form that people who may only look can read and not fill in."""
    if not may_change(request.user):
        for field in form.fields.values():
            field.disabled = True
    return form


# --- delete -------------------------------------------------------------------------------------------------------
class ApiDelete(AdministratorRequired, ApiView, FormPage):
    """Asks before an API is deleted, and deletes it."""

    template_name = "portal/apis/delete.html"
    form_class = PortalForm

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """An API that somebody else has deleted meanwhile is what was wanted: say so, and go on."""
        try:
            return super().post(request, *args, **kwargs)
        except (NotThere, NotFound):
            messages.info(request, "This API had been deleted already.")
            return redirect(path_to_row(request, reverse("apis")))

    def get_title(self) -> str:
        """The question's title."""
        return "Delete API"

    def context(self) -> dict[str, Any]:
        """The context with what goes with the API, and the list as the person had left it."""
        operations = self.api.operations.count()
        return super().context() | {
            "operations_count": operations,
            "subscriptions_count": self.api.subscriptions.count(),
            "urls": public_urls(self.api, gateway_bases(self.request)),
            "back": safe_path(self.request, reverse("apis")),
            "then": self.request.GET.get("then", ""),
            "cancel": safe_path(self.request, safe_path(self.request, reverse("apis")), "cancel"),
        }

    def save(self, form: PortalForm) -> HttpResponse:
        """Delete it and return to the list."""
        api = self.api
        revision = changes.delete_api(actor_of(self.request), api.key)
        announce(self.request, f"The API “{api}” was deleted.", revision)
        return redirect(path_to_row(self.request, reverse("apis")))
