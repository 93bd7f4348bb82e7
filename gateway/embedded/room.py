"""How many calls are under way, in all and of each API: the room that one back end cannot take from the others."""

from gateway.failures import CallFailure

_SOON = ((b"retry-after", b"1"),)


class Room:
    """Counted on the event loop alone, by the API's key."""

    __slots__ = ("_of", "calls", "most", "most_of_one")

    def __init__(self, most: int, most_of_one: int) -> None:
        self.most = most
        self.most_of_one = most_of_one
        self.calls = 0
        self._of: dict[str, int] = {}

    def enter(self, api: str, most_of_api: int | None) -> None:
        """Take a place. Raises CallFailure (503, RFC 9110, 15.6.4) if there is none."""
        of_api = self._of.get(api, 0)
        if of_api >= (most_of_api or self.most_of_one):
            raise CallFailure("api-busy", f"{of_api} calls of {api}", fields=_SOON)
        if self.calls >= self.most:
            raise CallFailure("gateway-busy", f"{self.calls} calls", fields=_SOON)
        self._of[api] = of_api + 1
        self.calls += 1

    def leave(self, api: str) -> None:
        """Give a place back."""
        self.calls -= 1
        if (left := self._of[api] - 1) > 0:
            self._of[api] = left
        else:
            del self._of[api]
