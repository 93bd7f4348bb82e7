"""What a gateway process lets its operators see: access log, error log, metrics, health."""

import asyncio
from datetime import UTC, datetime
from typing import Any, Protocol

from gateway.embedded.asgi import Engine
from gateway.embedded.record import CallRecord
from gateway.following import Follower
from gateway.observing.access_log import OFF, access_line
from gateway.observing.error_log import BackgroundErrorLog
from gateway.observing.lines import LineWriter
from gateway.observing.metrics import Metrics, ProcessState
from gateway.observing.operator import OperatorApplication

_REFRESH_SECONDS = 1.0
_GATHER_SECONDS = 0.05
_STOP_SECONDS = 5.0


class Serving(Protocol):
    """The server of a process, as far as it is told of."""

    stopping: bool
    connections: int


class Observation:
    """One per process. It is told of the follower and of the server when they are there."""

    follower: Follower | None = None
    serving: Serving | None = None

    def __init__(self, engine: Engine, access_log: str) -> None:
        self._engine = engine
        self._errors = BackgroundErrorLog()
        self._lines = (
            None if access_log == OFF else LineWriter("access log", access_log, gather=_GATHER_SECONDS)
        )
        self._metrics = Metrics(engine.expiries)
        self.application = OperatorApplication(self._metrics.text, self._readiness)
        engine.observers.append(self.observe)

    def observe(self, record: CallRecord) -> None:
        """Take note of a call that is over."""
        if self._lines is not None:
            self._lines.put(access_line(record))
        self._metrics.observe(record)

    def start(self) -> None:
        """Start the threads that write."""
        self._errors.start()
        if self._lines is not None:
            self._lines.start()

    def stop(self) -> None:
        """Write what is left."""
        if self._lines is not None:
            self._lines.stop(_STOP_SECONDS)
        self._errors.stop()

    def reopen_logs(self) -> None:
        """Go on in a new file, after the old one was moved. Safe in a signal handler."""
        if self._lines is not None:
            self._lines.reopen()

    async def keep_fresh(self) -> None:
        """Say every second how this process is, for whichever process is asked."""
        while True:
            self._metrics.set(self._state())
            await asyncio.sleep(_REFRESH_SECONDS)

    def _state(self) -> ProcessState:
        follower, serving = self.follower, self.serving
        return ProcessState(
            caller_connections=serving.connections if serving else 0,
            back_end_connections=self._engine.connections,
            calls=self._engine.calls,
            revision=self._engine.revision,
            age=follower.age if follower else 0.0,
            problem=bool(follower and follower.away_since),
            lines_dropped=self._lines.dropped if self._lines else 0,
        )

    def _readiness(self) -> tuple[bool, dict[str, Any]]:
        facts: dict[str, Any] = {"revision": self._engine.revision}
        if self.follower and self.follower.away_since:
            since = datetime.fromtimestamp(self.follower.away_since, UTC)
            facts["database_away_since"] = since.isoformat(timespec="seconds").replace("+00:00", "Z")
        if self.serving and self.serving.stopping:
            return False, {**facts, "why": "it is stopping"}
        if self._engine.revision < 0:
            return False, {**facts, "why": "it has not read its configuration yet"}
        return True, facts
