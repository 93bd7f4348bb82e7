"""Databases of a test's own, migrated, on SQLite and on PostgreSQL."""

import os
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


@contextmanager
def sqlite_database(folder: Path) -> Iterator[str]:
    """A migrated SQLite file; yields its URL."""
    url = f"sqlite:///{folder / 'portal.sqlite3'}"
    manage(url, "migrate", "--verbosity=0")
    yield url


@contextmanager
def postgres_database(server_url: str) -> Iterator[str]:
    """A migrated database on a PostgreSQL server, dropped afterwards; yields its URL."""
    import psycopg
    from psycopg import sql

    name = f"portal_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    url = urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))
    try:
        manage(url, "migrate", "--verbosity=0")
        yield url
    finally:
        with psycopg.connect(server_url, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
