"""The steps of a call as a page shows them: in order, with their times, and what each has to say."""

from collections.abc import Iterator
from dataclasses import dataclass

from portal.traces.connection import connection_facts
from portal.traces.document import Part, entries_of, seconds_in, took
from portal.traces.places import Line, Places

_SECTIONS = (
    ("inbound", "Inbound", "on the way to the back end"),
    ("backend", "Backend", "the call itself"),
    ("outbound", "Outbound", "on the way back to the caller"),
)
_MUCH = 0.5  # of the whole call
_HEADS = {"request": "Request", "response": "Answer"}
# What is shown in a way of its own, or was said in the sentence of the step.
_OWN = frozenset({"message", "scope", "line", "failure", "backEndCertificates", "bytes", "reached", *_HEADS})
_LABELS = {"caller": "Caller"}


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a message: its first line, and its fields as they stand in it."""

    title: str
    first: str
    count: int
    text: str


@dataclass(frozen=True, slots=True)
class Step:
    """A step. `at` is its time since the call began, `since` since the step before: `much` if most of the call."""

    source: str
    message: str
    at: str
    since: str
    much: bool
    failed: bool
    reached: bool
    size: str
    line: Line | None
    heads: tuple[Head, ...]
    facts: tuple[tuple[str, str], ...]
    details: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """The steps of a section."""

    name: str
    title: str
    words: str
    steps: tuple[Step, ...]


def sections_of(document: Part, places: Places) -> tuple[Section, ...]:
    """The sections that hold steps."""
    whole, before = document.number("seconds") or 0.0, 0.0
    steps: dict[str, list[Step]] = {name: [] for name, _, _ in _SECTIONS}
    for name, entry in entries_of(document):
        reached = entry.part("data").flag("reached") is not False
        at = seconds_in(entry.text("elapsed")) if reached else None
        since = max(0.0, at - before) if at is not None else None
        steps[name].append(_step(entry, at, since, places, much=bool(since) and (since or 0) > _MUCH * whole))
        before = max(before, at or 0.0)
    return tuple(
        Section(name, title, words, tuple(steps[name])) for name, title, words in _SECTIONS if steps[name]
    )


def _step(entry: Part, at: float | None, since: float | None, places: Places, *, much: bool) -> Step:
    data = entry.part("data")
    failure = data.part("failure")
    return Step(
        source=entry.text("source"),
        message=data.text("message") or failure.text("message") or failure.text("detail"),
        at=took(at) if at is not None else "",
        since=took(since) if since is not None else "",
        much=much,
        failed=bool(failure),
        reached=data.flag("reached") is not False,
        size=_size(data.number("bytes")) if data.number("bytes") or not data.part("request") else "",
        line=places.line(data),
        heads=tuple(_heads(data)),
        facts=tuple(_facts(data)),
        details=failure.texts("details"),
    )


def _size(count: float | None) -> str:
    return "" if count is None else "Body: 1 byte" if count == 1 else f"Body: {count:,.0f} bytes"


def _heads(data: Part) -> Iterator[Head]:
    for name, title in _HEADS.items():
        if message := data.part(name):
            fields = message.parts("headers")
            lines = (f"{each.text('name')}: {each.text('value')}" for each in fields)
            yield Head(title, first_line(message), len(fields), "\n".join(lines))


def first_line(message: Part) -> str:
    """A request's method and address, or an answer's status and reason."""
    names = ("method", "url") if message.text("url") or message.text("method") else ("status", "reason")
    return " ".join(filter(None, map(message.text, names)))


def _facts(data: Part) -> Iterator[tuple[str, str]]:
    """Whatever else a step says, by the name that it gives it."""
    for name in data.names():
        if name == "configuration":
            yield from _configuration(data.part(name))
        elif name == "connection":
            yield from connection_facts(data.part(name))
        elif name == "certificate":
            yield from _certificate(data.part(name))
        elif name not in _OWN:
            inner = data.part(name)
            others = ((_LABELS.get(key, key), text) for key, text in data.items() if key == name)
            yield from inner.items() if inner else others


def _certificate(certificate: Part) -> Iterator[tuple[str, str]]:
    for label, name in (("Client certificate", "id"), ("Subject", "subject"), ("Thumbprint", "thumbprint")):
        if text := certificate.text(name):
            yield label, text


def _configuration(configuration: Part) -> Iterator[tuple[str, str]]:
    api, operation = configuration.part("api"), configuration.part("operation")
    if api:
        yield "Called", api.text("from")
        yield "Back end", api.text("to")
    if operation:
        yield "Operation", f"{operation.text('method')} {operation.text('uriTemplate')}".strip()
    yield from ((f"{{{name}}}", value) for name, value in configuration.part("values").items())
