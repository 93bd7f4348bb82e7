"""The versions of a client certificate, an addition of ours: a successor waits here until it is used."""

import re
from dataclasses import replace
from typing import Any

from django.db.models import QuerySet

from gateway.changes.certificate_versions import add_version, remove_version, use_version
from gateway.errors import Invalid
from gateway.models import Certificate, CertificateVersion
from portal.management_api import file_members
from portal.management_api.bodies import object_schema
from portal.management_api.etags import expected_revision
from portal.management_api.file_members import material
from portal.management_api.filters import Field
from portal.management_api.resource import Action, Call, Done, Resource
from portal.management_api.resources.certificates import CERTIFICATES
from portal.management_api.x509_members import SCHEMA, x509_members

_CERTIFICATE = {
    **{name: {"type": "string"} for name in ("id", "type", "name")},
    "properties": object_schema(CERTIFICATES.schema),
}


def _use(call: Call, row: CertificateVersion, given: dict[str, Any]) -> Done:
    """Renew or roll back; once more for the one in use, as after an answer that got lost."""
    certificate: Certificate = call.parents[0]
    expected = expected_revision(call.request.headers.get("If-Match"), certificate.revision)
    revision = None
    try:
        revision = use_version(call.actor, certificate.key, row.key, revision=expected).revision
    except Invalid:
        if not Certificate.objects.filter(pk=certificate.pk, current=row).exists():
            raise
    found = CERTIFICATES.rows(()).get(pk=certificate.pk)
    content = CERTIFICATES.entity(replace(call, parents=()), found, alone=True)
    return Done(200, content, revision, etag=found.revision)


class CertificateVersions(Resource[CertificateVersion]):
    """A version of a client certificate; its ETag is that of the certificate, whose every change may concern it."""

    segment = "versions"
    label = "Certificate version"
    parameter = "number"
    schema = {
        "number": {"type": "integer", "readOnly": True},
        "current": {
            "type": "boolean",
            "readOnly": True,
            "description": "Whether it is the one that is presented.",
        },
        **SCHEMA,
        **file_members.SCHEMA,
    }
    required = ("data",)
    targets = file_members.TARGETS
    methods = frozenset({"POST", "DELETE"})
    filters = {
        "subject": Field("subject"),
        "thumbprint": Field("thumbprint", "upper"),
        "expirationDate": Field("not_after", "time"),
    }
    actions = (
        Action(
            "use",
            "Present this version from the next call on (renew or roll back). Answers the certificate.",
            _use,
            answer=_CERTIFICATE,
            addition=True,
        ),
    )
    order = "number"
    addition = True

    def rows(self, parents: tuple[Any, ...]) -> QuerySet[CertificateVersion]:
        return CertificateVersion.objects.filter(certificate=parents[0]).select_related("certificate")

    def find(self, parents: tuple[Any, ...], name: str) -> CertificateVersion | None:
        if not re.fullmatch("[1-9][0-9]{0,8}", name):
            return None
        return self.rows(parents).filter(number=int(name)).first()

    def id_of(self, row: CertificateVersion) -> str:
        return str(row.number)

    def revision(self, row: CertificateVersion) -> int:
        return row.certificate.revision

    def properties(self, call: Call, row: CertificateVersion) -> dict[str, Any]:
        return {
            "number": row.number,
            "current": row.pk == row.certificate.current_id,
            **x509_members(row),
        }

    def add(self, call: Call, given: dict[str, Any]) -> CertificateVersion:
        """Upload a successor, which is not in use yet."""
        certificate: Certificate = call.parents[0]
        expected = expected_revision(call.request.headers.get("If-Match"), certificate.revision)
        with material(given) as file:
            return add_version(call.actor, certificate.key, revision=expected, **file.values())

    def delete(self, call: Call, row: CertificateVersion) -> int:
        return remove_version(call.actor, row.certificate_id, row.key, revision=call.expected)
