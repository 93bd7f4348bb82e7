"""Names and values of header fields, as statements may hold them (RFC 9110, 5.1 and 5.5)."""

import re

from gateway.headers import UNSEEN, UNTOUCHABLE, is_name

MAX_NAME = 256

_LINE_BREAK = re.compile(r"[\r\n]")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


def name_problem(name: str) -> str | None:
    """What is wrong with the 'name' attribute as the name of a field (RFC 9110, 5.6.2)."""
    if len(name) > MAX_NAME:
        return f"The 'name' attribute is longer than {MAX_NAME} characters."
    if not name.isascii() or not is_name(name.encode()):
        return (
            "The 'name' attribute must be the name of a header: letters, digits and hyphens, "
            "no spaces and no colon."
        )
    return None


def settable_name_problem(name: str) -> str | None:
    """What is wrong with the 'name' attribute as the name of a field that a policy sets."""
    if problem := name_problem(name):
        return problem
    if name.lower().encode() in UNTOUCHABLE:
        return f"The '{name}' header cannot be changed by a policy: the gateway writes it itself."
    if "_" in name:  # many servers drop them, or take them for the same name with a hyphen
        return f"The header name '{name}' holds an underscore, which back ends may drop: write a hyphen."
    return None


def visible_name_problem(name: str) -> str | None:
    """What is wrong with the 'name' attribute as the name of a field that a policy looks at."""
    if problem := name_problem(name):
        return problem
    if name.lower().encode() in UNSEEN:
        return f"The '{name}' header cannot be checked by a policy: the gateway takes it for itself."
    if "_" in name:
        return f"The header name '{name}' holds an underscore, with which the gateway lets no header in."
    return None


def value_problem(value: str) -> str | None:
    """What is wrong with the value of a field; it is not repeated."""
    return _one_line_problem(value, "The value")


def reason_problem(reason: str) -> str | None:
    """What is wrong with a reason phrase (RFC 9112, 4)."""
    return _one_line_problem(reason, "The 'reason' attribute")


def _one_line_problem(text: str, what: str) -> str | None:
    if _LINE_BREAK.search(text):
        return f"{what} holds a line break: write it on one line."
    if _CONTROL.search(text):
        return f"{what} holds a control character: remove it."
    return None
