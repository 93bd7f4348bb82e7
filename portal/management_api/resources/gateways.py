"""Running gateway processes, to be looked at only: they come and go with `serve`."""

from typing import Any

from django.db.models import QuerySet

from gateway.models import GatewayLease
from gateway.records import live_gateways
from portal.management_api.filters import Field
from portal.management_api.resource import Call, Resource
from portal.management_api.times import time_text


class Gateways(Resource[Any]):
    """A gateway process that runs; its ETag is the revision of the configuration that it runs."""

    segment = "gateways"
    label = "Gateway"
    parameter = "gatewayId"
    schema = {
        "description": {"type": "string", "readOnly": True, "description": "Host and process number."},
        "locationData": {
            "type": "object",
            "readOnly": True,
            "properties": {"name": {"type": "string", "description": "The host."}},
            "required": ["name"],
        },
        "startedAt": {
            "type": "string",
            "format": "date-time",
            "readOnly": True,
            "x-addition": True,
            "description": "An addition: since when it runs.",
        },
        "revision": {
            "type": "integer",
            "readOnly": True,
            "x-addition": True,
            "description": "An addition: which revision of the configuration it runs.",
        },
        "problem": {
            "type": ["string", "null"],
            "readOnly": True,
            "x-addition": True,
            "description": "An addition: what keeps it from running a later one.",
        },
    }
    methods = frozenset()
    filters = {"description": Field("name"), "startedAt": Field("started_at", "time")}
    order = "name"

    def rows(self, parents: tuple[Any, ...]) -> QuerySet[GatewayLease]:
        return GatewayLease.objects.filter(pk__in=[lease.pk for lease in live_gateways()])

    def find(self, parents: tuple[Any, ...], name: str) -> GatewayLease | None:
        return next((lease for lease in live_gateways() if str(lease.key) == name.lower()), None)

    def id_of(self, row: GatewayLease) -> str:
        return str(row.key)

    def properties(self, call: Call, row: GatewayLease) -> dict[str, Any]:
        return {
            "description": row.name,
            "locationData": {"name": row.name.partition(":")[0]},
            "startedAt": time_text(row.started_at),
            "revision": row.revision,
            "problem": row.problem or None,
        }
