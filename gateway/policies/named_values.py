"""References to named values, {{name}}, in the attributes and texts of statements."""

import re
from collections.abc import Callable, Iterator

from gateway.snapshot import Secret

NamedValueLookup = Callable[[str], str | Secret]

_REFERENCE = re.compile(r"\{\{([^{}]{1,200})\}\}")
# what follows "@{" is code; "@{{" is an at sign before a named value
_EXPRESSION = re.compile(r"\s*@(?:\(|\{(?!\{))")


class Unresolvable(ValueError):
    """A statement cannot be compiled; the message is for the author of its document, and holds no secret.

    `text` is what was written that makes it so, None for the statement as a whole.
    """

    def __init__(self, message: str, text: str | None = None) -> None:
        super().__init__(message)
        self.text = text


def names_in(text: str) -> Iterator[str]:
    """The names of the named values that a text refers to, in order."""
    return (name.strip() for name in _REFERENCE.findall(text))


def has_reference(text: str) -> bool:
    """Whether a text refers to a named value."""
    return "{{" in text and _REFERENCE.search(text) is not None


def only_name(text: str) -> str | None:
    """The name of the named value if a text is one reference and nothing else."""
    match = _REFERENCE.fullmatch(text.strip())
    return match[1].strip() if match else None


def looked_up(name: str, named_value: NamedValueLookup) -> str | Secret:
    """A named value. Raises Unresolvable; `named_value` raises LookupError for what is not there."""
    try:
        return named_value(name)
    except LookupError as error:
        reason = f" {error.args[0]}" if error.args and error.args[0] != name else ""
        raise Unresolvable(f"Named value '{name}' could not be resolved.{reason}") from None


def is_expression(text: str) -> bool:
    """Whether a text is a policy expression, @(...) or @{...}."""
    return "@" in text and _EXPRESSION.match(text) is not None


def substituted(
    text: str, named_value: NamedValueLookup, objection: str = "cannot be used in this attribute"
) -> str:
    """A text with its references replaced. Raises Unresolvable, also for a secret one, with the objection to it."""

    def replacement(match: re.Match[str]) -> str:
        name = match[1].strip()
        value = looked_up(name, named_value)
        if isinstance(value, Secret):
            raise Unresolvable(f"Named value '{name}' is secret and {objection}.")
        return value

    return _REFERENCE.sub(replacement, text)


def substituted_secret(text: str, named_value: NamedValueLookup) -> tuple[str, bool]:
    """A text with its references replaced, and whether a secret one is among them. Raises Unresolvable."""
    secret = False

    def replacement(match: re.Match[str]) -> str:
        nonlocal secret
        value = looked_up(match[1].strip(), named_value)
        if not isinstance(value, Secret):
            return value
        secret = True
        return value.reveal().decode()

    return _REFERENCE.sub(replacement, text), secret
