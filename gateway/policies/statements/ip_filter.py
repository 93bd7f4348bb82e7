"""<ip-filter>: only callers from some addresses are let in, or all but those."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import ClassVar, Self

from gateway import snapshot
from gateway.policies.elements import Element
from gateway.policies.lookups import Lookups
from gateway.policies.named_values import Unresolvable
from gateway.policies.shape import Context, Shape, literal
from gateway.policies.statement import Statement

_NETWORK = re.compile(r"[0-9A-Fa-f.:]+(?:/[0-9]{1,3})?")
_MAPPED = IPv6Network("::ffff:0:0/96")  # RFC 4291, 2.5.5.2: such callers are judged by their IPv4 address


def _address(text: str) -> IPv4Address | IPv6Address:
    """Raises ValueError."""
    address = ip_address(text.strip())
    if isinstance(address, IPv6Address):
        if address.scope_id:
            raise ValueError("a zone")
        return address.ipv4_mapped or address
    return address


def _network(text: str) -> IPv4Network | IPv6Network:
    """Raises ValueError."""
    if not _NETWORK.fullmatch(text):
        raise ValueError("not digits")
    network = ip_network(text)
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        mapped = network.network_address.ipv4_mapped
        return IPv4Network((mapped, network.prefixlen - 96))
    return network


def _network_problem(text: str) -> str | None:
    try:
        _network(text)
    except ValueError:
        pass
    else:
        return None
    try:
        return f"The network has bits set behind its prefix: write {ip_network(text, strict=False)}."
    except ValueError:
        return "The text must be an IP address or a network, like 203.0.113.7, 10.1.0.0/16 or 2001:db8::/32."


def _end_problem(text: str) -> str | None:
    try:
        _address(text)
    except ValueError:
        return "The 'from' and 'to' attributes must be IP addresses, like 203.0.113.7 or 2001:db8::1."
    return None


def _range_problem(first: str | None, last: str | None) -> str | None:
    """What is wrong with the two ends of a range together; None is one that is not known yet."""
    if first is None or last is None or _end_problem(first) or _end_problem(last):
        return None
    low, high = _address(first), _address(last)
    if low.version != high.version:
        return "The 'from' and 'to' attributes must both be IPv4 addresses, or both IPv6."
    return None if int(low) <= int(high) else "The 'from' address must not be behind the 'to' address."


def _range_problems(element: Element, context: Context) -> Iterator[str]:
    ends = (literal(element.attributes.get(name)) for name in ("from", "to"))
    if problem := _range_problem(*ends):
        yield problem


ADDRESS = Shape("address", text=_network_problem)
ADDRESS_RANGE = Shape(
    "address-range",
    required=("from", "to"),
    judges={"from": _end_problem, "to": _end_problem},
    problems=_range_problems,
)


@dataclass(frozen=True, slots=True)
class IpFilter(Statement):
    """`addresses` are single ones or networks, `ranges` pairs of first and last address."""

    action: str
    addresses: tuple[str, ...]
    ranges: tuple[tuple[str, str], ...]

    element: ClassVar[str] = "ip-filter"
    title: ClassVar[str] = "Restrict caller IPs"
    summary: ClassVar[str] = "Lets in callers from some addresses only, or all but those."
    snippet: ClassVar[str] = (
        '<ip-filter action="allow">\n    <address></address>\n'
        '    <address-range from="" to="" />\n</ip-filter>'
    )
    sections: ClassVar[tuple[str, ...]] = ("inbound",)
    required: ClassVar[tuple[str, ...]] = ("action",)
    choices: ClassVar[Mapping[str, tuple[str, ...]]] = {"action": ("allow", "forbid")}
    children: ClassVar[tuple[Shape, ...]] = (ADDRESS, ADDRESS_RANGE)

    @classmethod
    def problems(cls, element: Element, context: Context) -> Iterator[str]:
        if not any(child.name in ("address", "address-range") for child in element.children):
            yield "At least one 'address' or 'address-range' element is needed."

    @classmethod
    def parse(cls, element: Element) -> Self:
        return cls(
            element.attributes["action"],
            tuple(child.text for child in element.children if child.name == "address"),
            tuple(
                (child.attributes["from"], child.attributes["to"])
                for child in element.children
                if child.name == "address-range"
            ),
        )

    def compile(self, origin: snapshot.Origin, lookups: Lookups) -> snapshot.IpFilter:
        action = self.attribute("action", self.action, lookups)
        networks = (lookups.text(text, _network_problem) for text in self.addresses)
        ranges = tuple(_known_range(first, last, lookups) for first, last in self.ranges)
        return snapshot.IpFilter(action, tuple(str(_network(text)) for text in networks), ranges, origin)


def _known_range(first: str, last: str, lookups: Lookups) -> tuple[str, str]:
    low, high = lookups.text(first, _end_problem), lookups.text(last, _end_problem)
    if problem := _range_problem(low, high):
        raise Unresolvable(problem)
    return str(_address(low)), str(_address(high))
