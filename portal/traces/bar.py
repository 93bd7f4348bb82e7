"""Where the time of a call went: bars that stand where their part of the call does. Pure geometry."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from portal.traces.document import Part, share, took

WIDTH = 1000
_NARROWEST = 5.0  # what takes no time to speak of is still seen
_MOST = 40
_WORTH_SAYING = 0.02  # of the whole
# What may take the time, by name of a span; whatever a later version adds is the gateway's.
_KINDS = {
    "resolving": "network",
    "connecting": "network",
    "handshake": "network",
    "sending": "network",
    "back-end": "back-end",
    "answering": "answer",
}


@dataclass(frozen=True, slots=True)
class Span:
    """A part of the call: `x` and `width` are in the drawing, `kind` is who takes the time."""

    title: str
    kind: str
    seconds: float
    took: str
    share: str
    x: float
    width: float
    longest: bool = False


@dataclass(frozen=True, slots=True)
class Bar:
    """The drawing of a whole call. `rest` is the time between the spans, "" where that is not worth saying."""

    spans: tuple[Span, ...]
    took: str
    rest: str
    width: int = WIDTH

    @property
    def label(self) -> str:
        """The same for those who hear it."""
        parts = ", ".join(f"{span.title} {span.took} ({span.share})" for span in self.spans)
        return f"Where the {self.took} of the call went: {parts}"

    @property
    def longest(self) -> Span:
        """What took most of the time."""
        return next(span for span in self.spans if span.longest)


def draw(parts: Iterable[Part], seconds: float | None) -> Bar | None:
    """The bar of a document's spans; None if it has none."""
    found = sorted(_read(parts))[:_MOST]
    if not found:
        return None
    whole = max([seconds or 0.0, *(start + taken for start, taken, _, _ in found)]) or 1e-9
    most = max(range(len(found)), key=lambda index: found[index][1])
    spans = tuple(
        _span(title, name, start, taken, whole, longest=index == most)
        for index, (start, taken, name, title) in enumerate(found)
    )
    rest = whole - sum(span.seconds for span in spans)
    return Bar(spans, took(whole), took(rest) if rest > _WORTH_SAYING * whole else "")


def _read(parts: Iterable[Part]) -> Iterator[tuple[float, float, str, str]]:
    for part in parts:
        start, taken, name = part.number("start"), part.number("seconds"), part.text("name")
        if start is not None and taken is not None:
            yield start, taken, name, part.text("title") or name or "Something else"


def _span(title: str, name: str, start: float, taken: float, whole: float, *, longest: bool) -> Span:
    width = max(WIDTH * taken / whole, _NARROWEST)
    x = min(WIDTH * start / whole, WIDTH - width)
    kind = _KINDS.get(name, "gateway")
    return Span(
        title, kind, taken, took(taken), share(taken, whole), round(x, 1), round(width, 1), longest=longest
    )
