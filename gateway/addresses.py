"""Where a back end may be: web service URLs, API URL suffixes, and the addresses that are refused. Pure.

RFC 3986 for the URLs. A name is judged by what it resolves to, when a connection is made (gateway.outbound);
a literal address is judged here, in every spelling that a resolver or a URL parser would take for one.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import (
    AddressValueError,
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

import idna

from gateway.url_templates import SEGMENT_CHARACTERS, has_dot_segment

IPAddress = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

MAX_SUFFIX = 400
MAX_URL = 2000
DEFAULT_PORTS = {"http": 80, "https": 443}

_REFUSED: tuple[tuple[Network, str], ...] = tuple(
    (ip_network(network), kind)
    for network, kind in (
        ("127.0.0.0/8", "a loopback address"),
        ("::1/128", "a loopback address"),
        ("169.254.169.254/32", "a cloud metadata address"),
        ("fd00:ec2::254/128", "a cloud metadata address"),
        ("fd20:ce::254/128", "a cloud metadata address"),
        ("100.100.100.200/32", "a cloud metadata address"),
        ("168.63.129.16/32", "a cloud metadata address"),
        ("192.0.0.192/32", "a cloud metadata address"),
        ("169.254.0.0/16", "a link-local address"),
        ("fe80::/10", "a link-local address"),
        ("0.0.0.0/8", "an unspecified address"),
        ("::/128", "an unspecified address"),
        ("224.0.0.0/4", "a multicast address"),
        ("ff00::/8", "a multicast address"),
        ("240.0.0.0/4", "a reserved address"),
    )
)

_LOCAL_NAT64 = IPv6Network("64:ff9b:1::/48")

# IPv6 addresses that stand for an IPv4 address, and how many bits to shift right to get at it.
_EMBEDDINGS: tuple[tuple[IPv6Network, int], ...] = (
    (IPv6Network("::ffff:0:0/96"), 0),  # IPv4-mapped, RFC 4291, 2.5.5.2
    (IPv6Network("::/96"), 0),  # IPv4-compatible, RFC 4291, 2.5.5.1
    (IPv6Network("::ffff:0:0:0/96"), 0),  # IPv4-translated, RFC 2765
    (IPv6Network("64:ff9b::/96"), 0),  # NAT64, RFC 6052
    (_LOCAL_NAT64, 0),  # RFC 8215, used with a /96 prefix
    (IPv6Network("2002::/16"), 80),  # 6to4, RFC 3056
)
_TEREDO = IPv6Network("2001::/32")
_ISATAP_MARKS = frozenset({0x00005EFE, 0x02005EFE})  # RFC 5214, 6.1

_SPACE_OR_CONTROL = re.compile(r"[\s\x00-\x1f\x7f-\x9f]")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*)://")
_AUTHORITY = re.compile(r"(\[[^\[\]]*\]|[^\[\]:]*)(?::(.*))?")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_\-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"(0x[0-9a-f]*)|(0[0-7]*)|([1-9][0-9]*)")
_NUMERIC_LABEL = re.compile(r"[0-9]+|0x[0-9a-f]*")
_PATH = re.compile(rf"(?:/|{SEGMENT_CHARACTERS})*")
_LOCALHOST = frozenset({"localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback"})


@dataclass(frozen=True, slots=True)
class AddressRules:
    """Which addresses a back end may have. `allowed` networks are allowed in addition to the usual ones.

    Refused by default: loopback, link-local, cloud metadata, multicast, unspecified and reserved addresses,
    and the IPv6 addresses that stand for one of them. Private networks are allowed: back ends are there.
    """

    allowed: tuple[Network, ...] = ()

    @classmethod
    def from_settings(cls, networks: Iterable[str]) -> "AddressRules":
        """Rules that also allow `networks` ("127.0.0.0/8"). Raises ValueError naming a bad entry."""
        return cls(tuple(_network(text) for text in networks))

    def allows(self, ip: str | IPAddress) -> bool:
        """Whether a connection to an address may be made. Raises ValueError if `ip` is no address."""
        return self.refusal(ip) is None

    def refusal(self, ip: str | IPAddress) -> str | None:
        """What makes an address a refused one ("a loopback address"), None if it is allowed."""
        address = _without_zone(ip)
        if self._listed(address):
            return None
        for candidate in (address, *_embedded(address)):
            kind = next((kind for network, kind in _REFUSED if candidate in network), None)
            if kind and not self._listed(candidate):
                return kind
        return None

    def _listed(self, address: IPAddress) -> bool:
        return any(address in network for network in self.allowed)


def _network(text: str) -> Network:
    try:
        return ip_network(text.strip(), strict=False)
    except ValueError:
        raise ValueError(f"'{text}' is not a network; write it like 127.0.0.0/8 or fd00::/8.") from None


def _without_zone(ip: str | IPAddress) -> IPAddress:
    address = ip_address(ip) if isinstance(ip, str) else ip
    return IPv6Address(int(address)) if isinstance(address, IPv6Address) else address


def _embedded(address: IPAddress) -> Iterator[IPv4Address]:
    """The IPv4 addresses that an IPv6 address stands for."""
    if isinstance(address, IPv4Address):
        return
    number = int(address)
    for network, shift in _EMBEDDINGS:
        # :: and ::1 are addresses of their own, not 0.0.0.0 and 0.0.0.1
        if address in network and number > 1:
            yield IPv4Address(number >> shift & 0xFFFFFFFF)
    if address in _LOCAL_NAT64:  # used with its whole /48 as prefix, RFC 6052, 2.2
        yield IPv4Address((number >> 64 & 0xFFFF) << 16 | number >> 40 & 0xFFFF)
    if address in _TEREDO:
        yield IPv4Address(number & 0xFFFFFFFF ^ 0xFFFFFFFF)
    if number >> 32 & 0xFFFFFFFF in _ISATAP_MARKS:
        yield IPv4Address(number & 0xFFFFFFFF)


def literal_addresses(host: str) -> tuple[IPAddress, ...]:
    """Every address that a host could be taken for as a literal: none for a name.

    Takes dotted, short, decimal, octal and hexadecimal IPv4 (inet_aton), IPv6 with or without brackets and
    zone, and a trailing dot. An octal-looking part is read both ways, because parsers differ.
    """
    text = _plain(host).removeprefix("[").removesuffix("]")
    if ":" in text:
        try:
            return (_without_zone(text.split("%", 1)[0]),)
        except (AddressValueError, ValueError):
            return ()
    parts = text.split(".")
    readings = (_inet_aton(parts, octal=True), _inet_aton(parts, octal=False))
    return tuple(dict.fromkeys(address for address in readings if address is not None))


def _plain(host: str) -> str:
    """Lower case, no trailing dot, and full-width digits and dots as IDNA would map them."""
    mapped = unicodedata.normalize("NFKC", host).replace("\u3002", ".")
    return mapped.strip().rstrip(".").lower()


def _inet_aton(parts: list[str], *, octal: bool) -> IPv4Address | None:
    """The address of 1 to 4 numbers, the last of which fills all bytes that are left."""
    numbers = [_number(part, octal=octal) for part in parts]
    if len(numbers) > 4 or any(number is None for number in numbers):
        return None
    *first, last = [number or 0 for number in numbers]
    if any(number > 255 for number in first) or last >= 256 ** (4 - len(first)):
        return None
    return IPv4Address(sum(number << 24 - 8 * place for place, number in enumerate(first)) + last)


def _number(text: str, *, octal: bool) -> int | None:
    if not octal and text.isascii() and text.isdigit() and len(text) <= 12:
        return int(text)
    match = _NUMBER.fullmatch(text)
    if match is None or len(text) > 20:
        return None
    if match[1]:
        return int(text[2:] or "0", 16)
    return int(text, 8 if match[2] else 10)


def check_literal(host: str, rules: AddressRules) -> str | None:
    """A message for the person if a host is a literal address, or a name for this machine, that is refused.

    None for an allowed address and for every other name, which is judged when it has been resolved.
    """
    name = _plain(host)
    if name in _LOCALHOST or name.endswith(".localhost"):
        if rules.allows("127.0.0.1") or rules.allows("::1"):
            return None
        return _refusal_message(host, "a name for this machine itself")
    for address in literal_addresses(host):
        kind = rules.refusal(address)
        if kind:
            spelt = host if str(address) == name.strip("[]") else f"{host} ({address})"
            return _refusal_message(spelt, kind)
    return None


def _refusal_message(host: str, kind: str) -> str:
    return (
        f"{host} is {kind}, and the gateway does not call those. "
        "An operator can allow it with GATEWAY_ALLOWED_BACK_END_NETWORKS."
    )


def authority_of(scheme: str, host: str, port: int) -> str:
    """Host and, unless it is the scheme's own, port, as they stand in a URL."""
    return _bracketed(host) if port == DEFAULT_PORTS[scheme] else f"{_bracketed(host)}:{port}"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


@dataclass(frozen=True, slots=True)
class WebServiceUrl:
    """A web service URL, taken apart. `host` is lower-case ASCII, an IPv6 address without brackets.

    `path` is as it was written, without slashes at its end: empty or beginning with a slash.
    """

    scheme: str
    host: str
    port: int
    path: str

    @property
    def origin(self) -> str:
        """Scheme, host and port: what back end trust belongs to. The port is always there."""
        return f"{self.scheme}://{_bracketed(self.host)}:{self.port}"

    @property
    def authority(self) -> str:
        """Host and, unless it is the scheme's own, port: the value of a Host field (RFC 9110, 7.2)."""
        return authority_of(self.scheme, self.host, self.port)

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.path}"


def parse_web_service_url(text: str) -> WebServiceUrl:
    """Take a web service URL apart. Raises ValueError saying what is wrong; it never repeats user info."""
    scheme, rest = _scheme(text)
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if "@" in authority:
        raise ValueError(
            "The web service URL must not hold a user name or password. "
            "Choose HTTP basic on the API's Security tab instead."
        )
    path = rest[len(authority) :]
    if "?" in path or "#" in path:
        raise ValueError(
            "The web service URL must not hold a query (?) or a fragment (#): leave that part out."
        )
    host, port = _host_and_port(authority)
    return WebServiceUrl(scheme, host, port or DEFAULT_PORTS[scheme], _path(path))


def _scheme(text: str) -> tuple[str, str]:
    if not text:
        raise ValueError("Enter the web service URL, for example https://api.example.com/v1.")
    if len(text) > MAX_URL:
        raise ValueError(f"The web service URL is longer than {MAX_URL} characters.")
    if _SPACE_OR_CONTROL.search(text):
        raise ValueError("The web service URL holds a space, a line break or a control character: remove it.")
    if "\\" in text:
        raise ValueError("The web service URL holds a backslash: write / instead.")
    match = _SCHEME.match(text)
    if match is None:
        raise ValueError(
            "Begin the web service URL with https:// or http://, like https://api.example.com/v1."
        )
    scheme = match[1].lower()
    if scheme not in {"http", "https"}:
        raise ValueError("The web service URL must begin with https:// or http://.")
    return scheme, text[match.end() :]


def _host_and_port(authority: str) -> tuple[str, int | None]:
    match = _AUTHORITY.fullmatch(authority)
    if match is None or ":" in (match[2] or ""):
        raise ValueError("The host of the web service URL is not valid; an IPv6 address needs [ ] around it.")
    host, port = match[1], match[2]
    if not host:
        raise ValueError("The web service URL has no host: write it like https://api.example.com/v1.")
    return (_ipv6(host[1:-1]) if host.startswith("[") else _name(host)), _port(port)


def _port(text: str | None) -> int | None:
    # the text is not repeated: a password with a slash in it would stand where the port does
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and 1 <= int(text) <= 65535):
        raise ValueError("The port of the web service URL must be a number from 1 to 65535.")
    return int(text)


def _ipv6(text: str) -> str:
    if "%" in text:
        raise ValueError("The IPv6 address of the web service URL has a zone (%...): leave the zone out.")
    try:
        return str(IPv6Address(text))
    except AddressValueError:
        raise ValueError("The host of the web service URL is not a valid IPv6 address.") from None


def _name(text: str) -> str:
    """A host name in ASCII, or an IPv4 address in its one canonical spelling."""
    name = _ascii(text).removesuffix(".")
    labels = name.split(".")
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError(
            "The host of the web service URL is not a valid host name: "
            "it may hold letters, digits, hyphens and dots."
        )
    if not _NUMERIC_LABEL.fullmatch(labels[-1]):
        return name
    try:
        return str(IPv4Address(name))
    except AddressValueError:
        raise ValueError(
            "The host of the web service URL is not a valid IPv4 address: "
            "write it as four decimal numbers, like 10.1.2.3."
        ) from None


def _ascii(text: str) -> str:
    if text.isascii():
        return text.lower()
    try:
        return idna.encode(text, uts46=True, std3_rules=True).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        raise ValueError("The host of the web service URL is not a valid host name.") from None


def _path(text: str) -> str:
    if not _PATH.fullmatch(text):
        raise ValueError(
            "The path of the web service URL holds a character that must be percent-encoded, "
            "or a % that is not followed by two hexadecimal digits."
        )
    if has_dot_segment(text):
        raise ValueError("The path of the web service URL must not hold '.' or '..' segments.")
    return text.rstrip("/")


def validate_suffix(text: str) -> str:
    """An API URL suffix, unchanged: empty, or segments with slashes between them. Raises ValueError."""
    if len(text) > MAX_SUFFIX:
        raise ValueError(f"The Web API URL suffix is longer than {MAX_SUFFIX} characters.")
    if text.startswith("/") or text.endswith("/"):
        raise ValueError("The Web API URL suffix must not begin or end with a slash.")
    if "//" in text:
        raise ValueError("The Web API URL suffix must not hold two slashes in a row.")
    if "?" in text or "#" in text:
        raise ValueError("The Web API URL suffix is a path: it must not hold '?' or '#'.")
    if not _PATH.fullmatch(text):
        raise ValueError(
            "The Web API URL suffix may hold letters, digits and - . _ ~ ! $ & ' ( ) * + , ; = : @ / only; "
            "anything else must be percent-encoded."
        )
    if has_dot_segment(text):
        raise ValueError("The Web API URL suffix must not hold '.' or '..' segments.")
    return text
