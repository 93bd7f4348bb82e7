"""A policy document: from its text to its statements, or to everything that is wrong with it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from gateway.policies.checks import faults_in, undeclared
from gateway.policies.elements import Element, read_xml
from gateway.policies.faults import MAX_FAULTS, Fault, PolicyErrors, shown
from gateway.policies.registry import NOT_SUPPORTED, STATEMENTS
from gateway.policies.shape import SCOPES, SECTIONS, Context, Shape, listed
from gateway.policies.statement import Statement

__all__ = ["SCOPES", "SECTIONS", "Document", "Fault", "Placed", "PolicyErrors", "Section", "parse", "read"]

# Far more than a policy has: with these limits none is slow to read.
MAX_STATEMENTS = 300
MAX_REFERENCES = 5_000

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
    document, faults = read(xml, scope, url_template)
    if faults:
        raise PolicyErrors(faults)
    return document


def read(xml: str, scope: str, url_template: str | None = None) -> tuple[Document, list[Fault]]:
    """What a document says, without each statement that has a fault, and all faults (see parse).

    Raises PolicyErrors where it says nothing, or has more faults than are told.
    """
    if scope not in SCOPES:
        raise ValueError(f"'{scope}' is not a scope")
    root = read_xml(xml)
    if _refers_too_often(xml, root):
        raise PolicyErrors([root.fault(f"The document refers to more than {MAX_REFERENCES} named values.")])
    reading = _Reading(Context(scope, url_template=url_template))
    return reading.document(xml, root), reading.faults


def _refers_too_often(xml: str, root: Element) -> bool:
    """Counted as references are found, in texts: there a brace may be a reference to a character, or CDATA."""
    if xml.count("{") + xml.count("&#") <= 2 * MAX_REFERENCES:
        return False
    texts = (text for element in root.walk() for text in (*element.attributes.values(), element.raw_text))
    return sum(text.count("{{") for text in texts) > MAX_REFERENCES


class _Reading:
    """Reads one document and collects its faults."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.faults: list[Fault] = []
        self._count = 0

    def document(self, xml: str, root: Element) -> Document:
        if root.name != "policies":
            raise PolicyErrors([root.fault("The document must be one 'policies' element.")])
        self._container(root)
        sections: dict[str, Section] = {}
        for child in root.children:
            if child.name not in SECTIONS:
                self._refuse(child, _not_a_section(child.name))
            elif child.name in sections:
                self._refuse(child, f"The '{child.name}' section may appear only once.")
            else:
                sections[child.name] = self._section(child)
        return Document(self._context.scope, xml, root, sections)

    def _section(self, element: Element) -> Section:
        self._container(element)
        context = replace(self._context, section=element.name)
        placed: list[Placed] = []
        seen: set[str] = set()
        for child in element.children:
            kind = STATEMENTS.get(child.name)
            if kind is None:
                self._refuse(child, _unknown(child.name))
                continue
            if kind.once and child.name in seen:
                self._refuse(child, f"'{child.name}' may appear only once in a section.")
            seen.add(child.name)
            if self._is_faultless(child, kind, context):
                placed.append(Placed(kind.parse(child), child))
        return Section(element, tuple(placed))

    def _is_faultless(self, element: Element, kind: type[Statement], context: Context) -> bool:
        before = len(self.faults)
        self._count += 1
        if self._count > MAX_STATEMENTS:
            raise PolicyErrors(
                [*self.faults, element.fault(f"The document has more than {MAX_STATEMENTS} statements.")]
            )
        self._collect(map(element.fault, _misplaced(kind, context)))
        self._collect(faults_in(element, kind.shape(), context))
        return len(self.faults) == before

    def _container(self, element: Element) -> None:
        """Policies and sections have no attributes and no text of their own."""
        self._collect(map(element.fault, undeclared(element, Shape(element.name))))
        if element.text:
            self._refuse(element, "Text is not allowed here; a comment is written <!-- so -->.")

    def _refuse(self, element: Element, message: str) -> None:
        self._collect([element.fault(message)])

    def _collect(self, faults: Iterable[Fault]) -> None:
        """Keep faults, which come in document order; more than are reported need not be looked for."""
        for fault in faults:
            self.faults.append(fault)
            if len(self.faults) == MAX_FAULTS:
                raise PolicyErrors(self.faults)


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
