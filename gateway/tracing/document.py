"""The trace of one call as a JSON document of the product's form, without secrets and of a bounded size.

Pure. What is told of the call comes as it is; here it is masked, cut and put in order.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from gateway.tracing.masking import HIDDEN, Masker

MOST_BYTES = 262144
MOST_IN_HEAD = 131072
_MOST_IN_NAME = 200
SECTIONS = ("inbound", "backend", "outbound")
TITLES = {
    "gateway": "In the gateway",
    "receiving": "Waiting for the request's body",
    "waiting": "Waiting for a thread",
    "preparing": "Preparing the trace",
    "loading": "Making certificate and CAs ready",
    "resolving": "Resolving the name",
    "connecting": "Connecting",
    "handshake": "TLS handshake",
    "sending": "Sending the request",
    "back-end": "Waiting for the back end",
    "answering": "Handing on the answer",
}
_FIXED = frozenset(("code", "failedBy", "scope", "verdict"))  # what they say is one of a few words
_SHORTEST_SPAN = 0.00002


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """The fields of a request or an answer, as they are."""

    fields: Sequence[tuple[bytes, bytes]] = field(repr=False)


def head_of(fields: Sequence[tuple[bytes, bytes]]) -> Head:
    """The fields of a message. Of very many bytes the names alone: back ends may send megabytes, which traces that
    wait would hold, and in which to look for secrets takes seconds."""
    if sum(len(name) + len(value) for name, value in fields) <= MOST_IN_HEAD:
        return Head(fields)
    return Head([(name[:_MOST_IN_NAME], b"(not shown: too long)") for name, _ in fields])


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that happened to the call, `elapsed` seconds after it began. `data` may hold heads."""

    section: str
    source: str
    elapsed: float
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Facts:
    """All that is told of a call. `at` is when it began, in seconds since 1970.

    `phases` are what it did from when on, `call` stands in the document as it is.
    """

    at: float
    seconds: float
    call: Mapping[str, Any]
    outcome: Mapping[str, Any]
    phases: Sequence[tuple[float, str]]
    entries: Sequence[Entry]


class _Limits(NamedTuple):
    text: int
    fields: int
    entries: int


# The next ones hold if a document is still too large.
_LIMITS = (_Limits(4000, 200, 500), _Limits(1000, 100, 250), _Limits(200, 50, 100), _Limits(60, 20, 50))


def document(facts: Facts, masker: Masker) -> dict[str, Any]:
    """The document. `masker` knows what of the configuration is secret; it learns here what else is."""
    for entry in facts.entries:
        _learn(entry.data, masker)
    for limits in _LIMITS:
        found = _Writer(facts, masker, limits).document()
        if len(json.dumps(found)) <= MOST_BYTES:
            break
    return found


def _learn(value: Any, masker: Masker) -> None:
    if isinstance(value, Head):
        masker.learn(_texts(value))
    elif isinstance(value, str):
        masker.learn_address(value)
    elif isinstance(value, Mapping):
        for each in value.values():
            _learn(each, masker)


def _texts(head: Head) -> list[tuple[str, str]]:
    return [
        (name.decode("utf-8", "replace"), value.decode("utf-8", "replace")) for name, value in head.fields
    ]


class _Writer:
    """Writes the document under some limits."""

    def __init__(self, facts: Facts, masker: Masker, limits: _Limits) -> None:
        self._facts = facts
        self._masker = masker
        self._limits = limits
        self._longest = masker.longest

    def document(self) -> dict[str, Any]:
        facts = self._facts
        return {
            **facts.call,
            "at": moment(facts.at),
            "seconds": round(facts.seconds, 6),
            "outcome": self._shown(facts.outcome),
            "spans": _spans(facts.phases, facts.seconds),
            "traceEntries": {section: self._entries(section) for section in SECTIONS},
        }

    def _entries(self, section: str) -> list[dict[str, Any]]:
        entries = [entry for entry in self._facts.entries if entry.section == section]
        shown = [self._entry(entry) for entry in entries[: self._limits.entries]]
        if left_out := len(entries) - len(shown):
            last = entries[-1]
            message = f"{left_out} more entries are not shown."
            shown.append(self._entry(Entry(section, last.source, last.elapsed, {"message": message})))
        return shown

    def _entry(self, entry: Entry) -> dict[str, Any]:
        return {
            "source": entry.source,
            "timestamp": moment(self._facts.at + entry.elapsed),
            "elapsed": _elapsed(entry.elapsed),
            "data": self._shown(entry.data),
        }

    def _shown(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, Head):
            return self._head(value)
        if isinstance(value, Mapping):
            return {key: each if key in _FIXED else self._shown(each) for key, each in value.items()}
        if isinstance(value, list | tuple):
            return [self._shown(each) for each in value[: self._limits.fields]]
        return value

    def _text(self, text: str) -> str:
        return self._cut(self._masker.text(self._near(text)), text)

    def _head(self, head: Head) -> list[dict[str, str]]:
        fields, most = _texts(head), self._limits.fields
        masked = self._masker.fields((self._near(name), self._near(value)) for name, value in fields[:most])
        shown = [
            {"name": self._cut(name, field[0]), "value": self._cut(value, field[1])}
            for field, (name, value) in zip(fields, masked, strict=False)
        ]
        if len(fields) > most:
            shown.append({"name": "...", "value": f"{len(fields) - most} more"})
        return shown

    def _near(self, text: str) -> str:
        """The part of a text in which secrets are hidden before it is cut, or one would be left in part."""
        return text[: self._limits.text + self._longest]

    def _cut(self, shown: str, text: str) -> str:
        most = self._limits.text
        if len(text) > most + self._longest and shown != HIDDEN:
            # Hiding makes it shorter, and at its end may stand the beginning of a secret.
            most = max(0, min(most, len(shown) - self._longest))
        return shown if len(shown) <= most else f"{shown[:most]}..."


def _spans(phases: Iterable[tuple[float, str]], end: float) -> list[dict[str, Any]]:
    """What took how long: each phase lasts until the next begins."""
    began = sorted((phase for phase in phases if phase[0] < end), key=lambda phase: phase[0])
    ends = [*(start for start, _ in began[1:]), end]
    return [
        {"name": name, "title": TITLES[name], "start": round(start, 6), "seconds": round(stop - start, 6)}
        for (start, name), stop in zip(began, ends, strict=True)
        if name and stop - start >= _SHORTEST_SPAN
    ]


def moment(seconds: float) -> str:
    """A moment, in seconds since 1970, as documents tell it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")


def _elapsed(seconds: float) -> str:
    """A time as the product writes it, to the tenth of a microsecond."""
    ticks = max(0, round(seconds * 10_000_000))
    minutes, rest = divmod(ticks, 600_000_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{rest // 10_000_000:02}.{rest % 10_000_000:07}"
