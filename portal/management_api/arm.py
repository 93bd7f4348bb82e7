"""The ARM dialect: the addresses, methods and preconditions of Azure Resource Manager."""

import re
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse

from gateway.errors import AlreadyExists, ChangeError, EditConflict, NotFound
from gateway.models.base import ID_PATTERN, validate_id
from portal.management_api import service, versions
from portal.management_api.access import Caller
from portal.management_api.addresses import Found, allowed, find, parents_of
from portal.management_api.answers import json_answer, note_effect
from portal.management_api.bodies import json_body, judge
from portal.management_api.errors import ApiError, Detail, incorrect, method_not_allowed, not_found, of_change
from portal.management_api.etags import excludes, expected_revision
from portal.management_api.paging import listing
from portal.management_api.resource import Action, Call, Resource

_MERGES = 5
_READING = frozenset({"GET", "HEAD"})
_ADDRESS = re.compile(
    r"/subscriptions/(?P<subscription>[^/]+)(?:/resourceGroups/(?P<group>[^/]+))?"
    r"/providers/Microsoft\.ApiManagement/service(?:/(?P<service>[^/]+)(?P<rest>/.*)?)?/*",
    re.IGNORECASE | re.DOTALL,
)


def answer(request: HttpRequest, caller: Caller, path: str) -> HttpResponse:
    """Answer a request for an address below /management. Raises ApiError."""
    match = _ADDRESS.fullmatch(path)
    if match is None or (match["service"] and not match["group"]):
        raise _nothing_here()
    base, rest = service.base_of(match["subscription"], match["group"]), (match["rest"] or "").strip("/")
    if not rest:
        return _answer_for_service(request, caller, base, match["service"])
    found = find(rest)
    if found is None:
        raise _nothing_here()
    versions.check(request, versions.ARM)
    service.check_name(match["service"])
    check_allowed(request, caller, allowed(found.resource, one=bool(found.name), action=found.action))
    call = Call(request, caller, base, parents_of(found.resource, found.parents))
    try:
        return _answer(call, found)
    except ChangeError as error:
        raise of_change(error, found.resource.targets) from None


def _nothing_here() -> ApiError:
    """Also what the original has and this one lacks: a client's user would look for a mistake in the address."""
    message = "There is nothing at this address. openapi.json, below /management, says what there is."
    return ApiError(HTTPStatus.NOT_FOUND, "ResourceNotFound", message)


def _answer_for_service(request: HttpRequest, caller: Caller, base: str, name: str | None) -> HttpResponse:
    """The service itself, or the list that has it alone."""
    versions.check(request, versions.ARM)
    if name:
        service.check_name(name)
    check_allowed(request, caller, service.METHODS)
    revision = service.revision()
    if not name:
        return json_answer(HTTPStatus.OK, {"value": [service.entity(request, base, revision)]})
    if excludes(request.headers.get("If-None-Match"), revision):
        return json_answer(HTTPStatus.NOT_MODIFIED, revision=revision)
    return json_answer(HTTPStatus.OK, service.entity(request, base, revision), revision=revision)


def check_allowed(request: HttpRequest, caller: Caller, methods: tuple[str, ...]) -> None:
    """Raises ApiError unless an address takes the request's method, and the caller may use it."""
    if request.method not in methods:
        raise method_not_allowed(request.method, methods)
    if request.method not in _READING and not caller.may_change:
        raise _not_allowed(caller)


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
    if refused := call.refused(resource):
        raise incorrect(*(Detail(name, text) for name, text in refused.items()))
    if row is None:
        raise not_found(resource.label)
    revision = resource.revision(row)
    if excludes(call.request.headers.get("If-None-Match"), revision):
        return json_answer(HTTPStatus.NOT_MODIFIED, revision=revision)
    return json_answer(HTTPStatus.OK, resource.entity(call, row, alone=True), revision=revision)


def _written(call: Call, resource: Resource[Any], row: Any, status: int) -> HttpResponse:
    revision = resource.revision(row)
    response = json_answer(status, resource.entity(call, row, alone=True), revision=revision)
    return in_effect(call.request, response, resource.in_effect_from(row))


def in_effect(request: HttpRequest, response: HttpResponse, revision: int | None) -> HttpResponse:
    """Say where a change is in effect, after waiting for that unless the request prefers not to (RFC 7240)."""
    if revision is None:
        return response
    preferences = re.split("[,;]", request.headers.get("Prefer", "").lower())
    wait = "respond-async" not in map(str.strip, preferences)
    if not wait:
        response.headers["Preference-Applied"] = "respond-async"
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
    expected = expected_revision(_for_put(field, now, resource), now)
    if excludes(request.headers.get("If-None-Match"), now):
        message = f"{resource.label} already exists."
        raise ApiError(HTTPStatus.PRECONDITION_FAILED, "PreconditionFailed", message)
    if row is not None and field is None and not resource.upserts:
        message = f"{resource.label} with the same identifier already exists."
        raise ApiError(HTTPStatus.CONFLICT, AlreadyExists.code, message)
    if row is None and not resource.singleton:
        _check_id(name)
    given, call = resource.given(request, resource.required), replace(call, expected=expected)
    if row is None:
        return _written(call, resource, resource.create(call, name, given), HTTPStatus.CREATED)
    return _written(call, resource, resource.update(call, row, given), HTTPStatus.OK)


def _for_put(field: str | None, now: int | None, resource: Resource[Any]) -> str | None:
    """If-Match as PUT means it. The Azure CLI and Terraform create with "*", which is for any state: none, too."""
    anything = resource.upserts and now is None and (field or "").strip() == "*"
    return None if anything else field


def _check_id(name: str) -> None:
    """What no id may be; a change may know more of what is wrong with one."""
    if not re.search(ID_PATTERN, name):
        raise incorrect(Detail("id", str(validate_id.message)))
    if name != name.strip() or name in (".", ".."):
        # Changes would take such spaces off, and clients such dots out of the address (RFC 3986, 5.2.4)
        raise incorrect(Detail("id", "Use an id that is neither . nor .. and has no space at its ends."))


def _patch(call: Call, resource: Resource[Any], name: str) -> HttpResponse:
    """Change some members. Without an ETag they are merged once more with what somebody else wrote meanwhile."""
    row = resource.find(call.parents, name)
    if row is None:
        raise not_found(resource.label)
    expected = _required_match(call, resource.revision(row))
    given = resource.given(call.request)
    for _ in range(_MERGES):
        try:
            patched = resource.patch(replace(call, expected=resource.revision(row)), row, given)
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
        revision = resource.delete(replace(call, expected=expected), row)
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
    field = call.request.headers.get("If-Match", "").strip()
    if not field:
        text = "Send the entity's ETag in If-Match, or * for whatever is there."
        raise incorrect(Detail("If-Match", text))
    return expected_revision(field, now) if now else None
