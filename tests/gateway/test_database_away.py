"""The database goes away while calls go on: none is lost, the log says so, and changes are picked up afterwards."""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.databases import postgres_address, postgres_database, postgres_template, sqlite_copy
from tests.history import LONG_AGO, Save, violations
from tests.load import Load, Request
from tests.postgres_server import PROGRAMS, PostgresServer, postgres_server
from tests.running import until
from tests.scene import CERTIFICATES, Scene, open_scene

pytestmark = pytest.mark.wire

WORKERS = 2
CALLERS = 4  # and as many on new connections, so that every process has some
QUICK = {"quick": Request("/bank/accounts/1")}


@pytest.fixture(scope="module")
def server(postgres_url: str) -> Iterator[PostgresServer]:
    """One that nobody else uses. Where there is a server for tests, there are its programs, as a rule."""
    if not PROGRAMS:
        message = "there are no programs of PostgreSQL on this machine"
        pytest.fail(message) if os.environ.get("REQUIRE_POSTGRES") else pytest.skip(message)
    with postgres_server() as server:
        yield server


@pytest.fixture(scope="module")
def template(server: PostgresServer) -> Iterator[str]:
    with postgres_template(server.url) as name:
        yield name


@pytest.fixture
def on_postgres(server: PostgresServer, template: str, tmp_path: Path) -> Iterator[Scene]:
    with (
        postgres_database(server.url, template) as name,
        open_scene(postgres_address(server.url, name), tmp_path, WORKERS) as scene,
    ):
        scene.administer("choose", "one")
        yield scene


@pytest.fixture
def file(sqlite_migrated: Path, tmp_path: Path) -> Path:
    return Path(sqlite_copy(sqlite_migrated, tmp_path).removeprefix("sqlite:///"))


@pytest.fixture
def on_sqlite(file: Path, tmp_path: Path) -> Iterator[Scene]:
    with open_scene(f"sqlite:///{file}", tmp_path, WORKERS) as scene:
        scene.administer("choose", "one")
        yield scene


def check(scene: Scene, load: Load, saves: list[Save]) -> None:
    """No call failed, and none ran under an older configuration than the last that was acknowledged."""
    assert load.statuses == {"200": len(load.calls)}
    print(f"longest call {max(call.end - call.start for call in load.calls):.2f} s")
    seen = [call._replace(seen=call.report["client_certificate"]["thumbprint"]) for call in load.calls]
    assert violations([Save(LONG_AGO, LONG_AGO, scene.thumbprints["one"]), *saves], seen) == []


def check_log(scene: Scene) -> None:
    """Each process says once that the database is away, in words."""
    assert scene.gateway.stderr.count("what was read last stays in effect") == WORKERS
    assert "Traceback" not in scene.gateway.stderr


def switch(scene: Scene) -> list[Save]:
    """Changes, one right after the other."""
    names = [CERTIFICATES[number % 3] for number in range(1, 13)]
    return [scene.save(scene.thumbprints[name], "choose", name) for name in names]


def everybody(scene: Scene) -> bool:
    """Whether changes wait for every process."""
    return len(scene.administer("gateways")) == WORKERS


@pytest.mark.postgres
def test_with_postgresql_stopped_calls_go_on_and_changes_are_picked_up_afterwards(
    server: PostgresServer, on_postgres: Scene
) -> None:
    scene = on_postgres
    with Load(scene.port, QUICK, CALLERS, new=CALLERS) as load:
        server.stop()
        until(lambda: scene.gateway.stderr.count("cannot be read") == WORKERS)
        server.start()
        until(lambda: scene.gateway.stderr.count("can be read again") == WORKERS)
        until(lambda: everybody(scene))
        saves = switch(scene)
    check(scene, load, saves)
    check_log(scene)


@pytest.mark.postgres
def test_with_postgresql_that_does_not_answer_calls_do_not_wait_for_it(
    server: PostgresServer, on_postgres: Scene
) -> None:
    scene = on_postgres
    with Load(scene.port, QUICK, CALLERS, new=CALLERS) as load:
        with server.frozen():
            until(lambda: scene.gateway.stderr.count("the database does not answer") == WORKERS)
            began = time.monotonic()
            time.sleep(1)  # calls that waited would take twice as long, each
        until(lambda: everybody(scene))
        saves = switch(scene)
    check(scene, load, saves)
    assert sum(began < call.start < call.end < began + 1 for call in load.calls) > 10 * 2 * CALLERS


def test_with_a_locked_sqlite_file_calls_go_on_and_the_first_change_after_it_is_in_effect_at_once(
    on_sqlite: Scene, file: Path
) -> None:
    scene = on_sqlite
    with Load(scene.port, QUICK, CALLERS, new=CALLERS) as load:
        with closing(sqlite3.connect(file, isolation_level=None)) as writer:
            writer.execute("BEGIN EXCLUSIVE")
            until(lambda: "the lease of this gateway cannot be renewed" in scene.gateway.stderr)
            until(lambda: scene.administer("gateways") == [])
            writer.execute("ROLLBACK")
        saves = switch(scene)  # before the processes have their leases again
        until(lambda: everybody(scene))
        saves += switch(scene)
    check(scene, load, saves)


def test_with_the_sqlite_file_moved_away_calls_go_on_and_changes_are_picked_up_afterwards(
    on_sqlite: Scene, file: Path
) -> None:
    scene, away = on_sqlite, file.with_suffix(".away")
    with Load(scene.port, QUICK, CALLERS, new=CALLERS) as load:
        file.rename(away)
        until(lambda: scene.gateway.stderr.count("cannot be read") == WORKERS)
        away.rename(file)
        until(lambda: scene.gateway.stderr.count("can be read again") == WORKERS)
        until(lambda: everybody(scene))
        saves = switch(scene)
    check(scene, load, saves)
    check_log(scene)
