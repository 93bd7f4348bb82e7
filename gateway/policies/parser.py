"""A policy document: from its text to its statements, or to everything that is wrong with it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from gateway.policies.checks import faults_in, undeclared
from gateway.policies.elements import Element, read_xml
from gateway.policies.faults import Fault, PolicyErrors, shown
from gateway.policies.registry import NOT_SUPPORTED, STATEMENTS
from gateway.policies.shape import SCOPES, SECTIONS, Context, Shape, listed
from gateway.policies.statement import Statement

__all__ = ["SCOPES", "SECTIONS", "Document", "Fault", "Placed", "PolicyErrors", "Section", "parse"]

_SCOPE_WORDS = {"global": "All APIs", "api": "API", "operation": "operation"}


@dataclass(frozen=True, slots=True)
class Placed:
    """A statement and the element that it was read from."""

    statement: Statement = field(repr=False)
    element: Element


@dataclass(frozen=True, slots=True)
class Section:
    """A section that is written in a document, with its statements in order."""

    element: Element
    statements: tuple[Placed, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A valid policy document. `sections` has those that are written in it, `xml` is its text."""

    scope: str
    xml: str = field(repr=False)
    root: Element
    sections: Mapping[str, Section]

    @property
    def statements(self) -> Iterator[Placed]:
        """All statements of all sections."""
        return (placed for section in self.sections.values() for placed in section.statements)


def parse(xml: str, scope: str, url_template: str | None = None) -> Document:
    """Parse the document of a scope ("global", "api" or "operation").

    `url_template`, the operation's, lets a rewrite-uri be checked against it. Raises PolicyErrors with every
    fault; malformed XML is one fault with its position.
    """
    if scope not in SCOPES:
        raise ValueError(f"'{scope}' is not a scope")
    root = read_xml(xml)
    reading = _Reading(Context(scope, url_template=url_template))
    document = reading.document(xml, root)
    if reading.faults:
        raise PolicyErrors(reading.faults)
    return document


class _Reading:
    """Reads one document and collects its faults."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.faults: list[Fault] = []

    def document(self, xml: str, root: Element) -> Document:
        if root.name != "policies":
            raise PolicyErrors([root.fault("The document must be one 'policies' element.")])
        self._container(root)
        sections: dict[str, Section] = {}
        for child in root.children:
            if child.name not in SECTIONS:
                self.faults.append(child.fault(_not_a_section(child.name)))
            elif child.name in sections:
                self.faults.append(child.fault(f"The '{child.name}' section may appear only once."))
            else:
                sections[child.name] = self._section(child)
        return Document(self._context.scope, xml, root, sections)

    def _section(self, element: Element) -> Section:
        self._container(element)
        placed = [found for child in element.children if (found := self._statement(child, element.name))]
        seen: set[str] = set()
        for child in element.children:
            kind = STATEMENTS.get(child.name)
            if kind and kind.once and child.name in seen:
                self.faults.append(child.fault(f"'{child.name}' may appear only once in a section."))
            seen.add(child.name)
        return Section(element, tuple(placed))

    def _statement(self, element: Element, section: str) -> Placed | None:
        kind = STATEMENTS.get(element.name)
        if kind is None:
            self.faults.append(element.fault(_unknown(element.name)))
            return None
        context = replace(self._context, section=section)
        faults = [
            *map(element.fault, _misplaced(kind, context)),
            *faults_in(element, kind.shape(), context),
        ]
        self.faults += faults
        return None if faults else Placed(kind.parse(element), element)

    def _container(self, element: Element) -> None:
        """Policies and sections have no attributes and no text of their own."""
        self.faults += map(element.fault, undeclared(element, Shape(element.name)))
        if element.text:
            self.faults.append(element.fault("Text is not allowed here; a comment is written <!-- so -->."))


def _not_a_section(name: str) -> str:
    kind = STATEMENTS.get(name)
    if kind:
        return f"The '{name}' statement must stand in a section: {listed(kind.sections)}."
    if name in NOT_SUPPORTED:
        return f"The '{name}' statement is not supported here."
    name = shown(name)
    return f"The '{name}' element is not known. A section is one of {listed(SECTIONS)}."


def _unknown(name: str) -> str:
    if name in NOT_SUPPORTED:
        return f"The '{name}' statement is not supported here."
    if name in SECTIONS or name == "policies":
        return f"The '{name}' element must not stand inside a section."
    name = shown(name)
    if name.lower() in STATEMENTS:
        return f"The '{name}' element is not known: write '{name.lower()}', in lower case."
    return f"The '{name}' element is not known."


def _misplaced(kind: type[Statement], context: Context) -> Iterator[str]:
    if context.section not in kind.sections:
        yield (
            f"The '{kind.element}' statement is not allowed in the '{context.section}' section, "
            f"only in {listed(kind.sections)}."
        )
    if context.scope not in kind.scopes:
        here, there = _SCOPE_WORDS[context.scope], ", ".join(_SCOPE_WORDS[name] for name in kind.scopes)
        yield f"The '{kind.element}' statement is not allowed at the scope {here}, only at {there}."
