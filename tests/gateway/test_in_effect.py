"""In effect means acknowledged: after a Save has returned, no process runs the older configuration."""

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from tests import pki
from tests.back_end import BackEnd
from tests.databases import ENVIRONMENT, ROOT, environment
from tests.running import Running, until

pytestmark = pytest.mark.wire

WORKERS = 2
CALLERS = 4


class Driver:
    """An administrator in a process of their own."""

    def __init__(self, database_url: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.driver"],
            cwd=ROOT,
            env=environment(database_url),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __call__(self, *command: str) -> Any:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self) -> None:
        self.process.communicate()


@dataclass
class Scene:
    """A back end that demands certificates, a gateway of several processes, and an administrator."""

    port: int
    administer: Driver
    thumbprints: dict[str, str]
    connections: list[HTTPConnection] = field(default_factory=list)

    def connect(self) -> HTTPConnection:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        self.connections.append(connection)
        return connection

    def call(self, connection: HTTPConnection) -> tuple[int, str]:
        """One call: its status, and the thumbprint that the back end saw."""
        connection.request("GET", "/bank/accounts/1")
        answer = connection.getresponse()
        body = json.loads(answer.read())
        return answer.status, (body.get("client_certificate") or {}).get("thumbprint", body.get("code", ""))


@pytest.fixture
def scene(database_url: str, tmp_path: Path) -> Iterator[Scene]:
    authority = pki.make_ca("Bank CA")
    (tmp_path / "ca.pem").write_text(authority.pem)
    issued = {name: pki.issue(authority, name) for name in ("one", "two")}
    for name, each in issued.items():
        (tmp_path / f"{name}.pfx").write_bytes(pki.pfx(each, password=b"secret"))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    gateway = Running(
        "serve",
        "--gateway-only",
        **ENVIRONMENT
        | {"DATABASE_URL": database_url, "GATEWAY_PORT": str(port), "GATEWAY_WORKERS": str(WORKERS)},
    )
    driver = Driver(database_url)
    with BackEnd(server=pki.issue(authority, "localhost"), clients=authority) as back_end:
        try:
            files = [str(tmp_path / f"{name}.pfx") for name in issued]
            driver("prepare", back_end.url, str(tmp_path / "ca.pem"), *files)
            until(lambda: len(driver("gateways")) == WORKERS, 30)
            scene = Scene(port, driver, {name: each.thumbprint for name, each in issued.items()})
            yield scene
            for connection in scene.connections:
                connection.close()
        finally:
            driver.close()
            gateway.end()
            gateway.kill_all()


def test_the_very_next_call_presents_the_other_certificate_in_every_process(scene: Scene) -> None:
    wrong: list[tuple[int, str]] = []
    connections = [scene.connect() for _ in range(CALLERS)]
    for number in range(30):
        name = ("one", "two")[number % 2]
        effect = scene.administer("choose", name)
        assert (len(effect["running"]), effect["lagging"]) == (WORKERS, [])
        answers = [scene.call(connection) for connection in connections]  # kept-alive, over all processes
        wrong += [answer for answer in answers if answer != (200, scene.thumbprints[name])]
    assert wrong == []


def test_calls_that_go_on_while_certificates_are_switched_never_fail_nor_present_another(
    scene: Scene,
) -> None:
    scene.administer("choose", "one")
    stop, answers = threading.Event(), set[tuple[int, str]]()

    def caller() -> None:
        connection = scene.connect()
        while not stop.is_set():
            answers.add(scene.call(connection))

    threads = [threading.Thread(target=caller) for _ in range(CALLERS)]
    for thread in threads:
        thread.start()
    for number in range(20):
        scene.administer("choose", ("two", "one")[number % 2])
    stop.set()
    for thread in threads:
        thread.join()
    assert answers == {(200, thumbprint) for thumbprint in scene.thumbprints.values()}


def test_with_none_no_certificate_is_presented(scene: Scene) -> None:
    connection = scene.connect()
    scene.administer("choose", "one")
    assert scene.call(connection) == (200, scene.thumbprints["one"])
    scene.administer("choose", "")
    assert scene.call(connection)[0] == 502
