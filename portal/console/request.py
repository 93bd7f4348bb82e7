"""Puts a call together from what was entered in the console, and shows it as text. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from gateway.subscription_keys import FIELD
from gateway.url_templates import Template
from portal.console.curl import BODY_FILE, curl_line, is_from_file
from portal.console.exchange import WITH_BODY, ConsoleRequest

TRACE_FIELD = "Ocp-Apim-Trace"
HIDDEN = "••••••"
MOST_SHOWN = 20_000  # characters of a body, or of the line
# What stays as it is beside letters, digits and -._~, in a value and in a path. A quote would blur the curl line.
_IN_VALUE = "!*()"
_IN_PATH = "/!$&'()*+,;=:@"


def encoded(value: str) -> str:
    """A value for one segment of a path, or for a query: nothing in it separates anything."""
    return quote(value, safe=_IN_VALUE)


def encoded_path(value: str) -> str:
    """A path, whose slashes stay slashes."""
    return quote(value, safe=_IN_PATH)


def target_of(
    suffix: str,
    template: Template,
    values: Mapping[str, str],
    remainder: str = "",
    query: Iterable[tuple[str, str | None]] = (),
) -> str:
    """The path and query of a call of an operation. A parameter without a value is left as {name}.

    `query` are further parameters, as they were meant; None is for a name alone.
    """
    parts = [_segment(part.text, values) if part.is_parameter else part.text for part in template.segments]
    if template.wildcard:
        parts.append(encoded_path(remainder.removeprefix("/")))
    pairs = [
        f"{item.name}={_segment(item.value, values) if item.is_parameter else item.value}"
        for item in template.query
    ]
    pairs += [encoded(name) + ("" if value is None else f"={encoded(value)}") for name, value in query]
    path = "/".join(["", *([suffix] if suffix else []), *parts])
    return f"{path}?{'&'.join(pairs)}" if pairs else path


def _segment(name: str, values: Mapping[str, str]) -> str:
    return encoded(values[name]) if name in values else f"{{{name}}}"


@dataclass(frozen=True, slots=True)
class Shown:
    """A call as text: as it goes over the wire, and for a shell. `keyed` is whether a key is left out of both, and
    `file` the one that the shell is to find the body in, if that is too long for the line.
    """

    http: str
    curl: str
    keyed: bool
    file: str = ""

    @property
    def curl_start(self) -> str:
        """As much of the line as the page shows."""
        return _cut(self.curl)


def shown_request(base: str, request: ConsoleRequest, *, keyed: bool) -> Shown:
    """A call through the gateway at `base`; `keyed` adds a place for a subscription key, never one itself."""
    fields = [*request.fields, *([(FIELD, HIDDEN)] if keyed else [])]
    address = urlsplit(base)
    target = f"{address.path.rstrip('/')}{request.target}"
    head = [f"{request.method} {target} HTTP/1.1", f"Host: {address.netloc}"]
    head += [f"{name}: {value}" for name, value in fields]
    if request.body or request.method in WITH_BODY:
        head.append(f"Content-Length: {len(request.body)}")
    http = "\n".join([*head, *(["", _cut(request.body.decode())] if request.body else [])])
    file = BODY_FILE if is_from_file(request) else ""
    return Shown(http, curl_line(base, request, FIELD if keyed else ""), keyed, file)


def _cut(text: str) -> str:
    more = len(text) - MOST_SHOWN
    return text if more <= 0 else f"{text[:MOST_SHOWN]}\n… and {more} more characters"
