"""A gateway process and its database: away, back, stopped for a while, stopped for good."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from tests import pki
from tests.back_end import BackEnd
from tests.databases import ENVIRONMENT, ROOT, environment, sqlite_database
from tests.running import Running, running, until

pytestmark = pytest.mark.wire


@dataclass
class Scene:
    """A gateway of one process on SQLite, a back end that demands certificates, and an administrator."""

    gateway: Running
    port: int
    database: Path
    administer: Callable[..., Any]
    thumbprints: dict[str, str]

    def call(self) -> tuple[int, str]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("GET", "/bank/x")
        answer = connection.getresponse()
        body = json.loads(answer.read())
        connection.close()
        return answer.status, (body.get("client_certificate") or {}).get("thumbprint", "")

    def worker(self) -> int:
        """The one process that serves calls."""
        gunicorns = [n for n, command in self.gateway.processes().items() if "gunicorn_gateway" in command]
        return max(gunicorns)


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    authority = pki.make_ca("Bank CA")
    (tmp_path / "ca.pem").write_text(authority.pem)
    issued = {name: pki.issue(authority, name) for name in ("one", "two")}
    for name, each in issued.items():
        (tmp_path / f"{name}.pfx").write_bytes(pki.pfx(each, password=b"secret"))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with ExitStack() as stack:
        url = stack.enter_context(sqlite_database(tmp_path))
        back_end = stack.enter_context(BackEnd(pki.issue(authority, "localhost"), authority))
        settings = ENVIRONMENT | {"DATABASE_URL": url, "GATEWAY_PORT": str(port), "GATEWAY_WORKERS": "1"}
        gateway = stack.enter_context(running("serve", "--gateway-only", **settings))
        administer = stack.enter_context(driver(url))
        administer(
            "prepare", back_end.url, str(tmp_path / "ca.pem"), *(f"{tmp_path}/{n}.pfx" for n in issued)
        )
        until(lambda: administer("gateways"), 30)
        thumbprints = {name: each.thumbprint for name, each in issued.items()}
        yield Scene(gateway, port, tmp_path / "portal.sqlite3", administer, thumbprints)


class driver:  # noqa: N801 (used like a function)
    """An administrator in a process of their own."""

    def __init__(self, url: str) -> None:
        command = [sys.executable, "-m", "tests.driver"]
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=environment(url), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __call__(self, *command: str) -> Any:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def __enter__(self) -> Callable[..., Any]:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.communicate()


def test_with_the_database_away_calls_go_on_and_one_error_says_so(scene: Scene) -> None:
    scene.administer("choose", "one")
    away = scene.database.with_suffix(".away")
    scene.database.rename(away)
    try:
        until(lambda: "cannot be read" in scene.gateway.stderr)
        deadline = time.monotonic() + 3
        while time.monotonic() < deadline:
            assert scene.call() == (200, scene.thumbprints["one"])
            time.sleep(0.05)
    finally:
        away.rename(scene.database)
    until(lambda: "can be read again" in scene.gateway.stderr)
    assert scene.gateway.stderr.count("what was read last stays in effect") == 1
    until(lambda: scene.administer("choose", "two")["running"])
    until(lambda: scene.call() == (200, scene.thumbprints["two"]))


def test_another_file_in_the_place_of_the_database_is_noticed(scene: Scene) -> None:
    scene.administer("choose", "one")
    copy = scene.database.with_suffix(".copy")
    backup(scene.database, copy)
    scene.administer("choose", "two")
    for suffix in ("-wal", "-shm"):
        scene.database.with_name(scene.database.name + suffix).unlink(missing_ok=True)
    copy.rename(scene.database)  # a restored backup: an older revision
    until(lambda: scene.call() == (200, scene.thumbprints["one"]))


def backup(source: Path, target: Path) -> None:
    import sqlite3

    one, other = sqlite3.connect(source), sqlite3.connect(target)
    one.backup(other)
    one.close()
    other.close()


def test_a_process_that_could_not_look_looks_before_its_next_call(scene: Scene) -> None:
    scene.administer("choose", "one")
    assert scene.call() == (200, scene.thumbprints["one"])
    worker = scene.worker()
    os.kill(worker, signal.SIGSTOP)
    try:
        effect = scene.administer("choose", "two")
        assert effect["lagging"]  # the change waited, and names who lags
        time.sleep(1)
    finally:
        os.kill(worker, signal.SIGCONT)
    assert scene.call() == (200, scene.thumbprints["two"])


def test_the_lease_ends_when_the_gateway_is_stopped(scene: Scene) -> None:
    assert len(scene.administer("gateways")) == 1
    assert scene.gateway.end() == 0
    assert scene.administer("gateways") == []


def test_a_killed_worker_is_replaced_and_its_successor_serves(scene: Scene) -> None:
    scene.administer("choose", "one")
    worker = scene.worker()
    os.kill(worker, signal.SIGKILL)
    until(lambda: scene.worker() != worker)
    assert scene.call() == (200, scene.thumbprints["one"])
