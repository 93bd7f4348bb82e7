"""What calls show to a back end to which a policy sends them by its id: client certificates and secrets."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q, QuerySet

from gateway.changes.policy_documents import parsed_or_none
from gateway.changes.policy_references import Lookup, Target
from gateway.errors import Use
from gateway.models import BackEnd, Certificate, NamedValue, PolicyDocument, PolicyReference
from gateway.policies.effective import Composed, compose
from gateway.policies.parser import Document
from gateway.policies.references import of_statement
from gateway.policies.statements.set_backend_service import SetBackendService

_CREDENTIALS = Q(certificate__isnull=False) | Q(named_value__secret=True)


@dataclass(frozen=True, slots=True)
class Shown:
    """What the calls under one policy show to a back end."""

    use: Use
    certificate: Certificate | None
    secret: bool


def shown_to(row: BackEnd) -> Iterator[Shown]:
    """What is shown to a back end, policy by policy, as far as somebody asks; many may have to be read."""
    asking = _Asking(row)
    named = PolicyDocument.objects.filter(references__back_end=row).select_related("api", "operation__api")
    for document in named:
        for each in (document, *_below(document)):
            if found := asking.shown(each):
                yield found


def _below(document: PolicyDocument) -> Iterator[PolicyDocument]:
    """The documents of narrower scopes that could add credentials, or all if there are some in this one already."""
    rows = _narrower(document).select_related("api", "operation__api")
    if not _around(document).filter(_CREDENTIALS).exists():
        own = PolicyReference.objects.filter(_CREDENTIALS, document=OuterRef("pk"))
        of_api = PolicyReference.objects.filter(_CREDENTIALS, document__api=OuterRef("operation__api"))
        rows = rows.filter(Exists(own) | Exists(of_api))
    yield from rows.iterator()


def _narrower(document: PolicyDocument) -> QuerySet[PolicyDocument]:
    if document.scope == "global":
        return PolicyDocument.objects.exclude(pk=document.pk)
    return PolicyDocument.objects.filter(operation__api__isnull=False, operation__api=document.api)


def _around(document: PolicyDocument) -> QuerySet[PolicyReference]:
    """What a document and those of the broader scopes refer to."""
    api = document.operation.api if document.operation else document.api
    of_api = Q(document__api=api) if api else Q(document=document)
    everywhere = Q(document__api=None, document__operation=None)
    return PolicyReference.objects.filter(Q(document=document) | of_api | everywhere)


class _Asking:
    """Reads each document once."""

    def __init__(self, row: BackEnd) -> None:
        self._row = row
        self._lookup = Lookup()
        self._read: dict[object, Document | None] = {}

    def shown(self, row: PolicyDocument) -> Shown | None:
        """What the calls show that run under a document, if they go to the back end at all and show anything."""
        composed = self._composed(row)
        chosen = [item for item in composed if isinstance(item.placed.statement, SetBackendService)]
        if self._row not in self._targets(chosen[-1:]):
            return None
        targets = self._targets(composed)
        certificates = [target for target in targets if isinstance(target, Certificate)]
        secret = any(isinstance(target, NamedValue) and target.secret for target in targets)
        if not certificates and not secret:
            return None
        return Shown(row.use, certificates[-1] if certificates else None, secret)

    def _composed(self, row: PolicyDocument) -> tuple[Composed, ...]:
        """The statements of the effective policy that are about the request."""
        documents = [self._document(each) for each in self._scopes(row)]
        return (*compose(documents, "inbound"), *compose(documents, "backend"))

    def _scopes(self, row: PolicyDocument) -> Iterator[PolicyDocument]:
        rows = PolicyDocument.objects.all()
        if row.scope != "global":
            yield from rows.filter(api=None, operation=None)
        if row.operation:
            yield from rows.filter(api=row.operation.api)
        yield row

    def _document(self, row: PolicyDocument) -> Document | None:
        if row.pk not in self._read:
            self._read[row.pk] = parsed_or_none(row)
        return self._read[row.pk]

    def _targets(self, composed: Sequence[Composed]) -> list[Target]:
        """What statements refer to."""
        named = (each for item in composed for each in of_statement(item.placed, self._lookup.named_value))
        found = (self._lookup.target(each.kind, each.name) for each in named)
        return [target for target in found if target is not None]
