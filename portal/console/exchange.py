"""A call of the console: what is sent through the gateway, and what came back."""

from dataclasses import dataclass, field

WITH_BODY = frozenset({"POST", "PUT", "PATCH"})  # verbs that say how long the body is even when it is empty


@dataclass(frozen=True, slots=True)
class ConsoleRequest:
    """A request: `target` is path and query with the API's suffix, as it stands in a request line.

    `fields` are without Host and framing, names as they were entered. It may hold secrets: no repr shows them.
    """

    method: str
    target: str = field(repr=False)
    fields: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back through the gateway.

    `body` is as much of it as is kept, undecoded; `size` the length of the whole in bytes, None where nobody said
    it and not all was read; `read` how many bytes were read. `cut` says why not all was: "size" (enough was seen),
    "time" (it took too long), "broken" (the connection ended before the body did), "" for a whole one. Seconds are
    until the head was there, and until the end of reading.
    """

    status: int
    reason: str
    fields: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes = field(default=b"", repr=False)
    size: int | None = 0
    read: int = 0
    cut: str = ""
    seconds_to_head: float = 0.0
    seconds: float = 0.0

    def values(self, name: str) -> list[str]:
        """The values of a field."""
        return [value for key, value in self.fields if key.lower() == name.lower()]


class NotSent(Exception):
    """The gateway gave no answer. The message is for the person who pressed Send: what happened, what to do."""


class Unsent(NotSent):
    """Nothing left the portal."""


class Unanswered(NotSent):
    """The call was sent, and no answer came in time."""
