"""Forwards a traced call, and tells where its time goes and what the statements of the answer do."""

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from gateway.embedded.answers import Given
from gateway.embedded.call import Call
from gateway.embedded.exchange import Deadlines
from gateway.embedded.plans import Plan
from gateway.embedded.proxy import Forwarding
from gateway.embedded.threads import Threads
from gateway.embedded.traced.exchange import TracedExchange
from gateway.headers import Field

T = TypeVar("T")


class Teller(Protocol):
    """What a forwarded call tells of itself to."""

    def phase(self, name: str) -> None:
        """Something else takes the time from now on."""

    def changed_answer(self, fields: list[Field]) -> list[Field]:
        """The fields of the answer as the statements leave them."""

    def told_beforehand(self) -> None:
        """The statements give an answer of their own."""


class TracedForwarding(Forwarding):
    """One traced call on its way to the back end and back."""

    def __init__(
        self,
        teller: Teller,
        call: Call,
        plan: Plan,
        exchange: TracedExchange,
        threads: Threads,
        deadlines: Deadlines,
    ) -> None:
        super().__init__(call, plan, exchange, threads, deadlines)
        self._teller = teller
        self._begun = False

    async def _run(self, step: Callable[..., T], *arguments: Any) -> T:
        if not self._begun:
            self._begun = True
            self._teller.phase("waiting")
        return await super()._run(step, *arguments)

    def _wait_for_caller(self) -> None:
        if not self._begun:
            self._teller.phase("receiving")
        super()._wait_for_caller()

    def _changed(self, fields: list[Field]) -> list[Field]:
        return self._teller.changed_answer(fields)

    async def _give(self, given: Given) -> None:
        self._teller.told_beforehand()
        await super()._give(given)
