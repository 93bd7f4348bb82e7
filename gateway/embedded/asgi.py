"""The embedded engine: a plain ASGI 3 application that forwards calls as the snapshot says. No framework.

engine = Engine(EngineSettings(rules=...))
engine.apply(snapshot)          # from any thread, at any time; the next call runs under it
await engine(scope, receive, send)
"""

import logging
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from gateway.addresses import AddressRules
from gateway.embedded.call import Call, CallerGone, Receive, Scope, Send
from gateway.embedded.exchange import Exchange
from gateway.embedded.plans import NOTHING, Plan, build
from gateway.embedded.proxy import Forwarding
from gateway.embedded.routing import Route
from gateway.embedded.target import Target, parse_target, raw_target
from gateway.embedded.threads import Threads
from gateway.failures import CallFailure
from gateway.headers import Field, request_fields
from gateway.outbound import Destination, Outbound
from gateway.snapshot import Snapshot

logger = logging.getLogger(__name__)

Hook = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """What does not come from the snapshot.

    Times are in seconds. `plain_scheme` is what a call over a plain listener counts as: "https" if a proxy in
    front speaks TLS. `private_cookies` are never sent to a back end.
    """

    rules: AddressRules = field(default_factory=AddressRules)
    exchange_threads: int = 64
    connect_timeout: float = 10.0
    read_timeout: float = 300.0
    plain_scheme: str = "http"
    private_cookies: frozenset[bytes] = frozenset()


class Engine:
    """One per process. `before_call`, if set, is awaited before each call; `behind` says whether it is needed."""

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings
        self._state = NOTHING
        self._threads = Threads(settings.exchange_threads)
        self._outbound = Outbound(
            settings.rules, most=settings.exchange_threads, connect_timeout=settings.connect_timeout
        )
        self.behind: Callable[[], bool] = bool
        self.catch_up: Hook | None = None

    @property
    def revision(self) -> int:
        """The revision that the next call runs under; -1 before the first."""
        return self._state.revision

    def apply(self, snapshot: Snapshot) -> None:
        """Run a snapshot from the next call on. Pools that it does not need are closed when their calls end."""
        state = build(snapshot, self._state)
        destinations = state.destinations()
        self._outbound.expect(destinations)
        self._state = state
        self._outbound.keep(destinations)

    def close(self) -> None:
        """Close all connections and let the threads end."""
        self._threads.close()
        self._outbound.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI: forward one call."""
        call = Call(scope, receive, send)
        try:
            await self._serve(call, scope)
        except CallerGone:
            logger.debug("a caller left")
        except CallFailure as failure:
            await _fail(call, failure)
        except Exception:
            logger.exception("a call failed inside the gateway")
            await _fail(call, CallFailure("internal-error"))

    async def _serve(self, call: Call, scope: Scope) -> None:
        if self.catch_up is not None and self.behind():
            await self.catch_up()
        state = self._state  # the call keeps what it began with
        if state is NOTHING:
            raise CallFailure("not-ready")
        call.check()
        target = parse_target(raw_target(scope))
        route = state.router.find(call.method, target.path, target.query or "")
        if route is None:
            raise CallFailure("not-found")
        plan = route.plan
        scheme = scope["scheme"] if scope["scheme"] == "https" else self._settings.plain_scheme
        _check_scheme(plan, scheme)
        if plan.failure:
            raise CallFailure(*plan.failure)
        if not plan.forwards or plan.destination is None:
            await call.answer(200, [(b"content-length", b"0")], b"")
            return
        await self._forward(call, plan, plan.destination, _outbound_target(route, target), scheme)

    async def _forward(
        self, call: Call, plan: Plan, destination: Destination, target: str, scheme: str
    ) -> None:
        timeout = self._settings.read_timeout if plan.timeout is None else plan.timeout
        fields = self._fields(call, plan, scheme)
        exchange = Exchange(self._outbound, destination, call.method, target, fields, timeout)
        await Forwarding(call, plan, exchange, self._threads, timeout).run()

    def _fields(self, call: Call, plan: Plan, scheme: str) -> list[Field]:
        fields = request_fields(
            call.fields,
            client=call.client,
            scheme=scheme,
            private_cookies=self._settings.private_cookies,
            authorization=plan.authorization,
        )
        framing = call.framing
        return [(b"host", plan.host), *fields, framing] if framing else [(b"host", plan.host), *fields]


def _check_scheme(plan: Plan, scheme: str) -> None:
    if scheme not in plan.api.schemes:
        raise CallFailure("https-required" if scheme == "http" else "http-required", plan.api.id)


def _outbound_target(route: Route[Plan], target: Target) -> str:
    """What the back end is asked for. Without a rewrite: what the caller sent after the suffix, byte for byte."""
    plan = route.plan
    if plan.rewrite is None:
        path = plan.base + route.rest or "/"
        return path if target.query is None else f"{path}?{target.query}"
    unmatched = route.query.unmatched if plan.copies_query else ""
    try:
        return plan.base + plan.rewrite.expand(route.values, unmatched, route.remainder)
    except ValueError as error:
        raise CallFailure("bad-target", str(error)) from None


async def _fail(call: Call, failure: CallFailure) -> None:
    activity = uuid.uuid4()
    if failure.answer.status >= 500:
        logger.warning("%s %s: %s", activity, failure.code, failure.detail)
    if call.answering:
        return  # left unfinished, which cuts the connection: never a clean short answer
    await call.fail(failure, activity)
