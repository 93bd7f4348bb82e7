"""Text areas of which each line says one thing."""

import re

from django import forms

from gateway.headers import is_field_value

MOST_LINES = 100
_END = re.compile(r"\r\n|\r|\n")
_HEADER = re.compile(r"([!#$%&'*+\-.^_`|~0-9A-Za-z]+)[ \t]*:[ \t]*(.*)", re.DOTALL)


def split_lines(text: str) -> list[str]:
    """The lines of a text as browsers send it; what else Python takes for the end of one stays in it."""
    return _END.split(text)


def lines_of(text: str, what: str) -> list[str]:
    """The lines that are not blank, without what they are indented by. Raises ValidationError for too many; `what`
    are such as "headers".
    """
    lines = [line for line in (line.lstrip(" \t") for line in split_lines(text)) if line]
    if len(lines) > MOST_LINES:
        raise forms.ValidationError(f"Enter at most {MOST_LINES} {what}.")
    return lines


def header_lines(text: str) -> list[tuple[str, str]]:
    """Names and values of header fields, one a line. Raises ValidationError."""
    return [_header(line) for line in lines_of(text, "headers")]


def _header(line: str) -> tuple[str, str]:
    match = _HEADER.fullmatch(line.rstrip(" \t"))
    if match is None:
        raise forms.ValidationError(f"“{line}” is no header: write Name: value.")
    return match[1], field_value(match[1], match[2])


def field_value(name: str, value: str) -> str:
    """The value of a header field. Raises ValidationError for one that cannot be sent."""
    if not is_field_value(value.encode()):
        raise forms.ValidationError(f"The value of {name} holds a control character: take it out.")
    return value
