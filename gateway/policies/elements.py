"""The XML of a policy document as a tree that knows where each element stands in the text.

Expat from the standard library, without namespaces. What a policy document never needs is refused before it
can do harm: document type declarations (and with them all entities), processing instructions, and documents
that are too large or too deeply nested.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from xml.parsers import expat

from gateway.policies.faults import Fault, PolicyErrors, shown

MAX_BYTES = 1_000_000
MAX_DEPTH = 200
MAX_ELEMENTS = 5_000
MAX_LINES = 20_000

_START_TAG = re.compile(r"""<[^\s/>"']+(?:[^>"']++|"[^"]*+"|'[^']*+')*+>""")
_EXPRESSION = re.compile(r"@(?:\(|\{(?!\{))")
_LINE_END = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class Element:
    """An element. Offsets count characters of the text that was read.

    `start` and `end` enclose the element, `content_start` and `content_end` what is between its tags. `text`
    is its own text, stripped; `raw_text` is not, and line endings are "\n" in it (XML 1.0, 2.11). `line` and
    `column` (of its name) count from 1. What is written in it may be a password that is not moved yet, so no repr
    shows that.
    """

    name: str
    attributes: Mapping[str, str] = field(repr=False)
    children: tuple["Element", ...]
    raw_text: str = field(repr=False)
    text: str = field(repr=False)
    line: int
    column: int
    start: int
    content_start: int
    content_end: int
    end: int
    self_closed: bool

    def walk(self) -> Iterator["Element"]:
        """This element and all that are in it, in document order."""
        yield self
        for child in self.children:
            yield from child.walk()

    def fault(self, message: str) -> Fault:
        """A fault of this element."""
        return Fault(shown(self.name), self.line, self.column, message)


def read_xml(text: str) -> Element:
    """The root element of an XML document. Raises PolicyErrors with the one reason why there is none."""
    try:
        data = text[: MAX_BYTES + 1].encode()
    except UnicodeEncodeError:
        raise _refused("The document holds half of a character (a lone surrogate).") from None
    if len(data) > MAX_BYTES:
        raise _refused(f"The document is larger than {MAX_BYTES // 1_000_000} MB.")
    lines = text.count("\n") + text.count("\r") - text.count("\r\n")
    if lines >= MAX_LINES:
        raise _refused(f"The document has more than {MAX_LINES} lines.")
    return _Reader(text, data).read()


def _refused(message: str, line: int = 1, column: int = 1) -> PolicyErrors:
    return PolicyErrors([Fault("", line, column, message)])


@dataclass(slots=True)
class _Open:
    """An element whose end has not been read yet."""

    name: str
    attributes: dict[str, str]
    line: int
    column: int
    start: int
    children: list[Element] = field(default_factory=list)
    text: list[str] = field(default_factory=list)


class _Reader:
    """Builds the tree while expat reads."""

    def __init__(self, text: str, data: bytes) -> None:
        self._text = text
        self._data = data
        self._stack: list[_Open] = []
        self._root: Element | None = None
        self._count = 0
        self._bytes_seen = self._characters_seen = 0
        self._expat = self._parser()

    def _parser(self) -> expat.XMLParserType:
        # the encoding is ours, whatever the XML declaration says: the text has been decoded already
        parser = expat.ParserCreate("utf-8")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.StartDoctypeDeclHandler = self._doctype
        parser.ProcessingInstructionHandler = self._instruction
        return parser

    def read(self) -> Element:
        try:
            self._expat.Parse(self._data, True)
        except expat.ExpatError as error:
            raise self._malformed(error) from None
        assert self._root is not None  # noqa: S101 (expat has seen a root element)
        return self._root

    def _malformed(self, error: expat.ExpatError) -> PolicyErrors:
        message = (
            f"The document is not well-formed XML: {expat.errors.messages.get(error.code, 'unreadable')}."
        )
        # one that has several lines breaks off on a later one than it begins
        if any(map(_EXPRESSION.search, _LINE_END.split(self._text)[: error.lineno])):
            message += " Policy expressions such as @(...) are not supported here."
        return _refused(message, error.lineno, error.offset + 1)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        line, column = self._expat.CurrentLineNumber, self._expat.CurrentColumnNumber + 2
        self._count += 1
        if len(self._stack) >= MAX_DEPTH:
            raise _refused(f"The document has more than {MAX_DEPTH} nested levels.", line, column)
        if self._count > MAX_ELEMENTS:
            raise _refused(f"The document has more than {MAX_ELEMENTS} elements.", line, column)
        self._stack.append(_Open(name, attributes, line, column, self._offset()))

    def _end(self, name: str) -> None:
        opened = self._stack.pop()
        tag = _START_TAG.match(self._text, opened.start)
        assert tag is not None  # noqa: S101 (expat has read this tag)
        self_closed = tag[0].endswith("/>")
        content_end = tag.end() if self_closed else self._offset()
        raw_text = "".join(opened.text)
        element = Element(
            name=name,
            attributes=opened.attributes,
            children=tuple(opened.children),
            raw_text=raw_text,
            text=raw_text.strip(),
            line=opened.line,
            column=opened.column,
            start=opened.start,
            content_start=tag.end(),
            content_end=content_end,
            end=content_end if self_closed else self._text.index(">", content_end) + 1,
            self_closed=self_closed,
        )
        if self._stack:
            self._stack[-1].children.append(element)
        else:
            self._root = element

    def _characters(self, data: str) -> None:
        self._stack[-1].text.append(data)

    def _doctype(self, *_: object) -> None:
        before = self._text[: self._text.rfind("<!DOCTYPE", 0, self._offset())]  # expat has read its name
        *lines, last = _LINE_END.split(before)
        message = "A document type declaration (<!DOCTYPE ...>) is not allowed."
        raise _refused(message, len(lines) + 1, len(last) + 1)

    def _instruction(self, *_: object) -> None:
        raise _refused("A processing instruction (<?...?>) is not allowed.", *self._position())

    def _position(self) -> tuple[int, int]:
        return self._expat.CurrentLineNumber, self._expat.CurrentColumnNumber + 1

    def _offset(self) -> int:
        """Where expat is, in characters. It only moves forward, so each byte is decoded at most once."""
        position = self._expat.CurrentByteIndex
        if len(self._data) == len(self._text):
            return position
        self._characters_seen += len(self._data[self._bytes_seen : position].decode())
        self._bytes_seen = position
        return self._characters_seen
