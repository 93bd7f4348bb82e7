"""Indent XML where that changes nothing: between elements whose parent has no text. Nothing is ever expanded."""

import re
from xml.parsers import expat

MOST_TOKENS = 200_000
_DEEPEST_INDENT = 40
_TOKEN = re.compile(
    r"""(?P<comment><!--.*?-->)|(?P<cdata><!\[CDATA\[.*?\]\]>)|(?P<pi><\?.*?\?>)|(?P<doctype><!DOCTYPE[^>\[]*+>)
    |(?P<end></[^>]*+>)|(?P<start><[^<>"'/]*+(?:"[^"]*+"|'[^']*+'|/(?!>)|[^<>"'/]++)*+(?P<empty>/)?>)
    |(?P<text>[^<]++)""",
    re.VERBOSE | re.DOTALL,
)
_PRESERVE = re.compile(r"""\sxml:space\s*=\s*(?:"preserve"|'preserve')""")
_SPACE = " \t\r\n"


class NotXml(ValueError):
    """Where and why a text is no XML, in words."""


class AsItCame(ValueError):
    """Why a text is not indented, in words."""


def indented(text: str) -> str:
    """The text with its elements on lines of their own. Raises NotXml or AsItCame."""
    _check(text)
    tokens = _tokens(text)
    ends, indents = _elements(tokens)
    return "".join(_written(tokens, ends, indents))


def _check(text: str) -> None:
    """That it is well-formed. A document that declares entities is not read to its end."""
    parser = expat.ParserCreate()

    def declares(*_: object) -> None:
        raise AsItCame("it declares a document type with a subset of its own")

    def doctype(name: str, system: str | None, public: str | None, has_subset: int) -> None:
        if has_subset:
            declares()

    parser.StartDoctypeDeclHandler = doctype
    parser.EntityDeclHandler = declares
    try:
        parser.Parse(text, True)
    except expat.ExpatError as error:
        words = expat.errors.messages.get(error.code, "it cannot be read")
        raise NotXml(f"at line {error.lineno}, column {error.offset + 1}: {words}") from None


_Token = tuple[str, str]


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if not found or len(tokens) >= MOST_TOKENS:
            raise AsItCame("it has too many parts" if found else "it has parts that are not known here")
        kind = "empty" if found["empty"] else found.lastgroup or ""
        tokens.append((kind, found[0]))
        at = found.end()
    return tokens


class _Element:
    """An element that is open: where it starts, and what is directly in it."""

    def __init__(self, start: int, *, preserve: bool) -> None:
        self.start = start
        self.preserve = preserve
        self.has_text = self.has_elements = False


def _elements(tokens: list[_Token]) -> tuple[dict[int, int], set[int]]:
    """Where each element ends, and which are indented: those with elements in them, and no text."""
    ends: dict[int, int] = {}
    indents: set[int] = set()
    around = _Element(-1, preserve=False)
    path = [around]
    for index, (kind, token) in enumerate(tokens):
        inner = path[-1]
        if kind in ("start", "empty"):
            inner.has_elements = True
        if kind == "start":
            path.append(_Element(index, preserve=inner.preserve or bool(_PRESERVE.search(token))))
        elif kind == "end":
            path.pop()
            ends[inner.start] = index
            if inner.has_elements and not inner.has_text and not inner.preserve:
                indents.add(inner.start)
        elif kind == "cdata" or (kind == "text" and token.strip(_SPACE)):
            inner.has_text = True
    return ends, indents


def _written(tokens: list[_Token], ends: dict[int, int], indents: set[int]) -> list[str]:
    parts: list[str] = []
    depth = index = 0
    while index < len(tokens):
        kind = tokens[index][0]
        last = index
        if kind == "end":
            depth -= 1
        if kind == "start" and index not in indents:
            last = ends[index]
        if kind != "text":  # only white space comes here
            parts.append("\n" + "  " * min(depth, _DEEPEST_INDENT) if parts else "")
            parts.extend(part for _, part in tokens[index : last + 1])
        if kind == "start" and index in indents:
            depth += 1
        index = last + 1
    return parts
