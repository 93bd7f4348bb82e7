"""Follows the configuration: a thread with a read-only connection of its own, which hands on new snapshots."""

import gc
import logging
import os
import select
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

from django.db import Error, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from gateway import publish, snapshot_difference
from gateway.snapshot import Snapshot
from gateway.snapshot_difference import Difference

logger = logging.getLogger(__name__)

DATABASE = "snapshot"
LOOK_SECONDS = 2.0
_SQLITE_SECONDS = 0.02
_POLL_SECONDS = 1.0
CHANNEL = "configuration"


@contextmanager
def without_collecting(*, whole: bool) -> Iterator[None]:
    """Without the collector of cyclic garbage; after a whole reading it never looks at what is there again.

    Neither the program nor a configuration goes. A configuration of 100,000 operations would be searched again and
    again while it is read, and from then on a search would hold up all calls for a third of a second.
    """
    gc.disable()
    try:
        yield
        if whole:
            gc.freeze()
    finally:
        gc.enable()


def now() -> float:
    """Seconds on a clock that goes on while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class _Watch(Protocol):
    """Waits for signs of a change. Both methods raise Error or OSError while the database is away."""

    def changed(self) -> bool:
        """Whether there may be a change since the last time."""

    def wait(self) -> None:
        """Wait a little, or until somebody calls or the database says that there is a change."""


class _Bell:
    """Wakes a thread that waits for it or for a socket."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        os.set_blocking(self._read, False)
        os.set_blocking(self._write, False)

    def ring(self) -> None:
        """Wake whoever waits; once is as good as many times."""
        with suppress(BlockingIOError):
            os.write(self._write, b"!")

    def wait(self, seconds: float, *others: int) -> None:
        """Wait for a ring, or for one of the other descriptors to be readable."""
        poll = select.poll()
        for descriptor in (self._read, *others):
            poll.register(descriptor, select.POLLIN)
        if any(descriptor == self._read for descriptor, _ in poll.poll(seconds * 1000)):
            os.read(self._read, 4096)

    def close(self) -> None:
        """Give the descriptors back."""
        os.close(self._read)
        os.close(self._write)


def identity(path: Path) -> tuple[int, int]:
    """Which file a path leads to. Raises FileNotFoundError: never connect to a SQLite file that is not there, since
    that makes one."""
    status = path.stat()
    return status.st_dev, status.st_ino


class _SqliteWatch:
    """PRAGMA data_version tells of commits by others; the file's inode of another file in its place."""

    def __init__(self, connection: BaseDatabaseWrapper, bell: _Bell) -> None:
        self._connection = connection
        self._bell = bell
        self._path = Path(connection.settings_dict["NAME"])
        self._file = identity(self._path)
        self._version: int | None = None

    def changed(self) -> bool:
        if identity(self._path) != self._file:
            raise FileNotFoundError(f"{self._path} is another file now")
        with self._connection.cursor() as cursor:
            cursor.execute("PRAGMA data_version")
            version = cursor.fetchone()[0]
        known, self._version = self._version, version
        return bool(known != version)

    def wait(self) -> None:
        self._bell.wait(_SQLITE_SECONDS)


class _PostgresWatch:
    """LISTEN tells of changes at once; looking every second covers what it may have missed."""

    def __init__(self, connection: BaseDatabaseWrapper, bell: _Bell) -> None:
        self._connection = connection
        self._bell = bell
        with connection.cursor() as cursor:
            cursor.execute(f"LISTEN {CHANNEL}")

    def changed(self) -> bool:
        return True

    def wait(self) -> None:
        raw: Any = self._connection.connection
        with self._connection.wrap_database_errors:
            if not list(raw.notifies(timeout=0)):  # of the last look: what came with its answers
                self._bell.wait(_POLL_SECONDS, raw.pgconn.socket)
                list(raw.notifies(timeout=0))


def _watch(bell: _Bell) -> _Watch:
    connection = connections[DATABASE]
    if connection.vendor == "sqlite":
        return _SqliteWatch(connection, bell)
    return _PostgresWatch(connection, bell)


class Follower(threading.Thread):
    """Calls `apply` with each new snapshot and its difference to the one before, `away` when the database goes or
    returns, and `written` when something else may have been written; all in its own thread.

    `away_since` says since when the database is away, in seconds since 1970; None while it is there.
    """

    def __init__(
        self,
        apply: Callable[[Snapshot, Difference], None],
        away: Callable[[str], None],
        written: Callable[[], object] = lambda: None,
    ) -> None:
        super().__init__(name="follower", daemon=True)
        self._apply = apply
        self._away = away
        self._written = written
        self._bell = _Bell()
        self._stopping = False
        self._snapshot = Snapshot(revision=-1)
        self._problem = ""
        self._began = 0.0
        self._current_at = now()
        self.away_since: float | None = None
        self._asking: list[Callable[[], object]] = []
        self._asked: list[Callable[[], object]] = []
        self.looked_at = 0.0  # when the last look began that is over: what was committed before is in effect
        self.looked = threading.Event()

    @property
    def away(self) -> bool:
        """Whether the database could not be read when it was last tried."""
        return bool(self._problem)

    @property
    def age(self) -> float:
        """Seconds since this process last saw that what it runs is current."""
        return now() - self._current_at

    def look(self, done: Callable[[], object]) -> None:
        """Look at once; `done` is called in the follower's thread afterwards, whatever came of it."""
        self._asking.append(done)
        self._bell.ring()

    def stop(self) -> None:
        """End the thread and wait for it."""
        self._stopping = True
        self._bell.ring()
        self.join()
        self._bell.close()

    def run(self) -> None:
        """Look, wait, and look again; while the database is away what was read last stays in effect."""
        while not self._stopping:
            self._begin()
            try:
                self._follow(_watch(self._bell))
            except (Error, OSError) as error:
                self._went(str(error) or type(error).__name__)
            except Exception as error:
                logger.exception("the configuration could not be applied")
                self._went(f"{type(error).__name__}: {error}")
            finally:
                connections[DATABASE].close()
            self._seen()
            if not self._stopping:
                self._bell.wait(_POLL_SECONDS)

    def _follow(self, watch: _Watch) -> None:
        whole = True  # what was read through another connection may have been another database
        while not self._stopping:
            self._begin()
            if watch.changed() or whole:
                with without_collecting(whole=whole):
                    self._read(whole=whole)
                self._written()
                whole = False
            self._current_at = now()
            self._returned()
            self._seen()
            watch.wait()

    def _read(self, *, whole: bool) -> None:
        difference = publish.read_difference(self._snapshot, using=DATABASE, whole=whole)
        snapshot = snapshot_difference.apply(self._snapshot, difference)
        if snapshot is not self._snapshot:
            self._apply(snapshot, difference)
            self._snapshot = snapshot

    def _begin(self) -> None:
        """Whoever asks from here on asks for the next look: this one may miss what they have to know."""
        self._began = now()
        asking, self._asking = self._asking, []
        self._asked += asking

    def _seen(self) -> None:
        self.looked_at = self._began
        self.looked.set()
        asked, self._asked = self._asked, []
        for done in asked:
            done()

    def _went(self, problem: str) -> None:
        if not self._problem:
            self.away_since = time.time()
            logger.error("the configuration cannot be read, what was read last stays in effect: %s", problem)
        self._problem = problem
        self._away(problem)

    def _returned(self) -> None:
        if self._problem:
            logger.error("the configuration can be read again (it could not: %s)", self._problem)
            self._problem = ""
            self.away_since = None
            self._away("")
