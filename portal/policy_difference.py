"""The difference between two texts, line by line, as a page shows it.

A document may have 100,000 lines, and difflib takes quadratic time: what is equal at both ends is set apart
first, and where too much is left in between, that is shown as replaced as a whole.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher

CONTEXT = 3  # unchanged lines shown around a change
MOST_COMPARED = 1_000_000  # lines before times lines after: about a second
MOST_SHOWN = 2_000  # rows

_SIGNS = {"same": " ", "removed": "-", "added": "+", "gap": "…"}


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a difference. `kind` is "same", "removed", "added", or "gap" for unchanged lines left out.

    `before` and `after` are the line's numbers, None where it is not there.
    """

    kind: str
    text: str
    before: int | None = None
    after: int | None = None

    @property
    def sign(self) -> str:
        """What stands in front of the line: not everybody sees the colours."""
        return _SIGNS[self.kind]


@dataclass(frozen=True, slots=True)
class TextDifference:
    """What became of a text: `rows` to show, how many more are left out, how many lines were added and removed."""

    rows: tuple[Row, ...]
    added: int
    removed: int
    left_out: int = 0

    def __bool__(self) -> bool:
        return bool(self.added or self.removed)


def difference(before: str, after: str) -> TextDifference:
    """The lines that were removed and added, each change with a few lines around it. Line endings do not count."""
    old, new = _lines(before), _lines(after)
    codes = list(_opcodes(old, new))
    added = sum(j2 - j1 for tag, _, _, j1, j2 in codes if tag != "equal")
    removed = sum(i2 - i1 for tag, i1, i2, _, _ in codes if tag != "equal")
    rows = tuple(_rows(codes, old, new)) if added or removed else ()
    return TextDifference(rows[:MOST_SHOWN], added, removed, max(0, len(rows) - MOST_SHOWN))


def _lines(text: str) -> list[str]:
    """The lines as the parser counts them; str.splitlines knows more kinds of line ends."""
    lines = re.split(r"\r\n|\r|\n", text)
    return lines if lines[-1] else lines[:-1]


_Code = tuple[str, int, int, int, int]


def _opcodes(old: list[str], new: list[str]) -> Iterator[_Code]:
    """As SequenceMatcher gives them."""
    start = _common(zip(old, new, strict=False))
    end = _common(zip(reversed(old[start:]), reversed(new[start:]), strict=False))
    old_end, new_end = len(old) - end, len(new) - end
    if start:
        yield "equal", 0, start, 0, start
    yield from _between(old[start:old_end], new[start:new_end], start)
    if end:
        yield "equal", old_end, len(old), new_end, len(new)


def _common(pairs: Iterable[tuple[str, str]]) -> int:
    count = 0
    for one, other in pairs:
        if one != other:
            break
        count += 1
    return count


def _between(old: list[str], new: list[str], start: int) -> Iterator[_Code]:
    if not old and not new:
        return
    if len(old) * len(new) > MOST_COMPARED:
        yield "replace", start, start + len(old), start, start + len(new)
        return
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, old, new).get_opcodes():
        yield tag, start + i1, start + i2, start + j1, start + j2


def _rows(codes: list[_Code], old: list[str], new: list[str]) -> Iterator[Row]:
    for place, (tag, i1, i2, j1, j2) in enumerate(codes):
        if tag == "equal":
            yield from _unchanged(old[i1:i2], i1, j1, is_first=place == 0, is_last=place == len(codes) - 1)
            continue
        yield from (Row("removed", old[i], before=i + 1) for i in range(i1, i2))
        yield from (Row("added", new[j], after=j + 1) for j in range(j1, j2))


def _unchanged(lines: list[str], i1: int, j1: int, *, is_first: bool, is_last: bool) -> Iterator[Row]:
    head, tail = 0 if is_first else CONTEXT, 0 if is_last else CONTEXT
    same = [Row("same", text, i1 + n + 1, j1 + n + 1) for n, text in enumerate(lines)]
    hidden = len(same) - head - tail
    if hidden <= 1:  # a gap of one line would be as long as the line
        yield from same
        return
    yield from same[:head]
    yield Row("gap", f"{hidden} unchanged lines")
    yield from same[len(same) - tail :]
