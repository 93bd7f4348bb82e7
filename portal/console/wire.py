"""A connection of the console: bytes sent and received before one deadline, however slow the other side is."""

import selectors
import socket
import ssl
import time
from collections.abc import Callable
from typing import TypeVar

PIECE = 65536
_READ, _WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
_Result = TypeVar("_Result")


class Ended(ConnectionError):
    """The other side ended the connection where more was to come."""


class TooLong(Exception):
    """A line that goes on and on."""


class Wire:
    """Sends and receives before `deadline`, a time of time.monotonic(). Raises TimeoutError when that is over."""

    def __init__(self, connection: socket.socket, deadline: float) -> None:
        self.deadline = deadline
        self._socket = connection
        self._came = bytearray()
        self._over = False
        connection.setblocking(False)

    def handshake(self) -> None:
        """Do the handshake, if this is TLS. Raises ssl.SSLError or another OSError."""
        if isinstance(self._socket, ssl.SSLSocket):
            self._when_ready(self._socket.do_handshake)

    def send(self, data: bytes, answered: Callable[[bytes], bool]) -> None:
        """Send. It ends early when what came meanwhile is an answer, or when the other side takes no more."""
        rest = memoryview(data)
        while rest and not self._over and not (self._look() and answered(bytes(self._came))):
            try:
                rest = rest[self._socket.send(rest[:PIECE]) :]
            except ssl.SSLWantReadError:
                self._wait(_READ)
            except (ssl.SSLWantWriteError, BlockingIOError):
                self._wait(_WRITE | (_READ if len(self._came) < PIECE else 0))
            except (ConnectionError, ssl.SSLError):
                return  # what it said before comes first

    def line(self, limit: int) -> bytes:
        """The bytes up to a line's end, without it. Raises TooLong or Ended."""
        looked = 0
        while (end := self._came.find(b"\n", looked)) < 0:
            looked = len(self._came)
            if looked > limit:
                raise TooLong
            if not self._receive():
                raise Ended
        line = bytes(self._came[:end])
        del self._came[: end + 1]
        return line.removesuffix(b"\r")

    def some(self, most: int) -> bytes:
        """The next bytes, at most so many; none at the end of the connection. Raises Ended after a reset."""
        if not self._came and not self._receive():
            return b""
        piece = bytes(self._came[:most])
        del self._came[:most]
        return piece

    def _look(self) -> bool:
        """Take in what has come while we send, so much as a head may be."""
        if len(self._came) < PIECE:
            try:
                piece = self._socket.recv(PIECE)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return False
            except OSError:
                piece = b""
            self._over = not piece
            self._came += piece
        return bool(self._came)

    def _receive(self) -> int:
        if self._over:
            return 0
        try:
            piece = self._when_ready(lambda: self._socket.recv(PIECE))
        except TimeoutError:
            raise
        except OSError:
            raise Ended from None
        self._came += piece
        return len(piece)

    def _when_ready(self, step: Callable[[], _Result]) -> _Result:
        while True:
            self.left()  # a side that always has something ready does not get past the deadline
            try:
                return step()
            except (ssl.SSLWantReadError, BlockingIOError):
                self._wait(_READ)
            except ssl.SSLWantWriteError:
                self._wait(_WRITE)

    def _wait(self, events: int) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._socket, events)
            selector.select(self.left())

    def left(self) -> float:
        """The seconds that are left. Raises TimeoutError if there are none."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left
