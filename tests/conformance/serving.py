"""The gateway that is judged: one that runs somewhere, or the embedded engine as a server process of its own."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from gateway.snapshot import Snapshot
from gateway.snapshot_codec import encode
from tests.answer import Answer
from tests.conformance.caller import Caller
from tests.conformance.configuration import SETTINGS
from tests.running import ROOT


@dataclass(frozen=True)
class Gateway:
    """A gateway by its address. `half_head` is a connection on which half a head was sent when it had started."""

    host: str
    port: int
    half_head: list[Caller] = field(default_factory=list)

    def caller(self, source: str = "", seconds: float = 10) -> Caller:
        """A connection to it, from any address or from a certain one of this machine."""
        return Caller((self.host, self.port), source, seconds)

    def call(
        self,
        method: str = "GET",
        target: str = "/open/x",
        *fields: str,
        body: bytes = b"",
        source: str = "",
    ) -> Answer:
        """One call on a connection of its own."""
        with self.caller(source) as caller:
            return caller.ask(method, target, *fields, body=body)

    def says(self, data: bytes) -> bytes:
        """Everything that comes back for some bytes until the gateway ends the connection, as it must soon."""
        with self.caller(seconds=3) as caller:
            caller.send(data)
            return caller.rest()

    def processes(self) -> set[int]:
        """The processes of this machine that listen at its port."""
        inodes = {
            line.split()[9] for line in _listening() if int(line.split()[1].split(":")[1], 16) == self.port
        }
        sockets = {f"socket:[{inode}]" for inode in inodes}
        found = {int(link.parts[2]) for link in Path("/proc").glob("[0-9]*/fd/*") if _target(link) in sockets}
        assert found, "a gateway is judged on the machine that it runs on"
        return found - {os.getpid()}

    def memory(self) -> dict[int, int]:
        """The most memory that each of its processes has had, in bytes, since `forget_memory` or its start."""
        return {pid: _peak(pid) for pid in self.processes()}

    def forget_memory(self) -> None:
        """Count the most memory anew from here on (proc(5), clear_refs)."""
        for pid in self.processes():
            Path(f"/proc/{pid}/clear_refs").write_text("5")


def _listening() -> list[str]:
    tables = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
    lines = [line for table in tables if table.exists() for line in table.read_text().splitlines()[1:]]
    return [line for line in lines if line.split()[3] == "0A"]


def _target(link: Path) -> str:
    try:
        return os.readlink(link)  # noqa: PTH115 (Path.readlink is slower by a factor)
    except OSError:
        return ""


def _peak(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


@contextmanager
def embedded(snapshot: Snapshot, folder: Path) -> Iterator[Gateway]:
    """The embedded engine under its real server, one worker, until the end of the block."""
    configuration = folder / "configuration.json"
    configuration.touch(mode=0o600)
    configuration.write_text(encode(snapshot))
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listener, (folder / "log").open("wb") as log:
        command = f"-m gunicorn -c python:gateway.gunicorn_gateway --workers 1 -b fd://{listener.fileno()}"
        settings = {"DJANGO_SETTINGS_MODULE": "tests.settings", "CONFIGURATION": str(configuration)}
        process = subprocess.Popen(
            [sys.executable, *command.split(), "tests.conformance.embedded:application"],
            cwd=ROOT,
            env={**os.environ, **SETTINGS, **settings},
            pass_fds=[listener.fileno()],
            stdout=log,
            stderr=log,
        )
        address = listener.getsockname()[:2]
    try:
        yield Gateway(*address)
    finally:
        process.send_signal(signal.SIGQUIT)
        process.wait(20)
