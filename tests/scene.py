"""A gateway as `serve` runs it, a back end that demands certificates, and an administrator beside them."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests import pki
from tests.databases import ENVIRONMENT, ROOT, environment
from tests.history import Save
from tests.reporter import Reporter
from tests.running import Running, running, until

CERTIFICATES = ("one", "two", "three")


class Administrator:
    """Somebody in a process of their own: a call is a command of tests.driver."""

    def __init__(self, database_url: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.driver"],
            cwd=ROOT,
            env=environment(database_url),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __call__(self, command: str, *arguments: Any, **named: Any) -> Any:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps([command, arguments, named]) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer, f"{command} failed: standard error tells why"
        return json.loads(answer)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.communicate()


@dataclass
class Scene:
    """What a test sees. The API "bank" trusts the back end's CA; certificates "one", "two" and "three" are
    uploaded, three because of two one cannot tell a call that is behind from one that is ahead.

    `back_ends` are the web service URLs of tests.reporter; "bank" goes to the one with TLS, which takes
    certificates of `authority`.
    """

    gateway: Running
    port: int
    administer: Administrator
    thumbprints: dict[str, str]
    back_ends: dict[str, str]
    authority: pki.Authority
    stack: ExitStack = field(repr=False)

    def workers(self) -> list[int]:
        """The processes that serve calls, oldest first."""
        return sorted(n for n, command in self.gateway.processes().items() if "gunicorn_gateway" in command)[
            1:
        ]

    def save(self, value: str, command: str, *arguments: Any, **named: Any) -> Save:
        """A change, until every process has acknowledged it; `value` is what calls see from then on."""
        start = time.monotonic()
        effects = [self.administer(command, *arguments, **named)]

        def acknowledged() -> bool:
            """On a busy machine a Save may name who lags; it is in effect when nobody does."""
            if effects[-1]["lagging"]:
                effects.append(self.administer("wait", effects[-1]["revision"]))
            return not effects[-1]["lagging"]

        until(acknowledged, 60)
        return Save(start, effects[-1]["returned"], value)

    def connect(self) -> HTTPConnection:
        """A connection to the gateway that is kept alive until the test ends."""
        return self.stack.enter_context(closing(HTTPConnection("127.0.0.1", self.port, timeout=10)))

    def call(self, connection: HTTPConnection | None = None) -> tuple[int, str]:
        """One call, on a connection of its own if none is given: its status, and the thumbprint that was seen."""
        used = connection or HTTPConnection("127.0.0.1", self.port, timeout=10)
        used.request("GET", "/bank/accounts/1")
        answer = used.getresponse()
        body = json.loads(answer.read())
        if connection is None:
            used.close()
        return answer.status, (body.get("client_certificate") or {}).get("thumbprint", "")


@contextmanager
def open_scene(database_url: str, folder: Path, workers: int, **settings: str) -> Iterator[Scene]:
    """Start everything; nothing of it outlives the block."""
    authority = pki.make_ca("Bank CA")
    (folder / "ca.pem").write_text(authority.pem)
    issued = {name: pki.issue(authority, name) for name in CERTIFICATES}
    for name, each in issued.items():
        (folder / f"{name}.pfx").write_bytes(pki.pfx(each, password=b"secret"))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings |= {"DATABASE_URL": database_url, "GATEWAY_PORT": str(port), "GATEWAY_WORKERS": str(workers)}
    with ExitStack() as stack:
        back_end = stack.enter_context(Reporter(pki.issue(authority, "localhost"), authority))
        gateway = stack.enter_context(running("serve", "--gateway-only", **ENVIRONMENT | settings))
        administer = stack.enter_context(Administrator(database_url))
        files = [str(folder / f"{name}.pfx") for name in issued]
        administer("prepare", back_end.urls["tls"], str(folder / "ca.pem"), *files)
        until(lambda: len(administer("gateways")) == workers, 30)
        thumbprints = {name: each.thumbprint for name, each in issued.items()}
        yield Scene(gateway, port, administer, thumbprints, back_end.urls, authority, stack)
