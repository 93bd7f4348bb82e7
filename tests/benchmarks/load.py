"""Load on one server by wrk, and what it measured."""

import json
import statistics
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.benchmarks.nginx import LARGE_BYTES
from tests.benchmarks.processes import (
    LOAD_CORE,
    forget_most_memory,
    memory,
    on_core,
    processor_seconds,
    settle,
)

KEY = "benchmark-subscription-key"
BODIES = {"small": "/accounts", "download": "/statements/1", "upload": "/uploads"}
_SCRIPT = Path(__file__).with_name("wrk.lua")


@dataclass(frozen=True)
class Server:
    """A server to be loaded. `process` is None for the back end, which is called direct; `fields` go with calls.

    Each so manieth call asks to be traced, 0 for none.
    """

    name: str
    url: str
    process: int | None
    fields: tuple[str, ...] = ()
    traced_every: int = 0


@dataclass(frozen=True)
class Figures:
    """Calls a second, latencies in milliseconds, what the server used, errors by kind.

    `busy` is the part of its core, `memory` the most resident memory in MB; errors are wrk's "connect", "read",
    "write", "timeout" and "status" (400 and more), and "no call ended" for a run that was too short. `traced` is
    the part of the calls whose answers said where their trace is.
    """

    rate: float
    p50: float
    p99: float
    busy: float
    memory: float
    errors: dict[str, int] = field(default_factory=dict)
    traced: float = 0.0


def wrk(
    url: str, callers: int, seconds: int, body: str, fields: Sequence[str] = (), traced_every: int = 0
) -> list[str]:
    """The command that loads `url` with a body of BODIES."""
    more = [argument for field in fields for argument in ("-H", field)]
    upload = ["--", str(LARGE_BYTES if body == "upload" else 0), str(traced_every)]
    return on_core(
        LOAD_CORE,
        [
            "wrk", "-t1", f"-c{callers}", f"-d{seconds}", "--timeout", "10s", "-s", str(_SCRIPT),
            "-H", f"Ocp-Apim-Subscription-Key: {KEY}", *more, url + BODIES[body], *upload,
        ],
    )  # fmt: skip


def load(server: Server, callers: int, seconds: int, body: str) -> Figures:
    """Load a server, and wait until it rests again."""
    command = wrk(server.url, callers, seconds, body, server.fields, server.traced_every)
    if server.process is None:
        return _figures(_run(command), 0, 0)
    forget_most_memory(server.process)
    before, began = processor_seconds(server.process), time.monotonic()
    found = _run(command)
    busy = (processor_seconds(server.process) - before) / (time.monotonic() - began)
    settle(server.process)
    return _figures(found, busy, memory(server.process, "VmHWM:"))


def _run(command: Sequence[str]) -> dict[str, Any]:
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found: dict[str, Any] = json.loads(output.splitlines()[-1])
    return found


def _figures(found: dict[str, Any], busy: float, most: float) -> Figures:
    errors = {kind: count for kind, count in found["errors"].items() if count}
    p50, p99 = found["p50"], found["p99"]
    if not found["calls"]:
        errors["no call ended"] = 1
        p50 = p99 = found["seconds"] * 1000  # at least
    traced = found["traced"] / max(found["calls"], 1)
    return Figures(found["calls"] / found["seconds"], p50, p99, busy, most, errors, traced)


def median(runs: Sequence[Figures]) -> Figures:
    """The median of each figure, and all errors."""
    names = ("rate", "p50", "p99", "busy", "memory")
    kinds = sorted({kind for run in runs for kind in run.errors})
    return Figures(
        *(statistics.median(getattr(run, name) for run in runs) for name in names),
        {kind: sum(run.errors.get(kind, 0) for run in runs) for kind in kinds},
    )
