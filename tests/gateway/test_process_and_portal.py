"""What a gateway process does for the portal, over the database: tests of connections, and traces of calls."""

import re
import time
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection

import pytest

from gateway import records_traces, trace_writer
from tests.load import Load, Request
from tests.scene import Scene, open_scene
from tests.usage import Usage

pytestmark = pytest.mark.wire


@pytest.fixture(scope="module")
def scene(shared_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """One for all: to start it takes longer than they do."""
    folder = tmp_path_factory.mktemp("scene")
    with open_scene(shared_database_url, folder, workers=1, PORTAL_PUBLIC_URL="https://p.example") as scene:
        yield scene


def test_a_gateway_process_makes_the_test(scene: Scene) -> None:
    (gateway,) = scene.administer("gateways")
    report = scene.administer("try_connection", "one", url=scene.back_ends["tls"])
    assert (report["verdict"], report["certificate"]) == ("accepted", "one")
    assert report["made_by"] == f"gateway {gateway}"
    untrusted = scene.administer("try_connection", "two", url=scene.back_ends["tls"], trusts=False)
    assert untrusted["verdict"] == "chain-untrusted"
    scene.administer("choose", "two")
    assert scene.call() == (200, scene.thumbprints["two"])


def test_a_gateway_process_tells_where_the_trace_of_a_call_is_and_writes_it(scene: Scene) -> None:
    scene.administer("choose", "one")
    key, _ = scene.administer("subscribe", "bank")
    assert traced(scene, key) == ""
    scene.administer("allow_tracing", "bank")
    address = traced(scene, key)
    assert re.fullmatch("https://p[.]example/traces/[0-9a-f-]{36}", address)
    document = scene.administer("trace", address)
    assert (document["api"]["id"], document["outcome"]["status"]) == ("bank", 200)
    assert scene.thumbprints["one"] in str(document)
    assert key not in str(document)


def traced(scene: Scene, key: str) -> str:
    """Where the trace of a call is that asks for one."""
    with closing(HTTPConnection("127.0.0.1", scene.port, timeout=10)) as connection:
        fields = {"Ocp-Apim-Subscription-Key": key, "Ocp-Apim-Trace": "true"}
        connection.request("GET", "/bank/accounts/1", headers=fields)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200
        return answer.headers["Ocp-Apim-Trace-Location"] or ""


SOAKS = [(0.3, 8), pytest.param(60, 64, marks=pytest.mark.long)]


@pytest.mark.parametrize(("seconds", "callers"), SOAKS)
def test_when_all_calls_are_traced_nothing_grows_and_changes_go_on(
    scene: Scene, seconds: float, callers: int
) -> None:
    name = f"soak-{callers}"
    scene.administer("add_api", name, scene.back_ends["one"])
    key, _ = scene.administer("subscribe", name)
    scene.administer("allow_tracing", name)
    (worker,) = scene.workers()
    fields = {"Ocp-Apim-Subscription-Key": key, "Ocp-Apim-Trace": "true"}
    with Load(scene.port, {"soak": Request(f"/{name}/accounts/1", fields)}, callers) as load:
        time.sleep(seconds / 5)  # what it needs at most is there
        before, changes = Usage.of(worker), []
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            began = time.monotonic()
            scene.administer("choose", "one")
            changes.append(time.monotonic() - began)
        after = Usage.of(worker)
    print(
        f"{len(load.calls)} calls, {before} to {after}, {len(changes)} changes, {max(changes):.2f} s at most"
    )
    assert load.statuses == {"200": len(load.calls)}
    assert after.memory < before.memory + 30
    assert after.threads < 64 + 16  # of calls, and its own
    assert after.files < before.files + 64
    assert max(changes) < 5
    assert 0 < scene.administer("traces") <= records_traces.MOST + 2 * trace_writer.MOST
