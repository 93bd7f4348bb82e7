"""The target of a request as it was sent (RFC 9112, 3.2), taken apart without changing a byte."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from gateway.failures import CallFailure
from gateway.url_templates import has_dot_segment

# Printable ASCII; "#" never belongs in a target (RFC 3986, 3.5)
_ALLOWED = re.compile(rb"[!\"$-~]+")
_ABSOLUTE = re.compile(rb"https?://([^/?]+)", re.IGNORECASE)


class Target(NamedTuple):
    """`path` starts with a slash; `query` is None without a "?"."""

    path: str
    query: str | None


def raw_target(scope: Mapping[str, Any]) -> bytes:
    """The target byte for byte, if the server hands it on, or else put together from what ASGI has of it."""
    target: bytes | None = scope.get("gateway.target")
    if target is not None:
        return target
    query: bytes = scope.get("query_string", b"")
    path: bytes = scope.get("raw_path") or scope["path"].encode()
    return path + b"?" + query if query else path


def parse_target(raw: bytes) -> Target:
    """Take a target apart. Raises CallFailure for one that must not be forwarded, such as "/a/../b"."""
    if not _ALLOWED.fullmatch(raw):
        raise CallFailure("bad-target", "characters that must be percent-encoded")
    if absolute := _ABSOLUTE.match(raw):
        raw = raw[absolute.end() :]
        raw = raw if raw.startswith(b"/") else b"/" + raw
    if not raw.startswith(b"/"):
        raise CallFailure("bad-target", "neither a path nor a URL")
    path, mark, query = raw.decode("ascii").partition("?")
    if has_dot_segment(path):
        raise CallFailure("bad-target", "a dot segment")
    return Target(path, query if mark else None)
