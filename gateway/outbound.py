"""Exchanges with back ends: address rules, TLS, connection pools. The only module that imports requests.

requests and urllib3 own adapters, pools and connections; what they would do to a call that is not theirs
(sessions, cookies, redirects, retries, the environment, rewriting of targets) is left out or overridden here.
"""

import http.client
import math
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Hashable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from queue import LifoQueue
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ClosedPoolError
from urllib3.poolmanager import PoolManager

from gateway.addresses import AddressRules
from gateway.failures import CallFailure
from gateway.final_response import FinalResponse
from gateway.headers import Field
from gateway.making import Making
from gateway.snapshot import CertificateMaterial, Trust
from gateway.tls import check_name, client_context


class Origin(NamedTuple):
    """Where a back end is: scheme, host and port (RFC 6454)."""

    scheme: str
    host: str
    port: int


class Connection(HTTPConnection):
    """A connection that checks the address it is made to and sends what it is given, byte for byte.

    `thumbprint` is of the client certificate that it is made with, `making` how it was made last. While it is open
    it is one of `open_ones`.
    """

    auto_open = 0

    def __init__(
        self,
        *args: Any,
        rules: AddressRules,
        open_ones: "WeakKeyDictionary[Connection, None]",
        thumbprint: str = "",
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._rules = rules
        self._open_ones = open_ones
        self.thumbprint = thumbprint
        self.making = Making()
        self._handle: socket.socket | None = None
        self._answer: FinalResponse | None = None
        self._deadline = 0.0

    def _seconds_left(self) -> float:
        return max(self._deadline - time.monotonic(), 0.001)

    def _new_conn(self) -> socket.socket:
        self._deadline = time.monotonic() + float(self.timeout or 0)
        self.making = Making(time.time(), time.perf_counter())
        # Resolved once and connected to what was checked: a name cannot point elsewhere in between.
        failure = CallFailure("back-end-not-found", self.host)
        cause: OSError | None = None
        for family, kind, protocol, _, address in self._resolved():
            if refusal := self._rules.refusal(str(address[0])):
                failure = CallFailure(
                    "back-end-address-refused", f"{self.host} is at {address[0]}, {refusal}"
                )
                continue
            try:
                return self._connected(socket.socket(family, kind, protocol), address)
            except TimeoutError as error:
                failure = CallFailure("back-end-timeout", f"no connection to {address} in {self.timeout} s")
                cause = error
            except OSError as error:
                failure, cause = CallFailure("back-end-unreachable", f"{address}: {error}"), error
        raise failure from cause

    def _resolved(self) -> list[Any]:
        try:
            found = socket.getaddrinfo(self._dns_host, self.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise CallFailure("back-end-not-found", f"{self.host}: {error}") from error
        self.making.resolved = time.perf_counter()
        self.making.addresses = tuple(str(each[4][0]) for each in found)
        return found

    def _connected(self, sock: socket.socket, address: Any) -> socket.socket:
        self._handle = sock
        try:
            sock.settimeout(self._seconds_left())
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.connect(address)
        except BaseException:
            sock.close()
            raise
        self._open_ones[self] = None
        self.making.connected, self.making.address = time.perf_counter(), str(address[0])
        return sock

    def cut(self) -> None:
        """End a blocking call that another thread is in. SSLSocket's own shutdown is not made for that."""
        if self._handle is not None:
            with suppress(OSError):  # it is gone already
                socket.socket.shutdown(self._handle, socket.SHUT_RDWR)

    def send_head(self, method: str, target: str, fields: list[Field], body: bytes) -> None:
        """Send a request's head and the first bytes of its body; nothing is added and nothing rewritten."""
        self.making.exchanges += 1
        http.client.HTTPConnection.putrequest(self, method, target, skip_host=True, skip_accept_encoding=True)
        # putheader would do the same field by field, in several times the time.
        lines = b"\r\n".join([b"%b: %b" % field for field in fields])
        ends = len(fields) - 1
        if lines.count(b"\r") != ends or lines.count(b"\n") != ends or b"\0" in lines:
            raise ValueError("a field holds a line break or a NUL")  # whatever let it through to here
        self._output(lines)  # type: ignore[attr-defined]
        self.endheaders(body or None)

    @property
    def answer(self) -> FinalResponse:
        """The answer to what was sent, before its head is read, so that it can be waited for."""
        if self._answer is None:
            self._answer = FinalResponse(self.sock, self._method)  # type: ignore[attr-defined]
        return self._answer

    def response_class(self, *_: Any, **__: Any) -> FinalResponse:  # type: ignore[override]
        """What http.client makes of the socket."""
        answer, self._answer = self.answer, None
        return answer

    def read_head(self) -> FinalResponse:
        """The final answer, its head read."""
        return http.client.HTTPConnection.getresponse(self)  # type: ignore[return-value]

    def wait_at_most(self, seconds: float) -> None:
        """How long sending and reading may wait from now on."""
        self.sock.settimeout(seconds)

    def close(self) -> None:
        """Close, with what has not been read."""
        if self._answer is not None:
            self._answer.close()
            self._answer = None
        self._open_ones.pop(self, None)
        super().close()


class TlsConnection(Connection, HTTPSConnection):
    """The same over TLS. `checks_name` asks for the check that an unvalidated chain leaves out."""

    def __init__(self, *args: Any, checks_name: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._checks_name = checks_name

    def connect(self) -> None:
        """Connect, and do the handshake as the context says; nothing else is assumed or relaxed."""
        assert self.ssl_context is not None  # noqa: S101
        sock = self._new_conn()
        try:
            # An answer that ends with its connection is whole only after a closing alert (RFC 9112, 9.8).
            tls = self.ssl_context.wrap_socket(
                sock, server_hostname=self.host, do_handshake_on_connect=False, suppress_ragged_eofs=False
            )
        except BaseException:
            sock.close()
            raise
        self._handle = self.sock = tls
        tls.settimeout(self._seconds_left())  # for the handshake as a whole
        tls.do_handshake()
        if self._checks_name:
            check_name(tls.getpeercert(binary_form=True) or b"", self.host)
        self.making.secured = time.perf_counter()


class _Idle(LifoQueue[Any]):
    """Idle connections. urllib3 fills a pool with places to come; here there are as many as are idle."""

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        if item is not None:
            super().put(item, block, timeout)


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = Connection
    QueueCls = _Idle


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = TlsConnection
    QueueCls = _Idle


class Adapter(HTTPAdapter):
    """The connections to one origin with one client certificate (or none) and one trust: those of `context`.

    No Session, no retries, nothing from the environment. `watched` is a context like it for calls that are traced.
    """

    watched: ssl.SSLContext | None = None

    def __init__(self, origin: Origin, context: ssl.SSLContext | None, **connection_arguments: Any) -> None:
        self._origin = origin
        self._context = context
        self._connection_arguments = connection_arguments
        super().__init__(pool_connections=1, max_retries=0)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **_: Any) -> None:
        """Pools whose connections are ours (see requests.adapters.HTTPAdapter)."""
        arguments = dict(self._connection_arguments)
        manager = PoolManager(
            connections,
            maxsize=arguments.pop("most"),
            retries=False,
        )
        plain = partial(_PlainPool, rules=arguments["rules"], open_ones=arguments["open_ones"])
        secure = partial(_TlsPool, ssl_context=self._context, **arguments)
        manager.pool_classes_by_scheme = {"http": plain, "https": secure}  # type: ignore[dict-item]
        self.poolmanager = manager
        scheme, host, port = self._origin
        self._pool: HTTPConnectionPool = manager.connection_from_host(host, port, scheme)

    def close(self) -> None:
        """Close the idle connections. Left to requests, that would wait for the garbage collector (urllib3 2)."""
        super().close()
        self._pool.close()

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Nothing: the context has it all, and looking at files on every call costs more than the call."""

    def take(self, *, fresh: bool = False) -> Connection:
        """A connection of the pool: an idle one, unless `fresh`, or a new one that is not connected yet."""
        connection: Connection
        try:
            connection = self._pool._new_conn() if fresh else self._pool._get_conn()  # type: ignore[assignment]
        except ClosedPoolError:  # of a configuration that was replaced after the call began
            connection = self._pool._new_conn()  # type: ignore[assignment]
        return connection

    def give_back(self, connection: Connection) -> None:
        """Return a connection on which one exchange is over, whole. A closed pool closes it."""
        self._pool._put_conn(connection)


@dataclass(frozen=True, slots=True, eq=False)
class Destination:
    """Where a call goes and how: what its connection is made from.

    `key` names the pool. The certificate counts in it by its fingerprint (chain and public key), so that other
    material under the same name never meets an old connection; the trust by its content. `context_key` is the
    part of it that an SSLContext depends on. `expires` is when the certificate does, in seconds since 1970 (never
    for none), `back_end` the host and port.
    """

    origin: Origin
    certificate: CertificateMaterial | None
    trust: Trust
    context_key: tuple[Hashable, ...] = field(init=False)
    key: tuple[Hashable, ...] = field(init=False)
    expires: float = field(init=False)
    back_end: str = field(init=False)

    def __post_init__(self) -> None:
        trust, tls = self.trust, self.origin.scheme == "https"
        fingerprint = self.certificate.fingerprint if self.certificate else ""
        content = (trust.validate_chain, trust.validate_name, trust.public_cas, trust.authorities_pem)
        object.__setattr__(self, "context_key", (fingerprint, *content) if tls else ())
        object.__setattr__(self, "key", (self.origin, *self.context_key))
        expires = self.certificate.not_after.timestamp() if self.certificate else math.inf
        object.__setattr__(self, "expires", expires)
        host = f"[{self.origin.host}]" if ":" in self.origin.host else self.origin.host
        object.__setattr__(self, "back_end", f"{host}:{self.origin.port}")


class Outbound:
    """All pools of a gateway process, and the SSL contexts that they share.

    It counts how often a destination is expected, and keeps its pool and context until it is released as often.
    """

    def __init__(self, rules: AddressRules, *, most: int) -> None:
        self._open_ones: WeakKeyDictionary[Connection, None] = WeakKeyDictionary()
        self._arguments = {"rules": rules, "open_ones": self._open_ones, "most": most}
        self._adapters: dict[tuple[Hashable, ...], Adapter] = {}
        self._contexts: dict[tuple[Hashable, ...], ssl.SSLContext] = {}
        self._expected = Counter[tuple[Hashable, ...]]()
        self._expected_contexts = Counter[tuple[Hashable, ...]]()
        self._lock = threading.Lock()

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return len(self._open_ones)

    def held(self) -> Counter[str]:
        """How many connections are open, by the thumbprint of the client certificate that they were made with."""
        there = (reference() for reference in self._open_ones.keyrefs())  # which no other thread disturbs
        return Counter(one.thumbprint for one in there if one is not None and one.thumbprint)

    def adapter(self, destination: Destination) -> Adapter:
        """The connections to a destination. Making the first context may take tens of milliseconds.

        For one that is not expected (any more) they are not pooled. Raises CallFailure if the certificate or the
        trust cannot be used.
        """
        adapter = self._adapters.get(destination.key)
        if adapter is not None:
            return adapter
        with self._lock:
            adapter = self._adapters.get(destination.key) or self._new_adapter(destination)
            if destination.key in self._expected:
                self._adapters[destination.key] = adapter
            else:
                adapter.close()
            return adapter

    def is_ready(self, destination: Destination) -> bool:
        """Whether what `adapter` gives is made already, or takes no time to make."""
        return destination.key in self._adapters or destination.origin.scheme != "https"

    def _new_adapter(self, destination: Destination) -> Adapter:
        trust = destination.trust
        checks_name = trust.validate_name and not trust.validate_chain
        context = self._context(destination) if destination.origin.scheme == "https" else None
        thumbprint = destination.certificate.thumbprint if destination.certificate else ""
        arguments = {"checks_name": checks_name, "thumbprint": thumbprint, **self._arguments}
        return Adapter(destination.origin, context, **arguments)

    def _context(self, destination: Destination) -> ssl.SSLContext:
        key = destination.context_key
        context = self._contexts.get(key) or client_context(destination.certificate, destination.trust)
        if key in self._expected_contexts:
            self._contexts[key] = context
        return context

    def expect(self, destinations: Iterable[Destination]) -> None:
        """Calls may go to these destinations from now on, too."""
        with self._lock:
            for destination in destinations:
                self._expected[destination.key] += 1
                self._expected_contexts[destination.context_key] += 1

    def release(self, destinations: Iterable[Destination]) -> None:
        """Close the pools of these destinations, if they are not expected by somebody else.

        Idle connections close now; one in use closes when its exchange is over.
        """
        gone = []
        with self._lock:
            for destination in destinations:
                if _counted_down(self._expected_contexts, destination.context_key):
                    self._contexts.pop(destination.context_key, None)
                if _counted_down(self._expected, destination.key) and destination.key in self._adapters:
                    gone.append(self._adapters.pop(destination.key))
        for adapter in gone:
            adapter.close()

    def close(self) -> None:
        """Close everything; nothing is expected any more."""
        with self._lock:
            adapters = list(self._adapters.values())
            for each in (self._adapters, self._contexts, self._expected, self._expected_contexts):
                each.clear()
        for adapter in adapters:
            adapter.close()


def _counted_down(counts: Counter[tuple[Hashable, ...]], key: tuple[Hashable, ...]) -> bool:
    """Count down; whether that was the last."""
    counts[key] -= 1
    if counts[key] > 0:
        return False
    del counts[key]
    return True
