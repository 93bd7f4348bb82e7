"""Pages of a row that the address names, when the row is not there (any more)."""

from typing import Any, ClassVar

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse

from gateway.errors import NotFound
from portal.views.base import PortalView


class NotThere(Http404):
    """A row that is not there (any more). The page that says so leads to the list."""

    def __init__(self, message: str, url: str, label: str) -> None:
        super().__init__(message)
        self.message, self.url, self.label = message, url, label


def not_there(request: HttpRequest, missing: NotThere, area: str) -> HttpResponse:
    """The 404 page for a row that is not there. A policy document that was sent to it comes back, to be copied."""
    sent = request.POST.get("xml", "")
    context = {"title": "Not found", "area": area, "missing": missing, "sent": sent}
    return render(request, "not_there.html", context, status=404)


class RowView(PortalView):
    """Mix this in first for a page of one row. `all_rows` are route and label of the list that it is in."""

    area = ""
    all_rows: ClassVar[tuple[str, str]]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer, with a page of our own where the row is not there."""
        try:
            return super().dispatch(request, *args, **kwargs)
        except NotThere as missing:
            return not_there(request, missing, self.area)
        except NotFound:  # deleted by somebody else between our reading and our change
            route, label = self.all_rows
            gone = "Somebody else has just deleted it, so nothing was changed."
            return not_there(request, NotThere(gone, reverse(route), label), self.area)
