"""The embedded engine behind its real server, in a thread of the test's process; and callers of it."""

import asyncio
import http.client
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn

from gateway.addresses import AddressRules
from gateway.embedded.asgi import Engine, EngineSettings
from gateway.http_protocol import GatewayProtocol
from gateway.snapshot import Snapshot
from tests.answer import Answer, wait_until

__all__ = ["LOOPBACK", "Answer", "RunningEngine", "running", "running_engine", "wait_until"]

LOOPBACK = AddressRules.from_settings(["127.0.0.0/8", "::1/128"])


@dataclass(frozen=True)
class RunningEngine:
    """An engine that answers on a port of this machine."""

    engine: Engine
    port: int

    def apply(self, snapshot: Snapshot) -> None:
        """Run another snapshot."""
        self.engine.apply(snapshot)

    def call(
        self,
        method: str = "GET",
        target: str = "/bank/accounts",
        body: Any = None,
        headers: dict[str, str] | None = None,
        connection: http.client.HTTPConnection | None = None,
        **options: Any,
    ) -> Answer:
        """One call, by default on a connection of its own."""
        own = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            own.request(method, target, body, headers or {}, **options)
            answer = own.getresponse()
            return Answer(answer.status, answer.getheaders(), answer.read())
        finally:
            if connection is None:
                own.close()

    @contextmanager
    def connect(self) -> Iterator[http.client.HTTPConnection]:
        """A connection to be kept alive."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)) as connection:
            yield connection

    def raw(self, data: bytes, seconds: float = 5) -> bytes:
        """Send bytes as they are; everything that comes back until the connection ends or nothing more comes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=seconds) as sock:
            sock.sendall(data)
            answer = b""
            try:
                while part := sock.recv(65536):
                    answer += part
            except TimeoutError:
                pass
            return answer


@contextmanager
def running(engine: Engine, **options: Any) -> Iterator[RunningEngine]:
    """Serve an engine until the end of the block; `options` are the server's."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)
    config = uvicorn.Config(
        engine,
        http=GatewayProtocol,
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=1,
        **options,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])), daemon=True)
    thread.start()
    try:
        yield RunningEngine(engine, listener.getsockname()[1])
    finally:
        server.should_exit = True
        thread.join(10)
        engine.close()


@contextmanager
def running_engine(snapshot: Snapshot | None = None, **settings: Any) -> Iterator[RunningEngine]:
    """Serve an engine that runs a snapshot and may call back ends on this machine."""
    engine = Engine(EngineSettings(**{"rules": LOOPBACK, **settings}))
    if snapshot is not None:
        engine.apply(snapshot)
    with running(engine) as served:
        yield served
