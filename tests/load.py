"""Callers in a process of their own, who call without a pause, check every answer and remember what they saw.

    with Load(port, {"accounts": Request("/bank/accounts")}, callers=32) as load:
        ...
    load.calls

A caller keeps its connection and begins a call when the last one is over; the callers that are `new` make a
connection for each call.
"""

import asyncio
import itertools
import json
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, NamedTuple, Self

import uvloop

from tests.databases import ROOT

CLOSED = "closed before it was answered"
CUT = "cut in the middle of the answer"
CROSSED = "another call's answer"


class Call(NamedTuple):
    """One call. Times are those of time.monotonic, which all processes share; a connection counts from 1.

    `port` is the caller's end of the connection. `seen` is the status and, of the back end's answer, what it
    reported, or else the gateway's code; or how the connection ended.
    """

    name: str
    start: float
    end: float
    seen: str
    connection: int
    port: int

    @property
    def report(self) -> Any:
        """What the back end saw. None if it did not answer."""
        status, _, text = self.seen.partition(" ")
        return json.loads(text) if status == "200" else None


@dataclass(frozen=True)
class Request:
    """What is asked for, again and again."""

    target: str
    fields: Mapping[str, str] = field(default_factory=dict)

    @property
    def head(self) -> str:
        """As it is sent, with a place for what tells the call from all others."""
        lines = [f"GET {self.target} HTTP/1.1", "Host: localhost", *map(": ".join, self.fields.items())]
        return "\r\n".join([*lines, "X-Call: {}", "", ""])


class Load:
    """The callers, as the test sees them. All have an answer when the block is entered; at its end each asks for
    everything once more, and none calls after it.
    """

    def __init__(self, port: int, requests: Mapping[str, Request], callers: int = 32, new: int = 0) -> None:
        self.calls: list[Call] = []
        heads = [(name, request.head) for name, request in requests.items()]
        self._orders = {"port": port, "heads": heads, "callers": callers, "new": new}

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.load", json.dumps(self._orders)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout
        assert self._process.stdout.readline() == "ready\n"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._process as process:
            assert process.stdin
            assert process.stdout
            process.stdin.close()
            seen = json.loads(process.stdout.readline())
            for line in process.stdout:
                name, start, end, what, *connection = json.loads(line)
                self.calls.append(Call(name, start, end, seen[what], *connection))

    @property
    def statuses(self) -> Counter[str]:
        """How many calls saw what, without what the back end reported."""
        return Counter("200" if call.seen.startswith("200 ") else call.seen for call in self.calls)


def percentile(calls: list[Call], share: float) -> float:
    """How many milliseconds that share of the calls took at most."""
    return sorted(call.end - call.start for call in calls)[int(share * len(calls))] * 1000


class _Callers:
    """All callers of a process."""

    def __init__(self, port: int, heads: list[tuple[str, str]], callers: int, new: int) -> None:
        self.heads, self.new, self._port = heads, new, port
        self.calls: list[tuple[str, float, float, int, int, int]] = []
        self.seen: dict[str, int] = {}
        self.stopping = False
        self.numbers, self.connections = itertools.count(), itertools.count(1)
        self._callers = callers + new

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        callers = [loop.create_task(_Caller(self, number).run(self._port)) for number in range(self._callers)]
        while len(self.calls) < self._callers:
            await asyncio.sleep(0.01)
        print("ready", flush=True)
        await loop.run_in_executor(None, sys.stdin.read)
        self.stopping = True
        _, waiting = await asyncio.wait(callers, timeout=30)
        assert not waiting, f"{len(waiting)} calls do not end"
        print(json.dumps(list(self.seen)))
        for call in self.calls:
            print(json.dumps(call))

    def note(self, name: str, start: float, seen: str, connection: int = 0, port: int = 0) -> None:
        """Remember a call that is over."""
        what = self.seen.setdefault(seen, len(self.seen))
        self.calls.append((name, start, time.monotonic(), what, connection, port))


class _Caller(asyncio.Protocol):
    """One caller, on one connection at a time."""

    def __init__(self, callers: _Callers, number: int) -> None:
        self._callers = callers
        self._keeps = number >= callers.new
        self._heads: Iterator[tuple[str, str]] = itertools.islice(
            itertools.cycle(callers.heads), number, None
        )
        self._left = len(callers.heads)  # when they are asked to stop
        self._under_way: tuple[str, float, str] | None = None
        self._buffer = b""

    async def run(self, port: int) -> None:
        """Call until the end, on another connection whenever one has ended."""
        loop = asyncio.get_running_loop()
        while not self._callers.stopping:
            self._lost = loop.create_future()
            start = time.monotonic()
            try:
                await loop.create_connection(lambda: self, "127.0.0.1", port)
            except OSError as error:
                self._callers.note("connect", start, type(error).__name__)
                await asyncio.sleep(0.02)
                continue
            await self._lost

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport
        self._transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connection = next(self._callers.connections)
        self._port = transport.get_extra_info("sockname")[1]
        self._call()

    def _call(self) -> None:
        (name, head), mark = next(self._heads), str(next(self._callers.numbers))
        self._under_way = (name, time.monotonic(), mark)
        self._transport.write(head.format(mark).encode())

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        answer = _parsed(self._buffer)
        if answer is None:
            return
        status, fields, body = answer
        assert self._under_way, f"an answer nobody asked for: {self._buffer!r}"
        self._buffer = b""
        self._over(_seen(status, fields, body, self._under_way[2]))
        self._left -= self._callers.stopping
        if not self._left or not self._keeps or fields.get("connection") == "close":
            self._transport.close()
        else:
            self._call()

    def _over(self, seen: str) -> None:
        assert self._under_way
        name, start, _ = self._under_way
        self._under_way = None
        self._callers.note(name, start, seen, self._connection, self._port)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._under_way:
            self._over(CUT if self._buffer else CLOSED)
        self._buffer = b""
        self._lost.set_result(None)


def _parsed(data: bytes) -> tuple[int, dict[str, str], bytes] | None:
    """Status, fields and body of an answer that is whole. Every answer to these callers has Content-Length."""
    head, end, body = data.partition(b"\r\n\r\n")
    if not end:
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    missing = int(fields["content-length"]) - len(body)
    assert missing >= 0, f"more than the answer: {data!r}"
    return None if missing else (int(first.split(" ")[1]), fields, body)


def _seen(status: int, fields: dict[str, str], body: bytes, mark: str) -> str:
    if status != 200:
        return f"{status} {fields.get('gateway-error', '')}".rstrip()
    return f"200 {body.decode()}" if fields.get("x-call") == mark else CROSSED


if __name__ == "__main__":
    uvloop.run(_Callers(**json.loads(sys.argv[1])).run())
