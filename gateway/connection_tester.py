"""Makes tests of connections in a gateway process, when the portal asks for one."""

import logging
import threading
from typing import Any

from django.db import Error, connections

from gateway import records_connection_tests as tests
from gateway.connection_tests import ConnectionOrder, NotMade, make
from gateway.following import DATABASE

logger = logging.getLogger(__name__)

_STOP_SECONDS = 1.0


class Tester(threading.Thread):
    """A thread that sleeps until the follower sees that a test waits, and has a database connection only then.

    One test at a time: the calls of a gateway come first. `name` is that of the process's lease.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name="connection tests", daemon=True)
        self._gateway = name
        self._wake = threading.Event()
        self._stopping = False

    def look(self) -> None:
        """In the follower's thread, on its connection, when something may have been written: see what waits."""
        if tests.is_one_waiting(DATABASE):
            self._wake.set()

    def stop(self) -> None:
        """End the thread. A test that is under way is given up: whoever waits for it sees the lease end."""
        self._stopping = True
        self._wake.set()
        self.join(_STOP_SECONDS)

    def run(self) -> None:
        """Make what is asked for, and sleep again."""
        while self._wake.wait() and not self._stopping:
            self._wake.clear()
            try:
                self._make_all()
            except Error as error:
                logger.error("a test of a connection could not be taken or answered: %s", error)
            finally:
                connections.close_all()

    def _make_all(self) -> None:
        while not self._stopping and (taken := tests.take(self._gateway)):
            key, order = taken
            tests.answer(key, self._made(order))

    def _made(self, order: dict[str, Any]) -> dict[str, Any]:
        try:
            return make(ConnectionOrder.from_json(order), f"gateway {self._gateway}").as_json()
        except NotMade as reason:
            return {"not_made": str(reason)}
        except Error:
            raise
        except Exception as error:
            logger.exception("a test of a connection failed")
            return {
                "not_made": f"The gateway could not make the test: {type(error).__name__}. Its log says more."
            }
