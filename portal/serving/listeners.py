"""Listening sockets, opened before any server starts: a taken port is told at once, and port 0 is no race."""

import errno
import socket
from dataclasses import dataclass

from portal.serving.errors import ServingError

BACKLOG = 2048
_ANY = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 (compared with, never bound to)


@dataclass(frozen=True, slots=True)
class Listener:
    """An open listening socket. A child process takes it over by its number."""

    socket: socket.socket
    host: str
    port: int  # the one that it has, also when 0 was asked for
    tls: bool = False

    @property
    def everywhere(self) -> bool:
        """Whether it listens on all addresses of this machine."""
        return self.host in _ANY

    @property
    def reachable(self) -> tuple[str, int]:
        """Host and port by which this machine reaches it."""
        return _ANY.get(self.host, self.host), self.port

    @property
    def url(self) -> str:
        """Its address without a slash at the end, for a person on this machine."""
        host, port = self.reachable
        return f"{'https' if self.tls else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"


def listen(host: str, port: int, *, setting: str, tls: bool = False) -> Listener:
    """Listen on host and port. Raises ServingError, which names `setting` as what to change."""
    try:
        family = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][
            0
        ]
        opened = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise ServingError(_explain(error, host, port, setting)) from error
    return Listener(opened, host, opened.getsockname()[1], tls)


def _explain(error: OSError, host: str, port: int, setting: str) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return f"Port {port} is taken by another program. Choose another one with {setting}."
        case errno.EACCES:
            return f"Port {port} needs rights that this user does not have. Choose one above 1023 with {setting}."
    return f"Cannot listen on {host or 'all addresses'}, port {port} ({error.strerror}). Look at {setting}."
