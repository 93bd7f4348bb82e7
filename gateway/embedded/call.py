"""The caller's side of one call, on ASGI 3."""

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from gateway.embedded.answers import Given
from gateway.embedded.record import CallRecord
from gateway.failures import RECORDED, CallFailure
from gateway.headers import GATEWAY_ERROR, Field, http_date
from gateway.request_head import RequestHead, read_head

if TYPE_CHECKING:
    from gateway.embedded.traced.trace import CallTrace

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

# A body that is whole by then goes to the back end in one step.
BODY_LIMIT = 65536
_BODY_SECONDS = 0.05


class CallerGone(Exception):
    """There is nobody to answer: the caller closed the connection, or takes nothing any more (`stalled`)."""

    def __init__(self, *, stalled: bool = False) -> None:
        super().__init__("the caller takes nothing" if stalled else "the caller left")
        self.stalled = stalled


class Connection(Protocol):
    """What the server lets us do with a caller's connection."""

    def watch(self, gone: Callable[[], None] | None) -> None:
        """Call `gone` when it is lost; None ends the watch."""

    def cut(self, *, reset: bool) -> None:
        """End it."""

    def phrase(self, send: Send, status: int, reason: str) -> None:
        """Give the status line of the answer that is sent with `send` another reason phrase."""


class Call:
    """One request of a caller, and the answer to it. Raises BadHead for a head that must not be forwarded.

    `most` is the largest body in bytes, None for any; it is known once the call has been matched. `trace` is there
    for a call that is traced.
    """

    trace: "CallTrace | None" = None

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.method: str = scope["method"]
        self.fields: Sequence[Field] = scope["headers"]
        self.version: str = scope.get("http_version", "1.1")
        self.peer: str = scope["client"][0] if scope.get("client") else "unknown"
        self.head: RequestHead = scope.get("gateway.head") or self._read_head(scope)
        self.record = CallRecord(self.method, self.head.path, self.peer)
        self.answering = False
        self.most: int | None = None
        self._connection: Connection | None = scope.get("gateway.connection")
        self._framed = True
        self._receive = receive
        self._send = send
        self._unread = self.head.chunked or bool(self.head.length)

    def _read_head(self, scope: Scope) -> RequestHead:
        """For a server that hands on what ASGI has of a head, and no more."""
        path: bytes = scope.get("raw_path") or scope["path"].encode()
        query: bytes = scope.get("query_string", b"")
        return read_head(self.method, self.version, path + b"?" + query if query else path, self.fields)

    @property
    def framing(self) -> Field | None:
        """The field that says how long the body is: as the caller sent it."""
        if self.head.chunked:
            return (b"transfer-encoding", b"chunked")
        return None if self.head.length is None else (b"content-length", b"%d" % self.head.length)

    async def first_body(self) -> tuple[bytes, bool]:
        """What comes of the body at once, and whether that is all. A chunked one is framed if it is whole."""
        if not self._unread:
            return b"", True
        data, whole = await self.next_body()
        if not whole:
            data, whole = await self._soon(data)
        if whole and self.head.chunked:
            data = (b"%x\r\n%b\r\n" % (len(data), data) if data else b"") + b"0\r\n\r\n"
        return data, whole

    async def _soon(self, data: bytes) -> tuple[bytes, bool]:
        whole = False
        try:
            async with asyncio.timeout(_BODY_SECONDS):
                while not whole and len(data) < BODY_LIMIT:
                    more, whole = await self.next_body()
                    data += more
        except TimeoutError:
            pass
        return data, whole

    async def next_body(self) -> tuple[bytes, bool]:
        """The next part of the body, and whether it is the last. Raises CallerGone, and CallFailure for a body that
        is too large.
        """
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise CallerGone
        self._unread = message.get("more_body", False)
        data = message.get("body", b"")
        self.record.received += len(data)
        if self.most is not None and self.record.received > self.most:
            raise CallFailure("request-too-large", f"more than {self.most} bytes")
        return data, not self._unread

    @property
    def has_body(self) -> bool:
        """Whether something of the request's body is still to come."""
        return self._unread

    def watch(self, gone: Callable[[], None] | None) -> None:
        """Call `gone` when the caller leaves, until None is given."""
        if self._connection is not None:
            self._connection.watch(gone)

    async def answer(self, status: int, fields: list[Field], body: bytes) -> None:
        """Answer, whole."""
        await self._start(status, fields)
        self.record.sent = len(body)
        await self._send({"type": "http.response.body", "body": body})

    async def give(self, answer: Given) -> None:
        """Answer what a policy says."""
        if answer.status >= 500:
            self.record.failed_by = "policy"
        if answer.reason and self._connection is not None:
            self._connection.phrase(self._send, answer.status, answer.reason)
        body = b"" if self.method == "HEAD" else answer.body
        await self.answer(answer.status, answer.whole(), body)

    async def start_answer(self, status: int, fields: list[Field], data: bytes) -> None:
        """Begin an answer whose body follows."""
        await self._start(status, fields)
        # An empty part sends the head without waiting for the body.
        await self.send_part(data)

    async def _start(self, status: int, fields: list[Field]) -> None:
        self.answering = True
        self.record.status = status
        if self._unread:
            # What is left of the body would have to be read before the next request could be.
            fields = [*fields, (b"connection", b"close")]
        if self.version == "1.0":
            self._framed = any(name == b"content-length" for name, _ in fields)
        if self.trace is not None:
            fields = self.trace.answers(status, fields)
        await self._send({"type": "http.response.start", "status": status, "headers": fields})

    async def send_part(self, data: bytes) -> None:
        """Send a part of the body; returns when the caller has room for the next."""
        self.record.sent += len(data)
        await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def end_answer(self) -> None:
        """End the body."""
        await self._send({"type": "http.response.body", "body": b""})

    def cut(self, *, at_once: bool = False) -> None:
        """Leave an answer unfinished, as the caller will see. `at_once` drops what it did not take yet."""
        if self._connection is not None:
            self._connection.cut(reset=at_once or not self._framed)

    async def fail(self, failure: CallFailure) -> None:
        """Answer that the gateway could not do it: JSON with a stable code."""
        content: dict[str, Any] = {"statusCode": failure.status, "message": failure.message}
        if failure.code not in RECORDED:
            content |= {"code": failure.code, "activityId": self.record.activity}
        body = ("{ " + json.dumps(content)[1:-1] + " }").encode()
        fields = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(body)),
            (b"date", http_date()),
            (GATEWAY_ERROR, failure.code.encode()),
            *failure.fields,
        ]
        await self.answer(failure.status, fields, body)
