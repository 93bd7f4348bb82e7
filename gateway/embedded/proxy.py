"""Forwards one call: the caller's side on the event loop, the back end's in threads, step by step."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

from gateway.embedded.call import Call, CallerGone
from gateway.embedded.exchange import Deadlines, Exchange, Reply
from gateway.embedded.plans import Plan
from gateway.embedded.threads import Threads
from gateway.failures import CallFailure
from gateway.headers import Field, response_fields

T = TypeVar("T")

# How long a call may last before its caller is watched for leaving; most are over by then.
_WATCH_AFTER = 0.05


class Forwarding:
    """One call on its way to the back end and back. `total` is the longest that it may last in seconds, or 0."""

    def __init__(
        self, call: Call, plan: Plan, exchange: Exchange, threads: Threads, deadlines: Deadlines, total: float
    ) -> None:
        self._call = call
        self._plan = plan
        self._exchange = exchange
        self._threads = threads
        self._deadlines = deadlines
        self._total = total
        self._watch: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._last_timer: asyncio.TimerHandle | None = None
        self._waits_for: int | None = None
        self._reason: Exception | None = None
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[Any] | None = asyncio.current_task()

    async def run(self) -> None:
        """Forward the call and hand the answer on.

        Raises CallFailure or CallerGone; what was answered by then is to be left unfinished.
        """
        if self._total:
            self._last_timer = self._loop.call_later(self._total, self._cut, self._late(self._total))
        try:
            await self._hand_on(await self._ask())
        except asyncio.CancelledError:
            if self._reason is None or self._task is None or self._task.uncancel() > 0:
                raise
            raise self._explained(self._reason) from None
        except CallFailure as failure:
            raise self._explained(failure) from failure
        finally:
            self._end()

    def _end(self) -> None:
        self._reason = self._reason or CallerGone()  # from here on nothing is cut short any more
        for timer in (self._timer, self._last_timer):
            if timer is not None:
                timer.cancel()
        if self._watch is not None:
            self._watch.cancel()
        self._observe()
        self._exchange.abort()

    def _observe(self) -> None:
        record, exchange, destination = self._call.record, self._exchange, self._plan.destination
        record.connected, record.reused = exchange.connected, exchange.reused
        if exchange.began:
            record.back_end_seconds = time.perf_counter() - exchange.began
        if exchange.connected and destination is not None and destination.certificate is not None:
            record.thumbprint = destination.certificate.thumbprint

    # --- the request ---------------------------------------------------------------------------------------------
    async def _ask(self) -> Reply:
        body, whole = await self._call.first_body()
        if whole:
            return await self._answer_to(self._exchange.call, body)
        await self._run(self._exchange.start, self._framed(body))
        while not whole and not self._exchange.answered:
            body, whole = await self._call.next_body()
            if data := self._framed(body, last=whole):
                await self._run(self._exchange.send, data)
        return await self._answer_to(self._exchange.finish)

    def _framed(self, data: bytes, last: bool = False) -> bytes:
        """A part of the body as it goes over the wire (RFC 9112, 7.1)."""
        if not self._call.head.chunked:
            return data
        chunk = b"%x\r\n%b\r\n" % (len(data), data) if data else b""
        return chunk + b"0\r\n\r\n" if last else chunk

    async def _answer_to(self, step: Callable[..., Reply | None], *arguments: Any) -> Reply:
        """Run the step that asks for the answer's head, watching the clock and the caller until it is there."""
        self._timer = self._loop.call_later(_WATCH_AFTER, self._take_care)
        reply = await self._run(step, *arguments)
        while reply is None:
            await self._readable()
            reply = await self._run(self._exchange.reply)
        self._timer.cancel()
        return reply

    def _take_care(self) -> None:
        self._watch = self._loop.create_task(self._watch_caller())
        seconds = max(self._deadlines.head - _WATCH_AFTER, 0)
        self._timer = self._loop.call_later(seconds, self._cut, self._late(self._deadlines.head))

    async def _watch_caller(self) -> None:
        await self._call.gone()
        self._cut(CallerGone())

    # --- waiting -------------------------------------------------------------------------------------------------
    async def _run(self, step: Callable[..., T], *arguments: Any) -> T:
        return await self._threads.run(self._plan.api.key, step, *arguments)

    async def _readable(self) -> None:
        """Wait for the back end without a thread."""
        arrived = self._loop.create_future()
        self._waits_for = self._exchange.fileno
        self._loop.add_reader(self._waits_for, _settle, arrived)
        try:
            await arrived
        finally:
            self._stop_waiting()

    def _stop_waiting(self) -> None:
        # Before the socket is closed: its number may be another connection's a moment later.
        if self._waits_for is not None:
            self._loop.remove_reader(self._waits_for)
            self._waits_for = None

    @staticmethod
    def _late(seconds: float) -> CallFailure:
        return CallFailure("back-end-timeout", f"no answer in {seconds:g} s")

    def _cut(self, reason: Exception) -> None:
        """End the call, whatever it waits for."""
        if self._reason is None and self._task is not None:
            self._reason = reason
            self._stop_waiting()
            self._exchange.abort()
            self._task.cancel()

    # --- the answer ----------------------------------------------------------------------------------------------
    async def _hand_on(self, reply: Reply) -> None:
        call = self._call
        fields = _handed_on(reply, call)
        if reply.complete:
            await call.answer(reply.status, fields, reply.data)
            return
        if self._watch is None:
            self._watch = self._loop.create_task(self._watch_caller())
        await call.start_answer(reply.status, fields, reply.data)
        while (data := await self._run(self._exchange.read)) != b"":
            if data is None:
                await self._more()
            else:
                await call.send_part(data)
        await call.end_answer()

    async def _more(self) -> None:
        seconds = self._deadlines.read
        self._timer = self._loop.call_later(seconds, self._cut, self._late(seconds))
        await self._readable()
        self._timer.cancel()

    def _explained(self, reason: Exception) -> Exception:
        """A failure, seen with what was presented."""
        certificate = self._plan.destination.certificate if self._plan.destination else None
        if not isinstance(reason, CallFailure) or not reason.code.startswith("client-certificate-re"):
            return reason
        if certificate is None:
            return CallFailure("client-certificate-required", reason.detail)
        detail = f"{reason.detail}; presented {certificate.id} ({certificate.thumbprint})"
        expired = certificate.not_after < datetime.now(UTC)
        return CallFailure("client-certificate-expired" if expired else "client-certificate-rejected", detail)


def _settle(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)


def _handed_on(reply: Reply, call: Call) -> list[Field]:
    """Without Content-Length where the answer has no content that it could be the length of."""
    fields = response_fields(reply.fields, reply.version)
    if reply.status in (204, 304) and call.method != "HEAD":
        return [field for field in fields if field[0] != b"content-length"]
    return fields
