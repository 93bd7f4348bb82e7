"""What the paths of the OpenAPI description have in common: parameters, fields, refusals."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from portal.management_api import versions
from portal.management_api.bodies import Schema, object_schema
from portal.management_api.filters import MOST_CHARACTERS

Json = dict[str, Any]

SERVICE_PARAMETERS = ("subscriptionId", "resourceGroupName", "serviceName")
_ID = "^[^/\\\\%'\"\\u0000-\\u001f\\u007f]{1,80}$"
_SEGMENT = {"type": "string", "minLength": 1, "pattern": "^[^/\\u0000]+$"}


def ref(kind: str, name: str) -> Json:
    """A reference to a component."""
    return {"$ref": f"#/components/{kind}/{name}"}


def _path(name: str, schema: Json, description: str) -> Json:
    return {"name": name, "in": "path", "required": True, "schema": schema, "description": description}


def _query(name: str, schema: Json, description: str, **more: Any) -> Json:
    return {"name": name, "in": "query", "schema": schema, "description": description, **more}


def _field(name: str, description: str, **more: Any) -> Json:
    return {"name": name, "in": "header", "schema": {"type": "string"}, "description": description, **more}


def _version(supported: Sequence[str]) -> Json:
    schema = {"type": "string", "enum": list(supported)}
    return _query("api-version", schema, "The version that is spoken.", required=True)


PARAMETERS: Json = {
    "subscriptionId": _path("subscriptionId", _SEGMENT, "Any: there are no subscriptions of Azure here."),
    "resourceGroupName": _path("resourceGroupName", _SEGMENT, "Any: there are no groups here."),
    "serviceName": _path(
        "serviceName", _SEGMENT, "The name that MANAGEMENT_SERVICE_NAME says; portal if it does not."
    ),
    "ApiVersion": _version(versions.ARM),
    "ClassicApiVersion": _version(versions.CLASSIC),
    "filter": _query(
        "$filter",
        {"type": "string", "maxLength": MOST_CHARACTERS},
        "Comparisons (ge le eq ne gt lt) with 'texts', times, booleans and null; substringof('x',field), "
        "contains(field,'x'), startswith and endswith; and, or, not, parentheses. The case of letters is ignored.",
    ),
    "top": _query(
        "$top",
        {"type": "integer", "minimum": 1, "maximum": 999_999_999},
        "How many are on a page: 100 if not given, 1,000 at most.",
    ),
    "skip": _query(
        "$skip", {"type": "integer", "minimum": 0, "maximum": 999_999_999}, "How many come before the page."
    ),
    "confirm": _query(
        "confirm",
        {"type": "boolean"},
        "An addition: true makes a change that was refused with NeedsConfirmation.",
        **{"x-addition": True},
    ),
    "If-Match": _field(
        "If-Match",
        "ETags of which the entity has to have one; * for any, and of PUT for none, too, as without it.",
    ),
    "If-Match-required": _field(
        "If-Match", "ETags of which the entity has to have one, or * for any.", required=True
    ),
    "If-None-Match": _field("If-None-Match", "ETags of which the entity must have none; * for none at all."),
    "Prefer": _field("Prefer", "respond-async: do not wait until gateways run the change (RFC 7240)."),
}
# Which of them an entity's methods take
FIELDS = {
    "GET": ("If-None-Match",),
    "HEAD": ("If-None-Match",),
    "PUT": ("confirm", "If-Match", "If-None-Match", "Prefer"),
    "PATCH": ("confirm", "If-Match-required", "Prefer"),
    "DELETE": ("confirm", "If-Match-required", "Prefer"),
}

SECURITY: Json = {
    "SharedAccessSignature": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": (
            "SharedAccessSignature uid={identifier}&ex={expiry}&sn={signature}. Security > API Management REST API "
            "generates one."
        ),
    },
    "Bearer": {"type": "http", "scheme": "bearer", "description": "The same token as a bearer token."},
}

ERROR: Json = {
    "type": "object",
    "required": ["error"],
    "additionalProperties": False,
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "details"],
            "additionalProperties": False,
            "properties": {
                "code": {"type": "string"},
                "message": {"type": "string"},
                "details": {
                    "type": ["array", "null"],
                    "minItems": 1,
                    "items": {
                        "type": "object",
                        "required": ["code", "target", "message"],
                        "additionalProperties": False,
                        "properties": {name: {"type": "string"} for name in ("code", "target", "message")},
                    },
                },
            },
        }
    },
}

HEADERS: Json = {
    "ETag": {"description": "The entity's, for If-Match.", "schema": {"type": "string"}},
    "Gateways-In-Effect": {
        "description": "An addition: on how many running gateways the change is in effect, such as 2 of 2.",
        "schema": {"type": "string", "pattern": "^[0-9]+ of [0-9]+$"},
        "x-addition": True,
    },
    "Gateways-Lagging": {
        "description": "An addition: the gateways that do not run the change yet.",
        "schema": {"type": "string"},
        "x-addition": True,
    },
}


def _refusal(description: str, **more: Any) -> Json:
    content = {"application/json": {"schema": ref("schemas", "Error")}}
    return {"description": description, "content": content, **more}


RESPONSES: Json = {
    "304": {"description": "The entity has one of the ETags in If-None-Match."},
    "400": _refusal("The request is wrong; details say which members, parameters and fields are, and why."),
    "401": _refusal(
        "There is no token, or it is not good enough.",
        headers={"WWW-Authenticate": {"schema": {"type": "string"}}},
    ),
    "403": _refusal("The principal may read only, or the request came over plain http where there is https."),
    "404": _refusal("It is not there."),
    "409": _refusal("It exists already, or the change has a consequence that has to be confirmed."),
    "411": _refusal("The body has no Content-Length."),
    "412": _refusal("Resource was modified since last retrieval."),
    "413": _refusal("The body is too large."),
    "415": _refusal("The body is no application/json in UTF-8."),
    "503": _refusal(
        "The database is busy.",
        headers={"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}},
    ),
}


def refusals(*statuses: str) -> Json:
    """What a request may be refused with: what any may, and these."""
    named = sorted({"400", "401", "403", "413", "503", *filter(None, statuses)})
    return {status: ref("responses", status) for status in named}


DELETE_REFUSALS = refusals("404", "409", "412")
CHANGE_REFUSALS = refusals("404", "409", "411", "412", "415")


def service_parameters(names: Sequence[str] = SERVICE_PARAMETERS) -> list[Json]:
    """What every address of the ARM dialect takes."""
    return [*(ref("parameters", name) for name in names), ref("parameters", "ApiVersion")]


def id_parameter(name: str) -> Json:
    """The id of an entity in a path."""
    return _path(
        name, {"type": "string", "minLength": 1, "maxLength": 80, "pattern": _ID}, "Its id, in any case."
    )


def service_list() -> Json:
    """The list that has the service alone."""
    value = {"type": "array", "items": ref("schemas", "Service")}
    return {"type": "object", "properties": {"value": value}, "required": ["value"]}


def object_of(schema: Schema) -> Json:
    """An object that has these members."""
    return object_schema(schema, schema)


def body(schema: str | Json, *, merge: bool = False) -> Json:
    """A request's body."""
    found = ref("schemas", schema) if isinstance(schema, str) else schema
    kinds = ("application/json", "application/merge-patch+json") if merge else ("application/json",)
    return {"required": True, "content": {kind: {"schema": found} for kind in kinds}}


def answer(
    status: int, schema: str | Json | None = None, *, etag: bool = False, changes: bool = False
) -> Json:
    """An answer that is no refusal."""
    names = [*(["ETag"] if etag else []), *(["Gateways-In-Effect", "Gateways-Lagging"] if changes else [])]
    found: Json = {"description": HTTPStatus(status).phrase}
    if names:
        found["headers"] = {name: ref("headers", name) for name in names}
    if schema is not None:
        content = ref("schemas", schema) if isinstance(schema, str) else schema
        found["content"] = {"application/json": {"schema": content}}
    return {str(int(status)): found}
