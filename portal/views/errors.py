"""Error pages in the portal's own style. Each says what happened and what to do.

Pages for failures of the portal itself are rendered without a request, so that they need no database.
"""

import sys

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string

from portal.busy import RETRY_SECONDS, is_busy


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400: the request makes no sense, for instance a host name that is not allowed. 413: a field is too long."""
    if isinstance(exception, RequestDataTooBig):
        return too_large(request, int(settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0))
    return _without_request("400.html", 400)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403: refused by something other than a role."""
    return render(request, "403.html", {"title": "You may not do this"}, status=403)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403: the form's token is missing or has expired (CSRF_FAILURE_VIEW).

    A policy document comes back, to be copied: going back would not show it again. Not one that another site sent.
    """
    is_ours = request.headers.get("Origin", "").partition("://")[2] == request.get_host()
    sent = request.POST.get("xml", "") if is_ours else ""
    return render(request, "403_csrf.html", {"title": "This form has expired", "sent": sent}, status=403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404."""
    return render(request, "404.html", {"title": "There is no such page"}, status=404)


def method_not_allowed(request: HttpRequest, allowed: str) -> HttpResponse:
    """405; `allowed` is the value of the header Allow (RFC 9110, 15.5.6)."""
    context = {"title": "That cannot be done here"}
    page = render(request, "405.html", context, status=405)
    page["Allow"] = allowed
    return page


def too_large(request: HttpRequest, limit: int) -> HttpResponse:
    """413; `limit` is the most bytes that a form may send."""
    page = _without_request("413.html", 413, megabytes=limit // 1_000_000)
    page["Connection"] = "close"  # the rest of the body is not read
    return page


def server_error(request: HttpRequest) -> HttpResponse:
    """500, or 503 when the failure was a busy database."""
    return unavailable() if is_busy(sys.exc_info()[1]) else _without_request("500.html", 500)


def unavailable() -> HttpResponse:
    """503: the database is busy; try again."""
    page = _without_request("503.html", 503)
    page["Retry-After"] = str(RETRY_SECONDS)
    return page


_TITLES = {
    400: "This request was not understood",
    413: "That is too large",
    500: "Something went wrong",
    503: "The database is busy",
}


def _without_request(template: str, status: int, **context: object) -> HttpResponse:
    return HttpResponse(render_to_string(template, {"title": _TITLES[status], **context}), status=status)
