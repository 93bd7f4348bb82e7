"""The head of a caller's request, checked before anything is made of it (RFC 9112, RFC 9110, RFC 3986). Pure.

What is refused here could be read in two ways, by us and by a back end: it is never forwarded.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from gateway.headers import Field, content_length, is_chunked
from gateway.url_templates import has_dot_segment

# Printable ASCII; "#" never belongs in a target (RFC 3986, 3.5)
_ALLOWED = re.compile(rb"[!\"$-~]+")
_ABSOLUTE = re.compile(rb"https?://([^/?]*)", re.IGNORECASE)
# RFC 9110, 7.2: uri-host [ ":" port ]. A name is bounded to what RFC 3986, 3.2.2 lets a registered name hold.
_HOST = re.compile(rb"(?:\[[0-9A-Fa-f:.]+\]|(?:[A-Za-z0-9\-._~!$&'()*+,;=]|%[0-9A-Fa-f]{2})*)(?::[0-9]*)?")

_FRAMING = frozenset((b"content-length", b"transfer-encoding"))


class BadHead(ValueError):
    """The request is refused before routing: status 400 and nothing else."""


class RequestHead(NamedTuple):
    """What a head says, taken apart without changing a byte.

    `path` starts with a slash, or is "*" for the gateway as a whole (RFC 9110, 9.3.7); `query` is None without a
    "?". `authority` is whom the caller called, as it was spelt. `chunked` and `length` frame the body; both are
    unset without one.
    """

    path: str
    query: str | None
    authority: bytes
    chunked: bool
    length: int | None


def read_head(method: str, version: str, target: bytes, fields: Sequence[Field]) -> RequestHead:
    """Check a head and take it apart; `fields` have lower-case names. Raises BadHead."""
    hosts, framed = [], False
    for name, value in fields:
        if name == b"host":
            hosts.append(value)
        elif name in _FRAMING:
            framed = True
    authority = _host(version, hosts)
    if not _ALLOWED.fullmatch(target):
        raise BadHead("characters in the target that must be percent-encoded")
    if absolute := _ABSOLUTE.match(target):
        authority, target = _checked_host(absolute[1]), target[absolute.end() :]
        if not authority:
            raise BadHead("a target without authority")  # RFC 9110, 4.2.1
        target = target if target.startswith(b"/") else b"/" + target
    chunked, length = _framing(version, fields) if framed else (False, None)
    if target == b"*" and method == "OPTIONS" and not absolute:
        return RequestHead("*", None, authority, chunked, length)
    if not target.startswith(b"/") or method == "CONNECT":
        raise BadHead("the target is neither a path nor a URL")
    path, mark, query = target.decode("ascii").partition("?")
    if has_dot_segment(path):
        raise BadHead("a dot segment in the path")
    return RequestHead(path, query if mark else None, authority, chunked, length)


def _host(version: str, hosts: list[bytes]) -> bytes:
    """RFC 9112, 3.2: exactly one Host, unless the caller speaks HTTP/1.0."""
    if len(hosts) > 1 or (not hosts and version != "1.0"):
        raise BadHead("not exactly one Host")
    return _checked_host(hosts[0]) if hosts else b""


def is_host(value: bytes) -> bool:
    """Whether a Host field may have this value and names a host (RFC 9110, 7.2)."""
    return bool(value) and not value.startswith(b":") and _HOST.fullmatch(value) is not None


def _checked_host(host: bytes) -> bytes:
    if not _HOST.fullmatch(host):
        raise BadHead("a malformed host")
    return host


def _framing(version: str, fields: Sequence[Field]) -> tuple[bool, int | None]:
    """How long the body is (RFC 9112, 6.3), understood in one way only or refused."""
    try:
        chunked, length = is_chunked(fields), content_length(fields)
    except ValueError as error:
        raise BadHead(str(error)) from None
    if chunked and (length is not None or version == "1.0"):
        raise BadHead("faulty framing")  # RFC 9112, 6.1
    return chunked, length
