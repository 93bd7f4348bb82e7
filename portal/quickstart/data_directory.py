"""The folder in which a quickstart keeps everything: settings with secrets, database, certificates, password.

Only its owner can read it. What is in it is kept; what is missing is made.
"""

import fcntl
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import environ

from gateway.keystore import new_key
from portal.demonstration.pki import write_private
from portal.serving.errors import ServingError

_LOOPBACK = "127.0.0.0/8,::1/128"
# What a newcomer reads on the terminal stays there, and a second quickstart finds a free port.
_QUIET = {"LOG_LEVEL": "WARNING", "GATEWAY_ACCESS_LOG": "off", "GATEWAY_OPERATOR_PORT": "0"}
_HEAD = """\
# Made by `manage.py quickstart`, which reads it again each time. These secrets open everything in this folder.
# Lines may be added: any setting of README.md. For other commands: ENV_FILE=<this file> manage.py <command>
"""


class DataDirectory:
    """A quickstart's folder, made if it is missing."""

    def __init__(self, path: Path) -> None:
        """Raises ServingError when the folder cannot be made or is another user's."""
        self.path = path.expanduser().resolve()
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.path.chmod(0o700)
        except OSError as error:
            raise ServingError(
                f"Cannot use {self.path}: {error.strerror}. Choose another --data-dir."
            ) from error

    @property
    def demonstration(self) -> Path:
        """Where the demonstration's certificates are."""
        return self.path / "demonstration"

    def lock(self) -> int:
        """Keep a second quickstart away, until this process ends. Returns the descriptor. Raises ServingError."""
        descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            message = f"A quickstart is running with {self.path}. Stop it, or choose another --data-dir."
            raise ServingError(message) from None
        return descriptor

    def environment(self, before: Mapping[str, str]) -> dict[str, str]:
        """An environment in which the settings are this folder's, whatever a `.env` file or a shell says.

        Giving its result to it again changes nothing.
        """
        own = self._settings()
        hidden = {"DATABASE_URL", "DATABASE_URL_FILE", *(f"{name}_FILE" for name in own)}
        kept = {name: value for name, value in before.items() if name not in hidden}
        return _QUIET | kept | own | {"ENV_FILE": os.devnull}

    def password(self) -> str:
        """The administrator's generated password. It stays in a file, so that each run can show it."""
        path = self.path / "admin-password"
        if not path.exists():
            write_private(path, secrets.token_urlsafe(15).encode() + b"\n")
        return path.read_text().strip()

    def _settings(self) -> dict[str, str]:
        """What settings.env says, after what is missing was added to it."""
        path = self.path / "settings.env"
        found = _read(path)
        values = {
            "SECRET_KEY": secrets.token_urlsafe(50),
            "CERTIFICATE_ENCRYPTION_KEYS": new_key(),
            "GATEWAY_ALLOWED_BACK_END_NETWORKS": _LOOPBACK,
        }
        missing = {name: value for name, value in values.items() if name not in found}
        if found.get("DATA_DIR") != str(self.path):  # new, or moved
            missing["DATA_DIR"] = str(self.path)
        if missing:
            lines = path.read_text().splitlines() if path.exists() else [_HEAD.rstrip()]
            lines = [line for line in lines if not line.startswith(tuple(f"{name}=" for name in missing))]
            lines += [f"{name}={value}" for name, value in missing.items()]
            write_private(path, ("\n".join(lines) + "\n").encode())
        return found | missing


def _read(path: Path) -> dict[str, str]:
    """The file's lines, read as Django's settings would read them."""

    class Reader(environ.Env):  # type: ignore[misc]
        ENVIRON: ClassVar[dict[str, str]] = {}

    if path.exists():
        Reader.read_env(str(path))
    return dict(Reader.ENVIRON)
