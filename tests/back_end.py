"""A back end over real TLS that demands a client certificate and answers with what it saw, as JSON.

    with BackEnd(server=issue(ca), clients=ca) as back_end:
        ... call back_end.url ...
        back_end.seen[-1].thumbprint

What it answers is up to `behave`, a function of the connection and the request, which may write any bytes.
"""

import hashlib
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

from cryptography import x509

from tests.pki import Issued


@dataclass(frozen=True)
class Seen:
    """A request as the back end saw it. `connection` counts connections from 1."""

    method: str
    target: str
    fields: list[tuple[str, str]]
    body: bytes
    connection: int
    subject: str | None = None
    thumbprint: str | None = None

    def values(self, name: str) -> list[str]:
        """The values of a field, in order."""
        return [value for key, value in self.fields if key.lower() == name.lower()]

    @property
    def json(self) -> bytes:
        """What was seen, as JSON."""
        certificate = {"subject": self.subject, "thumbprint": self.thumbprint} if self.thumbprint else None
        return json.dumps(
            {
                "method": self.method,
                "target": self.target,
                "headers": self.fields,
                "body": self.body.decode("latin-1"),
                "client_certificate": certificate,
                "connection": self.connection,
            }
        ).encode()


@dataclass
class Connection:
    """One connection, for `behave` to write to."""

    socket: socket.socket
    number: int
    buffer: bytes = b""
    closed: bool = False
    wire: list[bytes] | None = None

    def write(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.socket.sendall(data)

    def answer(self, body: bytes, *lines: str, status: str = "200 OK") -> None:
        """A whole answer with Content-Length."""
        head = "\r\n".join([f"HTTP/1.1 {status}", *lines, f"Content-Length: {len(body)}", "", ""])
        self.write(head.encode("latin-1") + body)

    def close(self) -> None:
        """Close at once, in the middle of whatever is under way, without a closing alert."""
        self.closed = True
        with suppress(OSError):
            socket.socket.shutdown(self.socket, socket.SHUT_RDWR)
        self.socket.close()

    def end(self) -> None:
        """Close in good order, with a closing alert over TLS."""
        self.closed = True
        with suppress(OSError):
            if isinstance(self.socket, ssl.SSLSocket):
                self.socket.settimeout(0.5)
                self.socket.unwrap()
        self.socket.close()

    def _more(self) -> None:
        data = self.socket.recv(65536)
        if not data:
            raise EOFError
        if self.wire is not None:
            self.wire.append(data)
        self.buffer += data

    def read_until(self, end: bytes) -> bytes:
        """Bytes up to and including `end`. Raises EOFError."""
        while end not in self.buffer:
            self._more()
        data, _, self.buffer = self.buffer.partition(end)
        return data + end

    def read_exactly(self, count: int) -> bytes:
        """That many bytes. Raises EOFError."""
        while len(self.buffer) < count:
            self._more()
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data


Behaviour = Callable[[Connection, Seen], None]


def show(connection: Connection, seen: Seen) -> None:
    """Answer with what was seen."""
    connection.answer(b"" if seen.method == "HEAD" else seen.json, "Content-Type: application/json")


@dataclass
class BackEnd:
    """`clients` may be asked for certificates of: `required` refuses callers without one. No `server`, no TLS.

    `port` 0 is any that is free. `tickets` are sent after a handshake of TLS 1.3. `wire`, if given, gets everything
    that comes in, as it comes in.
    """

    server: Issued | None = None
    clients: Issued | None = None
    required: bool = True
    behave: Behaviour = show
    newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
    keep_bodies: bool = True
    port: int = 0
    tickets: int = 2
    wire: list[bytes] | None = None
    seen: list[Seen] = field(default_factory=list)
    connections: int = 0
    open: int = 0

    def __enter__(self) -> Self:
        self._context = self._tls() if self.server else None
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=128)
        self.port = self._listener.getsockname()[1]
        self._live: set[socket.socket] = set()
        self._numbers: set[int] = set()
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for live in list(self._live):
            with suppress(OSError):
                socket.socket.shutdown(live, socket.SHUT_RDWR)

    @property
    def url(self) -> str:
        """Its web service URL."""
        return f"{'https' if self.server else 'http'}://localhost:{self.port}"

    def is_open(self, connection: int) -> bool:
        """Whether a connection is there, by its number."""
        return connection in self._numbers

    def _tls(self) -> ssl.SSLContext:
        assert self.server
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.maximum_version = self.newest
        context.num_tickets = self.tickets
        with TemporaryDirectory() as folder:
            context.load_cert_chain(*self.server.write(Path(folder)))
        if self.clients:
            context.load_verify_locations(cadata=self.clients.pem)
            context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
            context.verify_mode = ssl.CERT_REQUIRED if self.required else ssl.CERT_OPTIONAL
        return context

    def _accept(self) -> None:
        while True:
            try:
                raw, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(raw, self.connections), daemon=True).start()

    def _serve(self, raw: socket.socket, number: int) -> None:
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        raw.settimeout(30)
        self.open += 1
        self._numbers.add(number)
        try:
            sock = self._context.wrap_socket(raw, server_side=True) if self._context else raw
            self._live.add(sock)
            connection = Connection(sock, number, wire=self.wire)
            try:
                while not connection.closed:
                    seen = self._request(connection)
                    self.seen.append(seen)
                    self.behave(connection, seen)
            finally:
                self._live.discard(sock)
                if not connection.closed:
                    connection.end()
        except (OSError, EOFError, ValueError):
            time.sleep(0.05)  # an alert that is under way should arrive before the reset
            raw.close()
        finally:
            self.open -= 1
            self._numbers.discard(number)

    def _request(self, connection: Connection) -> Seen:
        head = connection.read_until(b"\r\n\r\n").decode("latin-1")
        first, *lines = head.removesuffix("\r\n\r\n").split("\r\n")
        method, target, _ = first.split(" ")
        fields = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]
        bare = Seen(method, target, fields, b"", connection.number, *self._certificate(connection))
        return replace(bare, body=self._body(connection, bare))

    def _body(self, connection: Connection, seen: Seen) -> bytes:
        body = b""
        if seen.values("transfer-encoding"):
            while size := int(connection.read_until(b"\r\n"), 16):
                part = connection.read_exactly(size + 2)[:-2]
                body += part if self.keep_bodies else b""
            connection.read_until(b"\r\n")
        for length in seen.values("content-length"):
            left = int(length)
            while left:
                part = connection.read_exactly(min(left, 65536))
                left -= len(part)
                body += part if self.keep_bodies else b""
        return body

    def _certificate(self, connection: Connection) -> tuple[str | None, str | None]:
        if not isinstance(connection.socket, ssl.SSLSocket):
            return None, None
        data = connection.socket.getpeercert(binary_form=True)
        if not data:
            return None, None
        subject = x509.load_der_x509_certificate(data).subject.rfc4514_string()
        return subject, hashlib.sha1(data).hexdigest().upper()
