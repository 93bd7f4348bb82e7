"""Send a call of the console to the gateway: over the network, as any caller does, and to no other address."""

import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from urllib.parse import SplitResult, urlsplit

import certifi
from django.conf import settings

from gateway.addresses import DEFAULT_PORTS
from gateway.probing.line import left_until, look_up
from portal.console.exchange import WITH_BODY, Answer, ConsoleRequest, NotSent, Unanswered, Unsent
from portal.console.reading import NotHttp, is_answer, read_body, read_head
from portal.console.wire import Ended, TooLong, Wire
from portal.gateway_urls import gateway_bases

SECONDS = 30.0
SECONDS_TO_CONNECT = 10.0
USER_AGENT = "publisher-portal-console"
_OURS = frozenset({"host", "connection", "content-length", "transfer-encoding"})
_BREAKS_A_LINE = re.compile(r"[\r\n\0]")
# A call holds a thread of the portal: one at least is left for everybody else's pages.
_MOST_AT_A_TIME = max(1, min(4, settings.PORTAL_THREADS - 1))
_room = threading.BoundedSemaphore(_MOST_AT_A_TIME)


def send(url: str, request: ConsoleRequest) -> Answer:
    """Send a request through the gateway, whose public address is `url`, and wait. Raises NotSent."""
    public = urlsplit(url)
    address = _address(public)
    head = _head(public.netloc.rpartition("@")[2], address.path.rstrip("/"), request)
    return _exchange(address, public.hostname or "", head + request.body, request.method)


@contextmanager
def room() -> Iterator[None]:
    """Room for a call and for all that is waited for because of it. Raises NotSent if there is none."""
    if not _room.acquire(blocking=False):
        raise Unsent(
            f"{_MOST_AT_A_TIME} calls of the console are under way already, which is as many as the portal makes "
            "at a time. Wait until one is over (they take less than a minute), then send again."
        )
    try:
        yield
    finally:
        _room.release()


def _address(public: SplitResult) -> SplitResult:
    """Where the portal reaches the gateway. Settings alone say that: a page's address may come from its request."""
    if settings.CONSOLE_GATEWAY_URL:
        return urlsplit(str(settings.CONSOLE_GATEWAY_URL))
    bases = gateway_bases()
    return urlsplit(bases.get(public.scheme) or next(iter(bases.values())))


def _head(host: str, prefix: str, request: ConsoleRequest) -> bytes:
    entered = {name.strip().lower() for name, _ in request.fields}
    if ours := sorted(entered & _OURS):
        raise Unsent(f"The console itself sets the header {ours[0].title()}. Take it out, then send again.")
    fields = [("Host", host), *request.fields]
    if "user-agent" not in entered:
        fields.append(("User-Agent", USER_AGENT))
    if request.body or request.method in WITH_BODY:
        fields.append(("Content-Length", str(len(request.body))))
    fields.append(("Connection", "close"))
    lines = [f"{request.method} {prefix}{request.target} HTTP/1.1", *(f"{n}: {v}" for n, v in fields)]
    if any(_BREAKS_A_LINE.search(line) for line in lines):
        raise Unsent("A line break is in the path or in a header, which cannot be sent. Take it out.")
    return "\r\n".join([*lines, "", ""]).encode(errors="surrogateescape")


def _exchange(address: SplitResult, name: str, data: bytes, method: str) -> Answer:
    start = time.monotonic()
    with _words_for(address, name), _connected(address, name, start + SECONDS) as wire:
        wire.send(data, is_answer)
        head = read_head(wire)
        to_head = time.monotonic() - start
        body = read_body(wire, head, method)
    return Answer(
        head.status,
        head.reason,
        head.fields,
        bytes(body.kept),
        body.size,
        body.read,
        body.cut,
        to_head,
        time.monotonic() - start,
    )


@contextmanager
def _connected(address: SplitResult, name: str, deadline: float) -> Iterator[Wire]:
    with closing(_connect(address, name, deadline)) as connection:
        wire = Wire(connection, deadline)
        wire.handshake()
        yield wire


class _NobodyThere(Exception):
    """No connection could be made. The text says why."""


def _connect(address: SplitResult, name: str, deadline: float) -> socket.socket:
    port = address.port or DEFAULT_PORTS[address.scheme]
    until = min(deadline, time.monotonic() + SECONDS_TO_CONNECT)
    why = "its name has no address"
    try:
        for family, kind, protocol, _, place in look_up(address.hostname or "", port, until):
            connection = _plain_or_tls(socket.socket(family, kind, protocol), address.scheme, name)
            try:
                connection.settimeout(left_until(until))
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                connection.connect(place)
                return connection
            except OSError as error:
                connection.close()
                why = _why(error)
    except (OSError, UnicodeError) as error:
        why = _why(error)
    raise _NobodyThere(why)


def _plain_or_tls(connection: socket.socket, scheme: str, name: str) -> socket.socket:
    if scheme == "http":
        return connection
    return _context().wrap_socket(connection, server_hostname=name, do_handshake_on_connect=False)


def _why(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"nothing happened within {SECONDS_TO_CONNECT:.0f} seconds"
    if isinstance(error, socket.gaierror):
        return "its name has no address"
    return (getattr(error, "strerror", "") or "its name cannot be looked up").lower()


def _context() -> ssl.SSLContext:
    """Trusts public authorities, and what the gateway itself is started with."""
    context = ssl.create_default_context(cafile=certifi.where())
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    if settings.GATEWAY_TLS_CERTIFICATE:
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # it may be one that an authority issued
        with suppress(OSError):  # a file that only the gateway may read; system checks tell of others
            context.load_verify_locations(cafile=settings.GATEWAY_TLS_CERTIFICATE)
    return context


@contextmanager
def _words_for(address: SplitResult, name: str) -> Iterator[None]:
    """Tell whoever pressed Send what went wrong before there was an answer."""
    where = f"{address.scheme}://{address.netloc}"
    try:
        yield
    except _NobodyThere as error:
        raise NotSent(
            f"No gateway listens at {where}: {error}. The Dashboard shows which gateways run. If the portal "
            "reaches the gateway at another address, an operator sets CONSOLE_GATEWAY_URL to it."
        ) from None
    except TimeoutError:
        raise Unanswered(
            f"Within {SECONDS:.0f} seconds no answer came, and the console waits no longer. The gateway may wait "
            "longer for a back end. The curl line waits as long as the gateway does."
        ) from None
    except ssl.SSLCertVerificationError as error:
        raise NotSent(
            f"The gateway at {where} showed a TLS certificate that is not accepted for {name}: "
            f"{error.verify_message}. Nothing was sent. Accepted are certificates of public authorities and the "
            "one in GATEWAY_TLS_CERTIFICATE, for the host name of GATEWAY_PUBLIC_URL."
        ) from None
    except (Ended, NotHttp, TooLong, OSError) as error:
        raise NotSent(_no_answer(where, error)) from None


def _no_answer(where: str, error: Exception) -> str:
    look = "Look at the gateway's log, and at CONSOLE_GATEWAY_URL, where http and https are two things."
    if isinstance(error, Ended):
        return f"What listens at {where} ended the connection without an answer. {look}"
    if isinstance(error, NotHttp):
        return f"What listens at {where} does not answer in HTTP/1.1, so it is not the gateway. {look}"
    if isinstance(error, TooLong):
        return (
            f"The answer at {where} begins with more than 256 kB of headers, which the console does not read."
        )
    return f"No TLS connection to {where} could be made: {getattr(error, 'reason', None) or error}. {look}"
