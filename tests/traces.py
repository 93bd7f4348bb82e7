"""Somebody who keeps the traces of an engine's calls, and calls that ask for one."""

import queue
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from gateway.embedded.tracing import Ticket
from gateway.snapshot import Snapshot
from tests.answer import Answer
from tests.running_engine import RunningEngine, running_engine
from tests.snapshots import snapshot, subscription

KEY = "the-key-of~a.caller"
ALLOWED = subscription(KEY, id="partner", allow_tracing=True)


@dataclass
class Traces:
    """Keeps traces, as long as there is `room`."""

    room: bool = True
    documents: "queue.Queue[dict[str, Any]]" = field(default_factory=queue.Queue)

    def open(self) -> Ticket | None:
        """See gateway.embedded.tracing.Tracing."""
        key = uuid4()
        return Ticket(key, f"https://portal.example/traces/{key}") if self.room else None

    def put(self, ticket: Ticket, api_id: str, document: dict[str, Any]) -> None:
        """See gateway.embedded.tracing.Tracing."""
        assert document["traceId"] == str(ticket.key)
        assert document["api"]["id"] == api_id
        self.documents.put(document)


@dataclass
class TracedEngine:
    """An engine whose calls are traced."""

    gateway: RunningEngine
    traces: Traces

    def apply(self, url: str, **configured: Any) -> Snapshot:
        """Run an API in front of a back end that asks for a key."""
        whole = snapshot(url, subscriptions=(ALLOWED,), **configured)
        self.gateway.apply(whole)
        return whole

    def call(self, *arguments: Any, headers: Mapping[str, str] | None = None, **options: Any) -> Answer:
        """A call that may be traced and does not ask for it."""
        headers = {"Ocp-Apim-Subscription-Key": KEY, **(headers or {})}
        return self.gateway.call(*arguments, headers=headers, **options)

    def traced(
        self, *arguments: Any, headers: Mapping[str, str] | None = None, **options: Any
    ) -> dict[str, Any]:
        """The trace of a call."""
        self.call(*arguments, headers={"Ocp-Apim-Trace": "true", **(headers or {})}, **options)
        return self.next()

    def next(self) -> dict[str, Any]:
        """The trace that is there, or comes soon."""
        return self.traces.documents.get(timeout=10)

    @property
    def nothing(self) -> bool:
        """Whether no trace comes."""
        time.sleep(0.05)
        return self.traces.documents.empty()


@contextmanager
def traced_engine(**settings: Any) -> Iterator[TracedEngine]:
    """An engine whose calls are traced."""
    with running_engine(**settings) as gateway:
        traces = Traces()
        gateway.engine.tracing = traces
        yield TracedEngine(gateway, traces)


def entries(document: Mapping[str, Any], section: str = "", source: str = "") -> list[dict[str, Any]]:
    """What the entries of a trace say, in order; of one section or source only."""
    return [
        entry["data"]
        for name, found in document["traceEntries"].items()
        for entry in found
        if section in ("", name) and source in ("", entry["source"])
    ]


def found(document: Mapping[str, Any], key: str) -> dict[str, Any]:
    """The last of some data in a trace."""
    return [data[key] for data in entries(document) if key in data][-1]  # type: ignore[no-any-return]


def messages(document: Mapping[str, Any], section: str = "", source: str = "") -> list[str]:
    """The sentences of a trace, in order."""
    return [data["message"] for data in entries(document, section, source)]


def spans(document: Mapping[str, Any]) -> list[str]:
    """What took time, in order."""
    return [span["name"] for span in document["spans"]]
