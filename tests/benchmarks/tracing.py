"""What tracing costs a call: with a key that may not trace, one that may, and when calls are traced, side by side.

    python -m tests.benchmarks.tracing [--seconds 3] [--rounds 7] [--callers 32]

They take turns on one gateway, so that a busy machine slows all down alike; each round gives ratios to calls with a
key that may not trace, and medians are printed. "us/call" is the processor time of the gateway for a call, what it
does in threads of its own included; "traced" is the part of the calls that were: with too many at a time the others
are not. The last line is JSON. Exit code 1: a call failed.
"""

import argparse
import json
import statistics
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.benchmarks.gateway import WARM_UP_SECONDS, check, need_programs
from tests.benchmarks.load import Figures, Server, load
from tests.benchmarks.servers import start_back_end, start_server

TRACING_KEY = "benchmark-tracing-key"
_MAY_TRACE = (f"Ocp-Apim-Subscription-Key: {TRACING_KEY}",)
_YARDSTICK = "may not trace"
Round = Mapping[str, Figures]


def variants(gateway: Server) -> list[Server]:
    """The same gateway, called in different ways."""
    return [
        replace(gateway, name=_YARDSTICK),
        replace(gateway, name="may trace", fields=_MAY_TRACE),
        replace(gateway, name="each 100th traced", fields=_MAY_TRACE, traced_every=100),
        replace(gateway, name="all traced", fields=_MAY_TRACE, traced_every=1),
    ]


def rounds(servers: Sequence[Server], chosen: argparse.Namespace) -> list[Round]:
    """The figures of all, round by round; who is first takes turns, too."""
    found: list[Round] = []
    for number in range(chosen.rounds):
        turned = [*servers[number % len(servers) :], *servers[: number % len(servers)]]
        seen = {server.name: load(server, chosen.callers, chosen.seconds, "small") for server in turned}
        if not all(figures.rate for figures in seen.values()):
            raise SystemExit(f"No call came to its end: {seen}")
        found.append(seen)
        times = ", ".join(f"{server.name} {_microseconds(seen[server.name]):.0f}" for server in servers)
        print(f"round {number + 1}, us/call: {times}", flush=True)
    return found


def _microseconds(figures: Figures) -> float:
    return figures.busy / figures.rate * 1e6


def results(found: Sequence[Round]) -> dict[str, dict[str, float]]:
    """The medians of the rounds, by way of calling."""
    return {name: _medians(name, found) for name in found[0]}


def _medians(name: str, found: Sequence[Round]) -> dict[str, float]:
    def of_ratios(first: str, second: str) -> float:
        return round(
            statistics.median(_microseconds(each[first]) / _microseconds(each[second]) for each in found), 4
        )

    own = [each[name] for each in found]
    return {
        "calls_per_core_second": round(statistics.median(each.rate / each.busy for each in own), 1),
        "us_per_call": round(statistics.median(map(_microseconds, own)), 1),
        "ratio": of_ratios(_YARDSTICK, name),
        "calls_per_second": round(statistics.median(each.rate for each in own), 1),
        "p50_ms": round(statistics.median(each.p50 for each in own), 3),
        "p99_ms": round(statistics.median(each.p99 for each in own), 3),
        "traced": round(statistics.median(each.traced for each in own), 4),
    }


def table(medians: Mapping[str, Mapping[str, float]], names: Sequence[str]) -> str:
    """The medians for people."""
    heads = ("calls/core s", "ratio", "us/call", "calls/s", "p50 ms", "p99 ms", "traced")
    lines = [f"{'':<20}" + "".join(f"{head:>14}" for head in heads)]
    for name in names:
        own = medians[name]
        cells = (
            f"{own['calls_per_core_second']:.0f}", f"{own['ratio']:.3f}", f"{own['us_per_call']:.0f}",
            f"{own['calls_per_second']:.0f}", f"{own['p50_ms']:.2f}", f"{own['p99_ms']:.2f}",
            f"{own['traced']:.0%}",
        )  # fmt: skip
        lines.append(f"{name:<20}" + "".join(f"{cell:>14}" for cell in cells))
    return "\n".join(lines)


def main() -> int:
    """Start, measure, print; the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=int, default=3, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--callers", type=int, default=32)
    chosen = parser.parse_args()
    need_programs()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        gateway = start_server(stack, "tracing", start_back_end(stack, folder))
        check(gateway)
        servers = variants(gateway)
        for server in servers:
            load(server, chosen.callers, WARM_UP_SECONDS, "small")
        found = rounds(servers, chosen)
    medians = results(found)
    print(f"\n{table(medians, [server.name for server in servers])}\n")
    print(json.dumps({"options": vars(chosen), "results": medians}))
    return int(any(figures.errors for each in found for figures in each.values()))


if __name__ == "__main__":
    sys.exit(main())
