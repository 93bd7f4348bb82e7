"""The embedded engine: a plain ASGI 3 application that forwards calls as the snapshot says. No framework.

engine = Engine(EngineSettings(rules=...))
engine.apply(snapshot)          # from any thread, at any time; the next call runs under it
await engine(scope, receive, send)
"""

import logging
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime

from gateway.addresses import AddressRules
from gateway.embedded.admission import (
    Networks,
    check_key,
    check_scheme,
    checked_fields,
    counted_down,
    hop_of,
    most_bytes,
)
from gateway.embedded.call import Call, CallerGone, Receive, Scope, Send
from gateway.embedded.exchange import Deadlines, Exchange
from gateway.embedded.expired import ExpiredCertificates, expired_certificate
from gateway.embedded.keys import KeyRing
from gateway.embedded.message import Request
from gateway.embedded.plans import Plan
from gateway.embedded.proxy import Forwarding
from gateway.embedded.record import Observer
from gateway.embedded.room import Room
from gateway.embedded.routing import Route
from gateway.embedded.state import NOTHING, build
from gateway.embedded.threads import Threads
from gateway.embedded.traced.trace import CallTrace
from gateway.embedded.tracing import Tracing, is_wanted
from gateway.failures import CallFailure
from gateway.headers import Hop, request_fields
from gateway.outbound import Destination, Outbound
from gateway.request_head import BadHead
from gateway.snapshot import Snapshot, Subscription
from gateway.snapshot_difference import Difference
from gateway.subscription_keys import taken_key

logger = logging.getLogger(__name__)

Hook = Callable[[], Awaitable[None]]
ALLOW = (b"allow", b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, TRACE")
_EMPTY = (b"content-length", b"0")


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """What does not come from the snapshot, or holds where the snapshot says nothing.

    Times are in seconds, 0 for no limit: `patience` is how long a caller may take between two parts of its body, or
    to take one of the answer. `max_calls` may be under way in this process, `max_calls_per_api` of one API.
    `plain_scheme` is what a call over a plain listener counts as: "https" if a proxy in front speaks TLS. What
    `trusted_proxies` say of where a call came from is believed. `private_cookies` are never sent to a back end.
    """

    rules: AddressRules = field(default_factory=AddressRules)
    exchange_threads: int = 64
    connect_timeout: float = 10.0
    read_timeout: float = 300.0
    total_timeout: float = 0.0
    patience: float = 60.0
    max_head_bytes: int = 65536
    max_body_bytes: int = 0
    max_calls: int = 1000
    max_calls_per_api: int = 500
    plain_scheme: str = "http"
    trusted_proxies: Networks = ()
    drops_underscores: bool = False
    private_cookies: frozenset[bytes] = frozenset()


class Engine:
    """One per process. `catch_up`, if set, is awaited before a call when `behind` says that it is needed; `tracing`
    keeps the traces of calls that may ask for one."""

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings
        self._state = NOTHING
        self._applying = threading.Lock()
        self._threads = Threads(settings.exchange_threads)
        self._writing_thread = Threads(1)  # of traces: more would take the event loop's time
        self._room = Room(settings.max_calls, settings.max_calls_per_api)
        self._outbound = Outbound(settings.rules, most=settings.max_calls_per_api)
        self._expired = ExpiredCertificates()
        self.max_head_bytes = settings.max_head_bytes
        self.behind: Callable[[], bool] = bool
        self.catch_up: Hook | None = None
        self.observers: list[Observer] = []
        self.tracing: Tracing | None = None

    @property
    def calls(self) -> int:
        """How many calls are under way."""
        return self._room.calls

    @property
    def revision(self) -> int:
        """The revision that the next call runs under; -1 before the first."""
        return self._state.revision

    @property
    def connections(self) -> int:
        """How many connections to back ends are open."""
        return self._outbound.connections

    def held(self) -> dict[str, int]:
        """How many connections to back ends are open, by the thumbprint of their client certificate."""
        return dict(self._outbound.held())

    def expiries(self) -> dict[tuple[str, str], datetime]:
        """When the client certificates that are presented expire, by certificate and API."""
        return self._state.expiries()

    def apply(self, snapshot: Snapshot, difference: Difference | None = None) -> None:
        """Run a snapshot from the next call on. Pools that it does not need are closed when their calls end.

        `difference` is what it differs by from the snapshot before; without one all parts are looked at.
        """
        with self._applying:
            previous, state = self._state, build(snapshot, self._state, difference)
            self._outbound.expect(state.destinations(state.affected))
            self._state = state
            self._outbound.release(previous.destinations(state.affected))

    def close(self) -> None:
        """Close all connections and let the threads end."""
        self._threads.close()
        self._writing_thread.close()
        self._outbound.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI: forward one call."""
        try:
            call = Call(scope, receive, send)
        except BadHead:
            await _refuse(send)
            return
        try:
            await self._serve(call, scope["scheme"])
        except CallerGone as gone:
            call.record.failed_by = "caller"
            if call.trace is not None:
                call.trace.gone(gone)
            call.cut(at_once=gone.stalled)
        except CallFailure as failure:
            await _fail(call, failure)
        except Exception as error:
            logger.exception("%s: a call failed inside the gateway", call.record.activity)
            await _fail(call, CallFailure("internal-error", type(error).__name__))
        finally:
            self._observe(call)
            if call.trace is not None:
                await self._keep(call.trace)
                call.trace = None

    def _observe(self, call: Call) -> None:
        record = call.record
        record.seconds = time.perf_counter() - record.started
        if record.status >= 500 and not record.failed_by:
            record.failed_by = "back end"
        for observer in self.observers:
            try:
                observer(record)
            except Exception:
                logger.exception("a call could not be recorded")

    async def _serve(self, call: Call, scheme: str) -> None:
        if self.catch_up is not None and self.behind():
            await self.catch_up()
        state = self._state  # the call keeps what it began with
        if state is NOTHING:
            raise CallFailure("not-ready")
        call.record.revision = state.revision
        if call.head.path == "*":
            await call.answer(200, [ALLOW, _EMPTY], b"")
            return
        key, query = taken_key(call.fields, call.head.query)
        route = state.router.find(call.method, call.head.path, query or "")
        if route is None:
            raise CallFailure("not-found")
        plan = route.plan
        call.record.api, call.record.operation = plan.api.id, plan.operation.id
        hop = hop_of(call, self._settings.plain_scheme, scheme, self._settings.trusted_proxies)
        self._admit(call, route, state.keys, key, hop)
        counted = counted_down(call.method, call.fields)
        if counted is None:
            if call.trace is not None:
                call.trace.ended_here()
            await call.answer(200, [ALLOW, _EMPTY], b"")
            return
        call.fields = counted
        if plan.destination is not None:
            await self._forward(call, plan.destination, route, query, hop)
        else:
            self._request(call, route, query, hop)  # which may still refuse it
            await call.give(plan.given)

    def _admit(self, call: Call, route: Route[Plan], keys: KeyRing, key: bytes | None, hop: Hop) -> None:
        """Everything that is asked of a call before anything of its body is read. Raises CallFailure."""
        plan = route.plan
        check_scheme(plan.api, hop.scheme)
        subscription = check_key(call, plan.api, keys, key, hop)
        if subscription is not None and subscription.allow_tracing:
            self._trace(call, route, hop, subscription)
        call.fields = checked_fields(call.fields, self._settings.drops_underscores)
        if plan.failure:
            raise CallFailure(*plan.failure)
        call.most = most_bytes(plan.api, call.head.length, self._settings.max_body_bytes)

    async def _forward(
        self, call: Call, destination: Destination, route: Route[Plan], query: str | None, hop: Hop
    ) -> None:
        plan = route.plan
        self._room.enter(plan.api.key, plan.api.max_calls)
        try:
            deadlines = self._deadlines(plan)
            request = self._request(call, route, query, hop)
            if certificate := expired_certificate(destination, time.time()):
                self._expired.meet(certificate, destination, call.record)
            target, fields = request.target(plan.base), request.whole(plan.host, call.framing)
            exchanging, forwarding = (Exchange, Forwarding) if call.trace is None else call.trace.makers
            exchange = exchanging(self._outbound, destination, call.method, target, fields, deadlines)
            await forwarding(call, plan, exchange, self._threads, deadlines).run()
        finally:
            self._room.leave(plan.api.key)

    def _request(self, call: Call, route: Route[Plan], query: str | None, hop: Hop) -> Request:
        """The request as its policy leaves it. Raises CallFailure."""
        fields = request_fields(call.fields, hop, private_cookies=self._settings.private_cookies)
        request = Request(route, query, fields, call.record.client, hop.authority)
        if call.trace is not None:
            call.trace.run(request)
            return request
        for step in route.plan.request.steps:
            step(request)
        return request

    def _trace(self, call: Call, route: Route[Plan], hop: Hop, subscription: Subscription) -> None:
        """Begin the trace of a call that asks for one, if there is room."""
        if self.tracing is None or not is_wanted(call.fields):
            return
        try:
            ticket = self.tracing.open()
            if ticket is not None:
                call.trace = CallTrace(ticket, call, route, hop, subscription, self._settings.rules)
        except Exception:
            logger.exception("a call could not be traced")

    async def _keep(self, trace: CallTrace) -> None:
        """Write the trace of a call that is over, beside the event loop."""
        try:
            if trace.broken:
                return
            document = await self._writing_thread.run("", trace.document)
            if self.tracing is not None:
                self.tracing.put(trace.ticket, document["api"]["id"], document)
        except Exception:
            logger.exception("a call could not be traced")
        finally:
            trace.close()

    def _deadlines(self, plan: Plan) -> Deadlines:
        read = plan.api.read_timeout or self._settings.read_timeout
        connect = plan.api.connect_timeout or self._settings.connect_timeout
        total = plan.api.total_timeout or self._settings.total_timeout
        head = read if plan.timeout is None else plan.timeout
        return Deadlines(connect, head, read, total, self._settings.patience)


async def _refuse(send: Send) -> None:
    """Before routing: a status and nothing else."""
    fields = [_EMPTY, (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 400, "headers": fields})
    await send({"type": "http.response.body", "body": b""})


async def _fail(call: Call, failure: CallFailure) -> None:
    record = call.record
    record.code, record.failed_by = failure.code, failure.failed_by
    if call.trace is not None:
        call.trace.failed(failure)
    if failure.failed_by != "caller":
        logger.warning("%s %s: %s", record.activity, failure.code, failure.detail)
    if call.answering:
        call.cut()  # never a clean short answer
    else:
        await call.fail(failure)
