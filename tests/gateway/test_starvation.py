"""Back ends that do not answer, or never end to, leave the others their room, at full load."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from time import sleep

import pytest

from tests.databases import sqlite_copy
from tests.load import Load, Request, percentile
from tests.running import until
from tests.scene import Scene, open_scene
from tests.usage import Usage

pytestmark = pytest.mark.wire

THREADS = 16
MOST_OF_ONE = 100
CALLERS = 32
SECONDS = 1.5
HEALTHY = {"healthy": Request("/bank/accounts/1")}
ALL = "all of it"
TROUBLES = {
    "never answers": ["/troubled/hang"] * MOST_OF_ONE,
    "takes no connection": ["/unreachable/x"] * MOST_OF_ONE,
    "event streams": ["/troubled/events"] * 10,
    ALL: ["/troubled/hang"] * 80 + ["/unreachable/x"] * 80 + ["/troubled/events"] * 10,
}


@pytest.fixture(scope="module")
def scene(sqlite_migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """One worker, so that its limits can be counted up to, with far fewer threads than calls."""
    folder = tmp_path_factory.mktemp("scene")
    limits = {"GATEWAY_EXCHANGE_THREADS": str(THREADS), "GATEWAY_MAX_CALLS_PER_API": str(MOST_OF_ONE)}
    with open_scene(sqlite_copy(sqlite_migrated, folder), folder, 1, **limits) as scene, black_hole() as hole:
        scene.administer("choose", "one")
        scene.administer("add_api", "troubled", scene.back_ends["one"])
        scene.administer("add_api", "unreachable", hole)
        yield scene


@contextmanager
def black_hole() -> Iterator[str]:
    """An address at which connections are neither made nor refused: its queue is full, and nobody takes them."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(3):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@contextmanager
def calls(scene: Scene, targets: list[str]) -> Iterator[list[socket.socket]]:
    """Calls whose answers nobody waits for, until the block ends."""
    with ExitStack() as stack:
        callers = []
        for target in targets:
            caller = stack.enter_context(socket.create_connection(("127.0.0.1", scene.port), timeout=10))
            caller.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            callers.append(caller)
        yield callers


@pytest.fixture(scope="module")
def alone(scene: Scene) -> Load:
    """The healthy API without any trouble beside it."""
    return full_load(scene, "alone")


def full_load(scene: Scene, beside: str) -> Load:
    with Load(scene.port, HEALTHY, CALLERS) as load:
        sleep(SECONDS)  # how long it is measured
    ends = f"p50 {percentile(load.calls, 0.5):.1f} ms, p99 {percentile(load.calls, 0.99):.1f} ms"
    print(f"{beside}: {len(load.calls) / SECONDS:.0f} calls/s, {ends}")
    return load


@pytest.mark.parametrize(
    "trouble",
    [pytest.param(trouble, marks=[] if trouble == ALL else pytest.mark.long) for trouble in TROUBLES],
)
def test_a_healthy_api_is_served_at_full_load(scene: Scene, alone: Load, trouble: str) -> None:
    with calls(scene, TROUBLES[trouble]) as callers:
        beside = full_load(scene, trouble)
        (worker,) = scene.workers()
        threads = Usage.of(worker).threads
        streams = [
            sock for sock, target in zip(callers, TROUBLES[trouble], strict=True) if "events" in target
        ]
        assert all(stream.recv(65536).count(b"event\r\n") > 1 for stream in streams)
    print(f"{len(beside.calls) / len(alone.calls):.2f} of what it was alone, {threads:.0f} threads")
    assert beside.statuses == {"200": len(beside.calls)}
    assert len(beside.calls) > len(alone.calls) / 10
    assert threads < THREADS + 8


def test_calls_over_the_limit_are_told_to_come_again_and_find_room_when_the_others_have_left(
    scene: Scene,
) -> None:
    with calls(scene, TROUBLES["never answers"]):
        until(lambda: ask(scene, "/troubled/x") == (503, "api-busy", "1"))
        assert scene.call()[0] == 200
    until(lambda: ask(scene, "/troubled/x") == (200, None, None))


def ask(scene: Scene, target: str) -> tuple[int, str | None, str | None]:
    """Status, the gateway's code, and when to come again."""
    connection = HTTPConnection("127.0.0.1", scene.port, timeout=10)
    try:
        connection.request("GET", target)
        answer = connection.getresponse()
        return answer.status, answer.headers["Gateway-Error"], answer.headers["Retry-After"]
    finally:
        connection.close()
