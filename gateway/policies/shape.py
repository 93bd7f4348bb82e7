"""What an element of a policy document may hold: a statement's, and those of the elements inside it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from gateway.policies.elements import Element
from gateway.policies.named_values import has_reference, is_expression

SCOPES: Final = ("global", "api", "operation")
SECTIONS: Final = ("inbound", "backend", "outbound", "on-error")

# What is wrong with a text, None if nothing is. Its sentence never repeats the text: that may be a secret.
Judge = Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class Context:
    """Where an element is read: its scope and section, and the operation's URL template where that is known."""

    scope: str
    section: str = "inbound"
    url_template: str | None = None


Problems = Callable[[Element, Context], Iterable[str]]


def _no_problems(element: Element, context: Context) -> Iterable[str]:
    return ()


@dataclass(frozen=True, slots=True)
class Shape:
    """What an element may hold.

    `choices` has the values of attributes that have only some, `judges` what else judges an attribute, `refused`
    the sentences about attributes of the original that are not taken here. `text` judges its text; without one it
    takes none. `problems` tells what is wrong with the element as a whole; attributes may be missing and texts
    hold named values then. An element with `once` stands at most once in its parent.
    """

    element: str
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    judges: Mapping[str, Judge] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    children: tuple["Shape", ...] = ()
    text: Judge | None = None
    problems: Problems = _no_problems
    once: bool = False


def anything(text: str) -> None:
    """The judge of a text that may be any."""


def literal(text: str | None) -> str | None:
    """A text that can be judged as it stands; None for one that holds a named value, and for an expression."""
    return None if text is None or has_reference(text) or is_expression(text) else text


def listed(names: Iterable[str], last: str = ", ") -> str:
    """Names as a sentence lists them, with `last` before the last one."""
    *first, end = (f"'{name}'" for name in names)
    return last.join([", ".join(first), end]) if first else end
