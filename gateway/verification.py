"""How the server that a call goes to is verified: what its API demands, and the back end around its URL. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from gateway.addresses import WebServiceUrl, parse_web_service_url
from gateway.snapshot import BackEnd, Trust
from gateway.url_templates import normalise


class BackEnds:
    """Back ends, to be found by the URLs that they hold for: their own, and what is below it."""

    def __init__(self, back_ends: Iterable[BackEnd] = ()) -> None:
        found: dict[str, list[tuple[str, BackEnd]]] = {}
        for back_end in back_ends:
            url = url_of(back_end)
            if url is None:
                continue
            found.setdefault(url.origin, []).append((_within(url.path), back_end))
        for of_origin in found.values():
            of_origin.sort(key=lambda each: (-len(each[0]), each[0], each[1].key))
        self._by_origin = found

    def around(self, url: WebServiceUrl) -> BackEnd | None:
        """The back end that a URL is of: of several the one with the longest URL."""
        of_origin = self._by_origin.get(url.origin)
        if of_origin is None:
            return None
        path = _within(url.path)
        return next((back_end for start, back_end in of_origin if path.startswith(start)), None)


def url_of(back_end: BackEnd) -> WebServiceUrl | None:
    """Its URL; None, so that it holds for nothing, if it cannot be read: a newer release wrote it."""
    try:
        return parse_web_service_url(back_end.url)
    except ValueError:
        return None


def _within(path: str) -> str:
    """A path as what is below it begins: /v1 holds for /v1/accounts, and not for /v10."""
    return f"{normalise(path).rstrip('/')}/"


@dataclass(frozen=True, slots=True)
class Verification:
    """How a server is verified: what its API demands (`asked`), and the back end around the URL, if there is one.

    What an API switches off it switches off at its `own` web service URL, and nowhere else.
    """

    asked: Trust
    own: bool = True
    back_end: BackEnd | None = None

    @property
    def chain_off_by_api(self) -> bool:
        """Whether the API switches the check of the chain off."""
        return self.own and not self.asked.validate_chain

    @property
    def name_off_by_api(self) -> bool:
        """Whether the API switches the check of the name off."""
        return self.own and not self.asked.validate_name

    @property
    def chain_off_by_back_end(self) -> bool:
        """Whether the back end switches the check of the chain off."""
        return self.back_end is not None and not self.back_end.validate_chain

    @property
    def name_off_by_back_end(self) -> bool:
        """Whether the back end switches the check of the name off."""
        return self.back_end is not None and not self.back_end.validate_name

    @property
    def trust(self) -> Trust:
        """What is demanded in the end: a check is made unless somebody switches it off."""
        chain = not (self.chain_off_by_api or self.chain_off_by_back_end)
        name = not (self.name_off_by_api or self.name_off_by_back_end)
        if (chain, name) == (self.asked.validate_chain, self.asked.validate_name):
            return self.asked
        return replace(self.asked, validate_chain=chain, validate_name=name)
