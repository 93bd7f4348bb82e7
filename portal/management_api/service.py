"""The service itself, which clients look for first: this portal, under the name that a setting gives it."""

from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import get_script_prefix

from gateway.models import Revision
from portal.gateway_urls import gateway_bases
from portal.management_api.errors import ApiError
from portal.management_api.etags import etag_of

TYPE = "Microsoft.ApiManagement/service"
METHODS = ("GET", "HEAD")
_ANY_GROUP = "portal"  # every group has it; a list over all groups has to name one


def base_of(subscription: str, group: str | None) -> str:
    """What ids begin with: names as they were sent, and what is fixed as the original writes it."""
    name = settings.MANAGEMENT_SERVICE_NAME
    return (
        f"/subscriptions/{subscription}/resourceGroups/{group or _ANY_GROUP}"
        f"/providers/Microsoft.ApiManagement/service/{name}"
    )


def check_name(name: str) -> None:
    """Raises ApiError (404) for a service that is not this one."""
    if name.lower() != settings.MANAGEMENT_SERVICE_NAME.lower():
        message = f"The service is called '{settings.MANAGEMENT_SERVICE_NAME}' here, not '{name}'."
        raise ApiError(HTTPStatus.NOT_FOUND, "ResourceNotFound", message)


def revision() -> int:
    """That of the last change, whatever it changed."""
    return Revision.objects.get().number


SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "name": {"type": "string"},
        "type": {"type": "string", "const": TYPE},
        "tags": {"type": "object", "additionalProperties": {"type": "string"}},
        "location": {"type": "string"},
        "sku": {
            "type": "object",
            "properties": {"name": {"type": "string"}, "capacity": {"type": "integer"}},
            "required": ["name", "capacity"],
        },
        "etag": {"type": "string", "description": "As in the ETag field, without quotation marks."},
        "properties": {
            "type": "object",
            "properties": {
                "provisioningState": {"type": "string"},
                "gatewayUrl": {"type": "string", "format": "uri"},
                "portalUrl": {"type": "string", "format": "uri"},
                "managementApiUrl": {"type": "string", "format": "uri"},
                "developerPortalUrl": {"type": "null"},
                "publicIPAddresses": {"type": "null"},
                "privateIPAddresses": {"type": "null"},
                "publisherName": {"type": "string"},
                "publisherEmail": {"type": "string"},
            },
            "required": ["provisioningState", "gatewayUrl", "publisherName", "publisherEmail"],
        },
    },
    "required": ["id", "name", "type", "location", "sku", "etag", "properties"],
}


def entity(request: HttpRequest, base: str, at: int) -> dict[str, Any]:
    """The service as answers have it; what makes no sense here has the value that the original's model demands."""
    return {
        "id": base,
        "name": settings.MANAGEMENT_SERVICE_NAME,
        "type": TYPE,
        "tags": {},
        "location": "global",
        "sku": {"name": "Developer", "capacity": 1},
        "etag": etag_of(at).strip('"'),
        "properties": {
            "provisioningState": "Succeeded",
            "gatewayUrl": next(iter(gateway_bases(request).values())),
            "portalUrl": request.build_absolute_uri(get_script_prefix()).rstrip("/"),
            "managementApiUrl": request.build_absolute_uri(f"{get_script_prefix()}management"),
            "developerPortalUrl": None,
            "publicIPAddresses": None,
            "privateIPAddresses": None,
            "publisherName": "Publisher portal",
            "publisherEmail": settings.DEFAULT_FROM_EMAIL,
        },
    }
