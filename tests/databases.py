"""Databases of a test's own, migrated once and then copied, on SQLite and on PostgreSQL."""

import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

ROOT = Path(__file__).parent.parent
ENVIRONMENT = {
    "DJANGO_SETTINGS_MODULE": "portal.settings",
    "SECRET_KEY": "only-for-tests-" + "x" * 50,
    "CERTIFICATE_ENCRYPTION_KEYS": "Zm9yLXRlc3RzLW9ubHktZm9yLXRlc3RzLW9ubHktMTI=",
    "ENV_FILE": os.devnull,
    "GATEWAY_ALLOWED_BACK_END_NETWORKS": "127.0.0.0/8,::1/128",
}


def environment(database_url: str, **more: str) -> dict[str, str]:
    """The environment of a process of the portal or gateway on that database."""
    kept = {name: value for name, value in os.environ.items() if not name.endswith("_FILE")}
    return {**kept, **ENVIRONMENT, "DATABASE_URL": database_url, **more}


def manage(database_url: str, *arguments: str, **more: str) -> str:
    """Run a management command to its end and return what it printed."""
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment(database_url, **more),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def sqlite_template(folder: Path) -> Path:
    """A migrated SQLite file to make copies of."""
    path = folder / "template.sqlite3"
    manage(f"sqlite:///{path}", "migrate", "--verbosity=0")
    assert not path.with_name(f"{path.name}-wal").exists(), (
        "its last connection has put everything into the file"
    )
    return path


def sqlite_copy(template: Path, folder: Path) -> str:
    """A database of a test's own; returns its URL."""
    return f"sqlite:///{shutil.copy(template, folder / 'portal.sqlite3')}"


def _admin(server_url: str, statement: str, *names: str) -> None:
    import psycopg
    from psycopg import sql

    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


@contextmanager
def postgres_database(server_url: str, template: str = "template0") -> Iterator[str]:
    """A database on a PostgreSQL server, a copy of another one, dropped afterwards; yields its name."""
    name = f"portal_{uuid.uuid4().hex[:12]}"
    _admin(server_url, "CREATE DATABASE {} TEMPLATE {}", name, template)
    try:
        yield name
    finally:
        _admin(server_url, "DROP DATABASE {} WITH (FORCE)", name)


@contextmanager
def postgres_template(server_url: str) -> Iterator[str]:
    """A migrated database to make copies of; yields its name."""
    with postgres_database(server_url) as name:
        manage(postgres_address(server_url, name), "migrate", "--verbosity=0")
        yield name


def postgres_address(server_url: str, name: str) -> str:
    """The URL of a database on a server."""
    return urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))
