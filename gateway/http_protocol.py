"""HTTP/1.1 towards callers: uvicorn's protocol on httptools, and what an intermediary needs beside it."""

import asyncio
import socket
import struct
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from gateway.request_head import RequestHead, read_head

HEAD_SECONDS = 20.0
HEAD_BYTES = 65536
LINGER_SECONDS = 1.0
# For a caller who still sends its body, and looks at the answer only then.
_BODY_LINGER_SECONDS = 5.0


class GatewayProtocol(HttpToolsProtocol):
    """Checks a head before anything is made of it, and refuses those that are late or too large.

    What is refused before routing gets a status only, and the connection is closed. The application may say with
    `max_head_bytes` what is too large. It gets the head as "gateway.head" and this connection as
    "gateway.connection", to hear of a caller who leaves and to cut an answer short.
    """

    _head_timer: asyncio.TimerHandle | None = None
    _head_bytes = _trailer_bytes = 0
    _in_head = False
    _refused = _ended = False
    _resuming = False
    _stopping = False
    _lost = False
    _watcher: Callable[[], None] | None = None
    _refusal = HTTPStatus.BAD_REQUEST
    _head: RequestHead

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the deadline of the first head with the connection."""
        super().connection_made(transport)
        self._most_bytes = getattr(self.app, "max_head_bytes", HEAD_BYTES)
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self._late)

    def _end_head(self) -> None:
        self._head_bytes = self._trailer_bytes = 0
        self._in_head = False
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _late(self) -> None:
        self._refuse(HTTPStatus.REQUEST_TIMEOUT)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the deadline, and tell whoever watches."""
        self._end_head()
        super().connection_lost(exc)
        self._lost = True
        if self._watcher is not None:
            self._watcher()

    def watch(self, gone: Callable[[], None] | None) -> None:
        """Call `gone` once when the connection is lost, at once if it is lost already; None ends the watch."""
        self._watcher = gone
        if gone is not None and self._lost:
            gone()

    def data_received(self, data: bytes) -> None:
        """Parse; a head or trailer that is not whole by the limit is refused (RFC 6585, 5)."""
        if self._refused:
            return
        self._unset_keepalive_if_required()
        self._head_bytes += len(data)
        self._feed(data)
        if self._head_bytes > self._most_bytes:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        elif self._head_timer is None and (
            self._in_head or self.cycle is None or self.cycle.response_complete
        ):
            # Most heads come whole. An empty line between two requests must not keep a connection for ever either.
            self._head_timer = self.loop.call_later(HEAD_SECONDS, self._late)

    def _feed(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._stay_with_http()
            if rest := data[upgrade.args[0] :]:
                self._feed(rest)
        except httptools.HttpParserError:
            self._refuse(self._refusal)

    def _stay_with_http(self) -> None:
        """The parser takes what follows a head with Upgrade for another protocol, and skips the request's body. We
        switch to none (RFC 9110, 7.8): a new parser gets the framing of that body, and goes on with it."""
        head = self._head
        if not head.chunked and not head.length:
            return
        framing = (
            b"Transfer-Encoding: chunked" if head.chunked else b"Content-Length: %d" % (head.length or 0)
        )
        self.parser = httptools.HttpRequestParser(self)
        self._resuming = True
        self.parser.feed_data(b"POST / HTTP/1.1\r\n" + framing + b"\r\n\r\n")
        self._resuming = False

    def on_message_complete(self) -> None:
        """The request is whole, unless the parser skipped its body."""
        if not (self.parser.should_upgrade() and (self._head.chunked or self._head.length)):
            super().on_message_complete()

    def on_message_begin(self) -> None:
        """A request begins."""
        if not self._resuming:
            super().on_message_begin()
            self._in_head = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a field of the head, without white space behind its value, which the parser leaves (RFC 9112, 5.1).

        The parser calls this for trailers, too, which are dropped (RFC 9110, 6.5.1): as fields they would say what
        was never checked, of Host and framing for example.
        """
        if self._in_head:
            super().on_header(name, value.rstrip(b" \t"))
            return
        self._trailer_bytes += len(name) + len(value) + 4
        if self._trailer_bytes > self._most_bytes:  # much of it may have come together with the body
            self._refusal = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
            raise ValueError("a trailer that is too large")

    def on_body(self, body: bytes) -> None:
        """Hand on a part of the body; what was counted up to here is not a trailer's."""
        self._head_bytes = 0
        super().on_body(body)

    def on_headers_complete(self) -> None:
        """Check the head and hand it on. Raising makes the parser refuse the request."""
        if self._resuming:
            return
        if self._head_bytes > self._most_bytes:  # more than a head may have come at once
            self._check_size()
        self._end_head()
        version = self.parser.get_http_version()
        if version not in {"1.0", "1.1"}:
            raise ValueError("HTTP/0.9 has no fields that could be forwarded")
        scope: dict[str, Any] = self.scope  # type: ignore[assignment]
        method = self.parser.get_method().decode("ascii")
        scope["gateway.head"] = self._head = read_head(method, version, self.url, self.headers)
        self.url = b"/"  # what the server makes of the target is not used
        if version == "1.0":
            self.expect_100_continue = False  # RFC 9110, 10.1.1
        super().on_headers_complete()
        if self._stopping:
            self.cycle.keep_alive = False
        scope["gateway.connection"] = self
        if self._head.chunked or self._head.length:
            self.cycle.transport = _Patient(self)  # type: ignore[assignment]
        if version == "1.0":
            self.cycle.send = _Http10(self.cycle).send  # type: ignore[method-assign]

    def phrase(self, send: Any, status: int, reason: str) -> None:
        """Give the status line of an answer, whose `send` it is, a reason phrase of its own (RFC 9112, 4).

        ASGI has no place for one. A cycle refers to its scope: if that referred back, calls would be left to the
        garbage collector.
        """
        answering = send.__self__
        cycle = answering.cycle if isinstance(answering, _Http10) else answering
        cycle.transport = _Phrased(cycle, status, reason)

    def _check_size(self) -> None:
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > self._most_bytes:
            self._refusal = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
            raise ValueError("a head that is too large")

    def cut(self, *, reset: bool) -> None:
        """End the connection in the middle of an answer. One whose end is that of the connection has to be reset:
        otherwise it would look whole."""
        self.cycle.disconnected = True
        sock = self.transport.get_extra_info("socket")
        if not reset or sock is None:
            self.transport.close()
            return
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    def shutdown(self) -> None:
        """The server stops: the next answer is the last one. A request may be on its way over an idle connection:
        it is waited for a moment, because closing would lose it (RFC 9112, 9.6)."""
        self._stopping = True
        if self.cycle is None or self.cycle.response_complete:
            self.loop.call_later(LINGER_SECONDS, self._close_if_idle)
        else:
            self._last_cycle().keep_alive = False

    def _close_if_idle(self) -> None:
        if self.cycle is None or self.cycle.response_complete:
            self.transport.close()

    def send_400_response(self, msg: str) -> None:
        """Refuse what cannot be parsed. `msg` may quote the request, so it is not sent."""
        self._refuse(HTTPStatus.BAD_REQUEST)

    def _refuse(self, status: HTTPStatus) -> None:
        self._end_head()
        if self._refused or self.transport is None or self.transport.is_closing():
            return
        self._refused = True
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete:
            if not cycle.more_body:
                # An earlier request is still being answered: that answer is the last one on this connection.
                self._last_cycle().keep_alive = False
                return
            # It is the body of this very call that is broken: nobody must take what came of it for the whole.
            cycle.disconnected = True
            cycle.message_event.set()
            if cycle.response_started or self.pipeline:
                # Anything written now would look like a part of the answer that is under way, or of another call's.
                self.transport.abort()
                return
        head = f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        self.transport.write(head.encode())
        self._linger()

    def _last_cycle(self) -> RequestResponseCycle:
        return self.pipeline[0][0] if self.pipeline else self.cycle

    def end(self) -> None:
        """Close behind the last answer. What is left of a request's body is dropped for a while."""
        ends_with_connection = self.cycle.scope["http_version"] == "1.0"
        if not self.cycle.more_body or (ends_with_connection and not self.transport.can_write_eof()):
            self.transport.close()
        elif not self._ended and not self.transport.is_closing():
            self._ended = self._refused = True
            self._end_head()
            self.flow.resume_reading()
            self._linger(_BODY_LINGER_SECONDS)

    def on_response_complete(self) -> None:
        """Go on with the next request, if there is to be one."""
        if not self._ended:
            super().on_response_complete()

    def _linger(self, seconds: float = LINGER_SECONDS) -> None:
        """Close in stages (RFC 9112, 9.6): what is still coming in must not reset what was just said.

        TLS cannot be closed in one direction: there the caller has its time to close.
        """
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(seconds, self.transport.close)


class _Patient:
    """Stands in for the transport of a connection in the answer to a request with a body.

    It refers to no cycle, which would be left to the garbage collector.
    """

    def __init__(self, protocol: GatewayProtocol) -> None:
        self._transport = protocol.transport
        self.close = protocol.end

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class _Phrased:
    """Stands in for a transport until an answer begins, and writes its status line with another reason phrase."""

    def __init__(self, cycle: RequestResponseCycle, status: int, reason: str) -> None:
        self._cycle = cycle
        self._transport = cycle.transport
        self._usual = STATUS_LINE[status]
        self._line = b"HTTP/1.1 %d %b\r\n" % (status, reason.encode())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Write the head."""
        self._cycle.transport = self._transport
        self._transport.write(self._line + data.removeprefix(self._usual))


class _Http10:
    """Answers a caller that speaks HTTP/1.0, which knows no chunks (RFC 9112, 6.1): without a length, the body ends
    with the connection."""

    def __init__(self, cycle: RequestResponseCycle) -> None:
        self.cycle = cycle
        self._send = cycle.send  # the server's own, for answers with a length
        self._unframed = False

    async def send(self, message: Any) -> None:
        """Send a message of ASGI."""
        cycle = self.cycle
        if message["type"] == "http.response.start":
            self._unframed = not any(name == b"content-length" for name, _ in message["headers"])
        if not self._unframed or cycle.disconnected:
            await self._send(message)
            return
        if cycle.flow.write_paused:
            await cycle.flow.drain()
        if message["type"] == "http.response.start":
            cycle.response_started = True
            fields = [b"%b: %b\r\n" % field for field in message["headers"] if field[0] != b"connection"]
            cycle.transport.write(
                b"".join((STATUS_LINE[message["status"]], *fields, b"connection: close\r\n\r\n"))
            )
            return
        cycle.transport.write(message.get("body", b"") if cycle.scope["method"] != "HEAD" else b"")
        if not message.get("more_body", False):
            cycle.response_complete = True
            cycle.message_event.set()
            cycle.transport.close()
            cycle.on_response()
