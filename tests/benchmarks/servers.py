"""The servers that are put side by side, each one process on one core, and the back end behind them."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tests import pki
from tests.benchmarks import nginx
from tests.benchmarks.load import KEY, Server
from tests.benchmarks.processes import LOAD_CORE, ROOT, SERVER_CORE, free_port, started
from tests.databases import environment, manage

GUNICORN = [
    sys.executable,
    "-m",
    "gunicorn",
    "--workers",
    "1",
    "--no-control-socket",
    "--log-level",
    "warning",
]
GTHREAD = [*GUNICORN, "--keep-alive", "75", "-k", "gthread", "--threads", "8"]
OUR_SERVER = [*GUNICORN, "--keep-alive", "75", "-k", "gateway.worker.GatewayWorker"]
APPLICATIONS = "tests.benchmarks.applications"


@dataclass(frozen=True)
class BackEnd:
    """A back end that demands a client certificate at `port`, and none at `open_port`."""

    folder: Path
    port: int
    open_port: int

    @property
    def url(self) -> str:
        """Where proxies call it."""
        return f"https://localhost:{self.port}"

    @property
    def open_url(self) -> str:
        """Where it asks for no certificate."""
        return f"https://localhost:{self.open_port}"


Command = tuple[list[str], Mapping[str, str]]


def _application(command: list[str], application: str) -> Callable[[BackEnd, int], Command]:
    def made(back_end: BackEnd, port: int) -> Command:
        own = {"BENCHMARK_FOLDER": str(back_end.folder), "BENCHMARK_BACK_END": back_end.url}
        return [*command, "-b", f"127.0.0.1:{port}", application], {**os.environ, **own}

    return made


def _nginx(back_end: BackEnd, port: int) -> Command:
    return nginx.proxy(back_end.folder, port, back_end.port), os.environ


def _gateway(
    application: str, configuration: str = "tests.benchmarks.configuration"
) -> Callable[[BackEnd, int], Command]:
    """The gateway as it runs in production, with a database of its own that is configured here."""

    def made(back_end: BackEnd, port: int) -> Command:
        database = f"sqlite:///{back_end.folder}/gateway.sqlite3"
        manage(database, "migrate", "--verbosity", "0")
        values = {"GATEWAY_WORKERS": "1", "GATEWAY_PORT": str(port)}
        own = environment(database, BENCHMARK_SAMPLES=str(back_end.folder / "samples"), **values)
        configure = [
            sys.executable,
            "-m",
            configuration,
            str(back_end.folder),
            back_end.url,
            KEY,
            back_end.open_url,
        ]
        subprocess.run(configure, cwd=ROOT, env=own, check=True)
        return [sys.executable, "-m", "gunicorn", "-c", "python:gateway.gunicorn_gateway", application], own

    return made


SERVERS: dict[str, Callable[[BackEnd, int], Command]] = {
    "urllib3": _application(OUR_SERVER, f"{APPLICATIONS}:bare_urllib3()"),
    "requests": _application(GTHREAD, f"{APPLICATIONS}:bare_requests()"),
    "revproxy": _application(GTHREAD, "tests.benchmarks.revproxy:application"),
    "nginx": _nginx,
    "gateway": _gateway("gateway.node:application"),
}
NAMES = ("direct", *SERVERS)
_OTHERS = {
    "sampled": _gateway("tests.benchmarks.sampled:application"),  # for a profile
    "statements": _gateway("gateway.node:application", "tests.benchmarks.statements_configuration"),
    "tracing": _gateway("gateway.node:application", "tests.benchmarks.tracing_configuration"),
    "sampled-statements": _gateway(
        "tests.benchmarks.sampled:application", "tests.benchmarks.statements_configuration"
    ),
}


def start_back_end(stack: ExitStack, folder: Path) -> BackEnd:
    """Start the back end on the core of the load; everything ends with the stack."""
    authority = pki.make_ca("Benchmark CA")
    (folder / "ca.pem").write_text(authority.pem)
    client = pki.issue(authority, "client")
    client.write(folder, "client")
    (folder / "client.pfx").write_bytes(pki.pfx(client, password=b"secret"))
    pki.issue(authority, "server").write(folder, "server")
    made = BackEnd(folder, free_port(), free_port())
    command = nginx.back_end(folder, made.port, made.open_port)
    stack.enter_context(started(command, made.port, LOAD_CORE, folder / "back-end.log"))
    return made


def start_server(stack: ExitStack, name: str, back_end: BackEnd) -> Server:
    """Start one of NAMES ("direct" is the back end itself), or another one; it ends with the stack."""
    if name == "direct":
        return Server(name, back_end.open_url, None)
    port = free_port()
    command, own = (SERVERS | _OTHERS)[name](back_end, port)
    log = back_end.folder / f"{name}.log"
    process = stack.enter_context(started(command, port, SERVER_CORE, log, own))
    return Server(name, f"http://127.0.0.1:{port}/bank", process)
