"""A connection of a probe: looked up, made and used before a deadline, with a bound on what it takes in.

TLS runs over bytes in memory, so that no server, however it behaves, keeps OpenSSL busy past the deadline, and so
that the first bytes of a server that does not speak TLS can be shown.
"""

import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from gateway.probing.messages import watch

MOST_BYTES = 500_000
MOST_MESSAGES = 1000
_Result = TypeVar("_Result")
Address = tuple[Any, ...]


class TooMuch(OSError):
    """The back end sends and sends."""


class Closed(ConnectionError):
    """The back end ended the connection. `reset` tells a reset from an end."""

    def __init__(self, *, reset: bool) -> None:
        super().__init__("connection reset" if reset else "connection ended")
        self.reset = reset


def left_until(deadline: float) -> float:
    """The seconds that are left. Raises TimeoutError if there are none."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def look_up(host: str, port: int, deadline: float) -> list[Address]:
    """What getaddrinfo says. Raises OSError, UnicodeError or TimeoutError.

    The system's resolver knows no deadline: a thread that is not waited for longer asks it.
    """
    answers: queue.Queue[Any] = queue.Queue()

    def ask() -> None:
        try:
            answers.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except Exception as error:
            answers.put(error)

    threading.Thread(target=ask, name="probe-lookup", daemon=True).start()
    try:
        answer = answers.get(timeout=left_until(deadline))
    except queue.Empty:
        raise TimeoutError from None
    if isinstance(answer, Exception):
        raise answer
    return list(answer)


class Line:
    """A connection. `first` are the first bytes that came in."""

    def __init__(self, family: int, address: Address, deadline: float, *, until: float = 0) -> None:
        self.deadline = deadline
        self.first = b""
        self._taken = 0
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        try:
            self._socket.settimeout(left_until(min(deadline, until or deadline)))
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socket.connect(address)
        except BaseException:
            self._socket.close()
            raise

    def send(self, data: bytes) -> None:
        """Send. An end of the connection is not told: what the back end said before that comes first."""
        self._socket.settimeout(left_until(self.deadline))
        with suppress(ConnectionError):
            self._socket.sendall(data)

    def receive(self, until: float = 0) -> bytes:
        """The next bytes. Raises Closed, TimeoutError, TooMuch or another OSError."""
        self._socket.settimeout(left_until(min(self.deadline, until or self.deadline)))
        try:
            data = self._socket.recv(16384)
        except ConnectionResetError:
            raise Closed(reset=True) from None
        if not data:
            raise Closed(reset=False)
        self._taken += len(data)
        self.first = (self.first + data)[:80]
        if self._taken > MOST_BYTES:
            raise TooMuch(f"more than {MOST_BYTES} bytes")
        return data

    def close(self) -> None:
        """Close."""
        self._socket.close()


class TlsLine:
    """TLS over a line. `seen` is what passes over it; the context is for this line alone."""

    def __init__(self, line: Line, context: ssl.SSLContext, host: str) -> None:
        self._line = line
        self._ahead = b""
        self.seen = watch(context)
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._in, self._out, server_hostname=host)

    def handshake(self, until: float = 0) -> None:
        """Do the handshake. Raises ssl.SSLError, or what Line.receive does."""
        self._run(self.tls.do_handshake, until)

    def wait(self, until: float, enough: Callable[[], bool]) -> None:
        """Take in what comes until there is enough of it or the time has come. Raises the same."""
        with suppress(TimeoutError):
            while not self._ahead and not enough():
                try:
                    self._ahead = self.tls.read(16384)
                except ssl.SSLWantReadError:
                    if not enough():
                        self._take_in(until)

    def read(self, until: float = 0) -> bytes:
        """Some bytes, none after a closing alert. Raises the same."""
        ahead, self._ahead = self._ahead, b""
        try:
            return ahead or self._run(lambda: self.tls.read(16384), until)
        except ssl.SSLZeroReturnError:
            return b""

    def write(self, data: bytes) -> None:
        """Send bytes."""
        self._run(lambda: self.tls.write(data), 0)

    def _run(self, step: Callable[[], _Result], until: float) -> _Result:
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                self._flush()
                self._take_in(until)
            finally:
                self._flush()  # an alert that says why we go, too

    def _take_in(self, until: float) -> None:
        if self.seen.messages > MOST_MESSAGES:
            raise TooMuch("too many messages")
        self._in.write(self._line.receive(until))

    def _flush(self) -> None:
        if self._out.pending:
            self._line.send(self._out.read())
