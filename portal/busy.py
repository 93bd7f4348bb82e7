"""A database that is busy: how it is recognised, and what is said."""

from django.db import OperationalError

RETRY_SECONDS = 5
BUSY_MESSAGE = (
    "The database is busy with other changes, so nothing was saved. Wait a few seconds and try again; what you "
    "entered is still here, but passwords and files have to be entered again."
)

# SQLite's words; the SQLSTATEs of lock_not_available, deadlock_detected, too_many_connections (PostgreSQL).
_WORDS = ("database is locked", "database table is locked", "database schema is locked")
_STATES = {"55P03", "40P01", "53300"}


def is_busy(error: BaseException | None) -> bool:
    """Whether trying again a little later is likely to help."""
    if not isinstance(error, OperationalError):
        return False
    state = getattr(error.__cause__, "sqlstate", None)
    return state in _STATES or any(words in str(error) for words in _WORDS)
