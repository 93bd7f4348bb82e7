"""Keeps the lease of a gateway process: says that it runs, and which revision."""

import logging
import os
import socket
import threading
import uuid
from contextlib import suppress
from pathlib import Path

from django.db import Error, connections

from gateway import records
from gateway.following import identity, now

logger = logging.getLogger(__name__)


class Lease(threading.Thread):
    """A thread with the process's writing connection, so that a busy database never keeps one from looking."""

    def __init__(self) -> None:
        super().__init__(name="lease", daemon=True)
        self._process = f"{socket.gethostname()}:{os.getpid()}"
        self._key: uuid.UUID | None = None
        self._revision = 0
        self._problem = ""
        self._wake = threading.Event()
        self._stopping = False
        self._away = False
        self._since = self._until = 0.0
        self._file: tuple[int, int] | None = None

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
        except Error as error:
            logger.warning("the lease of this gateway could not be ended and will run out: %s", error)
