"""<ip-filter>: only callers from some addresses are let in, or all but those."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from socket import AF_INET, AF_INET6, inet_ntop, inet_pton
from typing import ClassVar, Self

from gateway import snapshot
from gateway.policies.elements import Element
from gateway.policies.lookups import Lookups
from gateway.policies.named_values import Unresolvable, has_reference
from gateway.policies.shape import Context, Shape, literal
from gateway.policies.statement import Statement

_NETWORK = re.compile(r"([0-9A-Fa-f.:]+)(?:/([0-9]{1,3}))?")
_MAPPED = bytes(10) + b"\xff\xff"  # RFC 4291, 2.5.5.2: such callers are judged by their IPv4 address


def _address(text: str) -> bytes:
    """The bytes of an address. Raises ValueError. Not with ipaddress: a filter may have thousands."""
    try:
        packed = inet_pton(AF_INET6 if ":" in text else AF_INET, text)
    except OSError:
        raise ValueError("not an address") from None
    return packed.removeprefix(_MAPPED)


def _spelt(address: bytes) -> str:
    return inet_ntop(AF_INET if len(address) == 4 else AF_INET6, address)


def _network(text: str) -> str:
    """A network in its one spelling. Raises ValueError."""
    match = _NETWORK.fullmatch(text)
    if match is None:
        raise ValueError("not a network")
    address = _address(match[1])
    bits = len(address) * 8
    prefix = bits
    if match[2] is not None:
        prefix = int(match[2]) - (96 if ":" in text and bits == 32 else 0)
    if not 0 <= prefix <= bits or int.from_bytes(address) & (1 << bits - prefix) - 1:
        raise ValueError("not a prefix of it")
    return f"{_spelt(address)}/{prefix}"


def _network_problem(text: str) -> str | None:
    try:
        _network(text)
    except ValueError:
        return _network_advice(text)
    return None


def _network_advice(text: str) -> str:
    if _NETWORK.fullmatch(text):
        try:
            return f"The network has bits set behind its prefix: write {ip_network(text, strict=False)}."
        except ValueError:
            pass
    return "The text must be an IP address or a network, like 203.0.113.7, 10.1.0.0/16 or 2001:db8::/32."


def _end_problem(text: str) -> str | None:
    try:
        _address(text)
    except ValueError:
        return "The 'from' and 'to' attributes must be IP addresses, like 203.0.113.7 or 2001:db8::1."
    return None


def _range_problem(first: str, last: str) -> str | None:
    """What is wrong with the two ends of a range together."""
    try:
        low, high = _address(first), _address(last)
    except ValueError:  # each is judged on its own
        return None
    if len(low) != len(high):
        return "The 'from' and 'to' attributes must both be IPv4 addresses, or both IPv6."
    return None if low <= high else "The 'from' address must not be behind the 'to' address."


def _range_problems(element: Element, context: Context) -> Iterator[str]:
    first, last = (literal(element.attributes.get(name)) for name in ("from", "to"))
    if first is not None and last is not None and (problem := _range_problem(first, last)):
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
        return snapshot.IpFilter(action, tuple(map(_network, networks)), ranges, origin)


def _known_range(first: str, last: str, lookups: Lookups) -> tuple[str, str]:
    low, high = lookups.text(first, _end_problem), lookups.text(last, _end_problem)
    if problem := _range_problem(low, high):
        raise Unresolvable(problem, first if has_reference(first) else last)
    return _spelt(_address(low)), _spelt(_address(high))
