"""A bounded set of threads for blocking steps, whose results come back to the event loop.

Lighter than concurrent.futures: a step costs one queue item and one wake-up of the loop.
"""

import asyncio
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")
_Job = tuple["asyncio.Future[Any]", Callable[..., Any], tuple[Any, ...]]


class Threads:
    """At most `most` threads, started as they are needed. Used from one event loop."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._busy = 0  # counted by the event loop alone

    def run(self, step: Callable[..., T], *arguments: Any) -> "asyncio.Future[T]":
        """Run a step in a thread; the future gets its result or error, unless it is done by then."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._busy += 1
        if self._busy > len(self._threads) < self._most:
            self._start()
        self._jobs.put((future, step, arguments))
        return future

    def _start(self) -> None:
        thread = threading.Thread(target=self._work, name=f"exchange-{len(self._threads)}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _work(self) -> None:
        while job := self._jobs.get():
            future, step, arguments = job
            result, error = None, None
            try:
                result = step(*arguments)
            except BaseException as caught:
                error = caught
            if not (loop := future.get_loop()).is_closed():
                loop.call_soon_threadsafe(self._settle, future, result, error)
            del job, future, step, arguments, result, error

    def _settle(self, future: "asyncio.Future[Any]", result: Any, error: BaseException | None) -> None:
        self._busy -= 1
        if future.done():
            return
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)

    def close(self) -> None:
        """Let the threads end when they have nothing more to do."""
        for _ in self._threads:
            self._jobs.put(None)
        self._threads.clear()
