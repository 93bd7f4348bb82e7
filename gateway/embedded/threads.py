"""A bounded set of threads for blocking steps, whose results come back to the event loop.

Lighter than concurrent.futures: a step costs one queue item and one wake-up of the loop. And fair: the steps of one
owner (an API) never hold more than a quarter of the threads, so that a back end which does not even accept
connections leaves the others theirs.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")


class _Job(NamedTuple):
    future: "asyncio.Future[Any]"
    owner: str
    step: Callable[..., Any]
    arguments: tuple[Any, ...]


class Threads:
    """At most `most` threads, started as they are needed. Used from one event loop, which alone counts."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._share = max(1, most // 4)
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._busy = 0
        self._busy_of: dict[str, int] = {}
        self._waiting: dict[str, deque[_Job]] = {}

    def run(self, owner: str, step: Callable[..., T], *arguments: Any) -> "asyncio.Future[T]":
        """Run a step in a thread; the future gets its result or error, unless it is done by then."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        job = _Job(future, owner, step, arguments)
        busy = self._busy_of.get(owner, 0)
        if busy < self._share:
            self._busy_of[owner] = busy + 1
            self._put(job)
        else:
            self._waiting.setdefault(owner, deque()).append(job)
        return future

    def _put(self, job: _Job) -> None:
        self._busy += 1
        if self._busy > len(self._threads) < self._most:
            self._start()
        self._jobs.put(job)

    def _start(self) -> None:
        thread = threading.Thread(target=self._work, name=f"exchange-{len(self._threads)}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _work(self) -> None:
        while job := self._jobs.get():
            result, error = None, None
            try:
                result = job.step(*job.arguments)
            except BaseException as caught:
                error = caught
            if not (loop := job.future.get_loop()).is_closed():
                loop.call_soon_threadsafe(self._settle, job.owner, job.future, result, error)
            del job, result, error

    def _settle(
        self, owner: str, future: "asyncio.Future[Any]", result: Any, error: BaseException | None
    ) -> None:
        self._busy -= 1
        self._next_of(owner)
        if future.done():
            return
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)

    def _next_of(self, owner: str) -> None:
        """A thread of an owner's share is free again: for its next step that is still wanted."""
        waiting = self._waiting.get(owner)
        while waiting:
            job = waiting.popleft()
            if not job.future.done():
                self._put(job)
                return
        self._waiting.pop(owner, None)
        if (left := self._busy_of[owner] - 1) > 0:
            self._busy_of[owner] = left
        else:
            del self._busy_of[owner]

    def close(self) -> None:
        """Let the threads end when they have nothing more to do."""
        for _ in self._threads:
            self._jobs.put(None)
        self._threads.clear()
