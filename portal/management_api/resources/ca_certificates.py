"""CA certificates, an addition of ours: what APIs may trust when they check their back ends' certificates."""

from http import HTTPStatus
from typing import Any

from django.db.models import QuerySet

from gateway.ca_files import CaCertificateFile, read_ca_certificates
from gateway.changes.ca_certificates import delete_ca_certificate, upload_ca_certificates
from gateway.errors import AlreadyExists
from gateway.models import CaCertificate
from gateway.x509 import FileRefused
from portal.management_api.errors import ApiError, Detail, incorrect, target_of
from portal.management_api.file_members import file_of
from portal.management_api.filters import Field
from portal.management_api.resource import Call, Resource
from portal.management_api.resources.certificates import USED_BY
from portal.management_api.x509_members import SCHEMA, x509_members

_OTHER = (
    "'{}' is another CA certificate, and is not replaced: APIs trust the one that they chose. PUT the new one with "
    "an id of its own, have APIs trust that, then delete this one."
)


class CaCertificates(Resource[CaCertificate]):
    """A CA certificate; PUT of an existing one is for the same certificate only."""

    segment = "caCertificates"
    label = "CA certificate"
    parameter = "caCertificateId"
    schema = {
        **SCHEMA,
        "usedBy": USED_BY,
        "data": {
            "type": "string",
            "writeOnly": True,
            "description": "Base64 of a file with one certificate, DER or PEM.",
        },
    }
    required = ("data",)
    targets = {"file": "data", "name": "id"}
    methods = frozenset({"PUT", "DELETE"})
    filters = {
        "name": Field("resource_id"),
        "subject": Field("subject"),
        "thumbprint": Field("thumbprint", "upper"),
        "expirationDate": Field("not_after", "time"),
    }
    addition = True

    def rows(self, parents: tuple[Any, ...]) -> QuerySet[CaCertificate]:
        return CaCertificate.objects.all()

    def properties(self, call: Call, row: CaCertificate) -> dict[str, Any]:
        return x509_members(row)

    def more_properties(self, call: Call, row: CaCertificate) -> dict[str, Any]:
        uses = CaCertificate.objects.with_uses().get(pk=row.pk).uses
        return {"usedBy": [call.base + target_of(use) for use in uses]}

    def create(self, call: Call, name: str, given: dict[str, Any]) -> CaCertificate:
        data = file_of(given)
        _only_one(data)
        return upload_ca_certificates(call.actor, data=data, name=name)[0]

    def update(self, call: Call, row: CaCertificate, given: dict[str, Any]) -> CaCertificate:
        if _only_one(file_of(given)).facts.sha256 != row.sha256:
            message = _OTHER.format(row.resource_id)
            raise ApiError(HTTPStatus.CONFLICT, AlreadyExists.code, message)
        return row

    def delete(self, call: Call, row: CaCertificate) -> int:
        return delete_ca_certificate(call.actor, row.key, revision=call.expected)


def _only_one(data: bytes) -> CaCertificateFile:
    try:
        files = read_ca_certificates(data)
    except FileRefused as refused:
        raise incorrect(Detail("data", refused.message)) from None
    if len(files) > 1:
        text = f"The file has {len(files)} certificates. PUT each of them under an id of its own."
        raise incorrect(Detail("data", text))
    return files[0]
