"""Client certificates."""

from typing import Any, ClassVar

from django.db.models import QuerySet

from gateway.changes.certificate_versions import get_current, replace_certificate
from gateway.changes.certificates import delete_certificate, upload_certificate
from gateway.models import Certificate
from portal.management_api import file_members
from portal.management_api.bodies import Schema
from portal.management_api.errors import Detail, incorrect, target_of
from portal.management_api.file_members import material
from portal.management_api.filters import Field
from portal.management_api.key_vault import REFRESH_FAILED, asks_for_failed
from portal.management_api.resource import Action, Call, Done, Resource
from portal.management_api.times import time_text

_KEY_VAULT = "Key Vault is not supported. Send the file in 'data', with its 'password'."
USED_BY = {
    "type": "array",
    "items": {"type": "string"},
    "readOnly": True,
    "x-addition": True,
    "description": "An addition, not in lists: the ids of what refers to it, so that it cannot be deleted.",
}


def _refresh_secret(call: Call, row: Certificate, given: dict[str, Any]) -> Done:
    raise incorrect(Detail("keyVault", f"No certificate here comes from a Key Vault. {_KEY_VAULT}"))


class Certificates(Resource[Certificate]):
    """A client certificate; PUT of an existing one replaces it everywhere at once."""

    segment = "certificates"
    label = "Certificate"
    parameter = "certificateId"
    schema = {
        "subject": {"type": "string", "readOnly": True},
        "thumbprint": {"type": "string", "readOnly": True},
        "expirationDate": {"type": "string", "format": "date-time", "readOnly": True},
        "usedBy": USED_BY,
        **file_members.SCHEMA,
    }
    required = ("data",)
    refused = {"keyVault": _KEY_VAULT}
    targets = file_members.TARGETS
    methods = frozenset({"PUT", "DELETE"})
    filters = {
        "name": Field("resource_id"),
        "subject": Field("current__subject"),
        "thumbprint": Field("current__thumbprint", "upper"),
        "expirationDate": Field("current__not_after", "time"),
    }
    actions: ClassVar[tuple[Action, ...]] = (
        Action(
            "refreshSecret",
            "From Key Vault, which is not supported: says so, and what to do instead.",
            _refresh_secret,
            statuses=(400,),
        ),
    )
    queries: ClassVar[Schema] = REFRESH_FAILED

    def rows(self, parents: tuple[Any, ...]) -> QuerySet[Certificate]:
        shown = Certificate.objects.select_related("current")
        return shown.defer("current__chain_pem", "current__sealed_private_key")

    def listed(self, call: Call) -> QuerySet[Certificate]:
        rows = super().listed(call)
        return rows.none() if asks_for_failed(call) else rows

    def properties(self, call: Call, row: Certificate) -> dict[str, Any]:
        current = get_current(row)
        return {
            "subject": current.subject,
            "thumbprint": current.thumbprint,
            "expirationDate": time_text(current.not_after),
        }

    def more_properties(self, call: Call, row: Certificate) -> dict[str, Any]:
        uses = Certificate.objects.with_uses().get(pk=row.pk).uses
        return {"usedBy": [call.base + target_of(use) for use in uses]}

    def create(self, call: Call, name: str, given: dict[str, Any]) -> Certificate:
        with material(given) as file:
            return upload_certificate(call.actor, name=name, **file.values())

    def update(self, call: Call, row: Certificate, given: dict[str, Any]) -> Certificate:
        """Add a version and use it, or use one that is there already with this material."""
        with material(given) as file:
            replace_certificate(call.actor, row.key, revision=call.expected, **file.values())
        return self.rows(()).get(pk=row.pk)

    def delete(self, call: Call, row: Certificate) -> int:
        return delete_certificate(call.actor, row.key, revision=call.expected)


CERTIFICATES = Certificates()
