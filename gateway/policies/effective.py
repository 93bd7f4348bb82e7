"""The effective policy of a scope: three documents become one flat list of statements for each section.

Each section is composed on its own, from the broadest scope to the narrowest: `<base />` is replaced by what
the broader scopes gave, and a section without `<base />` drops that. At global scope `<base />` stands for
nothing. A scope without a document inherits, and so does a section that a document does not have at all:
documents of the original's first generation had only inbound and outbound, and an API with such a document
went on being forwarded. To drop a parent's section, write it empty.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from gateway import snapshot
from gateway.policies.elements import Element
from gateway.policies.faults import Fault, Unresolved
from gateway.policies.lookups import BackEndLookup, CertificateLookup, Lookups, no_back_end
from gateway.policies.named_values import NamedValueLookup, Unresolvable
from gateway.policies.parser import Document, Placed
from gateway.policies.shape import SECTIONS
from gateway.policies.statements.base import Base

_INDENT = "    "
_LINE = re.compile(r"\r\n|\n|\r")
_LINE_START = re.compile(r"[ \t]*")


@dataclass(frozen=True, slots=True)
class Composed:
    """A statement of an effective policy and the scope whose document it stands in."""

    scope: str
    placed: Placed


@dataclass(frozen=True, slots=True)
class EffectiveLine:
    """A line of an effective policy, and the scope and line that it was written in; "" and 0 for the frame."""

    text: str
    scope: str = ""
    line: int = 0


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
    url_template: str | None = None,
    back_end: BackEndLookup = no_back_end,
) -> Sections:
    """The effective policy of the narrowest scope given; None is a scope without a document.

    `resolve_certificate(certificate_id, thumbprint)` gets one of the two (a thumbprint normalised), the other
    None, and returns the certificate's key; `named_value(name)` returns text, or a Secret, which only a
    password may be; `back_end(id)` returns a URL. All raise LookupError. `url_template` is the operation's (see
    parser.parse). Raises Unresolved, which is PolicyErrors and LookupError, with everything that is not there.
    """
    lookups = Lookups(resolve_certificate, named_value, url_template=url_template, back_end=back_end)
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
            faults.append(_place(item.placed.element, error.text).fault(str(error)))
    return tuple(compiled)


def _place(element: Element, text: str | None) -> Element:
    """The element of a statement that a text stands in; the statement's own if there is none."""
    return next(
        (one for one in element.walk() if text in (*one.attributes.values(), one.text, one.raw_text)), element
    )


def composed_text(documents: Iterable[Document | None]) -> tuple[EffectiveLine, ...]:
    """The effective policy of a call's scopes, broadest first, as one document: the statements of compose() as
    they were written, indented anew; None is a scope without a document."""
    documents = tuple(documents)
    sources = {document.scope: document.xml for document in documents if document}
    lines = [EffectiveLine("<policies>")]
    for section in SECTIONS:
        composed = compose(documents, section)
        if not composed:
            lines.append(EffectiveLine(f"{_INDENT}<{section} />"))
            continue
        lines.append(EffectiveLine(f"{_INDENT}<{section}>"))
        for item in composed:
            lines += _written(item, sources[item.scope])
        lines.append(EffectiveLine(f"{_INDENT}</{section}>"))
    return (*lines, EffectiveLine("</policies>"))


def _written(item: Composed, xml: str) -> Iterator[EffectiveLine]:
    """The lines of a statement: indented by two levels instead of what its first line is indented by."""
    element = item.placed.element
    before = max(xml.rfind("\n", 0, element.start), xml.rfind("\r", 0, element.start)) + 1
    match = _LINE_START.match(xml, before)
    indent = match[0] if match else ""
    texts = list(_texts(element))
    ends = [end for _, end in texts]
    for number, (start, line) in enumerate(_lines(xml, element)):
        around = bisect_left(ends, start)
        # a text is shown as it is: the lines of a body are sent with the white space before them
        as_it_is = around < len(texts) and texts[around][0] < start
        text = line if as_it_is else _INDENT * 2 + line.removeprefix(indent)
        yield EffectiveLine(text, item.scope, element.line + number)


def _texts(element: Element) -> Iterator[tuple[int, int]]:
    """Where the texts in an element begin and end, in order; one may be white space alone."""
    if not element.children:
        yield element.content_start, element.content_end
    for child in element.children:
        yield from _texts(child)


def _lines(xml: str, element: Element) -> Iterator[tuple[int, str]]:
    """The lines of an element, each with where it begins in the text."""
    start = element.start
    for line_end in _LINE.finditer(xml, element.start, element.end):
        yield start, xml[start : line_end.start()]
        start = line_end.end()
    yield start, xml[start : element.end]
