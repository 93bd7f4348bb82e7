"""Which operation a call is for: by suffix, then by URL template, in time that does not grow with their number.

Paths are split at literal slashes and compared with percent-encoded unreserved characters decoded (RFC 3986,
6.2.2.2), otherwise byte for byte and with regard to case.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from gateway.url_templates import QueryMatch, Segment, Template, normalise

Plan = TypeVar("Plan")


class Entry(NamedTuple, Generic[Plan]):
    """An operation: its verb, its template, and what the engine does for it."""

    method: str
    template: Template
    plan: Plan


@dataclass(slots=True)
class _Node(Generic[Plan]):
    """The operations that begin in the same way: `children` by their next segment (None for a parameter), in `end`
    and `wildcard` those that have none.

    An operation that is alone in its branch stands for all of it, and what most nodes have nothing of is made when
    something comes: there may be hundreds of thousands.
    """

    children: "dict[str | None, _Node[Plan] | Entry[Plan]] | None" = None
    end: tuple[Entry[Plan], ...] = ()
    wildcard: tuple[Entry[Plan], ...] = ()

    def add(self, entry: Entry[Plan]) -> None:
        """Add an operation that ends here."""
        if entry.template.wildcard:
            self.wildcard += (entry,)
        else:
            self.end += (entry,)


class Operations(Generic[Plan]):
    """The operations of one API."""

    __slots__ = ("_roots",)

    def __init__(self, entries: Iterable[Entry[Plan]]) -> None:
        self._roots: dict[str | None, _Node[Plan] | Entry[Plan]] = {}
        for entry in sorted(entries, key=_order):
            self._add(entry)

    def _add(self, entry: Entry[Plan]) -> None:
        children, segments = self._roots, entry.template.segments
        keys = [entry.method, *map(_key, segments)]
        for depth, key in enumerate(keys):
            child = children.get(key)
            if child is None:
                children[key] = entry
                return
            node = child if isinstance(child, _Node) else _parted(child, depth)
            children[key] = node
            if depth == len(segments):
                node.add(entry)
                return
            if node.children is None:
                node.children = {}
            children = node.children

    def find(self, method: str, segments: list[str], query: str) -> tuple[Entry[Plan], QueryMatch] | None:
        """The operation for normalised segments: literal before parameter before wildcard, one by one."""
        root = self._roots.get(method)
        return _find(root, segments, 0, query) if root is not None else None


def _key(segment: Segment) -> str | None:
    return None if segment.is_parameter else segment.text


def _parted(entry: Entry[Plan], depth: int) -> _Node[Plan]:
    """A node with what was alone in its branch."""
    node: _Node[Plan] = _Node()
    if depth == len(entry.template.segments):
        node.add(entry)
    else:
        node.children = {_key(entry.template.segments[depth]): entry}
    return node


def _order(entry: Entry[Plan]) -> tuple[int, int, str]:
    """Templates that demand more of the query come first among those of one path, whatever order they came in."""
    query = entry.template.query
    return -len(query), sum(item.is_parameter for item in query), entry.template.text


def _find(
    node: _Node[Plan] | Entry[Plan], segments: list[str], place: int, query: str
) -> tuple[Entry[Plan], QueryMatch] | None:
    if not isinstance(node, _Node):
        return _first((node,), query) if _leads_to(node.template, segments, place) else None
    found = None
    if place == len(segments):
        found = _first(node.end, query)
    elif node.children is not None:
        text = segments[place]
        if (child := node.children.get(text)) is not None:
            found = _find(child, segments, place + 1, query)
        if found is None and text and (child := node.children.get(None)) is not None:
            found = _find(child, segments, place + 1, query)
    return found or _first(node.wildcard, query)


def _leads_to(template: Template, segments: list[str], place: int) -> bool:
    """Whether the rest of a path, from `place` on, is as a template says."""
    wanted = template.segments
    if len(segments) < len(wanted) or (len(segments) > len(wanted) and not template.wildcard):
        return False
    for number in range(place, len(wanted)):
        segment, text = wanted[number], segments[number]
        if not text if segment.is_parameter else segment.text != text:
            return False
    return True


def _first(entries: tuple[Entry[Plan], ...], query: str) -> tuple[Entry[Plan], QueryMatch] | None:
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


@dataclass(frozen=True, slots=True)
class _SuffixNode(Generic[Plan]):
    children: "Mapping[str, _SuffixNode[Plan]] | None" = None
    operations: Operations[Plan] | None = None


_Change = tuple[list[str], Operations[Plan] | None]


class Router(Generic[Plan]):
    """All APIs by suffix: the longest one wins, by whole segments. Immutable; `replaced` makes another one."""

    __slots__ = ("_root",)

    def __init__(self, apis: Iterable[tuple[str, Operations[Plan]]] = ()) -> None:
        changes: list[_Change[Plan]] = [(_parts(suffix), operations) for suffix, operations in apis]
        self._root: _SuffixNode[Plan] = _replaced(_SuffixNode(), changes) or _SuffixNode()

    def replaced(self, apis: Mapping[str, Operations[Plan] | None]) -> "Router[Plan]":
        """Another router, with other operations (or None) at some suffixes. It shares all that is not on the way
        to these.
        """
        if not apis:
            return self
        router: Router[Plan] = Router()
        changes = [(_parts(suffix), operations) for suffix, operations in apis.items()]
        router._root = _replaced(self._root, changes) or router._root
        return router

    def find(self, method: str, path: str, query: str) -> Route[Plan] | None:
        """Where a call goes; `path` is raw and starts with a slash. None if no operation is for it."""
        parts = normalise(path).split("/")
        operations, length = self._api(parts)
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

    def api(self, path: str) -> Operations[Plan] | None:
        """The operations of the API that a raw path is for, whether one of them matches or not."""
        return self._api(normalise(path).split("/"))[0]

    def _api(self, parts: list[str]) -> tuple[Operations[Plan] | None, int]:
        """The operations at the longest suffix, and how many parts of the path that is."""
        node, operations, length = self._root, self._root.operations, 1
        for place in range(1, len(parts)):
            if node.children is None or (child := node.children.get(parts[place])) is None:
                break
            node = child
            if node.operations is not None:
                operations, length = node.operations, place + 1
        return operations, length


def _parts(suffix: str) -> list[str]:
    return normalise(suffix).split("/") if suffix else []


def _replaced(node: _SuffixNode[Plan], changes: Iterable[_Change[Plan]]) -> _SuffixNode[Plan] | None:
    """A copy of a node with changes in it and below; None if that leaves nothing."""
    here, below = node.operations, defaultdict[str, list[_Change[Plan]]](list)
    for parts, operations in changes:
        if parts:
            below[parts[0]].append((parts[1:], operations))
        else:
            here = operations
    children = dict(node.children or {})
    for part, some in below.items():
        child = _replaced(children.pop(part, _SuffixNode()), some)
        if child is not None:
            children[part] = child
    if here is None and not children:
        return None
    return _SuffixNode(children or None, here)
