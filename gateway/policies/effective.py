"""The effective policy of a scope: three documents become one flat list of statements for each section.

Each section is composed on its own, from the broadest scope to the narrowest: `<base />` is replaced by what
the broader scopes gave, and a section without `<base />` drops that. At global scope `<base />` stands for
nothing. A scope without a document inherits, and so does a section that a document does not have at all:
documents of the original's first generation had only inbound and outbound, and an API with such a document
went on being forwarded. To drop a parent's section, write it empty.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

from gateway import snapshot
from gateway.policies.faults import Fault, Unresolved
from gateway.policies.lookups import CertificateLookup, Lookups
from gateway.policies.named_values import NamedValueLookup, Unresolvable
from gateway.policies.parser import Document, Placed
from gateway.policies.statements.base import Base


@dataclass(frozen=True, slots=True)
class Composed:
    """A statement of an effective policy and the scope whose document it stands in."""

    scope: str
    placed: Placed


class Sections(NamedTuple):
    """The sections of an effective policy as engines execute them."""

    inbound: tuple[snapshot.Statement, ...]
    backend: tuple[snapshot.Statement, ...]
    outbound: tuple[snapshot.Statement, ...]


def compose(documents: Iterable[Document | None], section: str) -> tuple[Composed, ...]:
    """One section of the documents of a call's scopes, broadest first; None is a scope without a document.

    Of a statement that may be there only once (forward-request) the narrowest scope's is kept.
    """
    composed: list[Composed] = []
    for document in documents:
        if document is None or section not in document.sections:
            continue
        inherited, composed = composed, []
        for placed in document.sections[section].statements:
            if isinstance(placed.statement, Base):
                composed += inherited
            else:
                composed.append(Composed(document.scope, placed))
    return _narrowest(composed)


def _narrowest(composed: list[Composed]) -> tuple[Composed, ...]:
    order = ("global", "api", "operation")
    kept: dict[str, Composed] = {}
    for item in composed:
        element = item.placed.element.name
        if element not in kept or order.index(item.scope) >= order.index(kept[element].scope):
            kept[element] = item
    return tuple(
        item for item in composed if not item.placed.statement.once or kept[item.placed.element.name] is item
    )


def resolve(
    global_: Document | None,
    api: Document | None,
    operation: Document | None,
    resolve_certificate: CertificateLookup,
    named_value: NamedValueLookup,
) -> Sections:
    """The effective policy of the narrowest scope given; None is a scope without a document.

    `resolve_certificate(certificate_id, thumbprint)` gets one of the two (a thumbprint normalised), the other
    None, and returns the certificate's key; `named_value(name)` returns text, or a Secret, which only a
    password may be. Both raise LookupError. Raises Unresolved, which is PolicyErrors and LookupError, with
    everything that is not there.
    """
    lookups = Lookups(resolve_certificate, named_value)
    faults: list[Fault] = []
    documents = (global_, api, operation)
    inbound, backend, outbound = (
        _compiled(compose(documents, section), replace(lookups, section=section), faults)
        for section in ("inbound", "backend", "outbound")
    )
    if faults:
        raise Unresolved(faults)
    return Sections(inbound, backend, outbound)


def _compiled(
    composed: tuple[Composed, ...], lookups: Lookups, faults: list[Fault]
) -> tuple[snapshot.Statement, ...]:
    compiled: list[snapshot.Statement] = []
    for item in composed:
        origin = snapshot.Origin(item.scope, item.placed.element.line)
        try:
            compiled.append(item.placed.statement.compile(origin, lookups))
        except Unresolvable as error:
            faults.append(item.placed.element.fault(str(error)))
    return tuple(compiled)
