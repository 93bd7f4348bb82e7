"""One exchange with a back end, step by step, so that neither a slow caller nor a slow back end holds a thread."""

import threading
import time
from types import TracebackType
from typing import NamedTuple

from gateway.failures import CallFailure
from gateway.final_response import FinalResponse
from gateway.headers import Field
from gateway.outbound import Adapter, Connection, Destination, Outbound
from gateway.outbound_errors import BackEndGone, failure_of

BLOCK = 262144
# How long a step waits in its thread for what is likely to be there in a moment.
_MOMENT = 0.01
_IDEMPOTENT = frozenset(("GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"))  # RFC 9110, 9.2.2


class Reply(NamedTuple):
    """The head of an answer, the part of its body that was there, and whether that was all."""

    status: int
    version: bytes
    fields: list[Field]
    data: bytes
    complete: bool


class Deadlines(NamedTuple):
    """In seconds: until a connection is made, until the head of the answer, between two pieces of its body, for the
    whole call (0 for no limit), and for the caller to send a part of its body or to take one of the answer."""

    connect: float
    head: float
    read: float
    total: float = 0.0
    patience: float = 60.0


class Exchange:
    """One request and its answer. Its methods block and are called by one thread at a time; `abort` by any.

    `fields` are sent as they are, Host and framing included. A failure is raised as CallFailure, after which
    the exchange is over. The connection returns to its pool only after one whole final answer. Where a method
    returns None the back end has to be waited for, which needs no thread: until `fileno` is readable.
    """

    def __init__(
        self,
        outbound: Outbound,
        destination: Destination,
        method: str,
        target: str,
        fields: list[Field],
        deadlines: Deadlines,
    ) -> None:
        self._outbound = outbound
        self._destination = destination
        self._adapter: Adapter | None = None
        self._request = (method, target, fields)
        self._deadlines = deadlines
        self._connection: Connection | None = None
        self._response: FinalResponse | None = None
        self._sent = self._repeatable = False
        self._over = self._aborted = self._busy = False
        self._lock = threading.Lock()
        self.connected = self.reused = False
        self.began = 0.0

    def call(self, body: bytes = b"") -> Reply | None:
        """Send the whole request, and return the answer as far as it is there in a moment, or None."""
        with _Step(self):
            reused = self._open()
            self._repeatable = reused and not body and self._request[0] in _IDEMPOTENT
            return self._whole(body)

    def _whole(self, body: bytes) -> Reply | None:
        try:
            self._start(body)
            self._sent = True
            return self._reply()
        except BackEndGone as error:
            return self._again(error)

    def _again(self, error: BackEndGone) -> Reply | None:
        """The back end closed an idle connection while the request was on its way: once more (RFC 9112, 9.3.1)."""
        if not self._repeatable:
            raise failure_of(error) from error
        self._repeatable = False
        self._opened().close()
        self._open(fresh=True)
        return self._whole(b"")

    def start(self, body: bytes = b"") -> None:
        """Send the head of a request whose body follows with `send`."""
        with _Step(self):
            self._open()
            self._start(body)

    def send(self, data: bytes) -> None:
        """Send a part of the body, framed by the caller of this method."""
        with _Step(self):
            try:
                self._opened().send(data)
            except OSError as error:
                self._answered_early(error)

    def _answered_early(self, error: OSError) -> None:
        """The back end stopped reading: what it has to say about that is the answer (RFC 9112, 9.5), or the
        alert with which it turned the client certificate down."""
        if isinstance(error, TimeoutError):
            raise error
        self._receive()

    def finish(self) -> Reply | None:
        """After `start` and all of `send`: the answer as far as it is there in a moment, or None."""
        self._sent = self._response is None
        return self.reply()

    def reply(self) -> Reply | None:
        """The answer as far as it is there in a moment, or None."""
        with _Step(self):
            try:
                return self._reply()
            except BackEndGone as error:
                return self._again(error)

    @property
    def answered(self) -> bool:
        """Whether the back end answered before the body was sent: no more of it is wanted."""
        return self._response is not None

    @property
    def fileno(self) -> int:
        """The descriptor that is readable when there is more. Only after a method returned None."""
        return (self._response or self._opened().answer).fileno()

    @property
    def over(self) -> bool:
        """Whether the answer is whole."""
        return self._over

    def read(self) -> bytes | None:
        """The next part of the answer's body, empty at its end; None if it is not there in a moment."""
        with _Step(self):
            if self._response is None or self._over:
                return b""
            return self._part(self._response, _MOMENT)

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
        self.reused = connection.sock is not None
        if not self.reused:
            self._connect(connection)
        self.connected = True
        connection.wait_at_most(self._deadlines.head)
        return self.reused

    def _connect(self, connection: Connection) -> None:
        connection.timeout = self._deadlines.connect
        connection.connect()

    def _opened(self) -> Connection:
        assert self._connection is not None  # noqa: S101
        return self._connection

    def _start(self, body: bytes) -> None:
        self.began = self.began or time.perf_counter()
        try:
            self._opened().send_head(*self._request, body)
        except OSError as error:
            self._answered_early(error)

    def _receive(self) -> FinalResponse:
        if self._response is None:
            self._response = self._opened().read_head()
        return self._response

    def _reply(self) -> Reply | None:
        if self._response is None and not self._opened().answer.arrives(_MOMENT):
            return None
        response = self._receive()
        if not self._over and self._deadlines.read != self._deadlines.head:
            response.wait_at_most(self._deadlines.read)
        small = response.length is not None and response.length <= BLOCK
        data = self._part(response, _MOMENT if small else 0) or b""
        return Reply(response.status, response.http_version, response.fields, data, self._over)

    def _part(self, response: FinalResponse, seconds: float) -> bytes | None:
        """What of the body is there, or comes in that time."""
        data = response.part(BLOCK)
        if data is None and seconds and response.arrives(seconds):
            data = response.part(BLOCK)
        if response.whole:
            self._finish(response)
        return data

    def _finish(self, response: FinalResponse) -> None:
        """The answer is whole. After any doubt the connection is closed."""
        assert self._adapter is not None  # noqa: S101
        with self._lock:
            if self._over:  # a connection is given back once, or two callers would share it
                return
            self._over = True
        response.close()
        if self._sent and not response.will_close and not response.leftover and not self._aborted:
            self._adapter.give_back(self._opened())
        else:
            self._opened().close()

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
