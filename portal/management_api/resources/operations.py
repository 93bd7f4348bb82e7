"""Operations of APIs."""

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet

from gateway.changes.operations import METHODS, create_operation, delete_operation, update_operation
from gateway.models import Operation
from gateway.url_templates import parse_template
from portal.management_api.errors import Detail, incorrect
from portal.management_api.filters import Field
from portal.management_api.resource import Call, Resource, is_already
from portal.management_api.resources.apis import Apis

_NO_BODIES = "Operations have no descriptions of requests and responses yet. Leave this out."
_TEXTS = ("description", "defaultValue", "schemaId", "typeName")
_PARAMETER = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "type": {"type": "string", "enum": ["string"]},
        "required": {"type": ["boolean", "null"], "not": {"const": False}},
        "values": {"type": ["array", "null"], "items": {}, "maxItems": 0},
        "examples": {"type": ["object", "null"], "maxProperties": 0},
        **{name: {"type": ["string", "null"], "maxLength": 0} for name in _TEXTS},
    },
    "required": ["name"],
    "additionalProperties": False,
}


class Operations(Resource[Operation]):
    """An operation of an API: an HTTP verb and a URL template.

    Its ETag is that of the operation alone: its policy is an entity with an ETag of its own, which a client that
    writes both would not expect to change this one.
    """

    segment = "operations"
    label = "Operation"
    parameter = "operationId"
    schema = {
        "displayName": {"type": "string", "minLength": 1, "maxLength": 100},
        "method": {"type": "string", "enum": list(METHODS)},
        "urlTemplate": {
            "type": "string",
            "minLength": 1,
            "maxLength": 1000,
            "description": "Such as /customers/{id}/orders?date={date}; * as the last segment takes any rest.",
        },
        "templateParameters": {
            "type": ["array", "null"],
            "items": _PARAMETER,
            "description": "The parameters of the URL template, from which they are derived.",
        },
        "description": {"type": ["string", "null"]},
    }
    required = ("displayName", "method", "urlTemplate")
    refused = {
        "request": _NO_BODIES,
        "responses": _NO_BODIES,
        "policies": "An operation's policy is an entity of its own: PUT it to policies/policy below the operation.",
    }
    refused_parameters = {"tags": "Operations have no tags here. Leave this out."}
    targets = {"display_name": "displayName", "url_template": "urlTemplate"}
    filters = {
        "name": Field("resource_id"),
        "displayName": Field("display_name"),
        "method": Field("method"),
        "description": Field("description"),
        "urlTemplate": Field("url_template"),
    }

    def __init__(self) -> None:
        super().__init__(Apis())

    def rows(self, parents: tuple[Any, ...]) -> QuerySet[Operation]:
        return Operation.objects.filter(api=parents[0])

    def properties(self, call: Call, row: Operation) -> dict[str, Any]:
        parameters = parse_template(row.url_template).parameters
        return {
            "displayName": row.display_name,
            "method": row.method,
            "urlTemplate": row.url_template,
            "templateParameters": [
                {"name": name, "type": "string", "required": True, "values": []} for name in parameters
            ],
            "description": row.description,
            "responses": [],
            "policies": None,
        }

    def create(self, call: Call, name: str, given: dict[str, Any]) -> Operation:
        api = call.parents[0]
        _check_parameters(given)
        return create_operation(call.actor, api.key, resource_id=name, **_values(given))

    def update(self, call: Call, row: Operation, given: dict[str, Any]) -> Operation:
        _check_parameters(given)
        values = _values(given)
        if is_already(row, values):
            return row
        return update_operation(
            call.actor, row.key, rewrite_template=None, row_revision=call.expected, **values
        )

    def patch(self, call: Call, row: Operation, given: dict[str, Any]) -> Operation:
        before = self.properties(call, row)
        del before["templateParameters"]
        return self.update(call, row, {**before, **given})

    def delete(self, call: Call, row: Operation) -> int:
        return delete_operation(call.actor, row.key, row_revision=call.expected)


def _values(given: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "method": given["method"],
        "url_template": given["urlTemplate"],
        "display_name": given["displayName"],
        "description": given.get("description") or "",
    }


def _check_parameters(given: Mapping[str, Any]) -> None:
    """Template parameters that are given have to be those of the URL template. Raises ApiError."""
    parameters = given.get("templateParameters")
    if parameters is None:
        return
    try:
        derived = parse_template(given["urlTemplate"].strip()).parameters
    except ValueError as error:
        raise incorrect(Detail("urlTemplate", str(error))) from None
    if sorted(each["name"] for each in parameters) != sorted(derived):
        told = f"are {', '.join(derived)}" if derived else "are none"
        raise incorrect(
            Detail("templateParameters", f"The parameters of the URL template {told}. Name exactly those.")
        )
