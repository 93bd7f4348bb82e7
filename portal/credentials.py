"""The credentials that the gateway shows to an API's back end, in words, read from the API's policy document."""

from dataclasses import dataclass

from gateway.models import Api, Certificate, PolicyDocument
from gateway.policies import parser, splice
from gateway.policies.named_values import has_reference
from gateway.policies.parser import PolicyErrors


@dataclass(frozen=True, slots=True)
class CredentialsInWords:
    """`text` for people; `certificate` is the one that is presented; `problem` what is wrong with it all."""

    text: str
    certificate: Certificate | None = None
    problem: str = ""


def document_in(row: object) -> PolicyDocument | None:
    """The policy document of an API or operation that was read with select_related("policy_document")."""
    return getattr(row, "policy_document", None)


def credentials_of(api: Api) -> CredentialsInWords:
    """What the API's own document says.

    Asks the database nothing if the API was read with its document, `policy_document__references__certificate`
    and the current versions of these.
    """
    document = document_in(api)
    if document is None:
        return CredentialsInWords("None")
    try:
        found = splice.authentication_of(parser.parse(document.xml, "api"))
    except PolicyErrors:
        return CredentialsInWords("Unknown", problem="The policy document of this API cannot be read.")
    match found.kind:
        case "none":
            return CredentialsInWords("None")
        case "basic":
            return CredentialsInWords(f"HTTP basic as {found.username}")
        case "several":
            several = "The policy of this API holds more than one authentication statement."
            return CredentialsInWords("Several", problem=several)
    return _certificate(document, found.kind, found.name)


def _certificate(document: PolicyDocument, kind: str, name: str) -> CredentialsInWords:
    for reference in document.references.all():
        certificate = reference.certificate
        if certificate is not None and (has_reference(name) or _is_named(certificate, kind, name)):
            return CredentialsInWords(f"Client certificate {certificate.resource_id}", certificate)
    missing = "The policy of this API names a client certificate that is not there."
    return CredentialsInWords(f"Client certificate {name}", problem=missing)


def _is_named(certificate: Certificate, kind: str, name: str) -> bool:
    if kind == "certificate-id":
        return certificate.resource_id.lower() == name.lower()
    return certificate.current is not None and certificate.current.thumbprint == name
