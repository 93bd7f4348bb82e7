"""Whether "in effect means acknowledged" holds in a history of saves and calls. Pure: it sees what was recorded.

One administrator saves, many call. A call may run under any configuration that was in effect at some moment
between its start and its end: the one of the last save that had returned when it began, or of a save that was
under way while it was. Calls over one connection are served by one process and never go back.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from tests.load import Call

LONG_AGO = float("-inf")


class Save(NamedTuple):
    """A change: when it was begun and acknowledged, and what calls under it see."""

    start: float
    returned: float
    value: str


def violations(saves: Sequence[Save], calls: Iterable[Call]) -> list[str]:
    """Everything in a history that must not be, in words. The first save is what held before the first call.

    Raises ValueError for saves that are not one after the other.
    """
    history = _History(saves)
    connections: dict[int, list[Call]] = defaultdict(list)
    for call in calls:
        connections[call.connection].append(call)
    return [found for calls in connections.values() for found in history.violations_of(calls)]


class _History:
    def __init__(self, saves: Sequence[Save]) -> None:
        self._saves = saves
        self._starts = [save.start for save in saves]
        self._returns = [save.returned for save in saves]
        times = [time for save in saves for time in (save.start, save.returned)]
        if times != sorted(times):
            raise ValueError("saves follow each other")

    def violations_of(self, calls: Iterable[Call]) -> Iterable[str]:
        """What is wrong with the calls of one connection."""
        reached = 0
        for call in sorted(calls, key=lambda call: call.start):
            first, end = self._in_effect(call)
            fitting = (n for n in range(max(first, reached), end) if self._saves[n].value == call.seen)
            found = next(fitting, None)
            if found is None:
                yield self._explained(call, first, end)
            else:
                reached = found

    def _in_effect(self, call: Call) -> tuple[int, int]:
        """The first save that was in effect while the call went on, and the one behind the last."""
        first = bisect_right(self._returns, call.start) - 1
        if first < 0:
            raise ValueError("a call began before the first save had returned")
        return first, bisect_left(self._starts, call.end)

    def _explained(self, call: Call, first: int, end: int) -> str:
        allowed = " or ".join(dict.fromkeys(save.value for save in self._saves[first:end]))
        older = any(save.value == call.seen for save in self._saves[:first])
        went_back = any(save.value == call.seen for save in self._saves[first:end])
        kind = (
            "went back to"
            if went_back
            else "ran under an older"
            if older
            else "saw what was never in effect:"
        )
        since = call.start - self._returns[first]
        return f"{call.name} {kind} {call.seen} and not {allowed}, {since:.3f} s after that save had returned"
