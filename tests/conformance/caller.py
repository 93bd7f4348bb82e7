"""A caller that sends bytes as they are and reads answers strictly: what RFC 9112 does not allow fails the test."""

import re
import socket
from collections.abc import Iterable
from types import TracebackType
from typing import Self

from tests.answer import Answer

_STATUS_LINE = re.compile(rb"HTTP/1\.1 ([1-5][0-9][0-9]) [\t -~]*")
_FIELD = re.compile(
    rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*((?:[!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?)?)[ \t]*"
)
_CHUNK = re.compile(rb"[0-9a-fA-F]{1,8}")


class Cut(Exception):
    """The connection ended before the answer was whole."""


def request(
    method: str = "GET",
    target: str = "/open/x",
    *fields: str,
    body: bytes = b"",
    host: str = "gateway.example",
    version: str = "1.1",
) -> bytes:
    """A request as bytes. `fields` are lines; Host comes first, and Content-Length last if there is a body."""
    length = [f"Content-Length: {len(body)}"] if body else []
    hosts = [f"Host: {host}"] if host else []
    lines = [f"{method} {target} HTTP/{version}", *hosts, *fields, *length, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def chunked(*parts: bytes) -> bytes:
    """A body as chunks (RFC 9112, 7.1)."""
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (*parts, b""))


class Caller:
    """One connection to a gateway."""

    def __init__(self, address: tuple[str, int], source: str = "", seconds: float = 10) -> None:
        self.socket = socket.create_connection(address, seconds, (source, 0) if source else None)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.unread = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.socket.sendall(data)

    def ask(self, method: str = "GET", target: str = "/open/x", *fields: str, body: bytes = b"") -> Answer:
        """Send a request and read the final answer."""
        self.send(request(method, target, *fields, body=body))
        return self.final(method)

    def final(self, method: str = "GET") -> Answer:
        """The next answer, which must not be an interim one."""
        answer = self.answer(method)
        assert answer.status >= 200, "an interim answer"
        return answer

    def answer(self, method: str = "GET") -> Answer:
        """The next answer to a request of that method, interim ones too. Raises Cut."""
        status, fields = self.head()
        return Answer(status, fields, b"".join(self.parts(method, status, fields)))

    def head(self) -> tuple[int, list[tuple[str, str]]]:
        """Status and fields of the next answer. Raises Cut."""
        first, *lines = self._until(b"\r\n\r\n").removesuffix(b"\r\n\r\n").split(b"\r\n")
        match = _STATUS_LINE.fullmatch(first)
        assert match, first
        matches = [_FIELD.fullmatch(line) for line in lines]
        assert all(matches), lines
        return int(match[1]), [(m[1].decode(), m[2].decode("latin-1")) for m in matches if m]

    def parts(self, method: str, status: int, fields: list[tuple[str, str]]) -> Iterable[bytes]:
        """The body of an answer part by part, as it comes (RFC 9112, 6.3). Raises Cut."""
        lengths = [value for name, value in fields if name.lower() == "content-length"]
        codings = [value for name, value in fields if name.lower() == "transfer-encoding"]
        assert len(lengths) + len(codings) <= 1, "an answer has one framing"
        assert codings in ([], ["chunked"])
        if status < 200 or status == 204:
            assert not lengths + codings, "RFC 9110, 8.6; RFC 9112, 6.1"
        if method == "HEAD" or status < 200 or status in (204, 304):
            return ()
        if codings:
            return self._chunks()
        if lengths:
            assert lengths[0].isdigit()
            return self._counted(int(lengths[0]))
        assert "close" in [value.lower() for name, value in fields if name.lower() == "connection"]
        return iter(self.some, b"")

    def _counted(self, left: int) -> Iterable[bytes]:
        while left:
            part = self.some(left)
            if not part:
                raise Cut
            left -= len(part)
            yield part

    def _chunks(self) -> Iterable[bytes]:
        while True:
            size = self._until(b"\r\n").removesuffix(b"\r\n")
            assert _CHUNK.fullmatch(size), size
            if not int(size, 16):
                assert self._until(b"\r\n") == b"\r\n", "a trailer"
                return
            yield from self._counted(int(size, 16))
            assert b"".join(self._counted(2)) == b"\r\n"

    def rest(self) -> bytes:
        """Everything that comes until the connection ends. Fails if it does not end in time."""
        return b"".join(iter(self.some, b""))

    def end(self) -> str:
        """How the connection ends, with nothing more coming: "closed" or "reset"."""
        try:
            assert self.rest() == b""
        except Cut:
            return "reset"
        return "closed"

    def some(self, most: int = 65536) -> bytes:
        """What comes next, at least a byte of it; nothing at the end of the connection. Raises Cut."""
        if not self.unread:
            return self._receive(most)
        data, self.unread = self.unread[:most], self.unread[most:]
        return data

    def _until(self, end: bytes) -> bytes:
        while end not in self.unread:
            data = self._receive(65536)
            if not data:
                raise Cut
            self.unread += data
        data, _, self.unread = self.unread.partition(end)
        return data + end

    def _receive(self, most: int) -> bytes:
        try:
            return self.socket.recv(most)
        except ConnectionError as error:
            raise Cut from error
