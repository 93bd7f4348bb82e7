"""Times as the REST API writes them."""

from datetime import UTC, datetime


def time_text(time: datetime) -> str:
    """ISO 8601 in UTC, to the second: 2036-01-01T07:00:00Z."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
