"""Which client certificates calls presented to which back ends, noted on the call and taken by another thread."""

from collections.abc import Iterable
from typing import NamedTuple

from gateway.embedded.record import CallRecord

_MOST = 10_000

# Thumbprint, id of the API, host:port.
_Key = tuple[str, str, str]


class Presented(NamedTuple):
    """The last call that presented a certificate to a back end, and the last one after its expiry (0 for none), in
    seconds since 1970."""

    thumbprint: str
    api: str
    back_end: str
    last_at: float
    expired_at: float = 0.0


class PresentedCertificates:
    """What was presented since it was last taken. A call costs it a dict write.

    The event loop writes and one other thread takes. Neither locks: each step on a dict is a single one.
    """

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._last: dict[_Key, float] = {}
        self._expired: dict[_Key, float] = {}

    def observe(self, record: CallRecord) -> None:
        """Take note of a call that is over; what counts is when it began."""
        if not record.thumbprint:
            return
        key = (record.thumbprint, record.api, record.back_end)
        self._note(self._last, key, record.at)
        if record.expired_certificate:
            self._note(self._expired, key, record.at)

    def _note(self, noted: dict[_Key, float], key: _Key, at: float) -> None:
        known = noted.get(key)
        if at > known if known is not None else len(noted) < self._most:
            noted[key] = at

    def take(self) -> list[Presented]:
        """What was noted, in a stable order."""
        last, expired = _drained(self._last), _drained(self._expired)
        # What expired may have been noted between the two.
        keys = sorted(last.keys() | expired.keys())
        return [Presented(*key, last.get(key) or expired[key], expired.get(key, 0.0)) for key in keys]

    def put_back(self, presented: Iterable[Presented]) -> None:
        """Give back what could not be written; what has been noted meanwhile is newer."""
        for each in presented:
            key = (each.thumbprint, each.api, each.back_end)
            self._last.setdefault(key, each.last_at)
            if each.expired_at:
                self._expired.setdefault(key, each.expired_at)


def _drained(noted: dict[_Key, float]) -> dict[_Key, float]:
    return {key: at for key in list(noted) if (at := noted.pop(key, None)) is not None}
