"""What is wrong with a policy document."""

from collections.abc import Iterable
from dataclasses import dataclass

MAX_FAULTS = 100
MAX_SHOWN = 100


def shown(name: str) -> str:
    """A name of a document as its faults show it: not a megabyte of it."""
    return name if len(name) <= MAX_SHOWN else f"{name[:MAX_SHOWN]}..."


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of a document. `line` and `column` count from 1; the column is that of the element's name.

    `element` is empty for what is no element's: malformed XML, a document that is too large.
    """

    element: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        if not self.element:
            return f"{self.message} Line {self.line}, position {self.column}."
        return f"Error in element '{self.element}' on line {self.line}, column {self.column}: {self.message}"


class PolicyErrors(ValueError):
    """A policy document is not valid. `faults` has what is wrong with it in document order, the first 100."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = sorted(faults, key=lambda fault: (fault.line, fault.column))[:MAX_FAULTS]
        super().__init__("\n".join(map(str, self.faults)))


class Unresolved(PolicyErrors, LookupError):
    """A valid document refers to something that is not there, or that cannot be opened."""
