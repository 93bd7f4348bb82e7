"""The portal's threads are not held by requests that do not arrive."""

import socket
import time
from types import SimpleNamespace
from typing import Any

import pytest
from gunicorn.http.body import Body, LengthReader
from gunicorn.http.unreader import SocketUnreader
from gunicorn.workers.gthread import ThreadWorker

from portal import settings
from portal.gunicorn_worker import Arriving, PortalWorker


@pytest.fixture
def worker() -> PortalWorker:
    """One that gunicorn has not started."""
    made = PortalWorker.__new__(PortalWorker)
    made.arriving, made.tmp = {}, SimpleNamespace(notify=lambda: None)
    return made


@pytest.mark.timeout(5)
def test_a_request_that_does_not_arrive_is_given_up_and_can_still_be_answered(
    worker: PortalWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def handle(_: Any, conn: Any) -> bytes:
        """What gunicorn's own does: it reads, and answers."""
        assert conn.sock.recv(9) == b"GET "
        worker.notify()
        worker.arriving[conn].until = time.monotonic()
        worker.notify()
        assert conn.sock.recv(9) == b""
        conn.sock.sendall(b"400")
        return b"done"

    monkeypatch.setattr(ThreadWorker, "handle", handle)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(b"GET ")
        assert worker.handle(Connection(ours)) == b"done"
        assert theirs.recv(9) == b"400"
    assert not worker.arriving
    assert settings.PORTAL_REQUEST_SECONDS == 60


def test_a_connection_that_is_closed_meanwhile_is_no_failure(worker: PortalWorker) -> None:
    closed = socket.socket()
    closed.close()
    worker.arriving[Connection(closed)] = Arriving(0.0)
    worker.notify()


@pytest.mark.timeout(5)
def test_a_request_that_is_there_may_take_long_to_be_answered_and_the_connection_be_used_again(
    worker: PortalWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def handle_request(_: Any, req: Any, conn: Any) -> None:
        worker.arriving[conn].until = 0.0
        assert [req.body.read(1), req.body.read()] == [b"o", b"ne"]
        worker.notify()

    monkeypatch.setattr(ThreadWorker, "handle_request", handle_request)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        conn = Connection(ours)
        theirs.sendall(b"one")
        worker.arriving[conn] = Arriving(0.0)
        worker.handle_request(SimpleNamespace(body=Body(LengthReader(SocketUnreader(ours), 3))), conn)
        theirs.sendall(b"GET ")
        assert ours.recv(9) == b"GET "


class Connection:
    """What gunicorn knows of one."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
