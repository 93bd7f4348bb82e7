"""Indent JSON by its own tokens: no number is read, no name is sorted or dropped, nothing nests in our stack."""

import re

MOST_TOKENS = 300_000  # about a third of a second
_DEEPEST_INDENT = 40  # levels; deeper ones are indented like this one
_TOKEN = re.compile(
    r"""[ \t\n\r]*+(?:([\[{])|([\]}])|(,)|(:)
    |("[^"\\\x00-\x1f]*+(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*+)*+")
    |(-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?|true|false|null))""",
    re.VERBOSE,
)
_OPEN, _CLOSE, _COMMA, _COLON, _STRING, _OTHER = range(1, 7)
_WORDS = {
    "value": "a value is expected",
    "first": "a value or ] is expected",
    "key": "a name in double quotes is expected",
    "first key": "a name in double quotes or } is expected",
    "colon": "a colon is expected",
    "after": "a comma or the end of what is open is expected",
    "end": "nothing more is expected",
}


class NotJson(ValueError):
    """Where and why a text is no JSON, in words."""


class TooMuch(ValueError):
    """More tokens than are formatted."""


def indented(text: str, *, cut: bool = False, most: int = 1 << 30) -> str:
    """The text with its tokens on lines of their own; about the first `most` characters of it.

    All of it is checked; the end of a `cut` one may be missing. Raises NotJson or TooMuch.
    """
    writer, reader = _Writer(most), _Reader()
    at = 0
    for _ in range(MOST_TOKENS):
        found = _TOKEN.match(text, at)
        if not found:
            break
        kind = found.lastindex or 0
        token = found[kind]
        if not reader.takes(kind, token):
            raise _not_json(text, found.start(kind), reader.wants)
        writer.write(kind, token, len(reader.open))
        at = found.end()
    else:
        raise TooMuch
    rest = text[at:].lstrip(" \t\n\r")
    if cut:
        writer.end(rest)
    elif rest or reader.wants != "end":
        raise _not_json(text, len(text) - len(rest), reader.wants)
    return "".join(writer.parts)


def _not_json(text: str, at: int, wants: str) -> NotJson:
    line = text.count("\n", 0, at) + 1
    column = at - text.rfind("\n", 0, at)
    where = "at its end" if at >= len(text) else f"at line {line}, column {column}"
    return NotJson(f"{where} {_WORDS[wants]}")


class _Reader:
    """What may come next."""

    def __init__(self) -> None:
        self.open: list[str] = []
        self.wants = "value"

    def takes(self, kind: int, mark: str) -> bool:
        if kind == _CLOSE:
            return self._closes(mark)
        if kind == _COMMA:
            return self._next("after", "key" if self.open and self.open[-1] == "{" else "value")
        if kind == _COLON:
            return self._next("colon", "value")
        if self.wants in ("key", "first key"):
            self.wants = "colon" if kind == _STRING else self.wants
            return kind == _STRING
        if self.wants not in ("value", "first"):
            return False
        if kind == _OPEN:
            self.open.append(mark)
            self.wants = "first key" if mark == "{" else "first"
        else:
            self._value_is_over()
        return True

    def _next(self, wanted: str, then: str) -> bool:
        if self.wants != wanted:
            return False
        self.wants = then
        return True

    def _closes(self, mark: str) -> bool:
        opened = "[" if mark == "]" else "{"
        empty = "first" if mark == "]" else "first key"
        if self.wants not in ("after", empty) or not self.open or self.open[-1] != opened:
            return False
        self.open.pop()
        self._value_is_over()
        return True

    def _value_is_over(self) -> None:
        self.wants = "after" if self.open else "end"


class _Writer:
    """Writes tokens with line breaks between them, up to a bound."""

    def __init__(self, most: int) -> None:
        self.parts: list[str] = []
        self._most = most
        self._last = 0

    def write(self, kind: int, token: str, depth: int) -> None:
        """Write a token; `depth` counts what is open after it."""
        if self._most < 0:
            return
        level = depth - 1 if kind == _OPEN else depth
        if self._breaks_before(kind):
            self.parts.append("\n" + "  " * min(level, _DEEPEST_INDENT))
            self._most -= len(self.parts[-1])
        self.parts.append(": " if kind == _COLON else token)
        self._most -= len(token)
        self._last = kind

    def end(self, rest: str) -> None:
        """Write what is there of a last token."""
        if rest and self._most >= 0:
            self.parts.append(rest)

    def _breaks_before(self, kind: int) -> bool:
        if kind == _CLOSE:
            return self._last != _OPEN
        return self._last in (_OPEN, _COMMA)
