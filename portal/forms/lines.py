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
    """The lines that are not empty. Raises ValidationError for too many; `what` are such as "headers"."""
    lines = [line.strip(" \t") for line in split_lines(text)]
    lines = [line for line in lines if line]
    if len(lines) > MOST_LINES:
        raise forms.ValidationError(f"Enter at most {MOST_LINES} {what}.")
    return lines


def header_lines(text: str) -> list[tuple[str, str]]:
    """Names and values of header fields, one a line. Raises ValidationError."""
    return [_header(line) for line in lines_of(text, "headers")]


def _header(line: str) -> tuple[str, str]:
    match = _HEADER.fullmatch(line)
    if match is None:
        raise forms.ValidationError(f"“{line}” is no header: write Name: value.")
    if not is_field_value(match[2].encode()):
        raise forms.ValidationError(f"The value of {match[1]} holds a control character: take it out.")
    return match[1], match[2]
