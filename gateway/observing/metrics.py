"""Metrics for Prometheus: what calls came to and how a gateway is, added up over its processes."""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from gateway.embedded.record import CallRecord
from gateway.observing.directory import VARIABLE

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)

Expiries = Callable[[], Mapping[tuple[str, str], datetime]]


@dataclass(frozen=True, slots=True)
class ProcessState:
    """How a gateway process is at the moment. `age` is in seconds."""

    caller_connections: int = 0
    back_end_connections: int = 0
    calls: int = 0
    revision: int = -1
    age: float = 0.0
    problem: bool = False
    lines_dropped: int = 0


class _Counters:
    """What only grows, and stays when a process ends."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def histogram(name: str, text: str) -> Histogram:
            return Histogram(name, text, ("api",), buckets=_BUCKETS, registry=registry)

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(name, text, labels, registry=registry)

        self.calls = counter(
            "gateway_calls_total", "Calls that are over.", "api", "operation", "status", "failed_by"
        )
        self.seconds = histogram("gateway_call_seconds", "Time that calls took.")
        self.back_end_seconds = histogram("gateway_back_end_seconds", "Time that back ends took of it.")
        self.handshakes = counter("gateway_back_end_handshakes_total", "New connections to back ends.", "api")
        self.expired = counter(
            "gateway_expired_certificate_calls_total", "Calls whose client certificate had expired.", "api"
        )
        self.dropped = counter("gateway_access_log_dropped_total", "Access log lines that were not written.")


class _Gauges:
    """How it is now, over the processes that are there."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def total(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(name, text, labels, registry=registry, multiprocess_mode="livesum")

        def worst(name: str, text: str) -> Gauge:
            return Gauge(name, text, registry=registry, multiprocess_mode="livemax")

        connections = total("gateway_connections", "Open connections.", "side")
        self.caller_connections = connections.labels("caller")
        self.back_end_connections = connections.labels("back_end")
        self.calls = total("gateway_calls_in_flight", "Calls that are not over.")
        self.revision = Gauge(
            "gateway_configuration_revision",
            "Lowest revision of the configuration that a process runs.",
            registry=registry,
            multiprocess_mode="livemin",
        )
        self.age = worst("gateway_configuration_age_seconds", "Time since its being current was last seen.")
        self.problem = worst("gateway_configuration_problem", "1 while it cannot be read.")


class _OfApi(NamedTuple):
    """An API's own methods, looked up once: labels() takes as long as counting does."""

    took: Callable[[float], None]
    back_end_took: Callable[[float], None]
    handshake: Callable[[], None]
    expired: Callable[[], None]


class Metrics:
    """Those of one process, which also tells those of all.

    `expiries` says for each certificate and API (by their ids) that presents it when it expires.
    """

    def __init__(self, expiries: Expiries) -> None:
        self._expiries = _Expiries(expiries)
        self._directory = os.environ.get(VARIABLE)
        if self._directory:
            Path(self._directory).mkdir(mode=0o700, parents=True, exist_ok=True)
        self._own = CollectorRegistry()
        self._counters = _Counters(self._own)
        self._gauges = _Gauges(self._own)
        self._calls: dict[tuple[str, str, int, str], Callable[[], None]] = {}
        self._apis: dict[str, _OfApi] = {}
        self._lines_dropped = 0
        self._new_api("")  # so that every file is there, and none is opened on the way of a call

    def observe(self, record: CallRecord) -> None:
        """Count a call that is over."""
        key = (record.api, record.operation, record.status, record.failed_by)
        (self._calls.get(key) or self._new_calls(key))()
        api = self._apis.get(record.api) or self._new_api(record.api)
        api.took(record.seconds)
        if record.back_end_seconds:
            api.back_end_took(record.back_end_seconds)
        if record.connected and not record.reused:
            api.handshake()
        if record.expired_certificate:
            api.expired()

    def _new_calls(self, key: tuple[str, str, int, str]) -> Callable[[], None]:
        count = self._calls[key] = self._counters.calls.labels(*key).inc
        return count

    def _new_api(self, api: str) -> _OfApi:
        counters = self._counters
        of_api = self._apis[api] = _OfApi(
            counters.seconds.labels(api).observe,
            counters.back_end_seconds.labels(api).observe,
            counters.handshakes.labels(api).inc,
            counters.expired.labels(api).inc,
        )
        return of_api

    def set(self, state: ProcessState) -> None:
        """Say how this process is."""
        gauges = self._gauges
        gauges.caller_connections.set(state.caller_connections)
        gauges.back_end_connections.set(state.back_end_connections)
        gauges.calls.set(state.calls)
        gauges.revision.set(state.revision)
        gauges.age.set(state.age)
        gauges.problem.set(state.problem)
        self._counters.dropped.inc(state.lines_dropped - self._lines_dropped)
        self._lines_dropped = state.lines_dropped

    def text(self, accept: str) -> tuple[bytes, str]:
        """Those of all processes, in a format that an Accept field asks for, and its Content-Type.

        Takes milliseconds, more with many APIs: not for the event loop.
        """
        registry = CollectorRegistry()
        registry.register(self._expiries)
        if self._directory:
            MultiProcessCollector(registry, self._directory)  # type: ignore[no-untyped-call]
        else:
            registry.register(self._own)
        encode, content_type = choose_encoder(accept)
        return encode(registry), content_type


class _Expiries(Collector):
    """Asked for at each scrape, so that what is no longer presented is no longer told."""

    def __init__(self, expiries: Expiries) -> None:
        self._expiries = expiries

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """The metric, with a sample for each certificate and API."""
        family = GaugeMetricFamily(
            "gateway_client_certificate_not_after_seconds",
            "When a client certificate that an API presents expires, in seconds since 1970.",
            labels=("certificate", "api"),
        )
        for labels, not_after in self._expiries().items():
            family.add_metric(labels, not_after.timestamp())
        return [family]
