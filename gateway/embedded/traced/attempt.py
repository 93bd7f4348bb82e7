"""What is known of the connection that a traced call was sent over."""

import ssl
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from cryptography import x509

from gateway.embedded.traced.watching import WatchedSocket, unwatch
from gateway.making import Making
from gateway.outbound import Connection, TlsConnection
from gateway.probing.chain import MOST, short
from gateway.probing.messages import Seen
from gateway.probing.tls_messages import TLS13
from gateway.tracing.document import moment
from gateway.x509 import x509_facts

_DER = 2  # _ssl.ENCODING_DER


class Attempt:
    """A connection that was taken or made for the call, and what passed over it."""

    def __init__(self, connection: Connection, *, reused: bool) -> None:
        self.reused = reused
        self.at = time.perf_counter()
        self.calls = connection.making.exchanges + 1 if reused else 1
        self.version = self.cipher = ""
        self.chain: tuple[bytes, ...] = ()
        self.first = b""
        self.seen: Seen | None = None
        self._connection = connection
        self._is_tls = isinstance(connection, TlsConnection)
        self._made: Making | None = None

    @property
    def making(self) -> Making:
        """How it was made, or is being made."""
        return self._made or self._connection.making

    @property
    def asked(self) -> bool | None:
        """Whether the back end asked for a client certificate, as far as anybody saw."""
        seen, making = self.seen, self.making
        if seen is None or not seen.works:
            return making.asked
        if seen.asked is not None:
            return True
        # It asks before its certificates are looked at, or after that (TLS 1.2).
        return False if making.secured or (seen.version >= TLS13 and seen.chain) else None

    def look(self) -> None:
        """Take note of what the connection shows now."""
        self._made, sock = self._connection.making, self._connection.sock
        if not isinstance(sock, ssl.SSLSocket):
            return
        if isinstance(sock, WatchedSocket) and sock.listens:
            self.seen, self.first = sock.seen, sock.first
        with suppress(Exception):  # a handshake that failed leaves some of it unsaid
            self.version = (sock.version() or "").replace("v", " ")
            self.cipher = (sock.cipher() or ("",))[0]
        self.chain = (self.seen.chain if self.seen else ()) or _chain_of(sock)

    def leave(self) -> None:
        """Listen no longer, and let those who use the connection later know whether a certificate was asked for."""
        sock, own = self._connection.sock, getattr(self._connection, "ssl_context", None)
        if isinstance(sock, WatchedSocket) and sock.listens and own is not None:
            self.making.asked = self.asked
            unwatch(sock, own)

    def data(self) -> dict[str, Any]:
        """The connection, for a trace."""
        making = self.making
        told: dict[str, Any] = {
            "reused": self.reused,
            "address": making.address,
            "madeAt": moment(making.at),
            "age": round(max(self.at - making.began, 0.0), 6) if self.reused else 0.0,
            "calls": self.calls,
            "resolvedIn": _between(making.began, making.resolved),
            "connectedIn": _between(making.resolved, making.connected),
        }
        if making.connected and self._is_tls:
            told["handshakeIn"] = _between(making.connected, making.secured)
            told |= {"tlsVersion": self.version, "cipher": self.cipher, "certificateAsked": self.asked}
        return told

    def certificates(self) -> list[dict[str, str]]:
        """The certificates that the back end sent, for a trace."""
        return list(_told(self.chain[:MOST]))


def _between(start: float, end: float) -> float | None:
    return round(end - start, 6) if start and end else None


def _chain_of(sock: ssl.SSLSocket) -> tuple[bytes, ...]:
    """The chain that a back end sent; where Python does not show it, its own certificate."""
    with suppress(Exception):  # Python 3.13 has a method for it, versions before a private one
        inner: Any = sock if hasattr(sock, "get_unverified_chain") else sock._sslobj  # type: ignore[attr-defined]
        found = inner.get_unverified_chain()
        return tuple(each if isinstance(each, bytes) else each.public_bytes(_DER) for each in found)
    with suppress(Exception):
        return (sock.getpeercert(binary_form=True) or b"",)
    return ()


def _told(chain: Sequence[bytes]) -> Iterator[dict[str, str]]:
    for der in chain:
        with suppress(Exception):  # hostile bytes
            facts = x509_facts(x509.load_der_x509_certificate(der))
            yield {
                "subject": short(facts.subject),
                "issuer": short(facts.issuer),
                "notAfter": facts.not_after.isoformat(timespec="seconds"),
                "thumbprint": facts.thumbprint,
            }
