"""A back end in a process of its own that reports what it saw, as fast as Python can: for full load.

    with Reporter(server, clients) as back_end:
        ... back_end.urls["tls"], back_end.urls["one"], back_end.urls["two"]

"tls" demands a client certificate of `clients`; "one" and "two" are two plain ones. The end of the path says
what is done: `/hang` never answers, `/events` is an event stream without end, `/slow` answers after SLOW_SECONDS,
`/held` answers with a head, and with the body once somebody asks for `/release`. `/when` says also when the request
came, by time.monotonic(), and on which connection.
"""

import asyncio
import hashlib
import itertools
import json
import ssl
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, ClassVar, Self

import uvloop

from tests.databases import ROOT
from tests.pki import Issued

SLOW_SECONDS = 1.0
_EVENTS = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
_EVENT = b"7\r\nevent\r\n\r\n"


class Reporter:
    """The back end, as the test sees it."""

    def __init__(self, server: Issued, clients: Issued) -> None:
        self._server, self._clients = server, clients
        self.urls: dict[str, str] = {}

    def __enter__(self) -> Self:
        with TemporaryDirectory() as folder:
            certificate, key = self._server.write(Path(folder))
            (Path(folder) / "ca.pem").write_text(self._clients.pem)
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.reporter", certificate, key, f"{folder}/ca.pem"],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            assert self._process.stdout
            ports = json.loads(self._process.stdout.readline())
        self.urls = {name: f"http{'s' * (name == 'tls')}://localhost:{port}" for name, port in ports.items()}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()


class _Connection(asyncio.Protocol):
    """One connection of a caller, which sends requests without bodies."""

    _numbers = itertools.count(1)
    _held: ClassVar[list[Callable[[], None]]] = []

    def __init__(self, name: str) -> None:
        self._name = name
        self._number = next(self._numbers)
        self._buffer = b""
        self._answering: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport
        tls = transport.get_extra_info("ssl_object")
        data = tls.getpeercert(binary_form=True) if tls else None
        self._thumbprint = hashlib.sha1(data).hexdigest().upper() if data else None

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answering:
            self._answering.cancel()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while b"\r\n\r\n" in self._buffer:
            head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
            self._serve(head.decode("latin-1"))

    def _serve(self, head: str) -> None:
        first, *lines = head.split("\r\n")
        target = first.split(" ")[1]
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        match target.partition("?")[0].rpartition("/")[2]:
            case "hang":
                return
            case "events":
                self._transport.write(_EVENTS)
                self._next_event()
            case "slow":
                answer = partial(self._answer, target, fields)
                self._answering = asyncio.get_running_loop().call_later(SLOW_SECONDS, answer)
            case "held":
                head, body = self._report(target, fields)
                self._transport.write(head)
                self._held.append(partial(self._transport.write, body))
            case "release":
                while self._held:
                    self._held.pop()()
                self._answer(target, fields)
            case _:
                self._answer(target, fields)

    def _answer(self, target: str, fields: dict[str, str]) -> None:
        self._transport.write(b"".join(self._report(target, fields)))

    def _report(self, target: str, fields: dict[str, str]) -> tuple[bytes, bytes]:
        """The head and the body of an answer."""
        content = {
            "back_end": self._name,
            "target": target,
            "authorization": fields.get("authorization"),
            "client_certificate": {"thumbprint": self._thumbprint} if self._thumbprint else None,
        }
        if target.endswith("/when"):
            content |= {"at": time.monotonic(), "connection": self._number}
        body = json.dumps(content).encode()
        head = f"HTTP/1.1 200 OK\r\nX-Call: {fields.get('x-call', '')}\r\nContent-Length: {len(body)}\r\n\r\n"
        return head.encode("latin-1"), body

    def _next_event(self) -> None:
        self._transport.write(_EVENT)
        self._answering = asyncio.get_running_loop().call_later(0.1, self._next_event)


def _tls(certificate: str, key: str, clients: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.load_verify_locations(clients)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


async def _serve(tls: ssl.SSLContext) -> None:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda *_: None)  # handshakes that are refused: tests see them at the caller
    ports = {}
    for name in ("tls", "one", "two"):
        server = await loop.create_server(
            partial(_Connection, name), "127.0.0.1", 0, ssl=tls if name == "tls" else None, backlog=1024
        )
        ports[name] = server.sockets[0].getsockname()[1]
    print(json.dumps(ports), flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    uvloop.run(_serve(_tls(*sys.argv[1:])))
