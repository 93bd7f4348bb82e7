"""The cast: Alice administers, Bob reads, Charlie must not get in. Plus what every test shares."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import Group, User
from django.db import connections
from django.test import Client

from tests.databases import postgres_database, sqlite_database
from tests.guard import guard

PASSWORD = "correct horse battery staple"


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


@pytest.fixture
def chromium() -> Path:
    """The browser's program; without it browser tests are skipped, or fail where REQUIRE_BROWSER is set."""
    path = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
    if not path.exists():
        message = "Chromium is not installed; set CHROMIUM to its path"
        pytest.fail(message) if os.environ.get("REQUIRE_BROWSER") else pytest.skip(message)
    return path


@pytest.fixture
def postgres_url() -> str:
    """The address of a PostgreSQL server on which databases may be made, e.g. postgres://user@host:5432/postgres."""
    url = os.environ.get("TEST_POSTGRES_URL", "")
    if not url:
        message = "TEST_POSTGRES_URL is not set"
        pytest.fail(message) if os.environ.get("REQUIRE_POSTGRES") else pytest.skip(message)
    return url


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A migrated database of its own for servers and other processes, on each kind in turn."""
    if request.param == "sqlite":
        with sqlite_database(tmp_path) as url:
            yield url
    else:
        with postgres_database(request.getfixturevalue("postgres_url")) as url:
            yield url
