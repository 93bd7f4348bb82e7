"""What policy documents refer to: looked up, tried out, and kept as rows that protect it from being deleted."""

from collections.abc import Iterator, Mapping

from django.conf import settings

from gateway import keystore
from gateway.addresses import AddressRules, check_literal, parse_web_service_url
from gateway.changes.base import Change
from gateway.changes.policy_documents import (
    Scope,
    api_of,
    goes_elsewhere,
    parsed_or_none,
    scope_of,
    url_template_of,
)
from gateway.errors import Invalid, Unreadable
from gateway.models import (
    BackEnd,
    Certificate,
    CertificateVersion,
    NamedValue,
    PolicyDocument,
    PolicyReference,
)
from gateway.models.base import with_id
from gateway.policies import effective
from gateway.policies.elements import Element
from gateway.policies.faults import Fault, PolicyErrors
from gateway.policies.named_values import substituted
from gateway.policies.parser import Document
from gateway.policies.references import Reference, references_of
from gateway.policies.statements.set_backend_service import SetBackendService
from gateway.snapshot import Secret

HTTPS_NEEDED = (
    "A client certificate is only presented over https, and this API presents “{certificate}”. "
    "Use an https:// web service URL, or choose other credentials on the Security tab first."
)


Target = Certificate | NamedValue | BackEnd


class Lookup:
    """Certificates, named values and back ends by the names that documents use, each asked for once.

    `instead` are the values of some named values, by name, that count instead of those that there are: of those
    that are about to be made, or what one was before it changed.
    """

    def __init__(self, instead: Mapping[str, str | Secret] | None = None) -> None:
        self._instead = {name.lower(): value for name, value in (instead or {}).items()}
        self._found: dict[tuple[str, str], Target | None] = {}

    def target(self, kind: str, name: str) -> Target | None:
        """What a reference of that kind (see gateway.policies.references) names, None if it is not there."""
        key = (kind, name)  # as it is written: which letters are alike in another case, the database says
        if key not in self._found:
            self._found[key] = _target(kind, name)
        return self._found[key]

    def certificate(self, certificate_id: str | None, thumbprint: str | None) -> str:
        """The key of a certificate. Raises LookupError."""
        by_id = certificate_id is not None
        found = self.target("certificate-id" if by_id else "thumbprint", certificate_id or thumbprint or "")
        if found is None:
            raise LookupError(certificate_id or thumbprint)
        return str(found.key)

    def back_end(self, name: str) -> str:
        """The URL of a back end. Raises LookupError."""
        row = self.target("backend-id", name)
        if not isinstance(row, BackEnd):
            raise LookupError(name)
        return row.url

    def named_value(self, name: str) -> str | Secret:
        """The value that a name stands for. Raises LookupError.

        A secret that cannot be opened is no fault of the document, and must not keep anybody from mending it:
        something else stands for it.
        """
        if name.lower() in self._instead:
            return self._instead[name.lower()]
        row = self.target("named-value", name)
        if not isinstance(row, NamedValue):
            raise LookupError(name)
        return value_of(row)


def value_of(row: NamedValue) -> str | Secret:
    """What documents are checked with: the value, or for a secret that cannot be opened something else."""
    if not row.secret:
        return row.value
    try:
        return Secret(keystore.open_sealed(row._meta.db_table, "sealed_value", row.key, row.sealed_value))
    except Unreadable:
        return Secret(b"unreadable")


def _target(kind: str, name: str) -> Target | None:
    match kind:
        case "certificate-id":
            return with_id(Certificate.objects.all(), name).first()
        case "thumbprint":
            return Certificate.objects.filter(current__thumbprint=name).first()
        case "backend-id":
            return with_id(BackEnd.objects.all(), name).first()
        case _:
            return with_id(NamedValue.objects.all(), name).first()


def faults_in(scope: Scope, written: Document, final: Document, lookup: Lookup) -> tuple[Fault, ...]:
    """Why a document cannot be compiled with the certificates, named values and back ends that there are.

    `final` is what is going to be saved, which is compiled; the faults are those of `written`, of which it was
    made by moving secrets.
    """
    references = references_of(written, lookup.named_value)
    missing = [each for each in references if lookup.target(each.kind, each.name) is None]
    places = dict(zip(map(_place, final.root.walk()), written.root.walk(), strict=True))
    compiling = [(places[fault.line, fault.column], fault) for fault in _compiling(scope, final, lookup)]
    return (
        *map(_missing, missing),
        *(element.fault(f.message) for element, f in compiling if not _holds_one(element, missing)),
        *without_https(scope, written, lookup),
        *_not_to_be_called(written, lookup),
    )


def _place(element: Element) -> tuple[int, int]:
    return element.line, element.column


def _holds_one(element: Element, references: list[Reference]) -> bool:
    """Whether it is known already why an element cannot be compiled."""
    return any(element.start <= each.element.start < element.end for each in references)


def _missing(reference: Reference) -> Fault:
    """That what a reference names is not there; the thumbprint of another version comes with the id to use."""
    fault = reference.fault()
    if reference.kind != "thumbprint":
        return fault
    versions = CertificateVersion.objects.select_related("certificate__current")
    other = versions.filter(thumbprint=reference.name).first()
    if other is None:
        return fault
    name, current = other.certificate.resource_id, other.certificate.current
    earlier = current is not None and other.number < current.number
    whose = (
        f"an earlier version of '{name}'"
        if earlier
        else f"version {other.number} of '{name}', which is not in use"
    )
    return reference.element.fault(
        f'{fault.message.removesuffix(".")}: it belongs to {whose}. Write certificate-id="{name}" instead.'
    )


def _compiling(scope: Scope, document: Document, lookup: Lookup) -> list[Fault]:
    """What is wrong with the statements of a document once its named values are known.

    Each is compiled on its own, so what stands in the documents of other scopes makes no difference.
    """
    alone = {document.scope: document}
    scopes = (alone.get("global"), alone.get("api"), alone.get("operation"))
    try:
        effective.resolve(
            *scopes, lookup.certificate, lookup.named_value, url_template_of(scope), lookup.back_end
        )
    except PolicyErrors as error:
        return list(error.faults)
    return []


def without_https(scope: Scope, document: Document, lookup: Lookup) -> Iterator[Fault]:
    """Statements that name a certificate, which is presented over https only, where it cannot be.

    See changes.apis for the other way round.
    """
    api = api_of(scope)
    if api is None or parse_web_service_url(api.web_service_url).scheme == "https":
        return
    if goes_elsewhere(scope, document):
        return
    for reference in references_of(document, lookup.named_value):
        certificate = lookup.target(reference.kind, reference.name)
        if isinstance(certificate, Certificate):
            yield reference.element.fault(HTTPS_NEEDED.format(certificate=certificate))


def _not_to_be_called(document: Document, lookup: Lookup) -> Iterator[Fault]:
    """Base URLs whose host is an address that the gateway does not call, as for a web service URL."""
    rules = AddressRules.from_settings(settings.GATEWAY_ALLOWED_BACK_END_NETWORKS)
    for placed in document.statements:
        statement = placed.statement
        if not isinstance(statement, SetBackendService) or statement.base_url is None:
            continue
        try:
            url = parse_web_service_url(substituted(statement.base_url, lookup.named_value))
        except ValueError:  # told already (Unresolvable is one)
            continue
        if refusal := check_literal(url.host, rules):
            yield placed.element.fault(refusal)


def write_references(row: PolicyDocument, document: Document, lookup: Lookup) -> None:
    """Keep what a document refers to, each thing once."""
    found = {}
    for reference in references_of(document, lookup.named_value):
        target = lookup.target(reference.kind, reference.name)
        if target is not None:
            found[target.pk] = target
    before = row.references.values_list("certificate", "named_value", "back_end")
    if {next(filter(None, keys)) for keys in before} == found.keys():
        return
    row.references.all().delete()
    PolicyReference.objects.bulk_create(_reference(row, target) for target in found.values())


def _reference(row: PolicyDocument, target: Target) -> PolicyReference:
    if isinstance(target, Certificate):
        return PolicyReference(document=row, certificate=target)
    if isinstance(target, BackEnd):
        return PolicyReference(document=row, back_end=target)
    return PolicyReference(document=row, named_value=target)


def derive_references(
    this: Change, row: PolicyDocument, lookup: Lookup | None = None, before: Lookup | None = None
) -> None:
    """Derive what a document refers to once more, within a change of a named value that is in it.

    `lookup` and `before`, with what the value was, are shared by many documents that are derived at a time. Raises
    Invalid on "xml" with everything that this change makes wrong with it: what was wrong already (an earlier
    release let it in, or a setting changed) must not keep anybody from changing the value.
    """
    lookup, scope, document = lookup or Lookup(), scope_of(row), parsed_or_none(row)
    if document is None:  # and will be, whatever the value is
        return
    faults = faults_in(scope, document, document, lookup)
    if faults and before:
        wrong_already = {(each.line, each.column) for each in faults_in(scope, document, document, before)}
        faults = tuple(each for each in faults if (each.line, each.column) not in wrong_already)
    if faults:
        raise Invalid({"xml": [str(fault) for fault in PolicyErrors(faults).faults]})
    write_references(row, document, lookup)


def refuse(faults: tuple[Fault, ...]) -> None:
    """Raise PolicyErrors if there are any faults."""
    if faults:
        raise PolicyErrors(faults)
