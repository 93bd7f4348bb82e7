"""Forwards one call: the caller's side on the event loop, the back end's in threads, step by step."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

from gateway.embedded.call import Call, CallerGone
from gateway.embedded.exchange import Exchange, Reply
from gateway.embedded.plans import Plan
from gateway.embedded.threads import Threads
from gateway.failures import CallFailure
from gateway.headers import Field, response_fields

T = TypeVar("T")

# How long a call may last before its caller is watched for leaving; most are over by then.
_WATCH_AFTER = 0.05


class Forwarding:
    """One call on its way to the back end and back."""

    def __init__(self, call: Call, plan: Plan, exchange: Exchange, threads: Threads, timeout: float) -> None:
        self._call = call
        self._plan = plan
        self._exchange = exchange
        self._threads = threads
        self._timeout = timeout
        self._step: asyncio.Future[Any] | None = None
        self._watch: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()

    async def run(self) -> None:
        """Forward the call and hand the answer on.

        Raises CallFailure if nothing was answered yet; an answer that cannot be finished is left unfinished,
        for which the server cuts the caller's connection.
        """
        try:
            reply = await self._ask()
            await self._hand_on(reply)
        except CallFailure as failure:
            raise self._explained(failure) from failure
        finally:
            self._stop_timer()
            if self._watch is not None:
                self._watch.cancel()
            self._exchange.abort()

    async def _ask(self) -> Reply:
        body, whole = await self._call.first_body()
        if whole:
            return await self._answer_to(self._exchange.call, body)
        await self._run(self._exchange.start, self._framed(body))
        while not whole and not self._exchange.answered:
            body, whole = await self._call.next_body()
            if data := self._framed(body, last=whole):
                await self._run(self._exchange.send, data)
        return await self._answer_to(self._exchange.reply)

    def _framed(self, data: bytes, last: bool = False) -> bytes:
        """A part of the body as it goes over the wire (RFC 9112, 7.1)."""
        if not self._call.chunked:
            return data
        chunk = b"%x\r\n%b\r\n" % (len(data), data) if data else b""
        return chunk + b"0\r\n\r\n" if last else chunk

    async def _run(self, step: Callable[..., T], *arguments: Any) -> T:
        self._step = future = self._threads.run(step, *arguments)
        return await future

    async def _answer_to(self, step: Callable[..., Reply], *arguments: Any) -> Reply:
        """Run the step that waits for the answer's head, watching the clock and the caller."""
        self._timer = self._loop.call_later(_WATCH_AFTER, self._take_care)
        return await self._run(step, *arguments)

    def _take_care(self) -> None:
        self._watch = self._loop.create_task(self._watch_caller())
        late = CallFailure("back-end-timeout", f"no answer in {self._timeout} s")
        self._timer = self._loop.call_later(max(self._timeout - _WATCH_AFTER, 0), self._cut, late)

    async def _watch_caller(self) -> None:
        await self._call.gone()
        self._cut(CallerGone())

    def _cut(self, reason: Exception) -> None:
        """End the step that is under way, and the exchange, whatever it waits for."""
        if self._step is not None and not self._step.done():
            self._step.set_exception(reason)
        self._exchange.abort()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def _hand_on(self, reply: Reply) -> None:
        call, read = self._call, self._exchange.read
        if self._watch is not None or reply.complete:
            self._stop_timer()
        fields = _handed_on(reply, call)
        if reply.complete:
            await call.answer(reply.status, fields, reply.data)
            return
        if self._watch is None:
            self._stop_timer()
            self._watch = self._loop.create_task(self._watch_caller())
        await call.start_answer(reply.status, fields, reply.data)
        while data := await self._run(read):
            await call.send_part(data)
        await call.end_answer()

    def _explained(self, failure: CallFailure) -> CallFailure:
        """The failure, seen with what was presented."""
        certificate = self._plan.destination.certificate if self._plan.destination else None
        if not failure.code.startswith("client-certificate-re"):
            return failure
        if certificate is None:
            return CallFailure("client-certificate-required", failure.detail)
        detail = f"{failure.detail}; presented {certificate.id} ({certificate.thumbprint})"
        expired = certificate.not_after < datetime.now(UTC)
        return CallFailure("client-certificate-expired" if expired else "client-certificate-rejected", detail)


def _handed_on(reply: Reply, call: Call) -> list[Field]:
    """Without Content-Length where the answer has no content that it could be the length of."""
    fields = response_fields(reply.fields)
    if reply.status in (204, 304) and call.method != "HEAD":
        return [field for field in fields if field[0] != b"content-length"]
    return fields
