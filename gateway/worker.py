"""gunicorn's worker for the gateway: its arbiter, uvicorn's HTTP/1.1 on uvloop and httptools in each process.

gunicorn's own asgi worker took about twice the processor time for a call, and hands on neither the target as
it was sent nor a deadline for heads.
"""

import asyncio
import logging
import os
import signal
import socket
import ssl
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import uvicorn
from django.conf import settings
from gunicorn.workers.base import Worker

from gateway.http_protocol import GatewayProtocol
from gateway.observing.address import is_for_operators
from gateway.observing.operator import OperatorApplication

if TYPE_CHECKING:  # prometheus_client is not for gunicorn's master (gateway/observing/directory.py)
    from gateway.observing.observation import Observation

FLUSH_SECONDS = 2  # after the last call, for its line of the access log

_ACCEPTING_SECONDS = 0.05


class _Server(uvicorn.Server):
    """uvicorn, which ends when gunicorn says so and does not kill its own process after that.

    `beside` serves operators, from before the first call until after the last one.
    """

    beside: "_BesideServer | None" = None
    beside_sockets: Sequence[socket.socket] = ()

    @property
    def stopping(self) -> bool:
        """Whether no more calls are taken."""
        return self.should_exit

    @property
    def connections(self) -> int:
        """How many connections of callers are open."""
        return len(self.server_state.connections)

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until the end."""
        if self.beside is None:
            await super().serve(sockets)
            return
        serving = asyncio.create_task(self.beside.serve(list(self.beside_sockets)))
        try:
            await super().serve(sockets)
        finally:
            self.beside.should_exit = True
            self.beside.force_exit = self.force_exit
            await serving

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        signal.signal(signal.SIGTERM, self.handle_exit)
        signal.signal(signal.SIGINT, self._quit)
        signal.signal(signal.SIGQUIT, self._quit)
        yield

    def _quit(self, number: int, frame: object) -> None:
        self.should_exit = self.force_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop. Connections that are being accepted right now are told a moment later, or they would go on."""
        asyncio.get_running_loop().call_later(_ACCEPTING_SECONDS, self._tell_connections)
        await super().shutdown(sockets)

    def _tell_connections(self) -> None:
        for connection in list(self.server_state.connections):
            connection.shutdown()


class _BesideServer(uvicorn.Server):
    """A second server on the loop of the first, to which signals belong."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class GatewayWorker(Worker):  # type: ignore[misc]
    """One process of the gateway."""

    _observation: "Observation | None" = None

    def init_signals(self) -> None:
        """Signals as they are by default; the server takes those that it needs."""
        for number in self.SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGUSR1, self._reopen_logs)
        signal.siginterrupt(signal.SIGUSR1, False)

    def _reopen_logs(self, number: int, frame: object) -> None:
        self.log.reopen_files()
        if self._observation is not None:
            self._observation.reopen_logs()

    def run(self) -> None:
        """Serve until gunicorn asks for the end."""
        self._server = _Server(self._config())
        self._observation = getattr(self.wsgi, "observation", None)
        sockets = [listener.sock for listener in self.sockets]
        if self._observation is not None:
            self._observation.serving = self._server
            sockets = self._share(sockets, self._observation.application)
        self._server.run(sockets=sockets)
        if not self._server.started:
            sys.exit(self._boot_error())

    def _share(self, sockets: list[socket.socket], application: OperatorApplication) -> list[socket.socket]:
        """Serve operators where they are to be served; returns the sockets of callers."""
        for_operators = [each for each in sockets if is_for_operators(each)]
        if for_operators:
            self._server.beside = _BesideServer(self._beside_config(application))
            self._server.beside_sockets = for_operators
        elif settings.GATEWAY_OPERATOR_PORT is not None:
            self.log.warning("No -b has the port GATEWAY_OPERATOR_PORT: metrics and health are not served.")
        return [each for each in sockets if each not in for_operators]

    @staticmethod
    def _boot_error() -> int:
        from gunicorn.arbiter import Arbiter  # noqa: PLC0415 (it imports workers)

        return int(Arbiter.WORKER_BOOT_ERROR)

    @staticmethod
    def _beside_config(application: OperatorApplication) -> uvicorn.Config:
        return uvicorn.Config(
            application,
            interface="asgi3",
            http=GatewayProtocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=1,
        )

    def _config(self) -> uvicorn.Config:
        logging.getLogger("uvicorn").setLevel(logging.WARNING)
        config = uvicorn.Config(
            self.wsgi,
            interface="asgi3",
            http=GatewayProtocol,
            ws="none",
            lifespan="on",
            loop="uvloop",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=self.cfg.keepalive,
            timeout_graceful_shutdown=max(1, self.cfg.graceful_timeout - FLUSH_SECONDS),
            backlog=self.cfg.backlog,
            callback_notify=self._alive,
            timeout_notify=1,
            ssl_certfile=self.cfg.certfile,
            ssl_keyfile=self.cfg.keyfile,
        )
        config.load()
        if config.ssl is not None:
            config.ssl.minimum_version = ssl.TLSVersion.TLSv1_2
        return config

    async def _alive(self) -> None:
        self.notify()
        if os.getppid() != self.ppid:
            self._server.should_exit = True
