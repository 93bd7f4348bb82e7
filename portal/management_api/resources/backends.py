"""Back ends: a URL, and what is checked of the certificates of the servers there."""

from typing import Any

from django.db.models import QuerySet

from gateway.changes.back_ends import create_back_end, delete_back_end, update_back_end
from gateway.models import BackEnd
from portal.management_api.bodies import is_empty
from portal.management_api.errors import Detail, incorrect
from portal.management_api.filters import Field
from portal.management_api.resource import Action, Call, Done, Resource, is_already

_ONE_PLACE = "Credentials are chosen in policies here, and not on a backend"
_CREDENTIALS = {
    "certificateIds": f"{_ONE_PLACE}. Use the policy statement authentication-certificate.",
    "certificate": f"{_ONE_PLACE}. Use the policy statement authentication-certificate.",
    "header": f"{_ONE_PLACE}. Use the policy statement set-header.",
    "query": f"{_ONE_PLACE}. Use the policy statement set-query-parameter.",
    "authorization": f"{_ONE_PLACE}. Use the policy statement authentication-basic, or set-header.",
}
_IDS = {"type": ["array", "null"], "items": {"type": "string"}}
_VALUES = {
    "type": ["object", "null"],
    "additionalProperties": {"type": ["array", "null"], "items": {"type": "string"}},
}
_TEXT = {"type": ["string", "null"]}
_SWITCH = {"type": ["boolean", "null"], "default": True}


class Backends(Resource[BackEnd]):
    """A back end: its tls switches hold for calls to its URL and below it, whatever API they belong to."""

    segment = "backends"
    label = "Backend"
    parameter = "backendId"
    schema = {
        "title": {**_TEXT, "maxLength": 300},
        "description": {**_TEXT, "maxLength": 2000},
        "url": {
            "type": "string",
            "maxLength": 2000,
            "description": "Where it is, such as https://example.com/v1.",
        },
        "protocol": {"enum": ["http", None], "description": "SOAP is not supported."},
        "type": {"enum": ["Single", None], "description": "Pools are not supported."},
        "tls": {
            "type": ["object", "null"],
            "properties": {"validateCertificateChain": _SWITCH, "validateCertificateName": _SWITCH},
            "additionalProperties": False,
            "description": "What is checked of its certificates; each is switched on where nothing is said.",
        },
        "credentials": {
            "type": ["object", "null"],
            "properties": {
                "certificateIds": _IDS,
                "certificate": _IDS,
                "query": _VALUES,
                "header": _VALUES,
                "authorization": {
                    "type": ["object", "null"],
                    "properties": {"scheme": _TEXT, "parameter": _TEXT},
                    "additionalProperties": False,
                },
            },
            "additionalProperties": False,
            "writeOnly": True,
            "description": f"Has to be empty. {_ONE_PLACE}.",
        },
    }
    required = ("url",)
    refused = {
        "resourceId": "Resources of Azure cannot be called by their id. Give the 'url'.",
        "proxy": "Proxies in front of a backend are not supported. Leave it out.",
        "properties": "Service Fabric is not supported. Give the 'url' of the service.",
        "circuitBreaker": "Circuit breakers are not supported. Leave it out.",
        "pool": "Pools are not supported. Make a backend of each, and choose one by set-backend-service.",
    }
    filters = {"name": Field("resource_id"), "title": Field("title"), "url": Field("url")}
    actions = (
        Action(
            "reconnect",
            "Accepted as the original does; a gateway makes a new connection at once where what it knows changed.",
            lambda call, row, given: Done(202),
            statuses=(202,),
        ),
    )

    def rows(self, parents: tuple[Any, ...]) -> QuerySet[BackEnd]:
        return BackEnd.objects.all()

    def properties(self, call: Call, row: BackEnd) -> dict[str, Any]:
        return {
            "title": row.title or None,
            "description": row.description or None,
            "url": row.url,
            "protocol": "http",
            "tls": _tls(row),
        }

    def create(self, call: Call, name: str, given: dict[str, Any]) -> BackEnd:
        return create_back_end(call.actor, resource_id=name, **_values(given))

    def update(self, call: Call, row: BackEnd, given: dict[str, Any]) -> BackEnd:
        values = _values(given)
        if is_already(row, values):
            return row
        return update_back_end(
            call.actor, row.key, **values, revision=call.expected, confirmed=call.confirmed
        )

    def patch(self, call: Call, row: BackEnd, given: dict[str, Any]) -> BackEnd:
        tls = {"tls": _tls(row) | given["tls"]} if given.get("tls") else {}
        return self.update(call, row, self.properties(call, row) | given | tls)

    def delete(self, call: Call, row: BackEnd) -> int:
        return delete_back_end(call.actor, row.key, revision=call.expected)


def _tls(row: BackEnd) -> dict[str, bool]:
    return {
        "validateCertificateChain": row.validate_certificate_chain,
        "validateCertificateName": row.validate_certificate_name,
    }


def _values(given: dict[str, Any]) -> dict[str, Any]:
    """The values of a change; what is null or not there has its default. Raises ApiError."""
    credentials, tls = given.get("credentials") or {}, given.get("tls") or {}
    if said := [name for name, value in credentials.items() if not is_empty(value)]:
        raise incorrect(*(Detail(f"credentials.{name}", _CREDENTIALS[name]) for name in said))
    return {
        "url": given["url"],
        "title": given.get("title") or "",
        "description": given.get("description") or "",
        "validate_certificate_chain": tls.get("validateCertificateChain") is not False,
        "validate_certificate_name": tls.get("validateCertificateName") is not False,
    }
