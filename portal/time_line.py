"""Certificates on a time line of twelve months: where everything stands in the drawing. Pure geometry."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from gateway.expiry_notices import Expiry

SPAN = timedelta(days=365)
WIDTH = 1000
_START, _END = 100, 870  # where now and the end of the span are; labels go on to the right of their mark
_EXPIRED = 34  # where everything stands that has expired
_NEAR = 26  # what is closer together than this becomes one mark
_LANE = 20  # from one line of labels to the next
_MOST_LANES = 6
_TOP = 8
_TO_AXIS = 20
_BELOW = 40
_ROOM_FOR_TODAY = 40  # where that word stands among the names of months
_LETTER = 6.7  # the width of one, about
_LONGEST_LABEL = 26
_SOON, _NEXT = timedelta(days=30), timedelta(days=90)
_MOST_NAMES = 10


@dataclass(frozen=True, slots=True)
class Tick:
    """The beginning of a month."""

    x: float
    label: str


@dataclass(frozen=True, slots=True)
class Mark:
    """One certificate, or several that expire close together. `label_y` is None where there is no room for one."""

    x: float
    state: str  # expired, soon, next or later: of the first to expire
    kind: str  # client or CA; client where both are in it
    count: int
    label: str
    title: str
    label_y: int | None = None

    @property
    def radius(self) -> int:
        """Large enough for a number in it."""
        return 6 if self.count == 1 else 10 if self.count < 100 else 13

    @property
    def left(self) -> float:
        """The left edge of the square that stands for a CA certificate."""
        return round(self.x - self.radius, 1)

    @property
    def side(self) -> int:
        """The side of that square."""
        return 2 * self.radius


@dataclass(frozen=True, slots=True)
class TimeLine:
    """The drawing: its size, its axis, and what stands on it."""

    height: int
    axis_y: int
    ticks: tuple[Tick, ...]
    marks: tuple[Mark, ...]
    width: int = WIDTH
    start: int = _START
    end: int = _END

    @property
    def label_base(self) -> int:
        """Where the names of months stand."""
        return self.axis_y + 32


def draw(expiries: Sequence[Expiry], now: datetime) -> TimeLine:
    """The time line of what has expired and what expires within the span."""
    marks = tuple(_mark(group, now) for group in _groups(expiries, now))
    lanes, ends = _lanes_for(marks)
    axis_y = _TOP + lanes * _LANE + _TO_AXIS
    placed = (
        replace(mark, label_y=None if lane is None else _TOP + (lanes - lane) * _LANE - 6)
        for mark, lane in zip(marks, ends, strict=True)
    )
    return TimeLine(axis_y + _BELOW, axis_y, tuple(_ticks(now)), tuple(placed))


def _x(moment: datetime, now: datetime) -> float:
    if moment <= now:
        return _EXPIRED
    return round(_START + (_END - _START) * ((moment - now) / SPAN), 1)


def _groups(expiries: Iterable[Expiry], now: datetime) -> Iterator[list[Expiry]]:
    """Neighbours that would cover each other, from the left; a group is never wider than a mark."""
    group: list[Expiry] = []
    for expiry in sorted(expiries, key=lambda each: (each.not_after, each.name)):
        if expiry.not_after > now + SPAN:
            break
        if group and _x(expiry.not_after, now) - _x(group[0].not_after, now) >= _NEAR:
            yield group
            group = []
        group.append(expiry)
    if group:
        yield group


def _mark(group: Sequence[Expiry], now: datetime) -> Mark:
    first, count = group[0], len(group)
    kind = "CA" if all(expiry.kind == "CA" for expiry in group) else "client"
    more = f" +{count - 1}" if count > 1 else ""
    names = [f"{expiry.name}, {expiry.not_after:%Y-%m-%d}" for expiry in group[:_MOST_NAMES]]
    if count > _MOST_NAMES:
        names.append(f"and {count - _MOST_NAMES} more")
    x = _x(first.not_after, now)
    room = min(_LONGEST_LABEL, int((WIDTH - x - 10) / _LETTER)) - len(more)
    label = _shortened(first.name, room) + more
    return Mark(x, _state(first, now), kind, count, label, "; ".join(names))


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _state(expiry: Expiry, now: datetime) -> str:
    left = expiry.not_after - now
    if left <= timedelta():
        return "expired"
    return "soon" if left <= _SOON else "next" if left <= _NEXT else "later"


def _lanes_for(marks: Sequence[Mark]) -> tuple[int, list[int | None]]:
    """As few lanes as give every mark a label, and the lane of each mark, 0 next to the axis."""
    for lanes in range(1, _MOST_LANES + 1):
        found = _in_lanes(marks, lanes)
        if None not in found:
            break
    return lanes, found


def _in_lanes(marks: Sequence[Mark], lanes: int) -> list[int | None]:
    """The lane of each label: the highest one below which no other label is in the way of its stem."""
    ends = [0.0] * lanes
    found: list[int | None] = []
    for mark in marks:
        free = next((lane for lane, end in enumerate(ends) if end > mark.x), lanes)
        if free:
            ends[free - 1] = mark.x + 10 + len(mark.label) * _LETTER
        found.append(free - 1 if free else None)
    return found


def _ticks(now: datetime) -> Iterator[Tick]:
    """The first of each month; January with its year."""
    moment = now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    for _ in range(13):
        moment = (moment + timedelta(days=32)).replace(day=1)
        x = _x(moment, now)
        if moment <= now + SPAN and x >= _START + _ROOM_FOR_TODAY:
            yield Tick(x, f"{moment:%b %Y}" if moment.month == 1 else f"{moment:%b}")
