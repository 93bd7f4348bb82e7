"""What a trace may do to its call: nothing by its errors, and little by its time."""

import logging
from types import TracebackType

logger = logging.getLogger(__name__)

# What is told of statements, in characters and in fields that are looked through: some milliseconds. It is done on
# the event loop, where other calls wait, and callers choose how much there is to look through.
_MOST_TOLD = 30_000
_EACH = 20


class Bounds:
    """A context for all that is done for the trace alone: an error there ends the trace, and not the call.

    `broken` is whether there was one. It is logged once.
    """

    broken = False

    def __init__(self) -> None:
        self._left = _MOST_TOLD

    @property
    def over(self) -> bool:
        """Whether statements only run from now on, and nothing is told of them."""
        return self.broken or self._left <= 0

    def spend(self, fields: int, characters: int) -> None:
        """A statement was told: so many fields were looked through, and its words are so long."""
        self._left -= _EACH + fields + characters // 10

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if not isinstance(error, Exception):
            return False
        if not self.broken:
            logger.error("a call could not be traced", exc_info=error)
        self.broken = True
        return True
