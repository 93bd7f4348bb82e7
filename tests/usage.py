"""What a process uses, as Linux counts it (proc(5))."""

import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import NamedTuple

_MB = 1024.0


class Usage(NamedTuple):
    """Resident memory in MB, open files and sockets, threads."""

    memory: float
    files: float
    threads: float

    @classmethod
    def of(cls, process: int) -> "Usage":
        """What a process uses now."""
        folder = Path(f"/proc/{process}")
        status = (folder / "status").read_text()
        memory, threads = (int(re.findall(rf"{name}:\s+(\d+)", status)[0]) for name in ("VmRSS", "Threads"))
        return cls(memory / _MB, len(list((folder / "fd").iterdir())), threads)

    @classmethod
    def median(cls, usages: Sequence["Usage"]) -> "Usage":
        """The middle of what was used over a time."""
        return cls(*map(median, zip(*usages, strict=True)))


def ports_of_callers(process: int, port: int) -> set[int]:
    """Of the connections to a port of this machine that a process serves: the ports at their other ends."""
    sockets = set()
    with suppress(FileNotFoundError):  # a process or a file that has just gone
        for link in Path(f"/proc/{process}/fd").iterdir():
            with suppress(FileNotFoundError):
                sockets.add(str(link.readlink()).removeprefix("socket:"))
    lines = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    ends = [(*(int(end[9:], 16) for end in line[1:3]), f"[{line[9]}]") for line in lines]
    return {other for own, other, number in ends if own == port and other and number in sockets}
