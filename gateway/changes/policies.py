"""Changes to policy documents, and the reference rows that are derived from them."""

from collections.abc import Iterator

from django.db.models import QuerySet

from gateway.changes.base import Change
from gateway.errors import Invalid
from gateway.models import Api, Certificate, NamedValue, Operation, PolicyDocument, PolicyReference
from gateway.models.base import with_id
from gateway.policies import parser
from gateway.policies.documents import NEW_DOCUMENT
from gateway.policies.parser import Document, Fault, PolicyErrors
from gateway.policies.references import references_of
from gateway.snapshot import Secret

Scope = Api | Operation | None


def document_of(scope: Scope) -> PolicyDocument | None:
    """The document of an API, an operation, or (None) of All APIs; None where the scope has no policy."""
    return PolicyDocument.objects.filter(**_scope_columns(scope)).first()


def _scope_columns(scope: Scope) -> dict[str, Api | Operation | None]:
    return {
        "api": scope if isinstance(scope, Api) else None,
        "operation": scope if isinstance(scope, Operation) else None,
    }


def text_of(scope: Scope) -> str:
    """The text of a scope's document, or the one that a new document starts with."""
    document = document_of(scope)
    return document.xml if document else NEW_DOCUMENT


def save_document(this: Change, scope: Scope, xml: str) -> PolicyDocument | None:
    """Write a scope's document and its references; a text that is there already is left alone.

    Raises Invalid on "xml" with every fault of the document.
    """
    document = document_of(scope)
    if (document.xml if document else NEW_DOCUMENT) == xml:
        return document
    document = document or PolicyDocument(**_scope_columns(scope))
    before, document.xml, document.revision = document.xml, xml, this.revision
    url_template = scope.url_template if isinstance(scope, Operation) else None
    targets = _resolve(_parse(xml, document.scope, url_template))
    document.save()
    document.references.all().delete()
    for target in targets:
        PolicyReference.objects.create(document=document, **target)
    this.audit("saved", document, {"policy": [before, xml]})
    return document


def _parse(xml: str, scope: str, url_template: str | None) -> Document:
    try:
        return parser.parse(xml, scope, url_template)
    except PolicyErrors as error:
        raise Invalid({"xml": [str(fault) for fault in error.faults]}) from None


def _resolve(document: Document) -> list[dict[str, Certificate | NamedValue]]:
    """Everything that a document refers to, each thing once. Raises Invalid for what is not there."""
    found: dict[object, dict[str, Certificate | NamedValue]] = {}
    missing: list[Fault] = []
    for reference in references_of(document, _named_value):
        target = _target(reference.kind, reference.name)
        if target is None:
            missing.append(reference.fault())
        else:
            found[target.pk] = {"certificate" if isinstance(target, Certificate) else "named_value": target}
    if missing:
        raise Invalid({"xml": [str(fault) for fault in missing]})
    return list(found.values())


def _named_value(name: str) -> str | Secret:
    """A named value, which may be (a part of) a certificate's name; a secret one may not and is not opened."""
    row = with_id(NamedValue.objects.all(), name).first()
    if row is None:
        raise LookupError(name)
    return Secret(b"") if row.secret else row.value


def _target(kind: str, name: str) -> Certificate | NamedValue | None:
    match kind:
        case "certificate-id":
            return with_id(Certificate.objects.all(), name).first()
        case "thumbprint":
            return Certificate.objects.filter(current__thumbprint=name).first()
        case _:
            return with_id(NamedValue.objects.all(), name).first()


def presents_certificate(api: Api) -> Certificate | None:
    """A certificate that a document of an API or of one of its operations names, if any."""
    for references in references_in(api):
        if reference := references.filter(named_value=None).select_related("certificate").first():
            return reference.certificate
    return None


def sends_secret(api: Api) -> bool:
    """Whether a document of an API or of one of its operations refers to a secret named value."""
    return any(references.filter(named_value__secret=True).exists() for references in references_in(api))


def documents_of(api: Api) -> list[PolicyDocument]:
    """The documents of an API and of its operations."""
    return [
        *PolicyDocument.objects.filter(api=api),
        *PolicyDocument.objects.filter(operation__api=api),
    ]


def references_in(api: Api) -> Iterator[QuerySet[PolicyReference]]:
    """What the documents of an API and of its operations refer to: two queries, because each has its index and
    either-or has none."""
    yield PolicyReference.objects.filter(document__api=api)
    yield PolicyReference.objects.filter(document__operation__api=api)
