"""The door of the management REST API: a middleware in front of everything that pages need.

Whatever is under /management is answered here, without session, cookie or CSRF, and always in JSON.
"""

import logging
from collections.abc import Callable
from http import HTTPStatus

from django.conf import settings
from django.core.exceptions import BadRequest, DisallowedHost, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from portal.busy import RETRY_SECONDS, is_busy
from portal.management_api import arm, classic, openapi
from portal.management_api.access import caller_of
from portal.management_api.answers import error_answer, finish
from portal.management_api.errors import ApiError, too_large, unauthorized

PREFIX = "/management"
_logger = logging.getLogger(__name__)


class Door:
    """See the module. It comes first of all: what other middleware answers of its own accord is for browsers."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer what is for the REST API, and pass on the rest."""
        path = request.path_info.lower()
        if path != PREFIX and not path.startswith(f"{PREFIX}/"):
            return self.get_response(request)
        return finish(_answered(request), head=request.method == "HEAD", secure=request.is_secure())


def _answered(request: HttpRequest) -> HttpResponse:
    try:
        _check(request)
        return _answer(request)
    except ApiError as error:
        return error_answer(error)
    except DisallowedHost:
        message = "This host is not one of ALLOWED_HOSTS."
        return error_answer(ApiError(HTTPStatus.BAD_REQUEST, "BadRequest", message))
    except (SuspiciousOperation, BadRequest):  # too many parameters, for example
        message = "The request cannot be understood."
        return error_answer(ApiError(HTTPStatus.BAD_REQUEST, "BadRequest", message))
    except Exception as error:
        return error_answer(_unforeseen(request, error))


def _check(request: HttpRequest) -> None:
    """What has to be right before anybody asks who calls. Raises ApiError."""
    request.encoding = "utf-8"  # Django would read the query in the charset of the body
    request.get_host()
    if settings.SECURE_SSL_REDIRECT and not request.is_secure():
        # No redirect: the token has been on the wire in the clear, and a client that followed would go on like that
        message = "Use https. The token of this request was sent in the clear: consider its key known."
        raise ApiError(HTTPStatus.FORBIDDEN, "HttpsRequired", message)
    length = request.META.get("CONTENT_LENGTH") or ""
    if length.isdecimal() and int(length[:20]) > settings.REQUEST_MAX_BYTES:
        raise too_large(settings.REQUEST_MAX_BYTES)


def _answer(request: HttpRequest) -> HttpResponse:
    path = request.path_info[len(PREFIX) :]
    if path == openapi.PATH:
        return openapi.answer(request)
    caller = caller_of(request)
    if caller is None:
        raise unauthorized()
    if "\0" in path:  # which PostgreSQL does not take
        raise ApiError(HTTPStatus.BAD_REQUEST, "BadRequest", "The address holds a NUL character.")
    answer = classic.answer if classic.speaks(path) else arm.answer
    return answer(request, caller, path)


def _unforeseen(request: HttpRequest, error: Exception) -> ApiError:
    busy = is_busy(error)
    if not busy:
        _logger.error("%s %r failed", request.method, request.path_info, exc_info=error)
    if busy or isinstance(error, OperationalError | InterfaceError):
        what = "is busy" if busy else "cannot be used"
        message = f"The database {what}. Send the request again in a moment."
        headers = {"Retry-After": str(RETRY_SECONDS)}
        return ApiError(HTTPStatus.SERVICE_UNAVAILABLE, "ServiceUnavailable", message, headers=headers)
    message = "Something went wrong here, and the log says what."
    return ApiError(HTTPStatus.INTERNAL_SERVER_ERROR, "InternalServerError", message)
