"""Side by side in one run: the back end direct, and three ways to it with a client certificate.

    python -m tests.benchmarks.gateway [--seconds 5] [--rounds 3] [--only gateway]

Needs wrk. Each server is one process on the first core, the back end and the load are on the second. Rounds
take turns, and the median of each figure is printed, because machines are noisy.
"""

import argparse
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.pki import issue, make_ca

ROOT = Path(__file__).parent.parent.parent
SERVERS = "tests.benchmarks.servers"
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
OURS = [*GUNICORN, "--keep-alive", "75", "-k", "gateway.worker.GatewayWorker"]
YARDSTICK = [*GUNICORN, "--keep-alive", "75", "-k", "gthread", "--threads", "8"]


@dataclass(frozen=True)
class Figures:
    """What wrk measured: calls a second, and latencies in milliseconds."""

    rate: float
    p50: float
    p99: float


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def started(command: Sequence[str], port: int, core: int, **environment: str) -> Iterator[int]:
    """A server, ready to be called, on one core."""
    process = subprocess.Popen(
        ["taskset", "-c", str(core), *command], cwd=ROOT, env={**os.environ, **environment}
    )
    try:
        deadline = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                assert process.poll() is None, f"{command} ended"
                assert time.monotonic() < deadline, f"{command} does not listen"
                time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()


def certificates(folder: Path) -> None:
    ca = make_ca("Benchmark CA")
    (folder / "ca.pem").write_text(ca.pem)
    issue(ca, "server").write(folder, "server")
    issue(ca, "client").write(folder, "client")


@contextmanager
def back_end(folder: Path) -> Iterator[str]:
    port = free_port()
    command = [
        sys.executable, "-m", "uvicorn", f"{SERVERS}:back_end", "--port", str(port), "--log-level", "warning",
        "--timeout-graceful-shutdown", "1",
        "--ssl-certfile", str(folder / "server.pem"), "--ssl-keyfile", str(folder / "server.key"),
        "--ssl-ca-certs", str(folder / "ca.pem"), "--ssl-cert-reqs", "1",
    ]  # fmt: skip
    with started(command, port, core=1):
        yield f"https://localhost:{port}"


def load(url: str, callers: int, seconds: int) -> Figures:
    run = subprocess.run(
        ["taskset", "-c", "1", "wrk", "-t1", f"-c{callers}", f"-d{seconds}", "--latency", url],
        capture_output=True,
        text=True,
        check=True,
    )
    if "Non-2xx" in run.stdout or "Socket errors" in run.stdout:
        print(run.stdout)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", run.stdout)
    assert rate, run.stdout
    return Figures(float(rate[1]), _latency(run.stdout, 50), _latency(run.stdout, 99))


def _latency(text: str, percentile: int) -> float:
    found = re.search(rf"{percentile}%\s+([\d.]+)(us|ms|s)", text)
    assert found, text
    return float(found[1]) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[found[2]]


def median(figures: Sequence[Figures]) -> Figures:
    return Figures(*(statistics.median(getattr(f, name) for f in figures) for name in ("rate", "p50", "p99")))


def show(results: dict[str, dict[int, list[Figures]]]) -> None:
    for callers in (1, 32):
        medians = {name: median(runs[callers]) for name, runs in results.items()}
        yardstick, direct = medians.get("requests"), medians.get("direct")
        columns = "calls/s     p50 ms     p99 ms   x requests   p50 - direct"
        print(f"\n{callers} callers".ljust(15) + columns)
        for name, figures in medians.items():
            ratio = f"{figures.rate / yardstick.rate:.2f}" if yardstick else ""
            added = f"{figures.p50 - direct.p50:+.2f}" if direct else ""
            print(
                f"{name:<12}{figures.rate:>9.0f}{figures.p50:>11.2f}{figures.p99:>11.2f}{ratio:>11}{added:>15}"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="names, with commas: direct, urllib3, requests, gateway")
    options = parser.parse_args()
    assert shutil.which("wrk"), "wrk is needed (Debian: apt install wrk)"
    servers = {
        "urllib3": [*OURS, f"{SERVERS}:bare_urllib3()"],
        "requests": [*YARDSTICK, f"{SERVERS}:bare_requests()"],
        "gateway": [*OURS, f"{SERVERS}:our_gateway()"],
    }
    wanted = options.only.split(",") if options.only else ["direct", *servers]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        certificates(folder)
        url = stack.enter_context(back_end(folder))
        urls = {"direct": f"{url}/accounts"}
        for name, command in servers.items():
            if name in wanted:
                port = free_port()
                bind = ["-b", f"127.0.0.1:{port}"]
                stack.enter_context(
                    started([*command, *bind], port, core=0, BENCHMARK=str(folder), BACK_END=url)
                )
                urls[name] = f"http://127.0.0.1:{port}/bank/accounts"
        urls = {name: urls[name] for name in wanted}
        results: dict[str, dict[int, list[Figures]]] = {name: {1: [], 32: []} for name in urls}
        for address in urls.values():
            load(address, 32, 1)  # warm up
        for _ in range(options.rounds):
            for callers in (1, 32):
                for name, address in urls.items():
                    results[name][callers].append(load(address, callers, options.seconds))
        show(results)


if __name__ == "__main__":
    main()
