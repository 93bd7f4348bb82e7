"""The caller's side of one call, on ASGI 3."""

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from gateway.embedded.record import CallRecord
from gateway.failures import RECORDED, CallFailure
from gateway.headers import GATEWAY_ERROR, Field, http_date
from gateway.request_head import RequestHead, read_head

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

# A body that is whole by then goes to the back end in one step.
BODY_LIMIT = 65536
_BODY_SECONDS = 0.05


class CallerGone(Exception):
    """The caller closed the connection: there is nobody to answer."""


class Call:
    """One request of a caller, and the answer to it. Raises BadHead for a head that must not be forwarded.

    `patience` is how long the caller may take, in seconds, to send a part of its body or to take one of the answer.
    `most` is the largest body in bytes, None for any; it is known once the call has been matched.
    """

    def __init__(self, scope: Scope, receive: Receive, send: Send, patience: float) -> None:
        self.method: str = scope["method"]
        self.fields: list[Field] = scope["headers"]
        self.version: str = scope.get("http_version", "1.1")
        self.peer: str = scope["client"][0] if scope.get("client") else "unknown"
        self.head: RequestHead = scope.get("gateway.head") or self._read_head(scope)
        self.record = CallRecord(self.method, self.head.path, self.peer)
        self.answering = False
        self.most: int | None = None
        self._patience = patience
        self._cut: Callable[[bool], None] | None = scope.get("gateway.cut")
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
        is too large or does not come.
        """
        try:
            async with asyncio.timeout(self._patience):
                message = await self._receive()
        except TimeoutError:
            raise CallFailure("request-timeout", f"nothing of the body in {self._patience} s") from None
        if message["type"] == "http.disconnect":
            raise CallerGone
        self._unread = message.get("more_body", False)
        data = message.get("body", b"")
        self.record.received += len(data)
        if self.most is not None and self.record.received > self.most:
            raise CallFailure("request-too-large", f"more than {self.most} bytes")
        return data, not self._unread

    async def gone(self) -> None:
        """Wait until the caller has gone. Only after the whole body was read."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def answer(self, status: int, fields: list[Field], body: bytes) -> None:
        """Answer, whole."""
        await self._start(status, fields)
        self.record.sent = len(body)
        await self._send({"type": "http.response.body", "body": body})

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
        await self._send({"type": "http.response.start", "status": status, "headers": fields})

    async def send_part(self, data: bytes) -> None:
        """Send a part of the body; returns when the caller has room for the next. Raises CallerGone if it takes
        nothing for too long.
        """
        self.record.sent += len(data)
        try:
            async with asyncio.timeout(self._patience):
                await self._send({"type": "http.response.body", "body": data, "more_body": True})
        except TimeoutError:
            self._framed = False  # what it does not take must not keep the connection open
            raise CallerGone from None

    async def end_answer(self) -> None:
        """End the body."""
        await self._send({"type": "http.response.body", "body": b""})

    def cut(self) -> None:
        """Leave an answer unfinished, which the caller sees as what it is."""
        if self._cut is not None:
            self._cut(self._framed)

    async def fail(self, failure: CallFailure) -> None:
        """Answer that the gateway could not do it: JSON with a stable code."""
        answer = failure.answer
        content: dict[str, Any] = {"statusCode": answer.status, "message": failure.message}
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
        await self.answer(answer.status, fields, body)
