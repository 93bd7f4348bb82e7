"""The cast: Alice administers, Bob reads, Charlie must not get in. Plus what every test shares."""

import gc
import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.contrib.auth.models import Group, User
from django.db import connections
from django.test import Client

from tests.databases import (
    postgres_address,
    postgres_database,
    postgres_template,
    sqlite_copy,
    sqlite_template,
)
from tests.guard import guard

pytest_plugins = ("tests.conformance.plugin",)

PASSWORD = "correct horse battery staple"


LONG_SECONDS = 2400


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is collected stays until the end: to look through it for garbage takes as long as all else."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors: while the tests of one wait for a server, those of another go on."""
    return len(os.sched_getaffinity(0)) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that take minutes may."""
    for item in items:
        if item.get_closest_marker("long"):
            item.add_marker(pytest.mark.timeout(LONG_SECONDS))


@pytest.fixture(autouse=True)
def _writes_are_guarded() -> Iterator[None]:
    with connections["default"].execute_wrapper(guard):
        yield


@pytest.fixture
def administrator(db: None) -> User:
    user = User.objects.create_user("alice", password=PASSWORD)
    user.groups.add(Group.objects.get(name="Administrators"))
    return user


@pytest.fixture
def reader(db: None) -> User:
    user = User.objects.create_user("bob", password=PASSWORD)
    user.groups.add(Group.objects.get(name="Readers"))
    return user


@pytest.fixture
def stranger(db: None) -> User:
    return User.objects.create_user("charlie", password=PASSWORD)


def _signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def administrator_client(administrator: User) -> Client:
    return _signed_in(administrator)


@pytest.fixture
def reader_client(reader: User) -> Client:
    return _signed_in(reader)


@pytest.fixture
def stranger_client(stranger: User) -> Client:
    return _signed_in(stranger)


@pytest.fixture(scope="session")
def postgres_url() -> str:
    """The address of a PostgreSQL server on which databases may be made, e.g. postgres://user@host:5432/postgres."""
    url = os.environ.get("TEST_POSTGRES_URL", "")
    if not url:
        message = "TEST_POSTGRES_URL is not set"
        pytest.fail(message) if os.environ.get("REQUIRE_POSTGRES") else pytest.skip(message)
    return url


@pytest.fixture(scope="session")
def postgres_migrated(postgres_url: str) -> Iterator[str]:
    with postgres_template(postgres_url) as name:
        yield name


@pytest.fixture(scope="session")
def sqlite_migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sqlite_template(tmp_path_factory.mktemp("migrated"))


KINDS = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]


@contextmanager
def database(request: pytest.FixtureRequest, folder: Path) -> Iterator[str]:
    """A migrated database of the kind that is the request's parameter."""
    if request.param == "sqlite":
        yield sqlite_copy(request.getfixturevalue("sqlite_migrated"), folder)
        return
    server, template = request.getfixturevalue("postgres_url"), request.getfixturevalue("postgres_migrated")
    with postgres_database(server, template) as name:
        yield postgres_address(server, name)


@pytest.fixture(params=KINDS)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database of a test's own for servers and other processes, on each kind in turn."""
    with database(request, tmp_path) as url:
        yield url


@pytest.fixture(scope="module", params=KINDS)
def shared_database_url(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """One for all tests of a module."""
    with database(request, tmp_path_factory.mktemp("database")) as url:
        yield url
