"""Where the processor time of a call of the gateway goes, under load.

    python -m tests.benchmarks.profile [--callers 32] [--seconds 8] [--body small]

Times are microseconds of processor time a call. "loop" is the thread of the event loop, "threads" are those for
exchanges with back ends. A function's time has in it what it calls outside the gateway. The view by library needs
perf (Debian: linux-perf) and may need root.
"""

import argparse
import json
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.benchmarks.gateway import WARM_UP_SECONDS, check, need_programs
from tests.benchmarks.load import BODIES, Server, load, wrk
from tests.benchmarks.processes import LOAD_CORE, on_core, processor_seconds, workers
from tests.benchmarks.samples import libraries, stacks
from tests.benchmarks.servers import start_back_end, start_server


def main() -> None:
    """Start, load, sample, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=int, default=8)
    parser.add_argument("--callers", type=int, default=32)
    parser.add_argument("--body", default="small", choices=list(BODIES))
    chosen = parser.parse_args()
    need_programs()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        server = start_server(stack, "sampled", start_back_end(stack, folder))
        check(server)
        load(server, chosen.callers, WARM_UP_SECONDS, chosen.body)
        profile(server, chosen, folder)


def profile(server: Server, chosen: argparse.Namespace, folder: Path) -> None:
    """Load the gateway once, and print where its time went."""
    assert server.process is not None
    (worker,), file = workers(server.process), folder / "samples"
    seen, before = file.stat().st_size, processor_seconds(worker)
    load_command = wrk(server.url, chosen.callers, chosen.seconds, chosen.body)
    calls, rate, perf = observed(load_command, worker, chosen.seconds - 1, folder)
    each = (processor_seconds(worker) - before) / calls * 1e6
    print(f"{rate:.0f} calls/s, {each:.0f} us of processor time a call")
    if perf:
        show("By library", libraries(perf, worker), each)
    found = stacks(file.read_bytes()[seen:].decode())
    show("By area", (f"{stack.thread}: {stack.area}" for stack in found), each)
    show("By function of the gateway", (f"{stack.thread}: {stack.function}" for stack in found), each)


def observed(load_command: list[str], process: int, seconds: int, folder: Path) -> tuple[int, float, str]:
    """Run a load: the number of calls, calls a second, and what perf saw in some seconds of it."""
    with subprocess.Popen(load_command, stdout=subprocess.PIPE, text=True) as running:
        time.sleep(0.5)  # the load begins
        seen = _perf(process, seconds, str(folder / "perf.data")) if shutil.which("perf") else ""
        found = json.loads(running.communicate()[0].splitlines()[-1])
    return found["calls"], found["calls"] / found["seconds"], seen


def _perf(process: int, seconds: int, file: str) -> str:
    record = ["perf", "record", "-q", "-e", "cpu-clock", "-F", "499", "-p", str(process), "-o", file]
    run = subprocess.run(
        on_core(LOAD_CORE, [*record, "--", "sleep", str(seconds)]),
        check=False,
        capture_output=True,
        text=True,
    )
    if run.returncode:
        print(f"perf: {run.stderr.strip()}")
        return ""
    script = ["perf", "script", "-i", file, "-F", "tid,ip,sym,dso"]
    return subprocess.run(script, check=True, capture_output=True, text=True).stdout


def show(title: str, names: Iterable[str], each: float, most: int = 40) -> None:
    """How the time of a call is shared out, the largest parts first."""
    counts = Counter(names)
    print(f"\n{title} ({counts.total()} samples)")
    for name, count in counts.most_common(most):
        print(f"{count / counts.total() * each:>8.1f} {count / counts.total():>6.1%}  {name}")


if __name__ == "__main__":
    main()
