"""Sees the messages of a handshake pass by. The only module that uses SSLContext._msg_callback.

That is private to Python's ssl module, so it may go or change: then nothing is seen, `Seen.works` stays False,
and a probe says so. What is secret, or not told of, is never kept.
"""

import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from gateway.probing.tls_messages import (
    TLS13,
    CertificateRequest,
    ServerHello,
    certificate_request,
    certificates,
    server_hello,
)

_HANDSHAKE, _ALERT = 22, 21
_CLIENT_HELLO, _SERVER_HELLO, _TICKET, _CERTIFICATE, _CERTIFICATE_REQUEST, _FINISHED = 1, 2, 4, 11, 13, 20
CLOSE_NOTIFY = 0


# Called with the socket, "read" or "write", a version, the type of the content, of the message, and its bytes.
Listener = Callable[[Any, str, int, int, int, bytes], None]


@dataclass(slots=True)
class Seen:
    """What was seen. `received` and `sent` are the last alerts, `presented` counts the certificates we sent.

    `confirmed` is whether the back end went on after it had our part of the handshake, the certificate included.
    `asked_late` is whether it asked for a certificate in a second handshake (renegotiation), after the request.
    `messages` counts all messages and parts of them.
    """

    works: bool = False
    messages: int = 0
    hello: ServerHello | None = None
    chain: tuple[bytes, ...] = ()
    asked: CertificateRequest | None = None
    asked_late: bool = False
    presented: int | None = None
    confirmed: bool = False
    received: int | None = None
    sent: int | None = None

    @property
    def version(self) -> int:
        """The version that was agreed on, 0 before that."""
        return self.hello.version if self.hello else 0

    def take(self, direction: str, content: int, data: bytes) -> None:
        """Take note of a message. Raises ValueError if it cannot be read."""
        self.messages += 1
        if content == _ALERT and len(data) == 2:
            self._alert(direction, data[1])
        elif content == _HANDSHAKE and data:
            read = direction == "read"
            self._read(data[0], data) if read else self._written(data[0], data)

    def _alert(self, direction: str, alert: int) -> None:
        if direction == "read":
            self.received = alert
        else:
            self.sent = alert

    def _written(self, kind: int, data: bytes) -> None:
        if kind == _CLIENT_HELLO:
            self.works = True
        elif kind == _CERTIFICATE:
            self.presented = len(certificates(data, self.version))

    def _read(self, kind: int, data: bytes) -> None:
        if kind == _SERVER_HELLO:
            self.hello = server_hello(data)
        elif kind == _CERTIFICATE:
            self.chain = certificates(data, self.version)
        elif kind == _CERTIFICATE_REQUEST:
            self.asked_late = self.confirmed
            self.asked = CertificateRequest()  # it did, even if what it says cannot be read
            self.asked = certificate_request(data, self.version)
        elif kind == (_TICKET if self.version >= TLS13 else _FINISHED):
            self.confirmed = True


def watch(context: ssl.SSLContext) -> Seen:
    """What passes over the connections of a context from now on. For a context that makes one of them."""
    seen = Seen()

    def callback(_: Any, direction: str, __: int, content: int, ___: int, data: bytes) -> None:
        with suppress(Exception):  # an error here would come out of the handshake
            seen.take(direction, int(content), bytes(data))

    listen(context, callback)
    return seen


def listen(context: ssl.SSLContext, listener: Listener) -> None:
    """Have a listener called for each message of a context's connections, and for the first bytes of each record.

    It is never taken away from a context with connections: where there is none when OpenSSL calls,
    _PySSL_msg_callback (CPython 3.11) returns without giving the global lock back.
    """
    # An instance takes any attribute: only the class knows whether this one does something.
    if hasattr(ssl.SSLContext, "_msg_callback"):
        with suppress(AttributeError, TypeError):
            context._msg_callback = listener  # type: ignore[attr-defined]
