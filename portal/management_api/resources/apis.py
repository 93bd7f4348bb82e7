"""APIs."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from http import HTTPStatus
from typing import Any

from django.db.models import BooleanField, QuerySet, Value
from django.http import HttpRequest

from gateway.changes.apis import MOST, NO_LIMITS, Limits, create_api, delete_api, update_api
from gateway.models import Api
from gateway.subscription_keys import FIELD, PARAMETER
from portal.management_api.bodies import json_body
from portal.management_api.errors import Detail, incorrect
from portal.management_api.filters import Field
from portal.management_api.resource import Call, Resource, is_already

# Members of `limits`, and the names of their values
_LIMITS = {
    "connectTimeout": "connect_timeout",
    "readTimeout": "read_timeout",
    "totalTimeout": "total_timeout",
    "maxBodyBytes": "max_body_bytes",
    "maxCalls": "max_calls",
}
_REVISION = re.compile(r"(.+);rev=([0-9]+)", re.IGNORECASE | re.DOTALL)
_NO_IMPORT = (
    "Import is not supported yet; that of OpenAPI documents is coming. "
    "Describe the API with its members, and each of its operations at operations/{operationId}."
)
_NO_EXPORT = "Export is not supported yet. GET the API without this, and its operations at operations."
_IMPORT = ("format", "value", "wsdlSelector", "translateRequiredQueryParameters")
_NO_REVISIONS = "APIs have one revision here, and no copies. Describe another API instead."
_NO_VERSIONS = (
    "Version sets are not supported. Describe an API for each version, with the version in its path."
)
_NOT_SHOWN = "This is not kept here. Write it into 'description'."
_NO_AUTHORIZATION = "OAuth 2.0 and OpenID Connect are not supported. Leave this out."


class Apis(Resource[Api]):
    """An API; a new one starts without operations and without credentials."""

    segment = "apis"
    label = "Api"  # as recorded: "Api not found."
    parameter = "apiId"
    schema = {
        "displayName": {"type": "string", "minLength": 1, "maxLength": 100},
        "description": {"type": ["string", "null"]},
        "serviceUrl": {
            "type": "string",
            "minLength": 1,
            "maxLength": 2000,
            "description": "The web service URL of the back end. Unlike in the original, every API has one.",
        },
        "path": {
            "type": "string",
            "maxLength": 400,
            "description": "The API URL suffix, unique without regard to case; one API may do without.",
        },
        "protocols": {
            "type": ["array", "null"],
            "minItems": 1,
            "items": {"type": "string", "enum": ["http", "https"]},
            "description": "How callers may reach the API; https if not given.",
        },
        "subscriptionRequired": {
            "type": ["boolean", "null"],
            "description": "Whether calls need a subscription key; true if not given.",
        },
        "limits": {
            "type": ["object", "null"],
            "x-addition": True,
            "description": (
                "An addition: times in seconds, bytes of a request's body, and calls in flight per gateway "
                "process; null leaves one to the gateways' settings. PUT without it leaves all as they are."
            ),
            "properties": {
                member: {"type": ["integer", "null"], "minimum": 1, "maximum": MOST[name]}
                for member, name in _LIMITS.items()
            },
            "additionalProperties": False,
        },
        "type": {"type": "string", "enum": ["http"]},
        "apiType": {"type": "string", "enum": ["http"], "writeOnly": True},
        "apiRevision": {"type": "string", "enum": ["1"]},
        "isCurrent": {"type": "boolean", "const": True},
        "isOnline": {"type": "boolean", "readOnly": True},
        "provisioningState": {"type": "string", "readOnly": True},
        "subscriptionKeyParameterNames": {
            "type": ["object", "null"],
            "description": "Where callers send their subscription key, which is the same for all APIs.",
            "properties": {
                "header": {"type": "string", "enum": [FIELD]},
                "query": {"type": "string", "enum": [PARAMETER]},
            },
            "additionalProperties": False,
        },
        "authenticationSettings": {
            "type": ["object", "null"],
            "description": f"As the original has it of an API without. {_NO_AUTHORIZATION}",
            "properties": {"oAuth2": {"type": "null"}, "openid": {"type": "null"}},
        },
    }
    required = ("displayName", "serviceUrl", "path")
    refused = {
        "authenticationSettings": _NO_AUTHORIZATION,
        **dict.fromkeys(_IMPORT, _NO_IMPORT),
        "sourceApiId": _NO_REVISIONS,
        "apiRevisionDescription": _NO_REVISIONS,
        "apiVersion": _NO_VERSIONS,
        "apiVersionDescription": _NO_VERSIONS,
        "apiVersionSet": _NO_VERSIONS,
        "apiVersionSetId": _NO_VERSIONS,
        "contact": _NOT_SHOWN,
        "license": _NOT_SHOWN,
        "termsOfServiceUrl": _NOT_SHOWN,
    }
    refused_parameters = {"tags": "APIs have no tags here. Leave this out.", "export": _NO_EXPORT}
    targets = {
        "display_name": "displayName",
        "web_service_url": "serviceUrl",
        "suffix": "path",
        "scheme": "protocols",
        **{name: f"limits.{member}" for member, name in _LIMITS.items()},
    }
    filters = {
        "name": Field("resource_id"),
        "displayName": Field("display_name"),
        "description": Field("description"),
        "path": Field("suffix"),
        "serviceUrl": Field("web_service_url"),
        "isCurrent": Field("is_current", "boolean"),
    }
    deleted = HTTPStatus.NO_CONTENT  # as the official client wants it of an API, and of nothing else

    def rows(self, parents: tuple[Any, ...]) -> QuerySet[Api]:
        return Api.objects.annotate(is_current=Value(True, BooleanField()))

    def find(self, parents: tuple[Any, ...], name: str) -> Api | None:
        """The API with that id; its only revision may be named, too: bank;rev=1."""
        found = super().find(parents, name)
        if found is None and (match := _REVISION.fullmatch(name)) and match[2] == "1":
            return super().find(parents, match[1])
        return found

    def given(self, request: HttpRequest, required: Iterable[str] = ()) -> dict[str, Any]:
        """As everywhere; but whoever imports is not told beside that what their document has."""
        sent = json_body(request).get("properties")
        importing = isinstance(sent, dict) and any(sent.get(name) for name in _IMPORT)
        return super().given(request, () if importing else required)

    def properties(self, call: Call, row: Api) -> dict[str, Any]:
        return {
            "displayName": row.display_name,
            "apiRevision": "1",
            "description": row.description,
            "subscriptionRequired": row.subscription_required,
            "serviceUrl": row.web_service_url,
            "path": row.suffix,
            "protocols": [name for name in ("http", "https") if getattr(row, name)],
            "authenticationSettings": {"oAuth2": None, "openid": None},  # Terraform's provider reads into it
            "subscriptionKeyParameterNames": {"header": FIELD, "query": PARAMETER},
            "isCurrent": True,
            "type": "http",
            "limits": {member: getattr(row, name) for member, name in _LIMITS.items()},
            "provisioningState": "Succeeded",
        }

    def create(self, call: Call, name: str, given: dict[str, Any]) -> Api:
        if match := _REVISION.fullmatch(name):
            if match[2] != "1":
                raise incorrect(Detail("apiId", _NO_REVISIONS))
            name = match[1]
        limits = _limits(given, {}) or NO_LIMITS
        return create_api(call.actor, resource_id=name, limits=limits, **_values(given))

    def update(self, call: Call, row: Api, given: dict[str, Any]) -> Api:
        return self._update(call, row, given, _limits(given, {}))

    def patch(self, call: Call, row: Api, given: dict[str, Any]) -> Api:
        before = self.properties(call, row)
        return self._update(call, row, {**before, **given}, _limits(given, before["limits"]))

    def _update(self, call: Call, row: Api, given: Mapping[str, Any], limits: Limits | None) -> Api:
        values = _values(given)
        if is_already(row, values | (asdict(limits) if limits else {})):
            return row
        return update_api(
            call.actor, row.key, limits=limits, revision=call.expected, confirmed=call.confirmed, **values
        )

    def delete(self, call: Call, row: Api) -> int:
        return delete_api(call.actor, row.key, revision=call.expected)


def _values(given: Mapping[str, Any]) -> dict[str, Any]:
    """What a change takes, without the limits."""
    protocols = given.get("protocols") or ["https"]
    return {
        "display_name": given["displayName"],
        "description": given.get("description") or "",
        "web_service_url": given["serviceUrl"],
        "suffix": given["path"],
        "http": "http" in protocols,
        "https": "https" in protocols,
        "subscription_required": given.get("subscriptionRequired") is not False,
    }


def _limits(given: Mapping[str, Any], before: Mapping[str, int | None]) -> Limits | None:
    """The limits that are given, over those that were there; None where none are."""
    if "limits" not in given:
        return None
    if given["limits"] is None:
        return NO_LIMITS
    merged = {**before, **given["limits"]}
    # to JSON Schema, 5.0 is an integer
    return Limits(**{_LIMITS[member]: each and int(each) for member, each in merged.items()})
