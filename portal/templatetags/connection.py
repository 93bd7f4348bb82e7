"""What the report of a connection test is told with: {% load connection %}."""

from datetime import datetime

from django import template

from gateway.probing.report import Report, State

register = template.Library()

_MARKS = {State.OK: "✓", State.NOTE: "!", State.FAILED: "✗", State.SKIPPED: "○"}
_WORDS = {State.OK: "In order", State.NOTE: "To know", State.FAILED: "Failed", State.SKIPPED: "Not done"}


@register.filter
def mark(state: State) -> str:
    """A sign for how a step ended, so that colour alone does not say it."""
    return _MARKS[state]


@register.filter
def in_words(state: State) -> str:
    """The same for those who hear it."""
    return _WORDS[state]


@register.filter
def took(seconds: float) -> str:
    """A duration as people read it: "12 ms", "1.4 s"."""
    if seconds < 0.0005:
        return "under 1 ms"
    return f"{seconds * 1000:.0f} ms" if seconds < 0.9995 else f"{seconds:.1f} s"


@register.filter
def moment(text: str) -> datetime | None:
    """When a report was made."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


@register.filter
def verdict(report: Report) -> str:
    """What a test came to, in a few words."""
    if not report.succeeded:
        return "The connection does not work"
    if report.verdict == "handshake-only":
        return "The handshake works"
    return (
        "The connection works, without the client certificate"
        if report.verdict == "not-asked"
        else ("The connection works")
    )
