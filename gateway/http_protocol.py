"""HTTP/1.1 towards callers: uvicorn's protocol on httptools, and what an intermediary needs beside it."""

import asyncio
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_SECONDS = 20.0
HEAD_BYTES = 65536
LINGER_SECONDS = 1.0


class GatewayProtocol(HttpToolsProtocol):
    """Hands the target on as it was sent, and refuses heads that are late, too large, or without one Host.

    What is refused before routing gets a status only, and the connection is closed.
    """

    _head_timer: asyncio.TimerHandle | None = None
    _head_bytes = 0
    _refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the deadline of the first head with the connection."""
        super().connection_made(transport)
        self._start_head()

    def _start_head(self) -> None:
        self._end_head()
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self._late)

    def _end_head(self) -> None:
        self._head_bytes = 0
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _late(self) -> None:
        self._refuse(HTTPStatus.REQUEST_TIMEOUT)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the deadline."""
        self._end_head()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse; a head or trailer that is not whole by HEAD_BYTES is refused (RFC 6585, 5)."""
        if self._refused:
            return
        self._head_bytes += len(data)
        super().data_received(data)
        if self._head_bytes > HEAD_BYTES:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_message_begin(self) -> None:
        """A request begins: so does the deadline of its head."""
        super().on_message_begin()
        if self._head_timer is None:
            self._start_head()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a field of the head. The parser calls this for trailers, too, which are dropped (RFC 9110, 6.5.1):
        as fields they would say what was never checked, of Host and framing for example."""
        if self._head_timer is not None:
            super().on_header(name, value)

    def on_body(self, body: bytes) -> None:
        """Hand on a part of the body; what was counted up to here is not a trailer's."""
        self._head_bytes = 0
        super().on_body(body)

    def on_headers_complete(self) -> None:
        """Check Host (RFC 9112, 3.2) and hand the target on. Raising makes the parser refuse the request."""
        self._end_head()
        hosts = sum(name == b"host" for name, _ in self.headers)
        version = self.parser.get_http_version()
        if hosts > 1 or (hosts == 0 and version == "1.1"):
            raise ValueError("a request has exactly one Host")
        if version not in {"1.0", "1.1"}:
            raise ValueError("HTTP/0.9 has no fields that could be forwarded")
        scope: dict[str, Any] = self.scope  # type: ignore[assignment]
        scope["gateway.target"] = self.url
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what cannot be parsed. `msg` may quote the request, so it is not sent."""
        self._refuse(HTTPStatus.BAD_REQUEST)

    def _refuse(self, status: HTTPStatus) -> None:
        self._end_head()
        if self._refused or self.transport is None or self.transport.is_closing():
            return
        if self.cycle is not None and self.cycle.response_started and not self.cycle.response_complete:
            # Anything written now would look like a part of the answer that is under way.
            self.transport.abort()
            return
        head = f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        self.transport.write(head.encode())
        self._linger()

    def _linger(self) -> None:
        """Close in stages (RFC 9112, 9.6): what is still coming in must not reset what was just said."""
        self._refused = True
        if self.transport.can_write_eof():
            self.transport.write_eof()
            self.loop.call_later(LINGER_SECONDS, self.transport.close)
        else:
            self.transport.close()
