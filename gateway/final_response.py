"""The answer of a back end as http.client reads it, made fit for an intermediary (RFC 9110, RFC 9112)."""

import http.client
import io
import re
import select
import socket
import ssl
from typing import Any

from gateway.headers import Field, connection_options, content_length, is_chunked, parse_fields
from gateway.outbound_errors import BackEndGone

_MOST_INTERIM_ANSWERS = 32
_BUFFER_BYTES = 65536
_MOST_PARTS = 64
_MOST_LINE = 65536
# RFC 9112, 7.1. http.client would take a sign, an underscore or "0x" for a part of the number, and LF for an end.
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\r\n")
_ENDED = (ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError)


class _Raw(io.RawIOBase):
    """A socket's bytes. While `waits` is off, what is not there yet reads as None. `ended` says that it ended."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._open = sock.makefile("rb", buffering=0)  # keeps the socket open until the answer is read
        self._poll: select.poll | None = None
        self.waits = True
        self.ended = False

    def readable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._sock.fileno()

    def readinto(self, buffer: Any) -> int | None:
        if self.ended:  # by the closing alert of TLS; that TCP ends, too, is not waited for (RFC 9112, 9.8)
            return 0
        if not self.waits and not self.wait(0):
            return None
        count = self._now(buffer) if not self.waits and self._is_tls else self._sock.recv_into(buffer)
        self.ended = count == 0
        return count

    @property
    def _is_tls(self) -> bool:
        return isinstance(self._sock, ssl.SSLSocket)

    def _now(self, buffer: Any) -> int | None:
        # What has come may be nothing but a session ticket (RFC 8446, 4.6.1).
        timeout = self._sock.gettimeout()
        self._sock.settimeout(0)
        try:
            return self._sock.recv_into(buffer)
        except ssl.SSLWantReadError:
            return None
        finally:
            self._sock.settimeout(timeout)

    def wait(self, seconds: float) -> bool:
        """Wait until the socket can be read, but not longer; returns whether it can."""
        if isinstance(self._sock, ssl.SSLSocket) and self._sock.pending():
            return True
        if self._poll is None:
            self._poll = select.poll()
            self._poll.register(self._sock, select.POLLIN)
        return bool(self._poll.poll(seconds * 1000))

    def close(self) -> None:
        self._open.close()
        super().close()


class _Source:
    """A socket for http.client, which reads from what `makefile` gives."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Raw(self._sock), _BUFFER_BYTES)


class FinalResponse(http.client.HTTPResponse):
    """The final answer of a back end: interim ones are read and dropped (RFC 9110, 15.2).

    http.client takes a 103 for the answer; the connection then goes back to its pool with the real answer
    still to come, and the next caller gets it. Also keeps fields as they were sent, and is strict about framing.
    """

    fields: list[Field]
    _method: str | None
    _begun = False
    _end_of_chunk = b""
    leftover = False

    def __init__(self, sock: socket.socket, method: str | None) -> None:
        super().__init__(_Source(sock), method=method)  # type: ignore[arg-type]
        self._sock = sock
        self._raw: _Raw = self.fp.raw  # type: ignore[assignment]

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
        except _ENDED as error:
            raise (error if self._begun else BackEndGone(str(error))) from None
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

    def arrives(self, seconds: float = 0) -> bool:
        """Whether reading has not to be waited for: more is there, or the end. Waits for it a little. Raises what
        reading would. The end of a chunk alone is nothing to read.
        """
        if self.whole:
            return True
        try:
            return self._arrived() or (seconds > 0 and self._raw.wait(seconds) and self._arrived())
        except _ENDED as error:
            raise (error if self._begun else BackEndGone(str(error))) from None

    def _arrived(self) -> bool:
        self._raw.waits = False
        try:
            if self._peeked():
                self._begun = True
                return True
            return self._raw.ended
        finally:
            self._raw.waits = True

    def _peeked(self) -> bool:
        """Whether something is there beside the end of a chunk, which http.client reads with the next one only."""
        if self.chunked and self.chunk_left == 0:
            self.chunk_left, self._end_of_chunk = None, b"\r\n"  # RFC 9112, 7.1
        while self._end_of_chunk and self.fp.peek(1):
            if self.fp.read(1) != self._end_of_chunk[:1]:
                raise http.client.HTTPException("a chunk that does not end where it should")
            self._end_of_chunk = self._end_of_chunk[1:]
        return not self._end_of_chunk and bool(self.fp.peek(1))

    def _read_next_chunk_size(self) -> int:
        """How long the next chunk is. Raises HTTPException for what is not the size of one."""
        line = self.fp.readline(_MOST_LINE)
        if match := _CHUNK_SIZE.fullmatch(line):
            return int(match[1], 16)
        if len(line) < _MOST_LINE and not line.endswith(b"\n"):
            raise http.client.IncompleteRead(line)
        raise http.client.HTTPException("a chunk whose size is none")

    @property
    def whole(self) -> bool:
        """Whether everything was read."""
        return self.fp is None or self.length == 0

    def part(self, most: int) -> bytes | None:
        """What of the body is there, about `most` bytes of it; empty at its end, None if nothing is there yet."""
        if self.whole:
            return b""
        return self._chunks(most) if self.chunked else self._bytes(most)

    def _bytes(self, most: int) -> bytes | None:
        self._raw.waits = False
        try:
            data: bytes | None = self.fp.read(most if self.length is None else min(most, self.length))
        finally:
            self._raw.waits = True
        if data == b"":
            if self.length is not None:
                raise http.client.IncompleteRead(b"", self.length)
            self._close_conn()
        elif data is not None and self.length is not None:
            self.length -= len(data)
        return data

    def _chunks(self, most: int) -> bytes | None:
        """A chunk's size has to be there as a whole: it is waited for."""
        parts: list[bytes] = []
        size = 0
        # A back end that sends chunk after chunk of one byte is not read until they are many: that takes seconds.
        while size < most and len(parts) < _MOST_PARTS and not self.whole and self._arrived():
            parts.append(self.read1(most))
            size += len(parts[-1])
        return b"".join(parts) if parts else None

    def wait_at_most(self, seconds: float) -> None:
        """How long reading may wait from now on."""
        self._sock.settimeout(seconds)

    @property
    def http_version(self) -> bytes:
        """The back end's version of HTTP, for Via."""
        return b"1.0" if self.version == 10 else b"1.1"

    def _close_conn(self) -> None:
        self.chunk_left, self._end_of_chunk = None, b""
        if not self.will_close and not self.leftover:
            try:
                self.leftover = self._arrived()
            except OSError:
                self.leftover = True
        super()._close_conn()  # type: ignore[misc]
