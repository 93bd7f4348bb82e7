"""A gateway of two processes, as its operators see it: access log, metrics, health. Tests build on each other's
gateway, the last one stops it."""

import errno
import json
import os
import re
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from tests.databases import sqlite_copy
from tests.running import until
from tests.scene import Scene, open_scene

pytestmark = pytest.mark.wire


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("watching")


@pytest.fixture(scope="module")
def database(sqlite_migrated: Path, folder: Path) -> Path:
    return Path(sqlite_copy(sqlite_migrated, folder).removeprefix("sqlite:///"))


@pytest.fixture(scope="module")
def scene(database: Path, folder: Path) -> Iterator[Scene]:
    settings = {"GATEWAY_OPERATOR_PORT": "0", "GATEWAY_ACCESS_LOG": str(folder / "access.log")}
    with open_scene(f"sqlite:///{database}", folder, workers=2, **settings) as scene:
        yield scene


def ask(scene: Scene, target: str, method: str = "GET") -> tuple[int, str]:
    """What operators are answered, on a connection of its own."""
    (line,) = [each for each in scene.gateway.wait_for_output(2) if "operators" in each]
    port = int(line.rsplit(":", 1)[1])
    with closing(HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.request(method, target)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


def ready(scene: Scene) -> tuple[int, Any]:
    status, body = ask(scene, "/health/ready")
    return status, json.loads(body)


def metric(scene: Scene, name: str, *labels: str) -> float:
    """The sum of the samples of a name whose labels include these."""
    _, text = ask(scene, "/metrics")
    found = re.findall(rf"^{name}(\{{.*\}})? (\S+)$", text, re.MULTILINE)
    return sum(float(value) for shown, value in found if all(label in shown for label in labels))


def calls(scene: Scene) -> float:
    """How many calls are counted, a moment after they were answered, in all that counts them."""
    until(lambda: metric(scene, "gateway_calls_total") == metric(scene, "gateway_call_seconds_count"))
    return metric(scene, "gateway_calls_total")


@contextmanager
def stopped(process: int) -> Iterator[None]:
    """Only the other process answers meanwhile."""
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


def get(scene: Scene, target: str) -> int:
    with closing(HTTPConnection("127.0.0.1", scene.port, timeout=10)) as connection:
        connection.request("GET", target)
        answer = connection.getresponse()
        answer.read()
        return answer.status


def log_lines(path: Path, count: int, word: str) -> list[dict[str, Any]]:
    """The lines of the access log with a word in them, once there are so many."""

    def found() -> list[str]:
        return [line for line in path.read_text().splitlines() if word in line] if path.exists() else []

    until(lambda: len(found()) >= count)
    return [json.loads(line) for line in found()]


def metrics_directory(scene: Scene) -> Path:
    environment = Path(f"/proc/{scene.workers()[0]}/environ").read_bytes()
    (found,) = re.findall(rb"\0PROMETHEUS_MULTIPROC_DIR=([^\0]+)", environment)
    return Path(found.decode())


def test_each_call_is_one_line_with_what_there_is_to_say(scene: Scene, folder: Path) -> None:
    scene.administer("choose", "one")
    with closing(scene.connect()) as connection:
        for _ in range(2):
            connection.request("POST", "/bank/log-me?secret=1", b"12345", {"Authorization": "hidden"})
            sent = len(connection.getresponse().read())
    first, second = log_lines(folder / "access.log", 2, "log-me")
    assert second == {
        **{name: second[name] for name in ("time", "activity_id", "ms", "back_end_ms", "revision")},
        "api": "bank",
        "operation": first["operation"],
        "subscription": "",
        "caller": "127.0.0.1",
        "method": "POST",
        "path": "/bank/log-me",
        "status": 200,
        "failed_by": "",
        "code": "",
        "received": 5,
        "sent": sent,
        "connection_reused": True,
        "thumbprint": scene.thumbprints["one"],
        "expired_certificate": False,
    }
    assert first["connection_reused"] is False
    assert first["operation"]
    assert first["activity_id"] != second["activity_id"]
    assert second["ms"] >= second["back_end_ms"] > 0
    assert second["revision"] == ready(scene)[1]["revision"]
    assert "secret" not in (folder / "access.log").read_text()
    assert "hidden" not in (folder / "access.log").read_text()


def test_a_call_that_fails_is_logged_with_who_failed_and_the_code_of_its_answer(
    scene: Scene, folder: Path
) -> None:
    assert get(scene, "/nothing/%22%0a/here") == 404
    (line,) = log_lines(folder / "access.log", 1, "nothing")
    assert (line["status"], line["code"], line["path"]) == (404, "not-found", "/nothing/%22%0a/here")
    assert (line["api"], line["connection_reused"], line["thumbprint"]) == ("", None, "")


def test_every_process_tells_the_calls_of_all(scene: Scene) -> None:
    before, (one, other) = calls(scene), scene.workers()
    for done, each in enumerate((one, other), 1):
        with stopped(each):
            assert scene.call()[0] == 200
            until(lambda expected=before + done: calls(scene) == expected)
    for each in (one, other):
        with stopped(each):
            assert calls(scene) == before + 2
    assert metric(scene, "gateway_calls_total", 'api="bank"', 'status="200"', 'failed_by=""') >= 2


def test_handshakes_and_open_connections_to_back_ends_are_told(scene: Scene) -> None:
    assert 0 < metric(scene, "gateway_back_end_handshakes_total") < calls(scene)
    until(lambda: metric(scene, "gateway_connections", "back_end") >= 1)
    scene.administer("choose", "two")  # the idle connections are of the certificate before
    until(lambda: metric(scene, "gateway_connections", "back_end") == 0)


def test_the_expiry_of_what_is_presented_follows_a_save(scene: Scene) -> None:
    name = "gateway_client_certificate_not_after_seconds"
    for chosen in ("one", "two"):
        scene.administer("choose", chosen)
        left = metric(scene, name, f'certificate="{chosen}"', 'api="bank"') - time.time()
        assert left > 24 * 3600
        assert metric(scene, name) - time.time() == pytest.approx(left, abs=60)  # there is no other
    scene.administer("choose", "")
    assert metric(scene, name) == 0


def test_the_revision_is_told_and_a_process_that_lags_shows(scene: Scene) -> None:
    slow, _ = scene.workers()
    with stopped(slow):
        effect = scene.administer("choose", "one")
        assert effect["lagging"]
        until(lambda: ready(scene)[1]["revision"] == effect["revision"])
        assert metric(scene, "gateway_configuration_revision") < effect["revision"]
    until(lambda: metric(scene, "gateway_configuration_revision") == effect["revision"])
    until(lambda: 0 < metric(scene, "gateway_configuration_age_seconds") < 2)


def test_callers_are_told_nothing_of_it(scene: Scene) -> None:
    assert [get(scene, target) for target in ("/metrics", "/health/live", "/health/ready")] == [404] * 3


def test_operators_are_answered_three_questions_and_no_other(scene: Scene) -> None:
    assert ask(scene, "/health/live") == (200, '{"live": true}\n')
    assert ask(scene, "/health/live?x=1", "HEAD") == (200, "")
    assert ask(scene, "/metrics", "HEAD") == (200, "")
    assert ask(scene, "/metrics", "POST")[0] == 405
    told = (404, "There are /metrics, /health/live and /health/ready.\n")
    assert {ask(scene, target) for target in ("/", "/bank/accounts/1", "/health", "/metrics/") * 10} == {told}


def test_with_the_database_away_it_is_ready_and_says_since_when(scene: Scene, database: Path) -> None:
    scene.administer("choose", "one")
    assert ready(scene)[1].keys() == {"ready", "revision"}
    away = database.with_suffix(".away")
    began = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    database.rename(away)
    try:
        until(lambda: metric(scene, "gateway_configuration_problem") == 1)
        until(lambda: all("database_away_since" in ready(scene)[1] for _ in range(10)))
        status, told = ready(scene)
        assert (status, told["ready"]) == (200, True)
        assert told["database_away_since"] >= began
        until(lambda: metric(scene, "gateway_configuration_age_seconds") > 2)
        assert scene.call() == (200, scene.thumbprints["one"])
    finally:
        away.rename(database)
    until(lambda: metric(scene, "gateway_configuration_problem") == 0)
    until(lambda: all(ready(scene)[1].keys() == {"ready", "revision"} for _ in range(10)))


# From here on no change: it would wait for the killed process until its lease has run out.
def test_what_a_killed_process_counted_stays_and_how_it_was_goes(scene: Scene) -> None:
    before, (killed, _) = calls(scene), scene.workers()
    idle = [scene.connect() for _ in range(16)]  # the kernel gives each process some of them
    for connection in idle:
        scene.call(connection)
    until(lambda: calls(scene) == before + len(idle))
    until(lambda: metric(scene, "gateway_connections", "caller") == len(idle))
    os.kill(killed, signal.SIGKILL)
    until(lambda: killed not in scene.workers() and len(scene.workers()) == 2)
    assert calls(scene) == before + len(idle)
    for connection in idle:
        connection.close()
    until(lambda: metric(scene, "gateway_connections", "caller") == 0)
    assert scene.call()[0] == 200
    until(lambda: calls(scene) == before + len(idle) + 1)


def has_open(process: int, path: Path) -> bool:
    return path in [each.resolve() for each in Path(f"/proc/{process}/fd").iterdir()]


def test_after_sigusr1_the_log_goes_on_in_a_new_file(scene: Scene, folder: Path) -> None:
    get(scene, "/bank/before-rotation")
    log_lines(folder / "access.log", 1, "before-rotation")
    (folder / "access.log").rename(folder / "access.log.1")
    scene.gateway.process.send_signal(signal.SIGUSR1)
    until(lambda: all(has_open(each, folder / "access.log") for each in scene.workers()))
    for each in scene.workers():
        with stopped(each):
            get(scene, "/bank/after-rotation")
    assert len(log_lines(folder / "access.log", 2, "after-rotation")) == 2
    assert "after-rotation" not in (folder / "access.log.1").read_text()
    assert len(log_lines(folder / "access.log.1", 1, "before-rotation")) == 1


def takes_no_calls(scene: Scene) -> bool:
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", scene.port)) == errno.ECONNREFUSED


def test_a_gateway_that_stops_is_alive_and_not_ready_and_writes_its_last_line(
    scene: Scene, folder: Path
) -> None:
    shared = metrics_directory(scene)
    with socket.create_connection(("127.0.0.1", scene.port)) as caller:
        caller.sendall(b"POST /bank/last-one HTTP/1.1\r\nHost: gateway\r\nContent-Length: 2\r\n\r\n1")
        until(lambda: metric(scene, "gateway_calls_in_flight") == 1)
        scene.gateway.process.send_signal(signal.SIGTERM)
        until(lambda: ready(scene)[0] == 503)
        assert ready(scene)[1]["why"] == "it is stopping"
        until(lambda: takes_no_calls(scene))
        assert ask(scene, "/health/live")[0] == 200
        caller.sendall(b"2")
        assert caller.recv(65536).startswith(b"HTTP/1.1 200 OK\r\n")
    assert scene.gateway.wait() == 0
    (line,) = log_lines(folder / "access.log", 1, "last-one")
    assert (line["status"], line["received"]) == (200, 2)
    assert shared.name.startswith("gateway-metrics-")
    assert not shared.exists()
