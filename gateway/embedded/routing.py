"""Which operation a call is for: by suffix, then by URL template, in time that does not grow with their number.

Paths are split at literal slashes and compared with percent-encoded unreserved characters decoded (RFC 3986,
6.2.2.2), otherwise byte for byte and with regard to case.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

from gateway.url_templates import QueryMatch, Template, normalise

Plan = TypeVar("Plan")


class Entry(NamedTuple, Generic[Plan]):
    """An operation: its verb, its template, and what the engine does for it."""

    method: str
    template: Template
    plan: Plan


@dataclass(slots=True)
class _Node(Generic[Plan]):
    literals: "dict[str, _Node[Plan]]" = field(default_factory=dict)
    parameter: "_Node[Plan] | None" = None
    end: list[Entry[Plan]] = field(default_factory=list)
    wildcard: list[Entry[Plan]] = field(default_factory=list)


class Operations(Generic[Plan]):
    """The operations of one API."""

    __slots__ = ("_roots", "entries")

    def __init__(self, entries: Iterable[Entry[Plan]]) -> None:
        self.entries = tuple(entries)
        self._roots: dict[str, _Node[Plan]] = {}
        # Templates that demand more of the query come first among those of one path.
        for entry in sorted(self.entries, key=lambda entry: -len(entry.template.query)):
            self._add(entry)

    def _add(self, entry: Entry[Plan]) -> None:
        node = self._roots.setdefault(entry.method, _Node())
        for segment in entry.template.segments:
            if segment.is_parameter:
                node.parameter = node.parameter or _Node()
                node = node.parameter
            else:
                node = node.literals.setdefault(segment.text, _Node())
        (node.wildcard if entry.template.wildcard else node.end).append(entry)

    def find(self, method: str, segments: list[str], query: str) -> tuple[Entry[Plan], QueryMatch] | None:
        """The operation for normalised segments: literal before parameter before wildcard, one by one."""
        root = self._roots.get(method)
        return _find(root, segments, 0, query) if root is not None else None


def _find(
    node: _Node[Plan], segments: list[str], place: int, query: str
) -> tuple[Entry[Plan], QueryMatch] | None:
    found = None
    if place == len(segments):
        found = _first(node.end, query)
    else:
        text = segments[place]
        if (child := node.literals.get(text)) is not None:
            found = _find(child, segments, place + 1, query)
        if found is None and text and node.parameter is not None:
            found = _find(node.parameter, segments, place + 1, query)
    return found or _first(node.wildcard, query)


def _first(entries: list[Entry[Plan]], query: str) -> tuple[Entry[Plan], QueryMatch] | None:
    for entry in entries:
        if (match := entry.template.match_query(query)) is not None:
            return entry, match
    return None


class Route(NamedTuple, Generic[Plan]):
    """Where a call goes. `rest` is the raw path after the suffix; `segments` its raw segments."""

    plan: Plan
    template: Template
    rest: str
    segments: list[str]
    query: QueryMatch

    @property
    def values(self) -> Mapping[str, str]:
        """The raw values of the template's parameters."""
        path = {
            part.text: self.segments[place]
            for place, part in enumerate(self.template.segments)
            if part.is_parameter
        }
        return {**path, **self.query.values}

    @property
    def remainder(self) -> str:
        """What the template's wildcard matched, raw, without a leading slash."""
        return "/".join(self.segments[len(self.template.segments) :])


@dataclass(slots=True)
class _SuffixNode(Generic[Plan]):
    children: "dict[str, _SuffixNode[Plan]]" = field(default_factory=dict)
    operations: Operations[Plan] | None = None


class Router(Generic[Plan]):
    """All APIs by suffix: the longest one wins, by whole segments."""

    __slots__ = ("_root",)

    def __init__(self, apis: Iterable[tuple[str, Operations[Plan]]]) -> None:
        self._root: _SuffixNode[Plan] = _SuffixNode()
        for suffix, operations in apis:
            node = self._root
            for part in normalise(suffix).split("/") if suffix else ():
                node = node.children.setdefault(part, _SuffixNode())
            node.operations = operations

    def find(self, method: str, path: str, query: str) -> Route[Plan] | None:
        """Where a call goes; `path` is raw and starts with a slash. None if no operation is for it."""
        parts = normalise(path).split("/")
        node, operations, length = self._root, self._root.operations, 1
        for place in range(1, len(parts)):
            if (child := node.children.get(parts[place])) is None:
                break
            node = child
            if node.operations is not None:
                operations, length = node.operations, place + 1
        if operations is None:
            return None
        # The suffix alone and the suffix with a slash after it are both the API's own address, "/".
        found = operations.find(method, parts[length:] or [""], query)
        if found is None:
            return None
        entry, match = found
        raw = path.split("/")[length:]
        rest = "/" + "/".join(raw) if raw else ""
        return Route(entry.plan, entry.template, rest, raw or [""], match)
