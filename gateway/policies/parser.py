"""A policy document: from its text to its statements, or to everything that is wrong with it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from gateway.policies.elements import Element, read_xml
from gateway.policies.faults import MAX_FAULTS, Fault, PolicyErrors
from gateway.policies.registry import NOT_SUPPORTED, STATEMENTS
from gateway.policies.statement import SCOPES, SECTIONS, Context, Statement, Wrong

__all__ = ["SCOPES", "SECTIONS", "Document", "Fault", "Placed", "PolicyErrors", "Section", "parse"]

_EXPRESSION = re.compile(r"\s*@[({]")
_SCOPE_WORDS = {"global": "All APIs", "api": "API", "operation": "operation"}


@dataclass(frozen=True, slots=True)
class Placed:
    """A statement and the element that it was read from."""

    statement: Statement
    element: Element


@dataclass(frozen=True, slots=True)
class Section:
    """A section that is written in a document, with its statements in order."""

    element: Element
    statements: tuple[Placed, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A valid policy document. `sections` has those that are written in it."""

    scope: str
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
    reading = _Reading(Context(scope, url_template))
    document = reading.document(root)
    if reading.faults:
        raise PolicyErrors(reading.faults)
    return document


class _Reading:
    """Reads one document and collects its faults."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.faults: list[Fault] = []

    def document(self, root: Element) -> Document:
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
        return Document(self._context.scope, root, sections)

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
        messages = [
            *_misplaced(kind, section, self._context.scope),
            *_undeclared(element, (*kind.required, *kind.optional)),
            *_missing(kind, element),
            *_contents(element),
            *_expressions(element),
        ]
        self.faults += map(element.fault, messages)
        if any(_missing(kind, element)) or any(_expressions(element)):
            return None
        try:
            return Placed(kind.parse(element, self._context), element)
        except Wrong as wrong:
            self.faults += map(element.fault, wrong.messages)
            return None

    def _container(self, element: Element) -> None:
        """Policies and sections have no attributes and no text of their own."""
        self.faults += map(element.fault, _undeclared(element, ()))
        if element.text:
            self.faults.append(element.fault("Text is not allowed here; a comment is written <!-- so -->."))


def _not_a_section(name: str) -> str:
    kind = STATEMENTS.get(name)
    if kind:
        return f"The '{name}' statement must stand in a section: {_listed(kind.sections)}."
    if name in NOT_SUPPORTED:
        return f"The '{name}' statement is not supported here."
    return f"The '{name}' element is not known. A section is one of {_listed(SECTIONS)}."


def _unknown(name: str) -> str:
    if name in NOT_SUPPORTED:
        return f"The '{name}' statement is not supported here."
    if name in SECTIONS or name == "policies":
        return f"The '{name}' element must not stand inside a section."
    if name.lower() in STATEMENTS:
        return f"The '{name}' element is not known: write '{name.lower()}', in lower case."
    return f"The '{name}' element is not known."


def _misplaced(kind: type[Statement], section: str, scope: str) -> Iterator[str]:
    if section not in kind.sections:
        where = _listed(kind.sections)
        yield f"The '{kind.element}' statement is not allowed in the '{section}' section, only in {where}."
    if scope not in kind.scopes:
        here, there = _SCOPE_WORDS[scope], ", ".join(_SCOPE_WORDS[name] for name in kind.scopes)
        yield f"The '{kind.element}' statement is not allowed at the scope {here}, only at {there}."


def _undeclared(element: Element, declared: tuple[str, ...]) -> Iterator[str]:
    undeclared = (name for name in element.attributes if name not in declared)
    return (f"The '{name}' attribute is not declared." for name in islice(undeclared, MAX_FAULTS))


def _missing(kind: type[Statement], element: Element) -> Iterator[str]:
    missing = (name for name in kind.required if name not in element.attributes)
    return (f"The required attribute '{name}' is missing." for name in missing)


def _contents(element: Element) -> Iterator[str]:
    for child in element.children:
        yield f"The '{child.name}' element is not expected inside '{element.name}'."
    if element.text:
        yield f"Text is not allowed inside '{element.name}'."


def _expressions(element: Element) -> Iterator[str]:
    for name, value in element.attributes.items():
        if _EXPRESSION.match(value):
            yield (
                f"The '{name}' attribute is a policy expression. Policy expressions such as @(...) are not "
                "supported here: write the value itself, or a named value as {{name}}."
            )


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(f"'{name}'" for name in names)
