"""Client certificates."""

import base64
import binascii
from typing import Any

from django.db.models import QuerySet

from gateway.changes.certificate_versions import add_version, get_current, use_version
from gateway.changes.certificates import delete_certificate, upload_certificate
from gateway.models import Certificate
from portal.management_api.errors import Detail, incorrect
from portal.management_api.filters import Field
from portal.management_api.resource import Call, Resource
from portal.management_api.times import time_text


class Certificates(Resource[Certificate]):
    """A client certificate; PUT of an existing one replaces it everywhere at once."""

    segment = "certificates"
    label = "Certificate"
    parameter = "certificateId"
    schema = {
        "subject": {"type": "string", "readOnly": True},
        "thumbprint": {"type": "string", "readOnly": True},
        "expirationDate": {"type": "string", "format": "date-time", "readOnly": True},
        "data": {
            "type": "string",
            "writeOnly": True,
            "description": "Base64 of a PFX (PKCS #12) or PEM file.",
        },
        "password": {
            "type": ["string", "null"],
            "writeOnly": True,
            "description": "The password of the file.",
        },
    }
    required = ("data",)
    refused = {"keyVault": "Key Vault is not supported. Send the file in 'data', with its 'password'."}
    targets = {"file": "data", "name": "id", "key": "data"}
    methods = frozenset({"PUT", "DELETE"})
    filters = {
        "name": Field("resource_id"),
        "subject": Field("current__subject"),
        "thumbprint": Field("current__thumbprint"),
        "expirationDate": Field("current__not_after", "time"),
    }

    def rows(self, parents: tuple[Any, ...]) -> QuerySet[Certificate]:
        return Certificate.objects.select_related("current")

    def properties(self, call: Call, row: Certificate) -> dict[str, Any]:
        current = get_current(row)
        return {
            "subject": current.subject,
            "thumbprint": current.thumbprint,
            "expirationDate": time_text(current.not_after),
        }

    def create(self, call: Call, name: str, given: dict[str, Any]) -> Certificate:
        return upload_certificate(
            call.actor, data=_file(given), password=given.get("password") or "", name=name
        )

    def update(self, call: Call, row: Certificate, given: dict[str, Any]) -> Certificate:
        version = add_version(
            call.actor,
            row.key,
            data=_file(given),
            password=given.get("password") or "",
            revision=call.expected,
        )
        use_version(call.actor, row.key, version.key)
        return self.rows(()).get(pk=row.pk)

    def delete(self, call: Call, row: Certificate) -> int:
        return delete_certificate(call.actor, row.key, revision=call.expected)


def _file(given: dict[str, Any]) -> bytes:
    try:
        return base64.b64decode(given["data"], validate=True)
    except (ValueError, binascii.Error):
        raise incorrect(Detail("data", "This is no base64.")) from None
