"""The OpenAPI 3.1 description of the management REST API, made from the table by which requests are answered.

What the original does not have is marked with "x-addition".
"""

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import get_script_prefix

from portal.management_api import openapi_parts as parts
from portal.management_api import service
from portal.management_api.addresses import allowed
from portal.management_api.answers import CONTENT_TYPE
from portal.management_api.classic import CERTIFICATES as CLASSIC
from portal.management_api.errors import method_not_allowed
from portal.management_api.openapi_schemas import Words, schemas_of
from portal.management_api.resource import Action, Resource
from portal.management_api.table import RESOURCES

PATH = "/openapi.json"
METHODS = ("GET", "HEAD")
SECONDS = 60
GROUP = "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}"
SERVICES = "/providers/Microsoft.ApiManagement/service"
SERVICE = f"{GROUP}{SERVICES}/{{serviceName}}"
Json = dict[str, Any]

_DESCRIPTION = """\
What the portal can do, over the protocol of Azure API Management: existing clients work, such as the Python client
azure-mgmt-apimanagement with base_url at this server's address.

Two dialects: that of Azure Resource Manager, and for certificates the classic one of 2014. Additions, which the
original does not have, are marked with x-addition: the paths that say so, the fields Gateways-In-Effect and
Gateways-Lagging of answers to changes, and the parameter confirm=true, by which a change is made that was refused
with NeedsConfirmation.

Members that are read-only are accepted in bodies and ignored, so that what GET answered can be PUT. Unknown members
are refused by name, and so are members of the original that are not supported, unless they say nothing (null,
false, "", [], {}).
"""


def answer(request: HttpRequest) -> HttpResponse:
    """The description, for everybody. Raises ApiError."""
    if request.method not in METHODS:
        raise method_not_allowed(request.method, METHODS)
    text, tag = _text(get_script_prefix())
    known = request.headers.get("If-None-Match", "")
    if known.strip() == "*" or tag in known:
        response = HttpResponse(status=HTTPStatus.NOT_MODIFIED)
        del response.headers["Content-Type"]
    else:
        response = HttpResponse(text, content_type=CONTENT_TYPE)
    response.headers["ETag"] = tag
    response.headers["Cache-Control"] = f"public, max-age={SECONDS}"
    return response


@cache
def _text(prefix: str) -> tuple[str, str]:
    """The document as it is sent, and its ETag."""
    text = json.dumps(document(prefix), ensure_ascii=False, separators=(",", ":"))
    return text, f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def document(prefix: str = "/") -> Json:
    """The whole description, for a portal below some path."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Management REST API", "version": "1.0", "description": _DESCRIPTION},
        "servers": [{"url": f"{prefix}management"}],
        "security": [{"SharedAccessSignature": []}, {"Bearer": []}],
        "paths": dict(sorted(_paths().items())),
        "components": {
            "securitySchemes": parts.SECURITY,
            "parameters": parts.PARAMETERS,
            "headers": parts.HEADERS,
            "responses": parts.RESPONSES,
            "schemas": _schemas(),
        },
    }


def _schemas() -> Json:
    found: Json = {"Error": parts.ERROR, "Service": service.SCHEMA, "ServiceList": parts.service_list()}
    for resource in RESOURCES:
        found |= schemas_of(resource)
    return dict(sorted((found | schemas_of(CLASSIC, flat=True)).items()))


def _paths() -> dict[str, Json]:
    found = _service_paths()
    for resource in RESOURCES:
        found |= _paths_of(resource, SERVICE + resource.template, parts.service_parameters())
    return found | _paths_of(CLASSIC, CLASSIC.template, [parts.ref("parameters", "ClassicApiVersion")])


def _service_paths() -> dict[str, Json]:
    found = {}
    for path, names in (
        (f"/subscriptions/{{subscriptionId}}{SERVICES}", parts.SERVICE_PARAMETERS[:1]),
        (f"{GROUP}{SERVICES}", parts.SERVICE_PARAMETERS[:2]),
        (SERVICE, parts.SERVICE_PARAMETERS),
    ):
        one = path == SERVICE
        what = "service" if one else "services: there is one"
        wanted = parts.answer(200, "Service" if one else "ServiceList", etag=one)
        place = "InGroup" if len(names) == 2 else ""
        found[path] = _item(
            parts.service_parameters(names),
            {
                method: _operation(
                    f"Service{place}_{'' if one else 'list_'}{method.lower()}",
                    f"{_verb(method, one=one)} the {what}.",
                    [parts.ref("parameters", "If-None-Match")] if one else [],
                    wanted | parts.refusals("304" if one else "", "404"),
                    tag="service",
                )
                for method in METHODS
            },
        )
    return found


def _verb(method: str, *, one: bool) -> str:
    if method == "HEAD":
        return "Ask whether there is" if one else "Ask for the fields of the list of"
    return "Get" if one else "List"


def _item(parameters: list[Json], operations: Mapping[str, Json], *, addition: bool = False) -> Json:
    extra: Json = {"x-addition": True} if addition else {}
    return {"parameters": parameters, **{m.lower(): o for m, o in operations.items()}, **extra}


def _operation(
    name: str, summary: str, parameters: list[Json], responses: Json, *, tag: str, **more: Any
) -> Json:
    return {
        "operationId": name,
        "tags": [tag],
        "summary": summary,
        **({"parameters": parameters} if parameters else {}),
        "responses": responses,
        **more,
    }


# --- entities -----------------------------------------------------------------------------------------------------
def _paths_of(resource: Resource[Any], template: str, common: list[Json]) -> dict[str, Json]:
    """The paths of an entity: of its list, its own, and those of its actions."""
    words, found = Words.of(resource), {}
    above, _, last = template.rpartition("/")
    of_parents = [parts.id_parameter(name) for _, name in resource.path()[:-1] if name]
    if not resource.singleton:
        methods = allowed(resource, one=False)
        found[above] = _item(
            [*common, *of_parents],
            {method: _of_list(resource, words, method) for method in methods},
            addition=resource.addition,
        )
    own = [] if resource.singleton else [parts.id_parameter(last.strip("{}"))]
    everywhere = [*common, *of_parents, *own]
    found[template] = _item(
        everywhere,
        {method: _of_one(resource, words, method) for method in allowed(resource, one=True)},
        addition=resource.addition,
    )
    for action in resource.actions:
        found[f"{template}/{action.name}"] = _item(
            everywhere,
            {"POST": _of_action(resource, words, action)},
            addition=action.addition or resource.addition,
        )
    return found


def _of_list(resource: Resource[Any], words: Words, method: str) -> Json:
    tag = words.plural
    if method == "POST":
        return _operation(
            f"{words.path}_add",
            f"Add {words.one}.",
            [parts.ref("parameters", "If-Match"), parts.ref("parameters", "Prefer")],
            parts.answer(201, words.schema, etag=True, changes=True) | parts.CHANGE_REFUSALS,
            tag=tag,
            requestBody=parts.body(f"{words.schema}Parameters"),
        )
    queries = [parts.ref("parameters", name) for name in ("filter", "top", "skip")]
    known = ", ".join(resource.filters) or "none"
    return _operation(
        f"{words.path}_list{'_head' if method == 'HEAD' else ''}",
        f"{_verb(method, one=False)} {words.plural}{words.of_parent}.",
        [*queries, *_queries(resource)],
        parts.answer(200, f"{words.schema}List") | parts.refusals("404"),
        tag=tag,
        description=f"Fields of $filter: {known}.",
    )


def _queries(resource: Resource[Any]) -> list[Json]:
    return [
        {
            "name": name,
            "in": "query",
            "schema": {key: value for key, value in schema.items() if key != "description"},
            **({"description": schema["description"]} if "description" in schema else {}),
        }
        for name, schema in resource.queries.items()
    ]


def _of_one(resource: Resource[Any], words: Words, method: str) -> Json:
    name, which = f"{words.path}_{method.lower()}", words.one + words.of_parent
    fields = [parts.ref("parameters", each) for each in parts.FIELDS[method]]
    match method:
        case "PUT":
            made = {} if resource.singleton else parts.answer(201, words.schema, etag=True, changes=True)
            wanted = made | parts.answer(200, words.schema, etag=True, changes=True) | parts.CHANGE_REFUSALS
            summary = f"Change {which}." if resource.singleton else f"Create or replace {which}."
            body = parts.body(f"{words.schema}Parameters")
            return _operation(name, summary, fields, wanted, tag=words.plural, requestBody=body)
        case "PATCH":
            wanted = parts.answer(200, words.schema, etag=True, changes=True) | parts.CHANGE_REFUSALS
            body = parts.body(f"{words.schema}UpdateParameters", merge=True)
            return _operation(
                name, f"Change members of {which}.", fields, wanted, tag=words.plural, requestBody=body
            )
        case "DELETE":
            wanted = parts.answer(resource.deleted, changes=True) | parts.answer(204)
            return _operation(
                name, f"Delete {which}.", fields, wanted | parts.DELETE_REFUSALS, tag=words.plural
            )
    return _operation(
        name,
        f"{_verb(method, one=True)} {which}.",
        [*fields, *_queries(resource)],
        parts.answer(200, words.schema, etag=True) | parts.refusals("304", "404"),
        tag=words.plural,
        description=words.description,
    )


def _of_action(resource: Resource[Any], words: Words, action: Action) -> Json:
    wanted: Json = {}
    for status in action.statuses:
        if status < 400:
            schema = parts.object_of(action.answer) if action.answer and status != 204 else None
            wanted |= parts.answer(status, schema, etag=schema is not None, changes=True)
    more = {"requestBody": parts.body(parts.object_of(action.schema))} if action.schema is not None else {}
    return _operation(
        f"{words.path}_{action.name}",
        action.summary,
        [parts.ref("parameters", name) for name in ("If-Match", "Prefer")],
        wanted | parts.CHANGE_REFUSALS,
        tag=words.plural,
        **more,
    )
