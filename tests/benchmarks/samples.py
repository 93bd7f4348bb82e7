"""Samples of running threads, as perf and faulthandler write them, and what they say of the gateway."""

import re
from typing import NamedTuple

_PERF = re.compile(r"\s*(\d+)\s+[0-9a-f]+ (.*) \((.*)\)")
_FRAME = re.compile(r'  File "(.*)", line \d+ in (.*)')
_OURS = re.compile(r"/(gateway/.*)\.py$")
_SWITCHING = re.compile(r"futex|sched|switch|wake")
_LIBRARIES = (
    ("kernel", "kernel: sockets and others"), ("libssl", "TLS"), ("libcrypto", "TLS"), ("/uvloop/", "uvloop"),
    ("/httptools/", "httptools"), ("sqlite", "SQLite"), ("libc.", "libc"), ("python", "Python"),
)  # fmt: skip
_FRONT, _LOOP = "front (uvicorn, httptools)", "event loop (uvloop)"
_HTTP = "HTTP to the back end (http.client, urllib3)"
_AREAS = (
    ("/ssl.py", "TLS and sockets (ssl)"), ("/http/client.py", _HTTP), ("/urllib3/", _HTTP), ("/requests/", _HTTP),
    ("/socket.py", _HTTP), ("/gateway/embedded/threads.py", "hop to a thread and back"),
    ("/gateway/http_protocol.py", _FRONT), ("/uvicorn/", _FRONT), ("/gateway/worker.py", _LOOP),
    ("/asyncio/", _LOOP), ("/logging/", "logging"), ("/prometheus_client/", "metrics"), ("/gateway/", "our code"),
)  # fmt: skip
# By the outermost frame that one of these is in.
_THREADS = (("/gateway/embedded/threads.py", "threads"), ("/gateway/worker.py", "loop"))


class Stack(NamedTuple):
    """The frames of a thread, (file, function), the innermost first."""

    frames: tuple[tuple[str, str], ...]

    @property
    def thread(self) -> str:
        """What the thread is for."""
        return next((name for part, name in _THREADS for file, _ in self.frames if part in file), "others")

    @property
    def area(self) -> str:
        """What the thread was at: the first area that is known from the innermost frame outwards."""
        return next((name for file, _ in self.frames for part, name in _AREAS if part in file), "others")

    @property
    def function(self) -> str:
        """The innermost function of ours."""
        found = ((_OURS.search(file), name) for file, name in self.frames)
        return next((f"{ours[1].replace('/', '.')} {name}" for ours, name in found if ours), "none of ours")


def stacks(text: str) -> list[Stack]:
    """What faulthandler wrote."""
    found = []
    for block in text.split("Stack (most recent call first):\n")[1:]:
        matches = (_FRAME.match(line) for line in block.splitlines())
        found.append(Stack(tuple((match[1], match[2]) for match in matches if match)))
    return found


def libraries(text: str, process: int) -> list[str]:
    """Whose machine code ran, by the lines of `perf script -F tid,ip,sym,dso`."""
    found = (_PERF.fullmatch(line) for line in text.splitlines())
    return [
        f"{'loop' if int(match[1]) == process else 'threads'}: {_library(match[2], match[3])}"
        for match in found
        if match
    ]


def _library(symbol: str, file: str) -> str:
    if "kernel" in file and _SWITCHING.search(symbol):
        return "kernel: switching and waking threads"
    return next((name for part, name in _LIBRARIES if part in file), file)
