"""Connections whose handshake is watched: those that a traced call makes.

Before they go back to their pool they are made like any other: without a listener, for the calls that come later.
"""

import ssl
from contextlib import suppress
from typing import Any

from gateway.failures import CallFailure
from gateway.outbound import Adapter, Destination
from gateway.probing.messages import Seen, listen
from gateway.tls import client_context

_HEADER = 256  # SSL3_RT_HEADER: the first bytes of a record, before OpenSSL looks at them


class WatchedSocket(ssl.SSLSocket):
    """A socket of a watched context. `seen` is what passed over it while somebody `listens`; `first` are the first
    bytes of the back end."""

    listens = True
    seen: Seen | None = None
    first = b""


def _listen(sock: Any, direction: str, _: int, content: int, __: int, data: bytes) -> None:
    with suppress(Exception):  # an error here would come out of the handshake
        if not sock.listens:
            return
        if content == _HEADER:
            if direction == "read":
                sock.first = sock.first or bytes(data)
            return
        if sock.seen is None:
            sock.seen = Seen()
        sock.seen.take(direction, int(content), bytes(data))


def unwatch(sock: WatchedSocket, own: ssl.SSLContext) -> None:
    """Let the connection be one of `own`, the context of its pool. What it has agreed on stays.

    PySSL_set_context (CPython) sets the listener of the new context, which has none.
    """
    sock.listens, sock.seen = False, None
    sock.context = own


def watched_context(adapter: Adapter, destination: Destination) -> ssl.SSLContext | None:
    """A context like the adapter's own that is watched; None if there cannot be one."""
    if adapter.watched is None:
        with suppress(CallFailure):
            context = client_context(destination.certificate, destination.trust)
            context.sslsocket_class = WatchedSocket
            listen(context, _listen)
            adapter.watched = context
    return adapter.watched
