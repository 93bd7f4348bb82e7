"""The answer of a back end as http.client reads it, made fit for an intermediary (RFC 9110, RFC 9112)."""

import http.client
import select
import socket
import ssl
from typing import Any

from gateway.headers import Field, connection_options, content_length, is_chunked, parse_fields
from gateway.outbound_errors import BackEndGone

_MOST_INTERIM_ANSWERS = 32


class FinalResponse(http.client.HTTPResponse):
    """The final answer of a back end: interim ones are read and dropped (RFC 9110, 15.2).

    http.client takes a 103 for the answer; the connection then goes back to its pool with the real answer
    still to come, and the next caller gets it. Also keeps fields as they were sent, and is strict about framing.
    """

    fields: list[Field]
    _method: str | None
    _begun = False
    leftover = False

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self._sock = sock

    def _read_status(self) -> tuple[str, int, str]:
        for _ in range(_MOST_INTERIM_ANSWERS):
            version, status, reason = self._status_line()
            if status == http.client.SWITCHING_PROTOCOLS:
                raise http.client.BadStatusLine("101 although no upgrade was asked for")
            if 200 <= status <= 599:
                return version, status, reason
            if status >= 600:
                raise http.client.BadStatusLine(str(status))
            http.client._read_headers(self.fp)  # type: ignore[attr-defined]
        raise http.client.HTTPException("interim answers without end")

    def _status_line(self) -> tuple[str, int, str]:
        try:
            line: tuple[str, int, str] = super()._read_status()  # type: ignore[misc]
        except (ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError) as error:
            if self._begun:
                raise
            raise BackEndGone(str(error)) from error
        self._begun = True
        return line

    def begin(self) -> None:
        """Read the head of the final answer. Raises HTTPException or ValueError for what is not HTTP/1.x."""
        version, self.status, self.reason = self._read_status()
        if not version.startswith("HTTP/1."):
            raise http.client.UnknownProtocol(version)
        self.version = 10 if version == "HTTP/1.0" else 11
        *lines, last = http.client._read_headers(self.fp)  # type: ignore[attr-defined]
        if not last:
            raise http.client.IncompleteRead(b"")
        self.fields = parse_fields(lines)
        self._frame()

    def _frame(self) -> None:
        """RFC 9112, 6.3: how long the body is, and whether the connection lives on."""
        options = connection_options(self.fields)
        length, self.chunked = content_length(self.fields), is_chunked(self.fields)
        self.will_close = b"close" in options or (self.version == 10 and b"keep-alive" not in options)
        if self.chunked and (length is not None or self.version == 10):
            self.fields = [field for field in self.fields if field[0] != b"content-length"]
            self.will_close = True
        self.chunk_left = None
        self.length = None if self.chunked else length
        if self._method == "HEAD" or self.status in (204, 304):
            self.chunked, self.length = False, 0
        elif self.length is None and not self.chunked:
            self.will_close = True

    def ready(self, least: int = 1) -> bool:
        """Whether more of the answer can be read without waiting (`least` bytes of it)."""
        if self.fp is None:
            return False
        timeout = self._sock.gettimeout()
        self._sock.settimeout(0)
        try:
            return len(self.fp.peek(least)) >= least
        except (BlockingIOError, ssl.SSLWantReadError):
            return False
        except OSError:
            return True  # reading will say what is wrong
        finally:
            self._sock.settimeout(timeout)

    def wait(self, seconds: float) -> None:
        """Wait until something can be read, but not longer than `seconds`."""
        poll = select.poll()
        poll.register(self._sock, select.POLLIN)
        poll.poll(seconds * 1000)

    def chunk_ready(self) -> bool:
        """`ready` for a body that is read chunk by chunk: the end of a chunk alone is nothing to read."""
        return self.ready(3 if self.chunked and self.chunk_left == 0 else 1)

    def _close_conn(self) -> None:
        self.leftover = self.leftover or (not self.will_close and self.ready())
        super()._close_conn()  # type: ignore[misc]
