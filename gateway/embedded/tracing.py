"""What the engine asks of whoever keeps the traces of calls, and which calls ask for one."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from gateway.headers import TRACE, Field


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Ticket:
    """Room for the trace of one call: what it will be known by, and where it will be read."""

    key: UUID
    address: str


class Tracing(Protocol):
    """Keeps traces. Both are called on the event loop, where nothing may take long."""

    def open(self) -> Ticket | None:
        """Room for one more trace; None if there is none."""

    def put(self, ticket: Ticket, api_id: str, document: dict[str, Any]) -> None:
        """The call is over: this is its trace."""


def is_wanted(fields: Iterable[Field]) -> bool:
    """Whether a call asks for a trace."""
    return any(name == TRACE and value.strip().lower() == b"true" for name, value in fields)
