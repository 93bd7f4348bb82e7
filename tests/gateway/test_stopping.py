"""Workers that are killed, replaced and stopped while calls go on."""

import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.history import LONG_AGO, Save, violations
from tests.load import CLOSED, CUT, Call, Load, Request
from tests.running import until
from tests.scene import CERTIFICATES, Scene, open_scene
from tests.usage import ports_of_callers

pytestmark = pytest.mark.wire

WORKERS = 2
CALLERS = 16
QUICK = {"quick": Request("/bank/accounts/1")}
SLOW = {"slow": Request("/bank/slow")}


@pytest.fixture(scope="module")
def scene(shared_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """For all tests of the module; whoever stops it comes last."""
    with open_scene(shared_database_url, tmp_path_factory.mktemp("scene"), WORKERS) as scene:
        yield scene


def lease_name(worker: int) -> str:
    return f"{socket.gethostname()}:{worker}"


def failed(load: Load) -> list[Call]:
    """Calls without the back end's answer."""
    return [call for call in load.calls if call.report is None]


def check(saves: list[Save], calls: list[Call]) -> None:
    """No call that was answered ran under an older configuration than the last that was acknowledged."""
    seen = [
        call._replace(seen=call.report["client_certificate"]["thumbprint"]) for call in calls if call.report
    ]
    assert violations(saves, seen) == []


def test_a_killed_worker_takes_its_calls_in_flight_with_it_and_nothing_else(scene: Scene) -> None:
    scene.administer("choose", "one")
    saves = [Save(LONG_AGO, LONG_AGO, scene.thumbprints["one"])]

    def choose(name: str) -> list[str]:
        start = time.monotonic()
        effect = scene.administer("choose", name)
        saves.append(Save(start, effect["returned"], scene.thumbprints[name]))
        return effect["lagging"]

    with Load(scene.port, QUICK, CALLERS, new=4) as load:
        workers = scene.workers()
        victim = max(workers, key=lambda worker: len(ports_of_callers(worker, scene.port)))
        its = ports_of_callers(victim, scene.port)
        os.kill(victim, signal.SIGKILL)
        killed = time.monotonic()
        assert choose("two") in ([lease_name(victim)], [])
        until(lambda: choose("one") == [], 30)
        print(f"every process acknowledges {time.monotonic() - killed:.1f} s after the kill")
        (successor,) = set(scene.workers()) - set(workers)
        until(lambda: ports_of_callers(successor, scene.port), 60)
    lost = failed(load)
    print(f"{len(load.calls)} calls, {len(its)} connections to the killed worker, {len(lost)} lost")
    assert lost
    assert {call.seen for call in lost} <= {CLOSED, CUT}
    assert [call for call in lost if call.port not in its and call.start > killed] == []
    assert len({call.connection for call in lost}) == len(lost)
    check(saves, load.calls)


@contextmanager
def slow_and_quick_calls(scene: Scene) -> Iterator[tuple[Load, Load]]:
    with Load(scene.port, SLOW, callers=8) as slow, Load(scene.port, QUICK, callers=8, new=4) as quick:
        yield slow, quick


@pytest.mark.parametrize("reloads", [1, pytest.param(20, marks=pytest.mark.long)])
def test_a_reload_under_load_loses_no_call_and_no_change(scene: Scene, reloads: int) -> None:
    scene.administer("choose", "one")
    saves = [Save(LONG_AGO, LONG_AGO, scene.thumbprints["one"])]

    def replaced(before: list[int]) -> bool:
        """Whether other processes than before serve, all of them."""
        now = scene.workers()
        serving = all(ports_of_callers(worker, scene.port) for worker in now)
        return serving and len(now) == WORKERS and not set(now) & set(before)

    with slow_and_quick_calls(scene) as loads:
        for _ in range(reloads):
            before = scene.workers()
            os.kill(scene.gateway.masters("gunicorn_gateway")[0], signal.SIGHUP)
            while not replaced(before):
                name = CERTIFICATES[len(saves) % 3]
                saves.append(scene.save(scene.thumbprints[name], "choose", name))
    for load in loads:
        print(f"{load.statuses}, {len(saves)} saves")
        assert load.statuses == {"200": len(load.calls)}
        check(saves, load.calls)


def test_sigterm_lets_calls_in_flight_finish(scene: Scene) -> None:
    with slow_and_quick_calls(scene) as loads:
        asked = time.monotonic()
        assert scene.gateway.end() == 0
    for load in loads:
        in_flight = [call for call in load.calls if call.start < asked < call.end]
        print(f"{len(in_flight)} calls in flight, after that {load.statuses}")
        assert [call for call in in_flight if call.report is None] == []
        assert in_flight
        refused = {CLOSED, "ConnectionRefusedError", "ConnectionResetError"}
        assert {call.seen for call in failed(load)} <= refused
