"""Reads documents of traces, whatever is in them: what another version wrote is shown as far as it goes. Pure."""

import json
import math
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from gateway.tracing.document import SECTIONS

FORWARDED = "forward-request"  # the source of all that is told of the call of the back end
_LONGEST = 20_000
_ELAPSED = re.compile(r"(\d{1,6}):(\d{1,2}):(\d{1,2}(?:\.\d{1,9})?)\Z", re.ASCII)


class Part:
    """An object of a document. What is missing or of another type reads as nothing."""

    def __init__(self, value: Any) -> None:
        self._members: Mapping[str, Any] = value if isinstance(value, Mapping) else {}

    def __bool__(self) -> bool:
        return bool(self._members)

    def names(self) -> tuple[str, ...]:
        """The names of its members."""
        return tuple(str(name) for name in self._members)

    def text(self, name: str) -> str:
        """A text or number, as text."""
        return text_of(self._members.get(name))

    def number(self, name: str) -> float | None:
        """A number that is finite and not negative."""
        value = self._members.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        return float(value) if 0 <= value < 1e12 else None

    def flag(self, name: str) -> bool | None:
        """True or false, or None for neither."""
        value = self._members.get(name)
        return value if isinstance(value, bool) else None

    def part(self, name: str) -> "Part":
        """An object in it."""
        return Part(self._members.get(name))

    def parts(self, name: str) -> tuple["Part", ...]:
        """The objects of a list in it."""
        value = self._members.get(name)
        return tuple(Part(each) for each in value if each) if isinstance(value, list) else ()

    def texts(self, name: str) -> tuple[str, ...]:
        """The texts of a list in it."""
        value = self._members.get(name)
        return tuple(filter(None, map(text_of, value))) if isinstance(value, list) else ()

    def items(self) -> Iterator[tuple[str, str]]:
        """All members as texts; what is more than a text, as JSON."""
        for name, value in self._members.items():
            plain = text_of(value) if not isinstance(value, bool | dict | list) else json.dumps(value)
            yield str(name), plain[:_LONGEST]


def entries_of(document: Part) -> tuple[tuple[str, Part], ...]:
    """All entries with the name of their section, in order."""
    sections = document.part("traceEntries")
    return tuple((name, each) for name in SECTIONS for each in sections.parts(name))


def told_by(document: Part, source: str) -> tuple[Part, ...]:
    """What the entries of a source tell, in order."""
    return tuple(entry.part("data") for _, entry in entries_of(document) if entry.text("source") == source)


def text_of(value: Any) -> str:
    """A text or a number as text; "" for anything else."""
    if isinstance(value, str):
        return value[:_LONGEST]
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    return f"{value:.10g}" if isinstance(value, float) else str(value)[:_LONGEST]


def seconds_in(elapsed: str) -> float | None:
    """The seconds of an elapsed time such as 00:00:00.0012345."""
    found = _ELAPSED.match(elapsed)
    return int(found[1]) * 3600 + int(found[2]) * 60 + float(found[3]) if found else None


def moment_of(text: str) -> datetime | None:
    """A moment that an ISO 8601 text says with its zone."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def took(seconds: float) -> str:
    """A duration with three digits, as the parts of a call need it: 0.42 ms, 12.3 ms, 812 ms, 1.24 s."""
    milliseconds = seconds * 1000
    if milliseconds >= 999.5:
        return f"{seconds:.2f} s" if seconds < 100 else f"{seconds:.0f} s"
    digits = 0 if milliseconds >= 99.95 else 1 if milliseconds >= 9.995 else 2
    return f"{milliseconds:.{digits}f} ms"


def share(part: float, whole: float) -> str:
    """A part of a whole in words: 97 %, under 1 %."""
    percent = 100 * part / whole if whole > 0 else 0.0
    return f"{math.floor(percent + 0.5)} %" if percent >= 0.5 else "under 1 %"
