"""A gateway process and its database: away, back, stopped for a while, stopped for good."""

import os
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from gateway.node import engine_settings
from tests.databases import sqlite_copy
from tests.running import until
from tests.scene import Scene, open_scene

pytestmark = pytest.mark.wire


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("node")


@pytest.fixture(scope="module")
def database(sqlite_migrated: Path, folder: Path) -> Path:
    return Path(sqlite_copy(sqlite_migrated, folder).removeprefix("sqlite:///"))


@pytest.fixture(scope="module")
def scene(database: Path, folder: Path) -> Iterator[Scene]:
    """For all tests of the module, in their order."""
    with open_scene(f"sqlite:///{database}", folder, workers=1) as scene:
        yield scene


def worker(scene: Scene) -> int:
    """The one process that serves calls."""
    return max(n for n, command in scene.gateway.processes().items() if "gunicorn_gateway" in command)


def test_a_process_that_could_not_look_looks_before_its_next_call(scene: Scene) -> None:
    scene.administer("choose", "one")
    assert scene.call() == (200, scene.thumbprints["one"])
    stopped = worker(scene)
    os.kill(stopped, signal.SIGSTOP)
    try:
        effect = scene.administer("choose", "two")
        assert effect["lagging"]  # the change waited, and names who lags
        time.sleep(0.2)  # the wait took as long as a process may go without looking: now it is too long
    finally:
        os.kill(stopped, signal.SIGCONT)
    assert scene.call() == (200, scene.thumbprints["two"])


def test_another_file_in_the_place_of_the_database_is_noticed(scene: Scene, database: Path) -> None:
    scene.administer("choose", "one")
    copy = database.with_suffix(".copy")
    backup(database, copy)
    scene.administer("choose", "two")
    until(lambda: scene.call() == (200, scene.thumbprints["two"]))
    for suffix in ("-wal", "-shm"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)
    copy.rename(database)  # a restored backup: an older revision
    until(lambda: scene.call() == (200, scene.thumbprints["one"]))
    until(lambda: len(scene.administer("gateways")) == 1)  # so that changes wait for it again


def test_another_file_with_a_newer_revision_is_read_whole(scene: Scene, database: Path) -> None:
    scene.administer("choose", "one")
    copy = database.with_suffix(".copy")
    backup(database, copy)
    scene.administer("choose", "two")
    until(lambda: scene.call() == (200, scene.thumbprints["two"]))
    with closing(sqlite3.connect(copy)) as connection, connection:
        connection.execute("UPDATE gateway_revision SET number = number + 5")  # changes of something else
    for suffix in ("-wal", "-shm"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)
    copy.rename(database)  # by its revision nothing happened to the API since the gateway looked
    until(lambda: scene.call() == (200, scene.thumbprints["one"]))


def backup(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source)) as one, closing(sqlite3.connect(target)) as other:
        one.backup(other)
        with other:
            other.execute("DELETE FROM gateway_gatewaylease")  # those of a backup have run out


def test_the_lease_ends_when_the_gateway_is_stopped(sqlite_migrated: Path, tmp_path: Path) -> None:
    with open_scene(sqlite_copy(sqlite_migrated, tmp_path), tmp_path, workers=1) as scene:
        assert len(scene.administer("gateways")) == 1
        assert scene.gateway.end() == 0
        assert scene.administer("gateways") == []


@pytest.mark.parametrize(
    ("public_url", "certificate", "scheme"),
    [
        ("https://api.example", "", "https"),
        ("HTTPS://api.example", "", "https"),
        ("http://api.example", "", "http"),
        ("", "", "http"),
        ("https://api.example", "gateway.pem", "http"),
    ],
)
def test_a_plain_call_counts_as_https_only_behind_a_proxy_that_is_stated(
    settings: Any, public_url: str, certificate: str, scheme: str
) -> None:
    settings.GATEWAY_PUBLIC_URL, settings.GATEWAY_TLS_CERTIFICATE = public_url, certificate
    assert engine_settings().plain_scheme == scheme
