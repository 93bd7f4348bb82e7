"""Keeps the lease of a gateway process: says that it runs, which revision, and what it presents and holds."""

import logging
import threading
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from django.db import Error, connections

from gateway import records
from gateway.following import identity, now
from gateway.observing.presented import PresentedCertificates
from gateway.process_name import process_name

logger = logging.getLogger(__name__)

_WRITE_SECONDS = 1.5
_FORGET_SECONDS = 3600.0


class Lease(threading.Thread):
    """A thread with the process's writing connection, so that a busy database never keeps one from looking.

    Beside the lease it writes what was `presented`, and how many connections are `held` by thumbprint.
    """

    def __init__(self, presented: PresentedCertificates, held: Callable[[], Mapping[str, int]]) -> None:
        super().__init__(name="lease", daemon=True)
        self._process = process_name()
        self._key: uuid.UUID | None = None
        self._revision = 0
        self._problem = ""
        self._wake = threading.Event()
        self._stopping = False
        self._away = False
        self._since = self._until = 0.0
        self._file: tuple[int, int] | None = None
        self._presented = presented
        self._held = held
        self._written: tuple[uuid.UUID, Mapping[str, int]] | None = None
        self._write_at = self._forget_at = 0.0
        self._unwritten = False

    def held_since(self, moment: float) -> bool:
        """Whether changes have been waiting for this process ever since (a moment of gateway.following.now)."""
        return now() < self._until and self._since <= moment

    def acknowledge(self, revision: int) -> None:
        """Say at once that this process runs a revision."""
        self._revision = revision
        self._wake.set()

    def report(self, problem: str) -> None:
        """Say what is wrong with this process, or "" that nothing is."""
        self._problem = problem
        self._wake.set()

    def stop(self) -> None:
        """End the lease and the thread."""
        self._stopping = True
        self._wake.set()
        self.join()

    def run(self) -> None:
        """Renew every 2 s and whenever there is something to say."""
        while not self._stopping:
            self._wake.clear()
            self._renew()
            if self._key is not None and not self._away and now() >= self._write_at:
                # Every few seconds, however often the lease is renewed: somebody waits for that.
                self._write_at = now() + _WRITE_SECONDS
                self._write(self._key)
            self._wake.wait(records.RENEW_SECONDS)
        self._end()
        connections.close_all()

    def _renew(self) -> None:
        began = now()
        self._leave_replaced_file()
        try:
            if self._key is None or not records.renew_gateway(self._key, self._revision, self._problem):
                self._key = records.register_gateway(self._process, self._revision)
            if (renewed := now()) >= self._until:
                self._since = renewed
            self._until = began + records.LEASE_SECONDS
            self._away = False
        except Error as error:
            if not self._away:  # once, not every two seconds
                logger.error("the lease of this gateway cannot be renewed: %s", error)
            self._away = True
            connections["default"].close()

    def _write(self, key: uuid.UUID) -> None:
        """What was presented and what is held, if it changed."""
        try:
            self._note_presented()
            if (held := (key, self._held())) != (self._written or (key, {})):
                records.hold_connections(*held)
                self._written = held
            if now() >= self._forget_at:
                records.forget_presentations()
                self._forget_at = now() + _FORGET_SECONDS
            self._unwritten = False
        except Exception as error:  # whatever it is, the lease is kept
            if not self._unwritten:
                logger.warning("what this gateway presents and holds could not be written: %s", error)
            self._unwritten = True
            connections["default"].close()

    def _note_presented(self) -> None:
        presented = self._presented.take()
        try:
            records.note_presented(presented)
        except Error:
            self._presented.put_back(presented)
            raise

    def _leave_replaced_file(self) -> None:
        """An open connection would never notice that another SQLite file was put in the place of its own."""
        connection = connections["default"]
        if connection.vendor != "sqlite":
            return
        with suppress(FileNotFoundError):  # away: what is open is all there is
            if (found := identity(Path(connection.settings_dict["NAME"]))) != self._file:
                self._file = found
                connection.close()

    def _end(self) -> None:
        try:
            if self._key is not None:
                records.end_gateway(self._key)
            self._note_presented()
        except Error as error:
            logger.warning("the lease of this gateway could not be ended and will run out: %s", error)
