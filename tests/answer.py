"""An answer as a caller saw it, and waiting for what is bound to happen."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Answer:
    """An answer, whole."""

    status: int
    fields: list[tuple[str, str]]
    body: bytes

    @property
    def json(self) -> Any:
        """The body."""
        return json.loads(self.body)

    def values(self, name: str) -> list[str]:
        """The values of a field, in order."""
        return [value for key, value in self.fields if key.lower() == name.lower()]


def wait_until(condition: Callable[[], bool], seconds: float = 5) -> None:
    """Wait until something holds; fails if it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)
