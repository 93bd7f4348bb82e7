"""The gateway that is judged, and the back end behind it: one of each for all tests of a process."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from gateway.snapshot import Snapshot
from tests.back_end import BackEnd
from tests.conformance.back_ends import BackEnds, back_ends
from tests.conformance.configuration import configuration
from tests.conformance.credentials import Credentials, credentials
from tests.conformance.serving import Gateway, embedded


@pytest.fixture(scope="session")
def issued(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Credentials:
    """Keys and certificates by name."""
    folder = pytestconfig.getoption("--gateway-keys") or tmp_path_factory.mktemp("conformance") / "keys"
    return credentials(Path(folder))


@pytest.fixture(scope="session")
def listeners(pytestconfig: pytest.Config, issued: Credentials) -> Iterator[BackEnds]:
    with back_ends(pytestconfig.getoption("--gateway-back-end-port"), issued) as listening:
        yield listening


@pytest.fixture(scope="session")
def gateway(
    pytestconfig: pytest.Config,
    tmp_path_factory: pytest.TempPathFactory,
    listeners: BackEnds,
    issued: Credentials,
) -> Iterator[Gateway]:
    """The gateway at the address that was given, or else the embedded engine."""
    with started(pytestconfig, tmp_path_factory, lambda: configuration(listeners.port, issued)) as gateway:
        gateway.half_head.append(gateway.caller())
        with gateway.half_head[0]:
            gateway.half_head[0].send(b"GET /open/x HTTP/1.1\r\nHo")
            yield gateway


@contextmanager
def started(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory, chosen: Callable[[], Snapshot]
) -> Iterator[Gateway]:
    """The gateway at the address that was given, or else the embedded engine under a configuration."""
    with ExitStack() as stack:
        if address := pytestconfig.getoption("--gateway-address"):
            parts = urlsplit(address)
            gateway = Gateway(parts.hostname or "", parts.port or 80)
        else:
            gateway = stack.enter_context(embedded(chosen(), tmp_path_factory.mktemp("embedded")))
        with gateway.caller(seconds=60) as caller:
            assert caller.ask("GET", "/elsewhere").status == 404  # it has started
        yield gateway


@pytest.fixture(autouse=True)
def back_end(listeners: BackEnds) -> BackEnd:
    """The back end of most APIs: it demands a client certificate."""
    listeners.reset()
    return listeners["mutual"]


@pytest.fixture
def plain(listeners: BackEnds) -> BackEnd:
    """The back end of the API "plain": the same without TLS."""
    return listeners["plain"]
