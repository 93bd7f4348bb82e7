"""gunicorn's worker for the gateway: its arbiter, uvicorn's HTTP/1.1 on uvloop and httptools in each process.

gunicorn's own asgi worker took about twice the processor time for a call, and hands on neither the target as
it was sent nor a deadline for heads.
"""

import logging
import os
import signal
import ssl
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from gunicorn.workers.base import Worker

from gateway.http_protocol import GatewayProtocol


class _Server(uvicorn.Server):
    """uvicorn, which ends when gunicorn says so and does not kill its own process after that."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        signal.signal(signal.SIGTERM, self.handle_exit)
        signal.signal(signal.SIGINT, self._quit)
        signal.signal(signal.SIGQUIT, self._quit)
        yield

    def _quit(self, number: int, frame: object) -> None:
        self.should_exit = self.force_exit = True


class GatewayWorker(Worker):  # type: ignore[misc]
    """One process of the gateway."""

    def init_signals(self) -> None:
        """Signals as they are by default; the server takes those that it needs."""
        for number in self.SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGUSR1, self._reopen_logs)
        signal.siginterrupt(signal.SIGUSR1, False)

    def _reopen_logs(self, number: int, frame: object) -> None:
        self.log.reopen_files()

    def run(self) -> None:
        """Serve until gunicorn asks for the end."""
        self._server = _Server(self._config())
        self._server.run(sockets=[listener.sock for listener in self.sockets])
        if not self._server.started:
            sys.exit(self._boot_error())

    @staticmethod
    def _boot_error() -> int:
        from gunicorn.arbiter import Arbiter  # noqa: PLC0415 (it imports workers)

        return int(Arbiter.WORKER_BOOT_ERROR)

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
            timeout_graceful_shutdown=self.cfg.graceful_timeout,
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
