"""The caller's side of one call, on ASGI 3."""

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable, MutableMapping
from email.utils import formatdate
from typing import Any

from gateway.failures import CallFailure
from gateway.headers import Field, content_length, is_chunked

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
    """One request of a caller, and the answer to it."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.method: str = scope["method"]
        self.fields: list[Field] = scope["headers"]
        self.client: str = scope["client"][0] if scope.get("client") else "unknown"
        self.answering = False
        self._receive = receive
        self._send = send
        try:
            self.chunked = is_chunked(self.fields)
            self.length = None if self.chunked else content_length(self.fields)
        except ValueError as error:
            self.chunked, self.length = False, None
            self._wrong: str | None = str(error)
        else:
            self._wrong = None
        self._unread = self.chunked or bool(self.length)

    def check(self) -> None:
        """Raises CallFailure for a request whose framing is not understood."""
        if self._wrong:
            raise CallFailure("bad-request", self._wrong)

    @property
    def framing(self) -> Field | None:
        """The field that says how long the body is: as the caller sent it."""
        if self.chunked:
            return (b"transfer-encoding", b"chunked")
        return None if self.length is None else (b"content-length", b"%d" % self.length)

    async def first_body(self) -> tuple[bytes, bool]:
        """What comes of the body at once, and whether that is all. A chunked one is framed if it is whole."""
        if not self._unread:
            return b"", True
        data, whole = await self.next_body()
        try:
            async with asyncio.timeout(_BODY_SECONDS):
                while not whole and len(data) < BODY_LIMIT:
                    more, whole = await self.next_body()
                    data += more
        except TimeoutError:
            pass
        if whole and self.chunked:
            data = (b"%x\r\n%b\r\n" % (len(data), data) if data else b"") + b"0\r\n\r\n"
        return data, whole

    async def next_body(self) -> tuple[bytes, bool]:
        """The next part of the body, and whether it is the last. Raises CallerGone."""
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise CallerGone
        self._unread = message.get("more_body", False)
        return message.get("body", b""), not self._unread

    async def gone(self) -> None:
        """Wait until the caller has gone. Only after the whole body was read."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def answer(self, status: int, fields: list[Field], body: bytes) -> None:
        """Answer, whole."""
        await self._start(status, fields)
        await self._send({"type": "http.response.body", "body": body})

    async def start_answer(self, status: int, fields: list[Field], data: bytes) -> None:
        """Begin an answer whose body follows."""
        await self._start(status, fields)
        # An empty part sends the head without waiting for the body.
        await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def _start(self, status: int, fields: list[Field]) -> None:
        self.answering = True
        if self._unread:
            # What is left of the body would have to be read before the next request could be.
            fields = [*fields, (b"connection", b"close")]
        await self._send({"type": "http.response.start", "status": status, "headers": fields})

    async def send_part(self, data: bytes) -> None:
        """Send a part of the body; returns when the caller has room for the next."""
        await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def end_answer(self) -> None:
        """End the body."""
        await self._send({"type": "http.response.body", "body": b""})

    async def fail(self, failure: CallFailure, activity: uuid.UUID) -> None:
        """Answer that the gateway could not do it: JSON with a stable code."""
        answer = failure.answer
        content: dict[str, Any] = {"statusCode": answer.status, "message": answer.message}
        if failure.code != "not-found":  # whose text is fixed
            content |= {"code": failure.code, "activityId": str(activity)}
        body = ("{ " + json.dumps(content)[1:-1] + " }").encode()
        await self.answer(
            answer.status,
            [
                (b"content-type", b"application/json"),
                (b"content-length", b"%d" % len(body)),
                (b"date", formatdate(usegmt=True).encode()),
            ],
            body,
        )
