"""Forwards one call: the caller's side on the event loop, the back end's in threads, step by step."""

import asyncio
import time
from collections.abc import Callable
from typing import Any, TypeVar

from gateway.embedded.answers import Given
from gateway.embedded.call import Call, CallerGone
from gateway.embedded.exchange import Deadlines, Exchange, Reply
from gateway.embedded.message import Message
from gateway.embedded.plans import Plan
from gateway.embedded.threads import Threads
from gateway.failures import CallFailure
from gateway.headers import Field, response_fields

T = TypeVar("T")


class Forwarding:
    """One call on its way to the back end and back."""

    def __init__(
        self, call: Call, plan: Plan, exchange: Exchange, threads: Threads, deadlines: Deadlines
    ) -> None:
        self._call = call
        self._plan = plan
        self._exchange = exchange
        self._threads = threads
        self._deadlines = deadlines
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._waits_for: int | None = None
        self._waits_for_caller_since: float | None = None
        self._reason: Exception | None = None
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[Any] | None = asyncio.current_task()

    async def run(self) -> None:
        """Forward the call and hand the answer on.

        Raises CallFailure or CallerGone; what was answered by then is to be left unfinished.
        """
        self._call.watch(self._left)
        if self._deadlines.total:
            self._late_in("total", self._deadlines.total)
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
        self._call.watch(None)
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self._task = (
            None  # from here on nothing is cut short; and what refers to itself is left to no collector
        )
        self._observe()
        self._exchange.abort()

    def _observe(self) -> None:
        record, exchange, destination = self._call.record, self._exchange, self._plan.destination
        record.connected, record.reused = exchange.connected, exchange.reused
        if exchange.began:
            record.back_end_seconds = time.perf_counter() - exchange.began
        if exchange.connected and destination is not None:
            record.back_end = destination.back_end
            if destination.certificate is not None:
                record.thumbprint = destination.certificate.thumbprint

    # --- the request ---------------------------------------------------------------------------------------------
    async def _ask(self) -> Reply:
        if not self._call.has_body:
            return await self._answer_to(self._exchange.call)
        self._wait_for_caller()
        body, whole = await self._call.first_body()
        self._waits_for_caller_since = None
        if whole:
            return await self._answer_to(self._exchange.call, body)
        await self._run(self._exchange.start, self._framed(body))
        while not whole and not self._exchange.answered:
            self._wait_for_caller()
            body, whole = await self._call.next_body()
            self._waits_for_caller_since = None
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
        """Run the step that asks for the answer's head, and wait until it is there."""
        self._late_in("answer", self._deadlines.head)
        reply = await self._run(step, *arguments)
        while reply is None:
            await self._readable()
            reply = await self._run(self._exchange.reply)
        self._timers.pop("answer").cancel()
        return reply

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

    def _late_in(self, what: str, seconds: float) -> None:
        self._timers[what] = self._loop.call_later(seconds, self._late, seconds)

    def _late(self, seconds: float) -> None:
        self._cut(CallFailure("back-end-timeout", f"no answer in {seconds:g} s"))

    def _left(self) -> None:
        self._cut(CallerGone())

    def _wait_for_caller(self) -> None:
        """The caller has its time from now on. Its timer goes on from one part to the next and is set only once."""
        self._waits_for_caller_since = self._loop.time()
        if "caller" not in self._timers:
            self._timers["caller"] = self._loop.call_later(self._deadlines.patience, self._look_at_caller)

    def _look_at_caller(self) -> None:
        since, patience = self._waits_for_caller_since, self._deadlines.patience
        waited = self._loop.time() - since if since is not None else 0.0
        if waited < patience:
            self._timers["caller"] = self._loop.call_later(patience - waited, self._look_at_caller)
        elif self._call.answering:
            self._cut(CallerGone(stalled=True))
        else:
            self._cut(CallFailure("request-timeout", f"nothing of the body in {patience:g} s"))

    def _cut(self, reason: Exception) -> None:
        """End the call, whatever it waits for."""
        if self._reason is None and self._task is not None:
            self._reason = reason
            self._stop_waiting()
            self._exchange.abort()
            self._task.cancel()

    # --- the answer ----------------------------------------------------------------------------------------------
    async def _hand_on(self, reply: Reply) -> None:
        call, response = self._call, self._plan.response
        if response.given is not None:
            self._exchange.abort()  # what it says is not wanted, however much of it is still to come
            await self._give(response.given)
            return
        fields = _handed_on(reply, call)
        if response.steps:
            fields = self._changed(fields)
        if reply.complete:
            await call.answer(reply.status, fields, reply.data)
            return
        self._wait_for_caller()
        await call.start_answer(reply.status, fields, reply.data)
        self._waits_for_caller_since = None
        # A caller may leave with the last byte of what it was promised: that is no call that failed.
        while not self._exchange.over and (data := await self._run(self._exchange.read)) != b"":
            if data is None:
                await self._more()
                continue
            self._wait_for_caller()
            await call.send_part(data)
            self._waits_for_caller_since = None
        await call.end_answer()

    async def _give(self, given: Given) -> None:
        await self._call.give(given)

    def _changed(self, fields: list[Field]) -> list[Field]:
        answer = Message(fields)
        for step in self._plan.response.steps:
            step(answer)
        return answer.fields

    async def _more(self) -> None:
        self._late_in("part", self._deadlines.read)
        await self._readable()
        self._timers.pop("part").cancel()

    def _explained(self, reason: Exception) -> Exception:
        """A failure, seen with what was presented."""
        destination = self._plan.destination
        certificate = destination.certificate if destination else None
        if not isinstance(reason, CallFailure) or not reason.code.startswith("client-certificate-re"):
            return reason
        if destination is None or certificate is None:
            return CallFailure("client-certificate-required", reason.detail)
        detail = f"{reason.detail}; presented {certificate.id} ({certificate.thumbprint})"
        expired = destination.expires <= time.time()
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
