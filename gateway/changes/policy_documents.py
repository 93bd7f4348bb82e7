"""The policy documents of scopes: which there are, what they refer to, and the history that each change adds to."""

from collections.abc import Iterator

from django.db.models import QuerySet
from django.utils import timezone

from gateway.changes.base import Change
from gateway.models import Api, Certificate, Operation, PolicyDocument, PolicyReference, PolicyVersion
from gateway.policies import parser
from gateway.policies.documents import NEW_DOCUMENT
from gateway.policies.faults import Fault
from gateway.policies.parser import Document, PolicyErrors

Scope = Api | Operation | None


def document_of(scope: Scope) -> PolicyDocument | None:
    """The document of an API, an operation, or (None) of All APIs; None where the scope has no policy."""
    return PolicyDocument.objects.filter(**scope_columns(scope)).first()


def scope_columns(scope: Scope) -> dict[str, Api | Operation | None]:
    """The columns that say for which scope a document or a version of one is."""
    return {
        "api": scope if isinstance(scope, Api) else None,
        "operation": scope if isinstance(scope, Operation) else None,
    }


def scope_name(scope: Scope) -> str:
    """What documents call a scope: "global", "api" or "operation"."""
    if isinstance(scope, Operation):
        return "operation"
    return "api" if scope else "global"


def scope_of(row: PolicyDocument | PolicyVersion) -> Scope:
    """What a document or a version of one is for."""
    return row.operation or row.api


def api_of(scope: Scope) -> Api | None:
    """The API of a scope, None for All APIs."""
    return scope.api if isinstance(scope, Operation) else scope


def text_of(scope: Scope) -> str:
    """The text of a scope's document, or the one that a new document starts with."""
    document = document_of(scope)
    return document.xml if document else NEW_DOCUMENT


def parsed(scope: Scope, xml: str) -> Document:
    """A text as the document of a scope. Raises PolicyErrors."""
    return parser.parse(xml, scope_name(scope), url_template_of(scope))


def read(scope: Scope, xml: str) -> tuple[Document, list[Fault]]:
    """What a text says as the document of a scope, and its faults (see gateway.policies.parser.read)."""
    return parser.read(xml, scope_name(scope), url_template_of(scope))


def url_template_of(scope: Scope) -> str | None:
    """The URL template of a scope that is an operation."""
    return scope.url_template if isinstance(scope, Operation) else None


def parsed_or_none(document: PolicyDocument | None) -> Document | None:
    """What a document says, None if there is none or it cannot be read."""
    try:
        return parser.parse(document.xml, document.scope) if document else None
    except PolicyErrors:
        return None


def write_version(this: Change, scope: Scope, action: str, xml: str) -> None:
    """Keep what a scope's document is from this change on, "" if it is deleted."""
    PolicyVersion.objects.create(
        revision=this.revision,
        at=timezone.now(),
        actor_kind=this.actor.kind,
        actor_name=this.actor.name[:200],
        action=action,
        xml=xml,
        **scope_columns(scope),
    )


def presents_certificate(api: Api, *, at_its_own_url: bool = False) -> Certificate | None:
    """A certificate that a document of an API or of one of its operations names, if any.

    `at_its_own_url`: one that goes to the API's web service URL, and not to a back end that its document sets.
    """
    for references in references_in(api):
        for reference in references.filter(certificate__isnull=False).select_related(
            "certificate", "document"
        ):
            document = reference.document
            if not at_its_own_url or not goes_elsewhere(scope_of(document), parsed_or_none(document)):
                return reference.certificate
    return None


def goes_elsewhere(scope: Scope, document: Document | None) -> bool:
    """Whether a scope's document, or that of a broader scope, sets another back end than the web service URL."""
    api = scope.api if isinstance(scope, Operation) else None
    around = [document_of(each) for each in (api, None) if each != scope]
    return any(map(_sets_back_end, (document, *map(parsed_or_none, around))))


def _sets_back_end(document: Document | None) -> bool:
    """Also with a statement that has a fault, which is no fault of what else stands there."""
    sections = document.root.children if document else ()
    return any(each.name == "set-backend-service" for section in sections for each in section.children)


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
