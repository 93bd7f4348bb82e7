"""The files of an export, and values as JSON that a person reads line by line. Pure."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple


class File(NamedTuple):
    """A file of an export: its path within the directory, parts divided by slashes, and what it holds."""

    path: str
    content: bytes


def as_json(values: Mapping[str, Any]) -> bytes:
    """JSON with sorted names, two spaces, and a line break at the end.

    Letters are as they are; what cannot be seen, or would turn the direction of a line, is written as \\uXXXX.
    """
    text = json.dumps(values, ensure_ascii=False, indent=2, sort_keys=True)
    if not text.isascii():
        text = "".join(
            each if each.isascii() or each.isprintable() else json.dumps(each)[1:-1] for each in text
        )
    return text.replace("\x7f", "\\u007f").encode() + b"\n"


def moment(at: datetime) -> str:
    """A moment as RFC 3339 has it, in UTC."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
