"""Whether the servers that were started answer yet."""

import http.client
import ssl
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from portal.serving.errors import ServingError
from portal.serving.listeners import Listener

PATIENCE_SECONDS = 60.0
_BETWEEN_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Probe:
    """One question to a server. The target, unless told, is one that a gateway refuses and never forwards."""

    name: str
    listener: Listener
    target: str = "/.."
    host: str = "localhost"


def wait_until_all_answer(
    probes: Iterable[Probe],
    check: Callable[[], None],
    given_up: Callable[[], bool],
    patience: float = PATIENCE_SECONDS,
) -> None:
    """Return when every server has answered, or when `given_up` says so.

    `check` is called meanwhile and raises when a server has ended. Raises ServingError after `patience` seconds.
    """
    deadline = time.monotonic() + patience
    for probe in probes:
        while not (given_up() or answers(probe)):
            check()
            if time.monotonic() > deadline:
                raise ServingError(f"The {probe.name} does not answer. Its messages above say why.")
            time.sleep(_BETWEEN_SECONDS)


def answers(probe: Probe) -> bool:
    """Whether the request gets an answer that is no server error, or a TLS alert that asks for a certificate."""
    connection = _connection(probe.listener)
    try:
        connection.putrequest("GET", probe.target, skip_host=True)
        connection.putheader("Host", probe.host)
        connection.putheader("Connection", "close")
        connection.endheaders()
        return connection.getresponse().status < http.client.INTERNAL_SERVER_ERROR
    except ssl.SSLError:
        return True
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _connection(listener: Listener) -> http.client.HTTPConnection:
    host, port = listener.reachable
    if not listener.tls:
        return http.client.HTTPConnection(host, port, timeout=5)
    context = ssl.create_default_context()
    context.check_hostname = False  # this asks only whether our own server is up, and sends nothing
    context.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(host, port, timeout=5, context=context)
