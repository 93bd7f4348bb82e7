"""The trace of a call, for people with a role, and principals of the REST API, who have its address."""

from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.urls import reverse

from gateway import records_traces
from portal.management_api.access import brings_token, caller_of
from portal.management_api.answers import error_answer
from portal.management_api.errors import ApiError, unauthorized
from portal.places import Link
from portal.traces.told import Told, told
from portal.views.base import Page
from portal.views.missing import NotThere, RowView

_GONE = (
    "There is no trace at this address. Traces are kept for an hour, and only the newest "
    f"{records_traces.MOST:,} of them: call again with Ocp-Apim-Trace: true."
)


class TracePage(RowView, Page):
    """A page for browsers; the document itself for everybody else, or who asks with ?format=json.

    Whoever brings a token of the management REST API needs no session, and is answered in JSON alone.
    """

    area = "apis"
    title = "Trace of a call"
    template_name = "portal/traces/page.html"
    all_rows = ("apis", "All APIs")

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Tell programs from people."""
        if request.method in {"GET", "HEAD"} and brings_token(request):
            return self._for_program(request)
        return super().dispatch(request, *args, **kwargs)

    def _for_program(self, request: HttpRequest) -> HttpResponse:
        if caller_of(request) is None:
            return error_answer(unauthorized())
        row = records_traces.find(self.kwargs["key"])
        if row is None:
            return error_answer(ApiError(HTTPStatus.NOT_FOUND, "ResourceNotFound", _GONE))
        return _document(row.content, f"trace-{row.key}.json")

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Show the trace, or hand out its document."""
        row = records_traces.find(self.kwargs["key"])
        if row is None:
            raise NotThere(_GONE, reverse("apis"), "All APIs")
        if request.GET.get("format") == "json" or "text/html" not in request.headers.get("Accept", ""):
            return _document(row.content, f"trace-{row.key}.json")
        trace = told(row)
        return self.page(trace=trace, title=trace.title, breadcrumb=_trail(trace))


def _trail(trace: Told) -> tuple[tuple[str, str], ...]:
    links = (Link("APIs", reverse("apis")), trace.api, trace.operation)
    return tuple((link.label, link.url) for link in links if link.url)


def _document(content: Any, name: str) -> JsonResponse:
    fields = {"Content-Disposition": f'inline; filename="{name}"', "Vary": "Accept"}
    return JsonResponse(content, safe=False, headers=fields, json_dumps_params={"indent": 2})
