"""What the engine asks of whoever keeps the traces of calls, and which calls ask for one."""

from collections.abc import Iterable
from typing import Any, Protocol, TypeVar
from uuid import UUID

from gateway.headers import TRACE, Field


class Ticket(Protocol):
    """Room for the trace of one call."""

    @property
    def key(self) -> UUID:
        """What the trace will be known by."""

    @property
    def address(self) -> str:
        """Where it will be read."""


_Room = TypeVar("_Room", bound=Ticket)


class Tracing(Protocol[_Room]):
    """Keeps traces. Both are called on the event loop, where nothing may take long."""

    def open(self) -> _Room | None:
        """Room for one more trace; None if there is none."""

    def put(self, ticket: _Room, api_id: str, document: dict[str, Any]) -> None:
        """The call is over: this is its trace."""


def is_wanted(fields: Iterable[Field]) -> bool:
    """Whether a call asks for a trace."""
    return any(name == TRACE and value.strip().lower() == b"true" for name, value in fields)
