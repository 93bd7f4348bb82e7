"""A certificate's validity as a bar with today marked: the geometry for a drawing, and the same in words. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

MANY_DAYS = 730  # from here on years are counted
_LEAST = 1.5  # per cent that a part is drawn wide at least, to be seen at all


@dataclass(frozen=True, slots=True)
class ValidityBar:
    """Positions in per cent of the width, as SVG's attributes take them.

    The whole width goes from the beginning of the validity, or today if that is earlier, to its end, or today.
    `soon` is where it is time to renew; `text` says everything in words; `state` is "valid", "soon", "expired" or
    "early".
    """

    state: str
    start: str
    width: str
    spent: str
    soon: str
    soon_width: str
    today: str
    today_anchor: str
    text: str


def validity_bar(not_before: datetime, not_after: datetime, now: datetime, soon: timedelta) -> ValidityBar:
    """The bar of a validity period; `soon` is how long before its end it is time to renew."""
    first, last = min(not_before, now), max(not_after, now)
    whole = max((last - first).total_seconds(), 1)

    def at(moment: datetime) -> float:
        return 100 * (moment - first).total_seconds() / whole

    start, end, today = at(not_before), at(not_after), at(now)
    start = min(start, 100 - _LEAST)
    end = max(end, start + _LEAST)
    warn = max(at(max(not_after - soon, not_before)), start)
    return ValidityBar(
        state=_state(not_before, not_after, now, soon),
        start=_percent(start),
        width=_percent(end - start),
        spent=_percent(max(min(today, end) - start, 0)),
        soon=_percent(min(warn, end)),
        soon_width=_percent(max(end - warn, 0)),
        today=_percent(today),
        today_anchor="start" if today < 15 else "end" if today > 85 else "middle",
        text=_text(not_before, not_after, now),
    )


def _state(not_before: datetime, not_after: datetime, now: datetime, soon: timedelta) -> str:
    if not_after <= now:
        return "expired"
    if not_before > now:
        return "early"
    return "soon" if not_after - now <= soon else "valid"


def _text(not_before: datetime, not_after: datetime, now: datetime) -> str:
    period = f"Valid from {_day(not_before)} to {_day(not_after)}. Today is {_day(now)}: "
    if not_after <= now:
        return period + f"it expired {days_words(now - not_after)} ago."
    if not_before > now:
        return period + f"it becomes valid in {days_words(not_before - now)}."
    share = (now - not_before) / max(not_after - not_before, timedelta(seconds=1))
    return period + f"{share:.0%} of that time is over, with {days_words(not_after - now)} left."


def days_words(span: timedelta) -> str:
    """A span of time in words: "9 years", "12 days", "5 hours"."""
    if span.days >= MANY_DAYS:
        return f"{span.days // 365} years"
    if span.days:
        return f"{span.days} day{'s'[: span.days != 1]}"
    hours = max(int(span.total_seconds() // 3600), 0)
    return f"{hours} hour{'s'[: hours != 1]}" if hours else "less than an hour"


def _day(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d}"


def _percent(number: float) -> str:
    return f"{number:.2f}%"
