"""Takes the traces of a gateway process and writes them, beside its calls and never in their way."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import uuid4
from weakref import WeakSet

from django.db import Error, connections
from django.utils import timezone

from gateway import records_traces
from gateway.embedded.tracing import Ticket
from gateway.models import Trace

logger = logging.getLogger(__name__)

MOST = 100  # traced calls under way and traces that wait to be written, together
# Between two writings: what came meanwhile is written together. Each costs what a dozen traces do, in all processes
# that follow the database, too.
_PAUSE_SECONDS = 0.1
_LINGER_SECONDS = 1.0  # with a connection: to make one costs more than to write a trace
_STOP_SECONDS = 2.0
_FORGET_SECONDS = 600.0
_FORGET_EACH = 100  # traces


class TraceWriter(threading.Thread):
    """A thread that sleeps until there is a trace, and has a database connection only while some come."""

    def __init__(self, portal_url: str) -> None:
        super().__init__(name="traces", daemon=True)
        self._address = f"{portal_url}/traces/"
        self._tickets: WeakSet[Ticket] = WeakSet()  # a call that drops its ticket takes no room
        self._waiting: deque[Trace] = deque()
        self._wake = threading.Event()
        self._stopping = False
        self._failing = False
        self._written = 0  # since old ones were forgotten

    def open(self) -> Ticket | None:
        """Room for the trace of a call that begins, on the event loop; None if there is none."""
        if len(self._tickets) + len(self._waiting) >= MOST:
            return None
        key = uuid4()
        ticket = Ticket(key, f"{self._address}{key}")
        self._tickets.add(ticket)
        return ticket

    def put(self, ticket: Ticket, api_id: str, document: dict[str, Any]) -> None:
        """The call is over: its trace is written within moments. On the event loop."""
        if ticket in self._tickets:
            self._tickets.discard(ticket)
            self._waiting.append(Trace(key=ticket.key, at=timezone.now(), api=api_id, content=document))
            self._wake.set()

    def stop(self) -> None:
        """Write what waits, and end the thread."""
        self._stopping = True
        self._wake.set()
        self.join(_STOP_SECONDS)

    def run(self) -> None:
        """Write what comes, and now and then forget what nothing new has pushed out."""
        while not self._stopping:
            came = self._wake.wait(_FORGET_SECONDS)
            try:
                self._write_while_they_come() if came else self._try(records_traces.forget)
            finally:
                connections.close_all()
        self.write_all()
        connections.close_all()

    def _write_while_they_come(self) -> None:
        while self._wake.wait(_LINGER_SECONDS) and not self._stopping:
            self._wake.clear()
            self.write_all()
            time.sleep(_PAUSE_SECONDS)

    def write_all(self) -> None:
        """Write what waits."""
        traces = [self._waiting.popleft() for _ in range(len(self._waiting))]
        if not traces:
            return
        self._try(partial(records_traces.write, traces))
        self._written += len(traces)
        if self._written >= _FORGET_EACH:
            self._written = 0
            self._try(records_traces.forget)

    def _try(self, work: Callable[[], None]) -> None:
        """A database that is away loses traces, and says so once."""
        try:
            work()
            self._failing = False
        except Error as error:
            if not self._failing:
                logger.warning("traces of calls are lost, because they cannot be written: %s", error)
            self._failing = True
            connections.close_all()
        except Exception:
            logger.exception("traces of calls are lost")
