"""The ARM dialect: the addresses, methods and preconditions of Azure Resource Manager, api-version 2024-05-01."""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from gateway.errors import AlreadyExists, ChangeError, EditConflict, NotFound
from portal.management_api import versions
from portal.management_api.access import Caller
from portal.management_api.addresses import Found, allowed, find, parents_of
from portal.management_api.answers import json_answer, note_effect
from portal.management_api.bodies import json_body, judge
from portal.management_api.errors import ApiError, Detail, incorrect, not_found, of_change
from portal.management_api.etags import excludes, expected_revision
from portal.management_api.filters import condition
from portal.management_api.resource import Action, Call, Resource

PAGE = 100
MOST_ON_PAGE = 1000
_MERGES = 5
_READING = frozenset({"GET", "HEAD"})
_SERVICE = re.compile(
    r"(?P<base>/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.ApiManagement/service/(?P<service>[^/]+))"
    r"(?P<rest>/.*)?",
    re.IGNORECASE,
)


def answer(request: HttpRequest, caller: Caller, path: str) -> HttpResponse:
    """Answer a request for an address below /management. Raises ApiError."""
    match = _SERVICE.fullmatch(path)
    if match is None or (found := find(match["rest"] or "")) is None:
        raise ApiError(HTTPStatus.NOT_FOUND, "ResourceNotFound", "There is nothing at this address.")
    versions.check(request, versions.ARM)
    _check_service(match["service"])
    check_allowed(request, caller, allowed(found.resource, one=bool(found.name), action=found.action))
    call = Call(request, caller, match["base"], parents_of(found.resource, found.parents))
    try:
        return _answer(call, found)
    except ChangeError as error:
        raise of_change(error, found.resource.targets) from None


def _check_service(name: str) -> None:
    if name.lower() != settings.MANAGEMENT_SERVICE_NAME.lower():
        message = f"The service is called '{settings.MANAGEMENT_SERVICE_NAME}' here, not '{name}'."
        raise ApiError(HTTPStatus.NOT_FOUND, "ResourceNotFound", message)


def check_allowed(request: HttpRequest, caller: Caller, methods: tuple[str, ...]) -> None:
    """Raises ApiError unless an address takes the request's method, and the caller may use it."""
    if request.method not in methods:
        raise method_not_allowed(request, methods)
    if request.method not in _READING and not caller.may_change:
        raise _not_allowed(caller)


def method_not_allowed(request: HttpRequest, methods: tuple[str, ...]) -> ApiError:
    """405, which says what can be done (the Allow field is the Door's business)."""
    message = f"{request.method} cannot be used here. Use {', '.join(methods)}."
    return ApiError(HTTPStatus.METHOD_NOT_ALLOWED, "MethodNotAllowed", message)


def _not_allowed(caller: Caller) -> ApiError:
    message = f"The principal '{caller.name}' may read only. A contributor can do this."
    return ApiError(HTTPStatus.FORBIDDEN, "AuthorizationFailed", message)


# --- answers ------------------------------------------------------------------------------------------------------
def _answer(call: Call, found: Found) -> HttpResponse:
    if found.action:
        return _act(call, found, found.action)
    if not found.name:
        if call.request.method == "POST":
            return _add(call, found.resource)
        return json_answer(HTTPStatus.OK, listing(call, found.resource))
    return answer_for_one(call, found.resource, found.name)


def answer_for_one(call: Call, resource: Resource[Any], name: str) -> HttpResponse:
    """What GET, HEAD, PUT, PATCH and DELETE of an entity come to, in either dialect. Raises ApiError."""
    match call.request.method:
        case "PUT":
            return _put(call, resource, name)
        case "PATCH":
            return _patch(call, resource, name)
        case "DELETE":
            return _delete(call, resource, resource.find(call.parents, name))
    return _get(call, resource, resource.find(call.parents, name))


def _get(call: Call, resource: Resource[Any], row: Any) -> HttpResponse:
    if row is None:
        raise not_found(resource.label)
    revision = resource.revision(row)
    if excludes(call.request.headers.get("If-None-Match"), revision):
        return json_answer(HTTPStatus.NOT_MODIFIED, revision=revision)
    return json_answer(HTTPStatus.OK, resource.entity(call, row, alone=True), revision=revision)


def listing(call: Call, resource: Resource[Any]) -> dict[str, Any]:
    """The page of a list that a request asks for."""
    query = call.request.GET
    if refused := [
        Detail(name, text) for name, text in resource.refused_parameters.items() if query.get(name)
    ]:
        raise incorrect(*refused)
    rows = resource.listed(call).filter(condition(query.get("$filter", ""), resource.filters))
    top, skip = min(_number(query, "$top", PAGE, 1), MOST_ON_PAGE), _number(query, "$skip", 0, 0)
    count = rows.count()
    page = rows.order_by(resource.order)[skip : skip + top]
    content: dict[str, Any] = {"value": [resource.entity(call, row) for row in page], "count": count}
    if skip + top < count:
        content["nextLink"] = next_link(call.request, skip + top)
    return content


def next_link(request: HttpRequest, skip: int) -> str:
    """The address of the next page, as this request was addressed."""
    pairs = [(name, value) for name, values in request.GET.lists() for value in values if name != "$skip"]
    return request.build_absolute_uri(f"{request.path}?{urlencode([*pairs, ('$skip', skip)], safe='$')}")


def _number(query: Mapping[str, str], name: str, default: int, least: int) -> int:
    text = query.get(name, "")
    if not text:
        return default
    if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) < least:
        raise incorrect(Detail(name, f"Use a whole number of at least {least}."))
    return int(text)


def _written(call: Call, resource: Resource[Any], row: Any, status: int) -> HttpResponse:
    revision = resource.revision(row)
    response = json_answer(status, resource.entity(call, row, alone=True), revision=revision)
    return in_effect(call.request, response, resource.in_effect_from(row))


def in_effect(request: HttpRequest, response: HttpResponse, revision: int | None) -> HttpResponse:
    """Say where a change is in effect, after waiting for that unless the request prefers not to (RFC 7240)."""
    if revision is None:
        return response
    wait = "respond-async" not in request.headers.get("Prefer", "").lower()
    return note_effect(response, revision, wait=wait)


def _put(call: Call, resource: Resource[Any], name: str) -> HttpResponse:
    row = resource.find(call.parents, name)
    try:
        return _create_or_update(call, resource, name, row)
    except (AlreadyExists, NotFound):
        again = resource.find(call.parents, name)
        if (again is None) == (row is None):
            raise
    return _create_or_update(call, resource, name, again)  # somebody was faster to create or delete it


def _create_or_update(call: Call, resource: Resource[Any], name: str, row: Any) -> HttpResponse:
    request, now = call.request, None if row is None else resource.revision(row)
    field = request.headers.get("If-Match")
    expected = expected_revision(field, now)
    if excludes(request.headers.get("If-None-Match"), now):
        message = f"{resource.label} already exists."
        raise ApiError(HTTPStatus.PRECONDITION_FAILED, "PreconditionFailed", message)
    if row is not None and field is None and not resource.upserts:
        message = f"{resource.label} with the same identifier already exists."
        raise ApiError(HTTPStatus.CONFLICT, AlreadyExists.code, message)
    given, call = resource.given(request, resource.required), _expecting(call, expected)
    if row is None:
        return _written(call, resource, resource.create(call, name, given), HTTPStatus.CREATED)
    return _written(call, resource, resource.update(call, row, given), HTTPStatus.OK)


def _patch(call: Call, resource: Resource[Any], name: str) -> HttpResponse:
    """Change some members. Without an ETag they are merged once more with what somebody else wrote meanwhile."""
    row = resource.find(call.parents, name)
    if row is None:
        raise not_found(resource.label)
    expected = _required_match(call, resource.revision(row))
    given = resource.given(call.request)
    for _ in range(_MERGES):
        try:
            patched = resource.patch(_expecting(call, resource.revision(row)), row, given)
        except EditConflict:
            row = resource.find(call.parents, name)
            if expected is not None or row is None:
                raise
        else:
            return _written(call, resource, patched, HTTPStatus.OK)
    raise EditConflict(resource.revision(row))


def _delete(call: Call, resource: Resource[Any], row: Any) -> HttpResponse:
    if row is None:
        _required_match(call, 0)
        return json_answer(HTTPStatus.NO_CONTENT)
    expected = _required_match(call, resource.revision(row))
    try:
        revision = resource.delete(_expecting(call, expected), row)
    except NotFound:  # somebody was faster
        return json_answer(HTTPStatus.NO_CONTENT)
    return in_effect(call.request, json_answer(resource.deleted), revision)


def _add(call: Call, resource: Resource[Any]) -> HttpResponse:
    given = resource.given(call.request, resource.required)
    return _written(call, resource, resource.add(call, given), HTTPStatus.CREATED)


def _act(call: Call, found: Found, action: Action) -> HttpResponse:
    row = found.resource.find(call.parents, found.name)
    if row is None:
        raise not_found(found.resource.label)
    given: dict[str, Any] = {}
    if action.schema is not None:
        given = json_body(call.request)
        if details := judge(given, action.schema):
            raise incorrect(*details)
    done = action.run(call, row, given)
    response = json_answer(done.status, done.content, revision=done.etag)
    return in_effect(call.request, response, done.revision)


def _required_match(call: Call, now: int) -> int | None:
    field = call.request.headers.get("If-Match")
    if field is None:
        text = "Send the entity's ETag in If-Match, or * to overwrite whatever is there."
        raise incorrect(Detail("If-Match", text))
    return expected_revision(field, now) if now else None


def _expecting(call: Call, expected: int | None) -> Call:
    return Call(call.request, call.caller, call.base, call.parents, expected)
