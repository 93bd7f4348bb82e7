"""Where a caller's subscription key stands in a request (product: field first, else query parameter). Pure."""

from collections.abc import Sequence

from gateway.headers import Field
from gateway.url_templates import normalise

FIELD = "Ocp-Apim-Subscription-Key"
PARAMETER = "subscription-key"
_FIELD = FIELD.lower().encode()


def taken_key(fields: Sequence[Field], query: str | None) -> tuple[bytes | None, str | None]:
    """The key that a request gives (None without one), and its query without any key, otherwise byte for byte.

    Several fields give a key that nobody has: which of them counts must not depend on who reads them.
    """
    given = [value for name, value in fields if name == _FIELD]
    in_query, query = _from_query(query) if query and "=" in query else (None, query)
    if len(given) > 1:
        return b", ".join(given), query
    if given and given[0]:
        return given[0], query
    return (None if given else in_query), query


def _from_query(query: str) -> tuple[bytes | None, str | None]:
    if "%" not in query and PARAMETER not in query.lower():
        return None, query
    pairs = query.split("&")
    kept = [pair for pair in pairs if not _is_key(pair)]
    if len(kept) == len(pairs):
        return None, query
    key = next(normalise(pair.partition("=")[2]) for pair in pairs if _is_key(pair))
    return key.encode() or None, "&".join(kept) or None


def _is_key(pair: str) -> bool:
    return normalise(pair.partition("=")[0]).lower() == PARAMETER
