"""The gateway, which writes down where it is after every few milliseconds of processor time.

The system delivers the signal to the thread that runs, and faulthandler writes that thread's stack, with or without
the interpreter lock: so threads are seen for as long as they use the processor. A profiler that looks from outside
sees who holds the lock, which is mostly a thread that waits for the core.
"""

import faulthandler
import os
import signal
from pathlib import Path

from gateway.node import application

__all__ = ["application"]

SECONDS = 0.005
_file = Path(os.environ["BENCHMARK_SAMPLES"]).open("ab", buffering=0)  # noqa: SIM115 (for as long as the process)
faulthandler.register(signal.SIGPROF, _file, all_threads=False)
signal.setitimer(signal.ITIMER_PROF, SECONDS, SECONDS)
