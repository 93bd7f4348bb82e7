"""Middleware of the portal: session limits, no caching, errors in the portal's own style."""

import time
from collections.abc import Callable

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from portal.busy import is_busy
from portal.kept_forms import ENDED_KEY
from portal.views import errors

GetResponse = Callable[[HttpRequest], HttpResponseBase]

_STARTED, _SEEN = "session_started_at", "session_seen_at"
_IDLE_PARTS = 30  # how often in an idle period the session is written, at most


class NoStore:
    """No page of the portal stays in a cache, the browser's included: the next person could go back to it."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Add Cache-Control (RFC 9111, 5.2.2.5) to whatever has none."""
        response = self.get_response(request)
        response.headers.setdefault("Cache-Control", "no-store, private")
        return response


class SessionLimits:
    """Ends a session that was idle too long, or is too old, however busy it was."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Sign out whoever is over a limit; the view then sends them to the sign-in page."""
        if request.user.is_authenticated:
            why = _over(request, time.time())
            if why:
                _end(request, why)
        return self.get_response(request)


def _over(request: HttpRequest, now: float) -> str:
    """Why the session is over, or "". Notes that it was used, at most a few times in an idle period."""
    session = request.session
    started, seen = session.setdefault(_STARTED, now), session.get(_SEEN, now)
    if now - started > settings.SESSION_ABSOLUTE_SECONDS:
        return (
            f"You were signed out because you had signed in {_words(settings.SESSION_ABSOLUTE_SECONDS)} ago."
        )
    if now - seen > settings.SESSION_IDLE_SECONDS:
        return f"You were signed out after {_words(settings.SESSION_IDLE_SECONDS)} without activity."
    if _SEEN not in session or now - seen > settings.SESSION_IDLE_SECONDS / _IDLE_PARTS:
        session[_SEEN] = now
    return ""


def _end(request: HttpRequest, why: str) -> None:
    owner = request.user.get_username()
    logout(request)
    request.session[ENDED_KEY] = owner
    messages.warning(request, why)


def _words(seconds: int) -> str:
    hours, minutes = seconds // 3600, seconds // 60
    if hours and not seconds % 3600:
        return f"{hours} hour{'s'[: hours > 1]}"
    return f"{minutes} minutes" if minutes > 1 else f"{seconds} seconds"


class ErrorPages:
    """Errors that Django answers without a page: 405, an upload that is too large, a busy database."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Refuse what is too large before a byte of it is read; give a bare 405 its page."""
        if _length(request) > settings.REQUEST_MAX_BYTES:
            return errors.too_large(request, settings.REQUEST_MAX_BYTES)
        response = self.get_response(request)
        if response.status_code == 405 and isinstance(response, HttpResponse) and not response.content:
            return errors.method_not_allowed(request, response.headers.get("Allow", ""))
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """A view that found the database busy. Everything else goes on to handler500."""
        return errors.unavailable() if is_busy(exception) else None


def _length(request: HttpRequest) -> int:
    text = request.META.get("CONTENT_LENGTH") or ""
    return int(text) if text.isdecimal() else 0
