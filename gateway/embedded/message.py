"""A request or an answer on its way through a policy: what statements look at and change."""

from collections.abc import Mapping
from typing import Any

from gateway.embedded.routing import Route
from gateway.headers import Field


class Message:
    """The fields of a request or of an answer, as they stand."""

    __slots__ = ("fields",)

    def __init__(self, fields: list[Field]) -> None:
        self.fields = fields


class Request(Message):
    """A request as it will be forwarded, without framing.

    `path` is what stands behind the base URL, `query` is None without a "?"; both are raw. `host` is empty as long
    as the Host field is that of the base URL. `caller` is the address that the call came from, and `authority` whom
    it was sent to by its own Host.
    """

    __slots__ = ("_route", "authority", "caller", "host", "path", "query")

    def __init__(
        self, route: Route[Any], query: str | None, fields: list[Field], caller: str, authority: bytes
    ) -> None:
        self.fields = fields
        self.path = route.rest
        self.query = query
        self.host = b""
        self.caller = caller
        self.authority = authority
        self._route = route

    @property
    def values(self) -> Mapping[str, str]:
        """The raw values of the URL template's parameters, as the call gave them."""
        return self._route.values

    @property
    def remainder(self) -> str:
        """What the URL template's wildcard matched, raw, without a leading slash."""
        return self._route.remainder

    def target(self, base: str) -> str:
        """What the back end is asked for; `base` is the path of its URL."""
        path = base + self.path or "/"
        return path if self.query is None else f"{path}?{self.query}"

    def whole(self, host: bytes, framing: Field | None) -> list[Field]:
        """All fields, with Host and framing."""
        first = (b"host", self.host or host)
        return [first, *self.fields, framing] if framing else [first, *self.fields]
