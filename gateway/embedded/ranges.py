"""Sets of IP addresses, and callers' addresses as proxies write them."""

from bisect import bisect_right
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

Address = IPv4Address | IPv6Address
# An address as version and number, so that those of one version stand together.
_Number = tuple[int, int]


class Ranges:
    """Addresses from a first to a last one, found in time that hardly grows with the number of ranges.

    `networks` are CIDR blocks or addresses, `pairs` first and last addresses. Raises ValueError for any other.
    """

    __slots__ = ("_firsts", "_lasts")

    def __init__(self, networks: Iterable[str], pairs: Iterable[tuple[str, str]]) -> None:
        spans = [_span(text) for text in networks] + [_pair(*pair) for pair in pairs]
        self._firsts: list[_Number] = []
        self._lasts: list[_Number] = []
        for first, last in sorted(spans):
            if self._lasts and first <= self._lasts[-1]:
                self._lasts[-1] = max(last, self._lasts[-1])
            else:
                self._firsts.append(first)
                self._lasts.append(last)

    def __contains__(self, address: Address) -> bool:
        number = _number(address)
        place = bisect_right(self._firsts, number) - 1
        return place >= 0 and number <= self._lasts[place]


def _span(text: str) -> tuple[_Number, _Number]:
    network = ip_network(text, strict=False)
    first, last = network.network_address, network.broadcast_address
    if _number(first)[0] == _number(last)[0]:
        return _number(first), _number(last)
    return (6, int(first)), (6, int(last))  # it holds more than all mapped addresses


def _pair(first: str, last: str) -> tuple[_Number, _Number]:
    span = _number(ip_address(first)), _number(ip_address(last))
    if span[0] > span[1] or span[0][0] != span[1][0]:
        raise ValueError(f"{first} to {last} is no range of addresses")
    return span


def _number(address: Address) -> _Number:
    address = _unmapped(address)
    return address.version, int(address)


def _unmapped(address: Address) -> Address:
    """An IPv4-mapped IPv6 address counts as the IPv4 address (RFC 4291, 2.5.5.2)."""
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


@lru_cache(maxsize=4096)
def address_of(text: str) -> Address | None:
    """An address as peers and proxies have it, with a zone, a port or brackets, too; None for what is none."""
    host = text
    if text.startswith("["):
        host = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        host = text.partition(":")[0]
    try:
        return _unmapped(ip_address(host.partition("%")[0]))
    except ValueError:  # a UNIX socket has none
        return None
