"""gunicorn's worker for the portal: its threads, none of which waits for ever for a request."""

import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

from portal import settings


class PortalWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """Stops reading from callers that are too slow, or gone without a word. There are few threads."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.arriving: dict[Any, Arriving] = {}  # by their connections

    def handle(self, conn: Any) -> Any:
        """Read a request and answer it, in one of the threads."""
        self.arriving[conn] = Arriving(time.monotonic() + settings.PORTAL_REQUEST_SECONDS)
        try:
            return super().handle(conn)
        finally:
            self.arriving.pop(conn, None)

    def handle_request(self, req: Any, conn: Any) -> Any:
        """Answer a request whose head is there."""
        self.arriving[conn].request = req
        return super().handle_request(req, conn)

    def notify(self) -> None:
        """Once a second: tell the master that this process is alive, and look at what has not arrived.

        The other direction stays open for an answer.
        """
        super().notify()
        now = time.monotonic()
        for conn, each in self.arriving.copy().items():
            if each.until <= now and not each.is_there:
                with suppress(OSError):
                    # Of the socket below TLS: TLS's own would give up both directions
                    socket.socket.shutdown(conn.sock, socket.SHUT_RD)


@dataclass
class Arriving:
    """A request on its way: until when it may arrive, and what of it is there once its head is."""

    until: float
    request: Any = None

    @property
    def is_there(self) -> bool:
        """Whether all of the body has been read, too."""
        return self.request is not None and getattr(self.request.body.reader, "length", None) == 0
