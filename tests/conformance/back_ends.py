"""The suite's own back end: one listener for each kind of back end, all noting what they see in one place."""

import random
import select
import socket
import ssl
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from tests.back_end import BackEnd, Seen, show
from tests.conformance.apis import LISTENERS
from tests.conformance.credentials import Credentials
from tests.pki import Issued


class BackEnds:
    """The listeners by name, and what came in at any of them: whole requests in `seen`, bytes in `wire`."""

    def __init__(self, port: int, issued: Credentials) -> None:
        self.port = port
        self.seen: list[Seen] = []
        self.wire: list[bytes] = []
        self._by_name = {
            name: self._described(name, issued) for name in LISTENERS if name not in ("full", "dead")
        }

    def __getitem__(self, name: str) -> BackEnd:
        return self._by_name[name]

    def _described(self, name: str, issued: Credentials) -> BackEnd:
        server, clients = _SERVERS.get(name, "server"), None
        if name in ("mutual", "mutual-1-2", "optional"):
            clients = issued["ca"]
        tls: Issued | None = None if name == "plain" else issued[server]
        return BackEnd(
            tls,
            clients,
            required=name != "optional",
            newest=_NEWEST.get(name, ssl.TLSVersion.TLSv1_3),
            port=self.port + LISTENERS.index(name),
            seen=self.seen,
            wire=self.wire,
        )

    def reset(self) -> None:
        """Forget what was seen, and behave."""
        for back_end in self._by_name.values():
            back_end.behave, back_end.keep_bodies = show, True
        self.seen.clear()
        self.wire.clear()

    @contextmanager
    def listening(self) -> Iterator["BackEnds"]:
        """Listen until the end of the block. Raises OSError if one of the ports is in use."""
        with ExitStack() as stack:
            for back_end in self._by_name.values():
                stack.enter_context(back_end)
            stack.enter_context(_dead(self.port + LISTENERS.index("dead")))
            stack.enter_context(_full(self.port + LISTENERS.index("full")))
            yield self


_SERVERS = {
    "other-name": "server-other-name",
    "expired": "server-expired",
    "self-signed": "server-self-signed",
    "by-intermediate": "server-by-intermediate",
}
_NEWEST = {"mutual-1-2": ssl.TLSVersion.TLSv1_2, "old": ssl.TLSVersion.TLSv1_1}


@contextmanager
def back_ends(port: int, issued: Credentials) -> Iterator[BackEnds]:
    """The listeners at a port and those behind it; with port 0 wherever there is room."""
    with ExitStack() as stack:
        yield _listening(stack, port, issued)


def _listening(stack: ExitStack, port: int, issued: Credentials) -> BackEnds:
    while True:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter(
                    "ignore", DeprecationWarning
                )  # of TLS 1.1, which is there to be refused
                return stack.enter_context(BackEnds(port or _somewhere(), issued).listening())
        except OSError:
            if port:
                raise


def _somewhere() -> int:
    """A port below those that the system gives to clients."""
    return random.randrange(10_000, 32_000)


@contextmanager
def _dead(port: int) -> Iterator[None]:
    """A port that is taken, and at which nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        yield


@contextmanager
def _full(port: int) -> Iterator[None]:
    """A port at which no more connection can be made: nobody accepts, and the queue is full."""
    with ExitStack() as stack:
        stack.enter_context(socket.create_server(("127.0.0.1", port), backlog=0))
        waiting: list[socket.socket] = []
        while len(waiting) < 2 or select.select([], waiting[-1:], [], 0.1)[1]:
            waiting.append(stack.enter_context(socket.socket()))
            waiting[-1].setblocking(False)
            waiting[-1].connect_ex(("127.0.0.1", port))
        yield
