"""APIs with their trust, operations and policies, as files."""

from collections import defaultdict
from collections.abc import Iterator
from uuid import UUID

from gateway.export.names import file_name
from gateway.export.texts import File, as_json
from gateway.models import Api, BackEndTrust, Operation, PolicyDocument, TrustedCa

GLOBAL_POLICY = "policy.xml"
_OPERATION = (
    "api__resource_id",
    "resource_id",
    "display_name",
    "description",
    "method",
    "url_template",
)
_SCOPE = ("api__resource_id", "operation__api__resource_id", "operation__resource_id", "xml")


def apis(using: str) -> Iterator[tuple[File, ...]]:
    """Each API, with what it demands of its back end's certificate."""
    trusted = _trusted(using)
    trusts = {row.api_id: row for row in BackEndTrust.objects.using(using).iterator()}
    for row in Api.objects.using(using).iterator():
        values = _api(row) | {"trust": _trust(trusts[row.key], trusted[row.key])}
        yield (File(f"{_folder(row.resource_id)}/api.json", as_json(values)),)


def _trusted(using: str) -> dict[UUID, list[str]]:
    """The ids of the CA certificates that each API trusts."""
    found = defaultdict[UUID, list[str]](list)
    columns = TrustedCa.objects.using(using).values_list("trust__api_id", "ca_certificate__resource_id")
    for api, name in columns.iterator():
        found[api].append(name)
    return found


def _api(row: Api) -> dict[str, object]:
    return {
        "id": row.resource_id,
        "displayName": row.display_name,
        "description": row.description,
        "serviceUrl": row.web_service_url,
        "path": row.suffix,
        "protocols": [scheme for scheme, on in (("http", row.http), ("https", row.https)) if on],
        "subscriptionRequired": row.subscription_required,
        "connectTimeout": row.connect_timeout,
        "readTimeout": row.read_timeout,
        "totalTimeout": row.total_timeout,
        "maxBodyBytes": row.max_body_bytes,
        "maxCalls": row.max_calls,
    }


def _trust(row: BackEndTrust, ca_certificates: list[str]) -> dict[str, object]:
    return {
        "validateCertificateChain": row.validate_certificate_chain,
        "validateCertificateName": row.validate_certificate_name,
        "publicCas": row.public_cas,
        "caCertificates": sorted(ca_certificates),
        "refuseExpired": row.refuse_expired,
        "probeAfterSave": row.probe_after_save,
    }


def operations(using: str) -> Iterator[tuple[File, ...]]:
    """Each operation, in the folder of its API."""
    for columns in Operation.objects.using(using).values_list(*_OPERATION).iterator():
        api, name, display_name, description, method, url_template = columns
        values = {
            "id": name,
            "displayName": display_name,
            "description": description,
            "method": method,
            "urlTemplate": url_template,
        }
        yield (File(f"{_operation(api, name)}.json", as_json(values)),)


def policies(using: str) -> Iterator[tuple[File, ...]]:
    """The document of each scope that has one, byte for byte as it is kept."""
    for columns in PolicyDocument.objects.using(using).values_list(*_SCOPE).iterator():
        api, around, operation, xml = columns
        path = f"{_folder(api)}/policy.xml" if api is not None else GLOBAL_POLICY
        if operation is not None:
            path = f"{_operation(around, operation)}.xml"
        yield (File(path, xml.encode()),)


def _folder(api: str) -> str:
    return f"apis/{file_name(api)}"


def _operation(api: str, name: str) -> str:
    return f"{_folder(api)}/operations/{file_name(name)}"
