"""Raw queries, changed parameter by parameter; what is not meant stays as it is, byte for byte."""

from collections.abc import Callable, Iterable, Sequence
from urllib.parse import quote, unquote, unquote_plus

# A query (None without "?") to the one after a change.
Change = Callable[[str | None], str | None]


def change(action: str, name: str, values: Sequence[bytes]) -> Change:
    """The change that set-query-parameter makes; name and values are not encoded.

    A parameter of the call has the name if a back end would read it so: percent-encoded, or with "+" for a space.
    Raises KeyError for an unknown action.
    """
    written = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for value in values)
    return _CHANGES[action](name, written)


def _override(name: str, written: str) -> Change:
    def override(query: str | None) -> str | None:
        if not query:
            return written
        pairs = query.split("&")
        places = _places(pairs, name)
        if not places:
            return f"{query}&{written}"
        pairs[places[0]] = written
        return _without(pairs, places[1:])

    return override


def _skip(name: str, written: str) -> Change:
    def skip(query: str | None) -> str | None:
        if not query:
            return written
        return query if _places(query.split("&"), name) else f"{query}&{written}"

    return skip


def _append(_: str, written: str) -> Change:
    return lambda query: f"{query}&{written}" if query else written


def _delete(name: str, _: str) -> Change:
    def delete(query: str | None) -> str | None:
        if not query:
            return query
        pairs = query.split("&")
        places = _places(pairs, name)
        if not places:
            return query
        return _without(pairs, places) or None

    return delete


_CHANGES: dict[str, Callable[[str, str], Change]] = {
    "override": _override,
    "skip": _skip,
    "append": _append,
    "delete": _delete,
}


def _places(pairs: Sequence[str], name: str) -> list[int]:
    return [place for place, pair in enumerate(pairs) if _is_named(pair.partition("=")[0], name)]


def _without(pairs: Sequence[str], places: Iterable[int]) -> str:
    # A set: one caller's query may hold the name tens of thousands of times, and all calls would wait.
    left_out = frozenset(places)
    return "&".join(pair for place, pair in enumerate(pairs) if place not in left_out)


def _is_named(raw: str, name: str) -> bool:
    if raw == name:
        return True
    return ("%" in raw or "+" in raw) and name in (unquote(raw), unquote_plus(raw))
