"""Server processes on one core each, and what they use of it."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
SERVER_CORE, LOAD_CORE = 0, 1
_TICKS = os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def on_core(core: int, command: Sequence[str]) -> list[str]:
    """The command, kept to one core with everything that it starts."""
    return ["taskset", "-c", str(core), *command]


@contextmanager
def started(
    command: Sequence[str], port: int, core: int, log: Path, environment: Mapping[str, str] = os.environ
) -> Iterator[int]:
    """A server that can be called; its process id. What it prints goes to `log`."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            on_core(core, command), cwd=ROOT, env=environment, stdout=output, stderr=output
        )
        try:
            _wait_for(process, port, log)
            yield process.pid
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                for member in family(process.pid):
                    os.kill(member, 9)
                process.wait()


def _wait_for(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"A server does not start:\n{log.read_text()[-4000:]}") from None
            time.sleep(0.1)


def family(process: int) -> list[int]:
    """A process and everything that came out of it."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [process, *(member for child in children for member in family(int(child)))]


def workers(process: int) -> list[int]:
    """Those of a server's processes that serve: all without children."""
    return [member for member in family(process) if family(member) == [member]]


def processor_seconds(process: int) -> float:
    """The processor time that a process and its children have used."""
    return sum(ticks(Path(f"/proc/{member}/stat")) for member in family(process)) / _TICKS


def ticks(stat: Path) -> int:
    """User and system time in a stat file of /proc (proc(5))."""
    fields = stat.read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def memory(process: int, line: str = "VmRSS:") -> float:
    """The resident memory of a server's workers in MB; "VmHWM:" is the most since `forget_most_memory`."""
    status = "".join(Path(f"/proc/{member}/status").read_text() for member in workers(process))
    return sum(int(each.split()[1]) for each in status.splitlines() if each.startswith(line)) / 1024


def forget_most_memory(process: int) -> None:
    """Begin anew to watch for the most memory (proc(5), clear_refs)."""
    for member in workers(process):
        Path(f"/proc/{member}/clear_refs").write_text("5")


def settle(process: int, seconds: float = 15) -> None:
    """Wait until a server has nothing more to do for callers that have left."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        before = processor_seconds(process)
        time.sleep(0.2)
        if processor_seconds(process) - before <= 0.03:
            return
    print(
        f"Process {process} does not come to rest; what is measured next is slowed down by it.",
        file=sys.stderr,
    )
