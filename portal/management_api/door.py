"""The door of the management REST API: a middleware in front of everything that pages need.

Whatever is under /management/ is answered here, without session, cookie or CSRF, and always in JSON.
"""

import logging
from collections.abc import Callable
from http import HTTPStatus

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from portal.busy import is_busy
from portal.management_api import arm, classic
from portal.management_api.access import caller_of
from portal.management_api.answers import error_answer, finish
from portal.management_api.errors import ApiError

PREFIX = "/management"
_logger = logging.getLogger(__name__)


class Door:
    """See the module."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer what is for the REST API, and pass on the rest."""
        if not request.path_info.startswith(f"{PREFIX}/"):
            return self.get_response(request)
        return finish(_answered(request), head=request.method == "HEAD")


def _answered(request: HttpRequest) -> HttpResponse:
    try:
        request.get_host()
        return _answer(request)
    except ApiError as error:
        return error_answer(error)
    except DisallowedHost:
        message = "This host is not one of ALLOWED_HOSTS."
        return error_answer(ApiError(HTTPStatus.BAD_REQUEST, "BadRequest", message))
    except Exception as error:
        return error_answer(_unforeseen(request, error))


def _answer(request: HttpRequest) -> HttpResponse:
    caller = caller_of(request)
    if caller is None:
        message = "Unauthorized."
        raise ApiError(HTTPStatus.UNAUTHORIZED, "Unauthorized", message)
    path = request.path_info.removeprefix(PREFIX)
    answer = classic.answer if classic.speaks(path) else arm.answer
    return answer(request, caller, path)


def _unforeseen(request: HttpRequest, error: Exception) -> ApiError:
    if is_busy(error):
        message = "The database is busy. Send the request again in a moment."
        return ApiError(HTTPStatus.SERVICE_UNAVAILABLE, "ServiceUnavailable", message)
    _logger.error("%s %s failed", request.method, request.path_info, exc_info=error)
    message = "Something went wrong here, and the log says what."
    return ApiError(HTTPStatus.INTERNAL_SERVER_ERROR, "InternalServerError", message)
