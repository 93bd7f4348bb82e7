"""What the gateway demands of the certificate of an API's back end: the trust settings of its Security tab."""

from typing import Any

from django.db.models import QuerySet

from gateway.changes.security import Trust, read_security, save_trust
from gateway.models import BackEndTrust, CaCertificate
from gateway.models.base import with_id
from portal.management_api.errors import Detail, incorrect
from portal.management_api.resource import Call, Resource
from portal.management_api.resources.apis import Apis

# Members that are switches, with the names of their values in a Trust
_SWITCHES = {
    "validateCertificateChain": "validate_chain",
    "validateCertificateName": "validate_name",
    "publicCas": "public_cas",
    "refuseExpired": "refuse_expired",
    "probeAfterSave": "probe_after_save",
}
_DESCRIPTIONS = {
    "validateCertificateChain": "Whether its certificate has to come from a trusted CA; true as a default.",
    "validateCertificateName": "Whether its certificate has to be for its host name; true as a default.",
    "publicCas": "Whether the public CAs are trusted; true as a default.",
    "refuseExpired": "Whether calls are refused once the client certificate has expired; false as a default.",
    "probeAfterSave": "Whether the handshake is tried after a Save in the portal; true as a default.",
}


class Trusts(Resource[BackEndTrust]):
    """An API's trust settings, which it has from its beginning."""

    segment = "trust"
    label = "Trust"
    schema = {
        **{name: {"type": "boolean", "description": text} for name, text in _DESCRIPTIONS.items()},
        "caCertificates": {
            "type": "array",
            "items": {"type": "string"},
            "description": "The ids of the CA certificates that are trusted; none if not given.",
        },
    }
    targets = {"ca_certificates": "caCertificates"}
    methods = frozenset({"PUT"})
    addition = True
    singleton = True

    def __init__(self) -> None:
        super().__init__(Apis())

    def rows(self, parents: tuple[Any, ...]) -> QuerySet[BackEndTrust]:
        return BackEndTrust.objects.filter(api=parents[0])

    def id_of(self, row: BackEndTrust) -> str:
        return self.segment

    def properties(self, call: Call, row: BackEndTrust) -> dict[str, Any]:
        cas = row.trusted_cas.order_by("ca_certificate__resource_id")
        return {
            "validateCertificateChain": row.validate_certificate_chain,
            "validateCertificateName": row.validate_certificate_name,
            "publicCas": row.public_cas,
            "caCertificates": list(cas.values_list("ca_certificate__resource_id", flat=True)),
            "refuseExpired": row.refuse_expired,
            "probeAfterSave": row.probe_after_save,
        }

    def update(self, call: Call, row: BackEndTrust, given: dict[str, Any]) -> BackEndTrust:
        switches = {_SWITCHES[name]: value for name, value in given.items() if name in _SWITCHES}
        cas = [_ca_certificate(name) for name in given.get("caCertificates", ())]
        trust = Trust(**switches, ca_certificates=tuple(sorted({ca.key for ca in cas})))
        if read_security(call.parents[0]).trust == trust:
            return row  # nothing would change
        return save_trust(call.actor, call.parents[0].key, trust, revision=call.expected)


def _ca_certificate(name: str) -> CaCertificate:
    found = with_id(CaCertificate.objects.all(), name).first()
    if found is None:
        raise incorrect(Detail("caCertificates", f"CA certificate with id '{name}' not found."))
    return found
