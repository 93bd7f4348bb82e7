"""A running gateway process: the follower hands snapshots to the engine, the lease says which one it runs.

`application` is the ASGI application. Threads start with the lifespan, in the process that serves (gunicorn
forks before that).
"""

import asyncio
import logging
import os
from functools import partial

import django
from django.apps import apps

if not apps.ready:  # the first module of a gateway process
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    django.setup()

from django.conf import settings

from gateway.connection_tester import Tester
from gateway.embedded.asgi import Engine
from gateway.embedded.call import Receive, Scope, Send
from gateway.engine_settings import engine_settings
from gateway.following import LOOK_SECONDS, Follower, now
from gateway.lease import Lease
from gateway.observing.observation import Observation
from gateway.observing.presented import PresentedCertificates
from gateway.portal_url import portal_url
from gateway.process_name import process_name
from gateway.snapshot import Snapshot
from gateway.snapshot_difference import Difference
from gateway.trace_writer import TraceWriter

logger = logging.getLogger(__name__)

_FIRST_LOOK_SECONDS = 10.0


class Node:
    """One gateway process."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        presented = PresentedCertificates()
        engine.observers.append(presented.observe)
        self.lease = Lease(presented, engine.held)
        self.tester = Tester(process_name())
        self.traces = TraceWriter(portal_url())
        engine.tracing = self.traces
        self.follower = Follower(self._apply, self.lease.report, self.tester.look)
        engine.catch_up = self._catch_up
        engine.behind = self._behind
        self._asked_in_vain = -1.0

    def _behind(self) -> bool:
        """Whether to look before the next call, because a change may be acknowledged that is not in effect here:
        this process could not look for a while, or changes did not wait for it. Not while the database is away."""
        looked_at = self.follower.looked_at
        if self.follower.away or looked_at == self._asked_in_vain:
            return False
        return now() - looked_at > LOOK_SECONDS or not self.lease.held_since(looked_at)

    def _apply(self, snapshot: Snapshot, difference: Difference) -> None:
        self.engine.apply(snapshot, difference)
        self.lease.acknowledge(snapshot.revision)

    async def _catch_up(self) -> None:
        """Look before the next call."""
        looked_at = self.follower.looked_at
        loop = asyncio.get_running_loop()
        looked = asyncio.Event()
        self.follower.look(partial(loop.call_soon_threadsafe, looked.set))
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                await looked.wait()
        except TimeoutError:  # once, not for each call that waited
            if self._asked_in_vain != looked_at:
                logger.error("the database does not answer, what was read last stays in effect")
            self._asked_in_vain = looked_at

    def start(self) -> None:
        """Start to follow; returns when the configuration was read, or could not be. From then on changes wait for
        this process; one that was made in between is why the first call looks again (`_behind`)."""
        self.follower.start()
        self.follower.looked.wait(_FIRST_LOOK_SECONDS)
        self.lease.start()
        self.tester.start()
        self.traces.start()

    def stop(self) -> None:
        """End the lease, stop following, close all connections."""
        self.lease.stop()
        self.tester.stop()
        self.traces.stop()
        self.follower.stop()
        self.engine.close()


class Application:
    """ASGI 3: the lifespan of a node, its engine, and beside them what operators see of it."""

    def __init__(self) -> None:
        self._engine = Engine(engine_settings())
        self.max_head_bytes = self._engine.max_head_bytes
        self.observation = Observation(self._engine, settings.GATEWAY_ACCESS_LOG)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._engine(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._lifespan(receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        self.observation.start()
        freshness = asyncio.create_task(self.observation.keep_fresh())
        try:
            await self._follow(receive, send)
        finally:
            freshness.cancel()
            await asyncio.to_thread(self.observation.stop)
        await send({"type": "lifespan.shutdown.complete"})

    async def _follow(self, receive: Receive, send: Send) -> None:
        node = Node(self._engine)
        self.observation.follower = node.follower
        await asyncio.to_thread(node.start)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await asyncio.to_thread(node.stop)


application = Application()
