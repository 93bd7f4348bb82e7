"""Fields of requests and answers on their way through an intermediary (RFC 9110, 7.6; RFC 9112). Pure.

Names are lower-case bytes, as both servers and parsers hand them out; values are the bytes that were sent.
"""

import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from email.utils import formatdate
from functools import lru_cache

Field = tuple[bytes, bytes]

# RFC 9110, 7.6.1, and what intermediaries have had to drop since RFC 2068
HOP_BY_HOP = frozenset(
    (
        b"connection", b"keep-alive", b"proxy-connection", b"proxy-authenticate", b"proxy-authorization",
        b"te", b"trailer", b"transfer-encoding", b"upgrade",
    )
)  # fmt: skip
# Asks for a trace of the call, and says where it is: the one is for the gateway, the other only from it.
TRACE = b"ocp-apim-trace"
TRACE_LOCATION = b"ocp-apim-trace-location"
# What a request says to us and not to the back end: whom it is for, who asks, that we should say 100 (Continue).
_FOR_THE_GATEWAY = frozenset(
    (b"host", b"expect", b"content-length", b"http2-settings", b"ocp-apim-subscription-key", TRACE)
)
_FORWARDED = frozenset((b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host"))
# Only from a proxy that is trusted; what anybody else says of where a call came from is not handed on.
_CLAIMS = _FORWARDED | {b"forwarded"}
_NOT_FORWARDED = HOP_BY_HOP | _FOR_THE_GATEWAY | _FORWARDED
# Fields that a caller must not be able to take away by naming them in Connection (RFC 9110, 7.6.1)
_NEVER_NAMED = frozenset((b"authorization", b"cookie", b"content-type", b"content-encoding", b"via"))
# Says that the gateway and not the back end answered, so no back end may say it.
GATEWAY_ERROR = b"gateway-error"
_NOT_HANDED_ON = HOP_BY_HOP | {GATEWAY_ERROR, TRACE_LOCATION}
VIA = b"publisher-portal"  # RFC 9110, 7.6.3: a pseudonym

# Fields of a request that no policy sees: they are gone before one is executed. Host is kept for those that ask.
UNSEEN = (HOP_BY_HOP | _FOR_THE_GATEWAY) - {b"host"}
# Fields that no policy sets or deletes: they frame messages, or say what only the gateway itself can know.
UNTOUCHABLE = frozenset(
    (
        b"connection", b"content-length", b"content-range", b"expect", GATEWAY_ERROR, b"keep-alive",
        b"max-forwards", b"proxy-connection", b"te", b"trailer", TRACE_LOCATION, b"transfer-encoding",
        b"upgrade", b"via",
    )
)  # fmt: skip
# Fields whose values hold commas of their own or that may be there once only: never joined (RFC 9110, 5.3).
_NEVER_JOINED = frozenset(
    (
        b"cookie", b"date", b"expires", b"if-modified-since", b"if-range", b"if-unmodified-since", b"last-modified",
        b"location", b"proxy-authenticate", b"retry-after", b"set-cookie", b"user-agent", b"warning",
        b"www-authenticate",
    )
)  # fmt: skip

_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_LINE = re.compile(rb"(" + _TOKEN + rb"):[ \t]*(.*?)[ \t]*\r?\n", re.DOTALL)
_NAME = re.compile(_TOKEN)
_BAD_VALUE = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


def connection_options(fields: Iterable[Field]) -> frozenset[bytes]:
    """The lower-case options of all Connection fields (RFC 9110, 7.6.1)."""
    return frozenset(
        option.strip().lower()
        for name, value in fields
        if name == b"connection"
        for option in value.split(b",")
    )


@dataclass(frozen=True, slots=True)
class Hop:
    """How a call came to the gateway: by which peer and scheme, for which authority, in which version of HTTP.

    `trusted` is a proxy of our own, whose X-Forwarded fields are believed; of others they are dropped.
    """

    peer: str
    scheme: str
    authority: bytes
    version: str = "1.1"
    trusted: bool = False


def request_fields(
    fields: Sequence[Field],
    hop: Hop,
    *,
    private_cookies: frozenset[bytes] = frozenset(),
) -> list[Field]:
    """The fields to send to a back end, without Host and framing, which the transport adds.

    Via and X-Forwarded-For, -Proto and -Host say where the call came from. Cookies named in `private_cookies` are
    left out.
    """
    dropped = _NOT_FORWARDED if hop.trusted else _NOT_FORWARDED | _CLAIMS
    if options := connection_options(fields):
        dropped = dropped | (options - _NEVER_NAMED)
    forwarded = [field for field in fields if field[0] not in dropped]
    if private_cookies:
        forwarded = _without_cookies(forwarded, private_cookies)
    forwarded.append((b"via", hop.version.encode() + b" " + VIA))
    forwarded.append((b"x-forwarded-for", _forwarded_for(fields, hop)))
    forwarded.append((b"x-forwarded-proto", hop.scheme.encode()))
    if host := _forwarded_host(fields, hop):
        forwarded.append((b"x-forwarded-host", host))
    return forwarded


def _forwarded_for(fields: Sequence[Field], hop: Hop) -> bytes:
    if not hop.trusted:
        return hop.peer.encode()
    chain = [value for name, value in fields if name == b"x-forwarded-for" and value]
    return b", ".join([*chain, hop.peer.encode()])


def _forwarded_host(fields: Sequence[Field], hop: Hop) -> bytes:
    claimed = last_value(fields, b"x-forwarded-host") if hop.trusted else b""
    return claimed or hop.authority


def last_value(fields: Iterable[Field], name: bytes) -> bytes:
    """The last member of a list-based field, which the nearest hop wrote; empty without one."""
    values = [value for key, value in fields if key == name]
    return values[-1].rpartition(b",")[2].strip() if values else b""


def own_entries_of_via(fields: Iterable[Field]) -> int:
    """How often a request has come through a gateway of ours (RFC 9110, 7.6.3)."""
    return sum(
        entry.split()[1:2] == [VIA] for name, value in fields if name == b"via" for entry in value.split(b",")
    )


def _without_cookies(fields: list[Field], names: frozenset[bytes]) -> list[Field]:
    """Cookie fields without some cookies (RFC 6265, 4.2.1); one that ends up empty is left out."""
    kept = []
    for field in fields:
        if field[0] != b"cookie" or not any(name in field[1] for name in names):
            kept.append(field)
            continue
        pairs = [pair.strip() for pair in field[1].split(b";")]
        pairs = [pair for pair in pairs if pair.partition(b"=")[0].strip() not in names]
        if pairs:
            kept.append((b"cookie", b"; ".join(pairs)))
    return kept


def response_fields(fields: Sequence[Field], version: bytes = b"1.1") -> list[Field]:
    """The fields of a back end's answer to hand on: all but hop-by-hop ones and those named in Connection; with
    Via, and with Date where the back end sent none (RFC 9110, 6.6.1). `version` is that of the back end's HTTP.
    """
    dropped = _NOT_HANDED_ON
    if options := connection_options(fields):
        dropped = dropped | (
            options - {b"content-length", b"content-type", b"content-encoding", b"set-cookie", b"via"}
        )
    handed_on = _with_one_length([field for field in fields if field[0] not in dropped])
    handed_on.append((b"via", version + b" " + VIA))
    if not any(field[0] == b"date" for field in handed_on):
        handed_on.append((b"date", http_date()))
    return handed_on


def is_name(name: bytes) -> bool:
    """Whether a field may have this name (RFC 9110, 5.6.2)."""
    return _NAME.fullmatch(name) is not None


def is_settable(name: bytes) -> bool:
    """Whether a policy may set and delete a field of this lower-case name."""
    return is_name(name) and b"_" not in name and name not in UNTOUCHABLE


def is_joined(name: bytes) -> bool:
    """Whether several values of a field are one line with commas between them (RFC 9110, 5.3)."""
    return name not in _NEVER_JOINED


def is_field_value(value: bytes) -> bool:
    """Whether a field may have this value: no control characters but tabs (RFC 9110, 5.5)."""
    return _BAD_VALUE.search(value) is None


def http_date() -> bytes:
    """Now, as Date says it (RFC 9110, 5.6.7)."""
    return _http_date(int(time.time()))


@lru_cache(maxsize=1)
def _http_date(second: int) -> bytes:
    return formatdate(second, usegmt=True).encode()


def _with_one_length(fields: list[Field]) -> list[Field]:
    """A length that was sent several times, which is valid if all are equal, as one (RFC 9110, 8.6)."""
    lengths = [value for name, value in fields if name == b"content-length"]
    if not lengths or (len(lengths) == 1 and b"," not in lengths[0]):
        return fields
    length = (b"content-length", lengths[0].partition(b",")[0].strip())
    return [*(field for field in fields if field[0] != b"content-length"), length]


def parse_fields(lines: Iterable[bytes]) -> list[Field]:
    """Parse the field lines of an answer's head. Raises ValueError for what RFC 9112, 5 does not allow.

    Obsolete line folding is read as spaces, which 5.2 allows to a gateway for answers.
    """
    fields: list[Field] = []
    for line in lines:
        if line[:1] in b" \t" and line.strip() and fields:
            name, value = fields[-1]
            fields[-1] = (name, value + b" " + _checked(line.strip()))
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise ValueError("a field line without a valid name")
        fields.append((match[1].lower(), _checked(match[2])))
    return fields


def _checked(value: bytes) -> bytes:
    if _BAD_VALUE.search(value):
        raise ValueError("a control character in a field value")
    return value


def content_length(fields: Iterable[Field]) -> int | None:
    """The length that the Content-Length fields give (RFC 9110, 8.6; RFC 9112, 6.3), None without one.

    Raises ValueError for one that is no number or for several that differ.
    """
    values = {
        item.strip() for name, value in fields if name == b"content-length" for item in value.split(b",")
    }
    if not values:
        return None
    if len(values) > 1 or not (text := values.pop()).isdigit():
        raise ValueError("conflicting or invalid Content-Length")
    return int(text)


def is_chunked(fields: Iterable[Field]) -> bool:
    """Whether a message's body is chunked (RFC 9112, 6.1). Raises ValueError for another transfer coding."""
    codings = [
        item.strip().lower()
        for name, value in fields
        if name == b"transfer-encoding"
        for item in value.split(b",")
    ]
    if not codings:
        return False
    if codings != [b"chunked"]:
        raise ValueError("an unknown transfer coding")
    return True
