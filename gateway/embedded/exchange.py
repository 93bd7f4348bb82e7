"""One exchange with a back end, step by step, so that a slow caller holds no thread between two steps."""

import http.client
import threading
from types import TracebackType
from typing import Any, NamedTuple

from gateway.failures import CallFailure
from gateway.final_response import FinalResponse
from gateway.headers import Field
from gateway.outbound import Adapter, Destination, Outbound
from gateway.outbound_errors import BackEndGone, failure_of

BLOCK = 65536
_LITTLE_WHILE = 0.002
_IDEMPOTENT = frozenset(("GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"))  # RFC 9110, 9.2.2


class Reply(NamedTuple):
    """The head of an answer, the part of its body that was there, and whether that was all."""

    status: int
    fields: list[Field]
    data: bytes
    complete: bool


class Exchange:
    """One request and its answer. Its methods block and are called by one thread at a time; `abort` by any.

    `fields` are sent as they are, Host and framing included. A failure is raised as CallFailure, after which
    the exchange is over. The connection returns to its pool only after one whole final answer.
    """

    def __init__(
        self,
        outbound: Outbound,
        destination: Destination,
        method: str,
        target: str,
        fields: list[Field],
        timeout: float,
    ) -> None:
        self._outbound = outbound
        self._destination = destination
        self._adapter: Adapter | None = None
        self._request = (method, target, fields)
        self._timeout = timeout
        self._connection: Any = None
        self._response: FinalResponse | None = None
        self._sent = False
        self._over = self._aborted = self._busy = False
        self._lock = threading.Lock()

    def call(self, body: bytes = b"") -> Reply:
        """Send the whole request, and return the answer as far as it is there at once."""
        with _Step(self):
            reused = self._open()
            try:
                return self._call(body)
            except BackEndGone as error:
                if not reused or body or self._request[0] not in _IDEMPOTENT:
                    raise failure_of(error) from error
                # The back end closed an idle connection while the request was on its way (RFC 9112, 9.3.1).
                self._connection.close()
                self._open(fresh=True)
                return self._call(body)

    def _call(self, body: bytes) -> Reply:
        self._start(body)
        self._sent = True
        return self._reply()

    def start(self, body: bytes = b"") -> None:
        """Send the head of a request whose body follows with `send`."""
        with _Step(self):
            self._open()
            self._start(body)

    def send(self, data: bytes) -> None:
        """Send a part of the body, framed by the caller of this method."""
        with _Step(self):
            try:
                self._connection.send(data)
            except OSError as error:
                self._answered_early(error)

    def _answered_early(self, error: OSError) -> None:
        """The back end stopped reading: what it has to say about that is the answer (RFC 9112, 9.5), or the
        alert with which it turned the client certificate down."""
        if isinstance(error, TimeoutError):
            raise error
        self._receive()

    def reply(self) -> Reply:
        """After `start` and `send`: the answer as far as it is there at once."""
        with _Step(self):
            self._sent = self._response is None
            return self._reply()

    @property
    def answered(self) -> bool:
        """Whether the back end answered before the body was sent: no more of it is wanted."""
        return self._response is not None

    def read(self) -> bytes:
        """The next part of the answer's body, waiting for at least one byte; empty at its end."""
        with _Step(self):
            return self._read()

    def abort(self) -> None:
        """Give up, from any thread. A blocked method ends with an error; the connection is closed."""
        with self._lock:
            if self._over:
                return
            self._aborted = True
            if not self._busy:
                self._discard()
            elif self._connection is not None:
                self._connection.cut()

    def _open(self, fresh: bool = False) -> bool:
        """Take a connection, connect if need be; returns whether it was in use before."""
        if self._adapter is None:
            self._adapter = self._outbound.adapter(self._destination)
        connection = self._adapter.take(fresh=fresh)
        with self._lock:
            self._connection = connection
            if self._aborted:
                raise CallFailure("back-end-closed", "given up")
        reused = connection.sock is not None
        if not reused:
            connection.connect()
        connection.sock.settimeout(self._timeout)
        return reused

    def _start(self, body: bytes) -> None:
        try:
            self._connection.send_head(*self._request, body)
        except OSError as error:
            self._answered_early(error)

    def _receive(self) -> FinalResponse:
        if self._response is None:
            self._response = self._connection.read_head()
        return self._response

    def _reply(self) -> Reply:
        response = self._receive()
        parts: list[bytes] = []
        if response.length and response.length <= BLOCK and not response.ready():
            response.wait(_LITTLE_WHILE)
        while response.length != 0 and sum(len(part) for part in parts) < BLOCK and response.chunk_ready():
            if not (part := self._read()):
                break
            parts.append(part)
        if response.length == 0:
            self._finish()
        return Reply(response.status, response.fields, b"".join(parts), self._over)

    def _read(self) -> bytes:
        response = self._response
        if response is None or self._over:
            return b""
        data = response.read1(BLOCK)
        if data:
            if response.length == 0:
                self._finish()
            return data
        if response.length:
            raise http.client.IncompleteRead(b"", response.length)
        self._finish()
        return b""

    def _finish(self) -> None:
        """The answer is whole. After any doubt the connection is closed."""
        response = self._response
        assert response is not None and self._adapter is not None  # noqa: S101, PT018
        with self._lock:
            if self._over:  # a connection is given back once, or two callers would share it
                return
            self._over = True
        response.close()
        if self._sent and not response.will_close and not response.leftover and not self._aborted:
            self._adapter.give_back(self._connection)
        else:
            self._connection.close()

    def _discard(self) -> None:
        self._over = True
        if self._response is not None:
            self._response.will_close = True
            self._response.close()
        if self._connection is not None:
            self._connection.close()


class _Step:
    """One blocking step of an exchange: turns errors into CallFailure, cleans up after one or an abort."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def __enter__(self) -> None:
        exchange = self._exchange
        with exchange._lock:
            if exchange._aborted:
                raise CallFailure("back-end-closed", "the exchange was given up")
            exchange._busy = True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        exchange = self._exchange
        with exchange._lock:
            exchange._busy = False
            if (error is not None or exchange._aborted) and not exchange._over:
                exchange._discard()
        if error is not None and not isinstance(error, CallFailure):
            raise failure_of(error) from error
