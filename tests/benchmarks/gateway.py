"""Side by side in one run: the back end called direct, and several ways to it with a client certificate.

    python -m tests.benchmarks.gateway [--seconds 4] [--rounds 3] [--only gateway,requests] [--callers 1,32,256]
                                       [--bodies small,download,upload]

Each server is one process on the first core; the back end and the load are on the second. Rounds take turns, and
medians are printed, because machines are noisy. "core" is the part of its core that a server used: where it is far
from 100 %, something else was the limit, and calls per second of processor time say more. "MB" is the most resident
memory. The last line is JSON. Exit code 1: a call of the gateway failed.
"""

import argparse
import http.client
import shutil
import sys
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from tests.benchmarks import nginx, report
from tests.benchmarks.load import BODIES, KEY, Figures, Server, load, median
from tests.benchmarks.processes import memory
from tests.benchmarks.report import Cell
from tests.benchmarks.servers import NAMES, start_back_end, start_server

WARM_UP_SECONDS = 1


def options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """What was asked for on the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=int, default=4, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default=",".join(NAMES), help="servers, with commas")
    parser.add_argument("--callers", default="1,32,256", help="numbers of connections, with commas")
    parser.add_argument("--bodies", default="small,download", help="small, download, upload, with commas")
    found = parser.parse_args(arguments)
    found.only, found.bodies = found.only.split(","), found.bodies.split(",")
    found.callers = [int(callers) for callers in found.callers.split(",")]
    for chosen, known in ((found.only, NAMES), (found.bodies, BODIES)):
        if unknown := set(chosen) - set(known):
            parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    return found


def need_programs() -> None:
    """End with a message when a program is missing."""
    if nginx.PROGRAM is None or shutil.which("wrk") is None:
        raise SystemExit("wrk and nginx are needed (Debian: apt install wrk nginx-light)")


def check(server: Server) -> None:
    """See that a server answers as it should before it is measured, and say what it does without a key."""
    for path, length in ((BODIES["small"], len(nginx.SMALL)), (BODIES["download"], nginx.LARGE_BYTES)):
        status, body = _call(server, path, {"Ocp-Apim-Subscription-Key": KEY})
        if (status, len(body)) != (200, length):
            raise SystemExit(f"{server.name} answers {status} {body[:500]!r}")
    if server.name == "gateway":
        status, _ = _call(server, BODIES["small"], {})
        print(f"The gateway answers a call without a key with {status}.")


def _call(server: Server, path: str, fields: dict[str, str]) -> tuple[int, bytes]:
    url = urlsplit(server.url)
    with closing(http.client.HTTPConnection(str(url.hostname), url.port, timeout=10)) as connection:
        connection.request("GET", url.path + path, headers=fields)
        answer = connection.getresponse()
        return answer.status, answer.read()


def measure(servers: Sequence[Server], chosen: argparse.Namespace) -> report.Results:
    """The medians. Bodies come one after the other, so that the memory that small ones need is seen."""
    found: dict[Cell, dict[str, Figures]] = {}
    for body in chosen.bodies:
        for server in servers:
            load(server, max(chosen.callers), WARM_UP_SECONDS, body)
        runs = _runs(servers, [Cell(callers, body) for callers in chosen.callers], chosen)
        found |= {
            cell: {name: median(all_) for name, all_ in by_name.items()} for cell, by_name in runs.items()
        }
    return found


def _runs(
    servers: Sequence[Server], cells: Sequence[Cell], chosen: argparse.Namespace
) -> dict[Cell, dict[str, list[Figures]]]:
    """Load each server in turn, round by round."""
    runs: dict[Cell, dict[str, list[Figures]]] = {cell: {s.name: [] for s in servers} for cell in cells}
    for _ in range(chosen.rounds):
        for cell in cells:
            for server in servers:
                runs[cell][server.name].append(load(server, cell.callers, chosen.seconds, cell.body))
    return runs


def main() -> int:
    """Start, measure, print; the exit code."""
    chosen = options()
    need_programs()
    with ExitStack() as stack:
        back_end = start_back_end(stack, Path(stack.enter_context(TemporaryDirectory())))
        servers = [start_server(stack, name, back_end) for name in chosen.only]
        proxies = [server for server in servers if server.process is not None]
        for server in proxies:
            check(server)
        results = measure(servers, chosen)
        used = {server.name: memory(server.process) for server in proxies if server.process is not None}
    for cell in results:
        print(f"\n{report.table(results, cell)}")
    print(f"\n{report.memory_table(used)}\n")
    print(report.as_json(results, used, vars(chosen)))
    return int(any(by_name["gateway"].errors for by_name in results.values() if "gateway" in by_name))


if __name__ == "__main__":
    sys.exit(main())
