"""The error log of a gateway process, written by a thread: a full pipe on standard error must not stop calls."""

import logging
import sys

from gateway.observing.lines import STANDARD_ERROR, LineWriter

_STOP_SECONDS = 1.0


class _Handler(logging.Handler):
    def __init__(self, writer: LineWriter, before: logging.Handler) -> None:
        super().__init__(before.level)
        self.setFormatter(before.formatter)
        self._writer = writer

    def emit(self, record: logging.LogRecord) -> None:
        """Hand the line on; logging's lock lets in one thread at a time."""
        try:
            self._writer.put(self.format(record) + "\n")
        except Exception:
            self.handleError(record)


class BackgroundErrorLog:
    """Between `start` and `stop`, takes the place of the root logger's handler for standard error."""

    def __init__(self) -> None:
        self._writer = LineWriter("error log", STANDARD_ERROR)
        self._before: list[logging.Handler] = []

    def start(self) -> None:
        """Take the handler's place."""
        self._writer.start()
        root = logging.getLogger()
        self._before = list(root.handlers)
        root.handlers = [
            _Handler(self._writer, handler) if _writes_to_standard_error(handler) else handler
            for handler in self._before
        ]

    def stop(self) -> None:
        """Write what is left, and give the place back."""
        self._writer.stop(_STOP_SECONDS)
        logging.getLogger().handlers = self._before


def _writes_to_standard_error(handler: logging.Handler) -> bool:
    return isinstance(handler, logging.StreamHandler) and handler.stream is sys.stderr
