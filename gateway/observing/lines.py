"""Lines on their way to a file, a pipe or a terminal: a thread writes them, so that nobody waits for a slow one."""

import contextlib
import logging
import os
import select
import stat
import threading
import time
from queue import SimpleQueue

logger = logging.getLogger(__name__)

STANDARD_ERROR = "-"
HELD_BYTES = 4 * 1024 * 1024
_SAY_SECONDS = 60.0


class LineWriter(threading.Thread):
    """Holds up to HELD_BYTES of lines and drops what comes on top; what is dropped is counted and said.

    `target` is "-" for standard error, or a path, to which several processes may append. `gather` is how many
    seconds lines are gathered before they are written in one go.
    """

    def __init__(self, name: str, target: str, *, gather: float = 0.0) -> None:
        super().__init__(name=name, daemon=True)
        self._sink = _Sink(target)
        self._gather = gather
        self._lines: SimpleQueue[str | None] = SimpleQueue()
        # Each has one writer, so that none needs a lock: those of the first line `put`, the others the thread.
        self._bytes_in = self._lines_in = self._refused = 0
        self._bytes_out = self._lines_out = self._failed = 0
        self._reopen = False
        self._said = 0
        self._said_at = 0.0
        self._reason = ""

    @property
    def dropped(self) -> int:
        """How many lines were not written and will not be."""
        return self._refused + self._failed

    def put(self, line: str) -> None:
        """Take a line, its line end included. Never waits; called by one thread at a time."""
        if self._bytes_in - self._bytes_out > HELD_BYTES:
            self._refused += 1
            return
        self._bytes_in += len(line)
        self._lines_in += 1
        self._lines.put(line)

    def reopen(self) -> None:
        """Go on in a new file of the same name. Safe in a signal handler: SimpleQueue.put is reentrant."""
        self._reopen = True
        self._lines.put("")

    def stop(self, seconds: float) -> None:
        """Write what is held and end; a reader that is stuck gets so many seconds."""
        self._lines.put(None)
        self.join(seconds)
        if self.is_alive():
            self._failed += self._lines_in - self._lines_out
            self._reason = "they were not read in time"
        self._say(0)

    def run(self) -> None:
        """Write until `stop`."""
        with contextlib.suppress(OSError):  # which the first line meets again
            self._sink.open()
        stopping = False
        while not stopping:
            batch = [self._lines.get()]
            time.sleep(self._gather)
            batch += [self._lines.get() for _ in range(self._lines.qsize())]
            stopping = None in batch
            if self._reopen:
                self._reopen = False
                self._sink.close()
            self._write([line for line in batch if line])
            self._say(_SAY_SECONDS)
        self._sink.close()

    def _write(self, lines: list[str]) -> None:
        text = "".join(lines)
        try:
            self._sink.write(text.encode("utf-8", "backslashreplace"))
        except OSError as error:
            self._reason = str(error)
            self._failed += self._sink.unwritten.count(b"\n")
        self._bytes_out += len(text)
        self._lines_out += len(lines)

    def _say(self, pause: float) -> None:
        dropped, now = self.dropped, time.monotonic()
        if dropped > self._said and (not self._said_at or now - self._said_at >= pause):
            reason = self._reason or "they are not read fast enough"
            logger.error("%s: %d lines were dropped: %s", self.name, dropped - self._said, reason)
            self._said, self._said_at, self._reason = dropped, now, ""


class _Sink:
    """Where lines go. They stay whole beside those of other processes."""

    def __init__(self, target: str) -> None:
        self._target = target
        self._descriptor: int | None = None
        self._regular = False
        self._torn = False
        self.unwritten = b""

    def open(self) -> int:
        """The open descriptor. Raises OSError."""
        if self._descriptor is None:
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
            self._descriptor = 2 if self._target == STANDARD_ERROR else os.open(self._target, flags, 0o640)
            self._regular = stat.S_ISREG(os.fstat(self._descriptor).st_mode)
        return self._descriptor

    def close(self) -> None:
        """Close; the next `open` opens again."""
        if self._descriptor not in (None, 2):
            os.close(self._descriptor)
        self._descriptor = None
        self._torn = False

    def write(self, data: bytes) -> None:
        """Write whole lines. Raises OSError, after which `unwritten` is what is left of them."""
        self.unwritten = b"\n" + data if self._torn else data
        descriptor = self.open()
        while self.unwritten:
            piece = self.unwritten if self._regular else _first_lines(self.unwritten)
            written = _write_some(descriptor, piece)
            self._torn = piece[written - 1 : written] != b"\n"
            self.unwritten = self.unwritten[written:]


def _first_lines(data: bytes) -> bytes:
    """As many lines as a pipe takes without mixing them with those of others, but at least one (POSIX, write)."""
    end = data.rfind(b"\n", 0, select.PIPE_BUF) + 1 or data.find(b"\n") + 1
    return data[: end or len(data)]


def _write_some(descriptor: int, data: bytes) -> int:
    while True:
        try:
            return os.write(descriptor, data)
        except BlockingIOError:  # somebody who shares the descriptor made it so
            poll = select.poll()
            poll.register(descriptor, select.POLLOUT)
            poll.poll()
