"""What twenty statements of a policy cost a call: the same gateway and back end with none of them, side by side.

    python -m tests.benchmarks.statements [--seconds 2] [--rounds 9] [--callers 32]

The two take turns, so that a busy machine slows both down alike; each round gives one ratio, and medians are
printed. Beside calls a second there is the processor time of the gateway for a call, which a busy machine changes
least. The statements are those of tests.benchmarks.statements_configuration. The last line is JSON. Exit code 1: a
call failed.
"""

import argparse
import json
import statistics
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from tests.benchmarks.gateway import WARM_UP_SECONDS, need_programs
from tests.benchmarks.load import Figures, Server, load
from tests.benchmarks.servers import start_back_end, start_server

FIELDS = ("X-Client: Mobile", "Accept: application/json", "User-Agent: wrk", "Cookie: theme=dark")


def rounds(plain: Server, governed: Server, chosen: argparse.Namespace) -> list[tuple[Figures, Figures]]:
    """The figures of both, round by round; who is first takes turns, too."""
    found = []
    for number in range(chosen.rounds):
        order = (plain, governed) if number % 2 == 0 else (governed, plain)
        seen = {server.name: load(server, chosen.callers, chosen.seconds, "small") for server in order}
        if not all(figures.rate for figures in seen.values()):
            raise SystemExit(f"No call came to its end: {seen}")
        found.append((seen["plain"], seen["governed"]))
        print(f"round {number + 1}: {_line(*found[-1])}", flush=True)
    return found


def _microseconds(figures: Figures) -> float:
    """The processor time of a call."""
    return figures.busy / figures.rate * 1e6


def _line(plain: Figures, governed: Figures) -> str:
    return (
        f"{plain.rate:.0f} and {governed.rate:.0f} calls/s, "
        f"{_microseconds(plain):.0f} and {_microseconds(governed):.0f} us of processor time a call"
    )


def results(found: Sequence[tuple[Figures, Figures]]) -> dict[str, float]:
    """The medians of the rounds."""
    return {
        "plain_calls_per_second": round(statistics.median(plain.rate for plain, _ in found), 1),
        "governed_calls_per_second": round(statistics.median(governed.rate for _, governed in found), 1),
        "plain_us": round(statistics.median(_microseconds(plain) for plain, _ in found), 1),
        "governed_us": round(statistics.median(_microseconds(governed) for _, governed in found), 1),
        "throughput_lost": round(1 - statistics.median(b.rate / a.rate for a, b in found), 4),
        "processor_time_lost": round(
            1 - statistics.median(_microseconds(a) / _microseconds(b) for a, b in found), 4
        ),
    }


def main() -> int:
    """Start, measure, print; the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=int, default=2, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--callers", type=int, default=32)
    chosen = parser.parse_args()
    need_programs()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        gateway = start_server(stack, "statements", start_back_end(stack, folder))
        root = gateway.url.removesuffix(urlsplit(gateway.url).path)
        plain, governed = (
            replace(gateway, name=name, url=f"{root}/{name}", fields=FIELDS) for name in ("plain", "governed")
        )
        for server in (plain, governed):
            load(server, chosen.callers, WARM_UP_SECONDS, "small")
        found = rounds(plain, governed, chosen)
    medians = results(found)
    print(
        f"\nMedians: twenty statements take {medians['throughput_lost']:.1%} of the throughput, "
        f"{medians['processor_time_lost']:.1%} by processor time."
    )
    print(json.dumps({"options": vars(chosen), **medians}))
    return int(any(figures.errors for both in found for figures in both))


if __name__ == "__main__":
    sys.exit(main())
