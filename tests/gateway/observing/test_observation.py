"""What a gateway process says of itself, in this process."""

import asyncio
import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from gateway.embedded.asgi import Engine, EngineSettings
from gateway.observing.observation import Observation
from gateway.request_head import read_head
from tests.back_end import BackEnd
from tests.gateway.observing.test_access_log import record
from tests.running import until
from tests.running_engine import LOOPBACK, running
from tests.snapshots import snapshot


@pytest.fixture
def engine() -> Engine:
    return Engine(EngineSettings(rules=LOOPBACK))


def ask(observation: Observation, target: str) -> tuple[int, Any]:
    """What operators are answered."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def answer() -> None:
        freshness = asyncio.create_task(observation.keep_fresh())
        await asyncio.sleep(0)
        head = read_head("GET", "1.1", target.encode(), [(b"host", b"gateway")])
        await observation.application({"method": "GET", "gateway.head": head, "headers": []}, send, send)
        freshness.cancel()

    asyncio.run(answer())
    return sent[0]["status"], sent[1]["body"].decode()


def metrics(observation: Observation) -> list[str]:
    """Each sample, as it is told."""
    return ask(observation, "/metrics")[1].splitlines()


def test_it_is_alive_before_it_is_ready_and_ready_once_it_has_its_configuration(engine: Engine) -> None:
    observation = Observation(engine, "off")
    assert ask(observation, "/health/live")[0] == 200
    status, body = ask(observation, "/health/ready")
    assert (status, json.loads(body)["why"]) == (503, "it has not read its configuration yet")
    engine.apply(snapshot("https://bank.example", revision=7))
    assert ask(observation, "/health/ready") == (200, '{"ready": true, "revision": 7}\n')


@pytest.mark.wire
def test_an_access_log_that_nobody_reads_stops_no_call_and_what_is_dropped_is_a_metric(
    engine: Engine, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "log")
    reader = os.open(tmp_path / "log", os.O_RDWR)
    observation = Observation(engine, str(tmp_path / "log"))
    observation.start()
    with BackEnd() as back_end, running(engine) as gateway:
        engine.apply(snapshot(back_end.url))
        while "gateway_access_log_dropped_total 0.0" in metrics(observation):
            for _ in range(1000):  # as many calls would take their time
                observation.observe(record(api="other", path="/" + "x" * 2000))
        began = time.monotonic()
        assert [gateway.call().status for _ in range(20)] == [200] * 20
        assert time.monotonic() - began < 5
    until(lambda: 'gateway_call_seconds_count{api="bank"} 20.0' in metrics(observation))
    os.close(reader)  # what is held cannot be written any more
    observation.stop()
