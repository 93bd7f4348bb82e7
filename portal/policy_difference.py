"""The difference between two texts, line by line, as a page shows it.

A document may have 20,000 lines, and difflib takes quadratic time: what is equal at both ends is set apart first.
Where too much is left in between, that is parted at lines that both texts have once, and where there are none, it
is shown as replaced as a whole.
"""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher

CONTEXT = 3  # unchanged lines shown around a change
MOST_COMPARED = 1_000_000  # lines before times lines after: about a second
MOST_PARTED = 20  # times one within another
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
    codes = _opcodes(old, new)
    added = sum(j2 - j1 for tag, _, _, j1, j2 in codes if tag != "equal")
    removed = sum(i2 - i1 for tag, i1, i2, _, _ in codes if tag != "equal")
    rows = tuple(_rows(codes, old, new)) if added or removed else ()
    return TextDifference(rows[:MOST_SHOWN], added, removed, max(0, len(rows) - MOST_SHOWN))


def _lines(text: str) -> list[str]:
    """The lines as the parser counts them; str.splitlines knows more kinds of line ends."""
    lines = re.split(r"\r\n|\r|\n", text)
    return lines if lines[-1] else lines[:-1]


_Code = tuple[str, int, int, int, int]  # as SequenceMatcher gives them


def _opcodes(old: list[str], new: list[str]) -> list[_Code]:
    codes: list[_Code] = []
    for tag, i1, i2, j1, j2 in _Comparison().codes(old, new, 0, 0):
        if codes and tag == codes[-1][0] == "equal":
            _, i, _, j, _ = codes.pop()
            codes.append((tag, i, i2, j, j2))
        else:
            codes.append((tag, i1, i2, j1, j2))
    return codes


class _Comparison:
    """Compares two texts, as long as it may take; what is too large is parted at lines that both have once."""

    def __init__(self) -> None:
        self._left = MOST_COMPARED

    def codes(self, old: list[str], new: list[str], i: int, j: int, depth: int = 0) -> Iterator[_Code]:
        """Of two parts that begin at these lines."""
        start = _common(zip(old, new, strict=False))
        end = _common(zip(reversed(old[start:]), reversed(new[start:]), strict=False))
        old_end, new_end = len(old) - end, len(new) - end
        if start:
            yield "equal", i, i + start, j, j + start
        yield from self._between(old[start:old_end], new[start:new_end], i + start, j + start, depth)
        if end:
            yield "equal", i + old_end, i + len(old), j + new_end, j + len(new)

    def _between(self, old: list[str], new: list[str], i: int, j: int, depth: int) -> Iterator[_Code]:
        if not old and not new:
            return
        size = len(old) * len(new)
        if size <= self._left:
            self._left -= size
            for tag, i1, i2, j1, j2 in SequenceMatcher(None, old, new).get_opcodes():
                yield tag, i + i1, i + i2, j + j1, j + j2
        elif depth < MOST_PARTED and (pairs := _in_both_once(old, new)):
            a = b = 0
            for x, y in (*pairs, (len(old), len(new))):
                yield from self.codes(old[a:x], new[b:y], i + a, j + b, depth + 1)
                a, b = x, y
        else:
            yield "replace", i, i + len(old), j, j + len(new)


def _common(pairs: Iterable[tuple[str, str]]) -> int:
    count = 0
    for one, other in pairs:
        if one != other:
            break
        count += 1
    return count


def _in_both_once(old: list[str], new: list[str]) -> list[tuple[int, int]]:
    """Where the lines stand that both texts have once, as many as are in the same order in both (patience diff)."""
    here, there = (Counter(lines) for lines in (old, new))
    place = {line: j for j, line in enumerate(new)}
    pairs = [(i, place[line]) for i, line in enumerate(old) if here[line] == there[line] == 1]
    return _longest_rising(pairs)


def _longest_rising(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    ends: list[int] = []  # the least second number at which a row of each length ends
    last: list[int] = []  # which pair that is
    before: list[int] = []
    for index, (_, j) in enumerate(pairs):
        length = bisect_left(ends, j)
        before.append(last[length - 1] if length else -1)
        ends[length : length + 1], last[length : length + 1] = [j], [index]
    found, index = [], last[-1] if last else -1
    while index >= 0:
        found.append(pairs[index])
        index = before[index]
    return found[::-1]


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
