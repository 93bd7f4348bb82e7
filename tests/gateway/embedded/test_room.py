"""Places for calls, and threads for steps: what one API cannot take from the others."""

import asyncio
import threading

import pytest

from gateway.embedded.room import Room
from gateway.embedded.threads import Threads
from gateway.failures import CallFailure


def test_one_api_is_refused_while_another_goes_on() -> None:
    room = Room(10, 2)
    room.enter("a", None)
    room.enter("a", None)
    with pytest.raises(CallFailure) as refused:
        room.enter("a", None)
    assert (refused.value.code, refused.value.fields) == ("api-busy", ((b"retry-after", b"1"),))
    room.enter("b", None)
    room.leave("a")
    room.enter("a", None)


def test_an_apis_own_limit_replaces_the_general_one() -> None:
    room = Room(10, 2)
    room.enter("a", 1)
    with pytest.raises(CallFailure, match="api-busy"):
        room.enter("a", 1)


def test_all_calls_together_have_a_limit() -> None:
    room = Room(2, 2)
    room.enter("a", None)
    room.enter("b", None)
    with pytest.raises(CallFailure, match="gateway-busy"):
        room.enter("c", None)
    assert room.calls == 2


def test_the_steps_of_one_owner_leave_threads_to_the_others() -> None:
    asyncio.run(_starve_and_recover())


async def _starve_and_recover() -> None:
    threads, held = Threads(4), threading.Event()
    stuck = [threads.run("dead", held.wait, 10) for _ in range(8)]
    async with asyncio.timeout(5):
        assert await threads.run("healthy", lambda: "done") == "done"
    stuck[3].cancel()  # a caller who has left: its step is not run at all
    held.set()
    async with asyncio.timeout(5):
        results = await asyncio.gather(*stuck, return_exceptions=True)
    assert [result for result in results if result is not True] == [results[3]]
    threads.close()
