"""What a policy document refers to, derived by one function."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from gateway.policies.elements import Element
from gateway.policies.faults import Fault, shown
from gateway.policies.named_values import NamedValueLookup, Unresolvable, has_reference, names_in, substituted
from gateway.policies.parser import Document, Placed
from gateway.thumbprints import as_written, normalise_thumbprint

_WORDS = {
    "certificate-id": "Certificate with id",
    "thumbprint": "Certificate with thumbprint",
    "backend-id": "Backend with id",
    "named-value": "Named value",
}


@dataclass(frozen=True, slots=True)
class Reference:
    """One reference.

    `kind` is "certificate-id", "thumbprint", "backend-id" or "named-value". The name of a thumbprint is normalised;
    `written` is what it was before.
    """

    kind: str
    name: str
    element: Element
    written: str = field(default="", compare=False)

    def fault(self) -> Fault:
        """The fault of a reference to something that is not there."""
        name = shown(self.written or self.name)
        return self.element.fault(f"{_WORDS[self.kind]} '{name}' could not be resolved.")


@dataclass(frozen=True, slots=True)
class References:
    """All references of a document, in order, and the names of each kind once."""

    items: tuple[Reference, ...]

    def __iter__(self) -> Iterator[Reference]:
        return iter(self.items)

    @property
    def certificate_ids(self) -> tuple[str, ...]:
        return self._names("certificate-id")

    @property
    def thumbprints(self) -> tuple[str, ...]:
        return self._names("thumbprint")

    @property
    def named_values(self) -> tuple[str, ...]:
        return self._names("named-value")

    def _names(self, kind: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(item.name for item in self.items if item.kind == kind))


def references_of(document: Document, named_value: NamedValueLookup | None = None) -> References:
    """What a document refers to.

    With `named_value` a certificate or back end whose name is (partly) a named value is found too; without it, or
    where the named value is not there, only the named value is reported.
    """
    statements = document.statements
    return References(tuple(each for placed in statements for each in of_statement(placed, named_value)))


def of_statement(placed: Placed, named_value: NamedValueLookup | None = None) -> Iterator[Reference]:
    """What one statement refers to."""
    for element in placed.element.walk():
        yield from _named_values(element)
    for kind, text in placed.statement.references():
        name = _resolved(text, named_value)
        if name is not None:
            if kind == "thumbprint":
                yield Reference(kind, normalise_thumbprint(name), placed.element, as_written(name))
            else:
                yield Reference(kind, name.strip(), placed.element)


def _named_values(element: Element) -> Iterator[Reference]:
    texts = [text for text in (*element.attributes.values(), element.text) if "{{" in text]
    for name in dict.fromkeys(name for text in texts for name in names_in(text)):
        yield Reference("named-value", name, element)


def _resolved(text: str, named_value: NamedValueLookup | None) -> str | None:
    if not has_reference(text):
        return text
    if named_value is None:
        return None
    try:
        return substituted(text, named_value)
    except Unresolvable:
        return None
