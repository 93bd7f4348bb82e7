"""Whether a call that was matched to an operation may go on to its back end, and as what."""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network

from gateway.embedded.call import Call
from gateway.embedded.keys import KeyRing
from gateway.embedded.ranges import Ranges, address_of
from gateway.failures import CallFailure
from gateway.headers import Field, Hop, last_value, own_entries_of_via
from gateway.snapshot import Api, Subscription
from gateway.subscription_keys import FIELD

Networks = Sequence[IPv4Network | IPv6Network]
_MOST_ROUNDS = 5
_MAX_FORWARDS = b"max-forwards"


def hop_of(call: Call, plain_scheme: str, scheme: str, proxies: Networks) -> Hop:
    """How a call came here: by a proxy of our own, which says from where, or straight from its caller."""
    seen = scheme if scheme == "https" else plain_scheme
    if not proxies or not _within(call.peer, proxies):
        return Hop(call.peer, seen, call.head.authority, call.version)
    call.record.client = _caller(call, proxies)
    claimed = last_value(call.fields, b"x-forwarded-proto").decode("latin-1").lower()
    believed = claimed if claimed in ("http", "https") else seen
    return Hop(call.peer, believed, call.head.authority, call.version, trusted=True)


def _within(text: str, networks: Networks) -> bool:
    address = address_of(text)
    return address is not None and address in _ranges(tuple(networks))


@lru_cache(maxsize=8)
def _ranges(networks: tuple[IPv4Network | IPv6Network, ...]) -> Ranges:
    return Ranges(map(str, networks), ())


def _caller(call: Call, proxies: Networks) -> str:
    """The nearest address of X-Forwarded-For that is none of our proxies: who is left of that may be made up."""
    chain = b",".join(value for name, value in call.fields if name == b"x-forwarded-for").split(b",")
    for entry in reversed(chain):
        address = entry.strip().decode("latin-1")
        if address and not _within(address, proxies):
            return address[:64]
    return call.peer


def check_scheme(api: Api, scheme: str) -> None:
    """Raises CallFailure if an API is not to be called over this scheme."""
    if scheme not in api.schemes:
        raise CallFailure("https-required" if scheme == "http" else "http-required", api.id)


def check_key(call: Call, api: Api, ring: KeyRing, key: bytes | None, hop: Hop) -> Subscription | None:
    """The subscription that lets the call in; None where no key is needed and none given.

    Raises CallFailure for a call without a key where one is needed, or with one that lets nobody in.
    """
    if key is None:
        if api.subscription_required:
            raise _denied("subscription-key-missing", api, hop)
        return None
    subscription = ring.find(key, api.key)
    if subscription is None:
        raise _denied("subscription-key-invalid", api, hop)
    call.record.subscription = subscription.id
    return subscription


def _denied(code: str, api: Api, hop: Hop) -> CallFailure:
    realm = f"{hop.scheme}://{hop.authority.decode('ascii')}/{api.suffix}"
    challenge = f'AzureApiManagementKey realm="{realm}",name="{FIELD}",type="header"'
    return CallFailure(code, api.id, fields=[(b"www-authenticate", challenge.encode())])


def checked_fields(fields: Sequence[Field], drops_underscores: bool) -> Sequence[Field]:
    """The fields to go on with. Raises CallFailure for fields that ask for what is not done here, or that back ends
    confuse with others.

    "X_Role" and "X-Role" are one name to CGI and its descendants, so a field with the one could pass for the other.
    """
    dubious = next((name for name, _ in fields if b"_" in name), None)
    if dubious is not None:
        if not drops_underscores:
            raise CallFailure("field-name-underscore", message=_underscore(dubious.decode("latin-1")))
        fields = [field for field in fields if b"_" not in field[0]]
    returns = False
    for name, value in fields:
        if name == b"expect" and value.lower() != b"100-continue":
            raise CallFailure("expectation-failed")
        if name == b"upgrade" and b"websocket" in value.lower():
            raise CallFailure("upgrade-unsupported")
        returns = returns or name == b"via"
    if returns and own_entries_of_via(fields) > _MOST_ROUNDS:
        raise CallFailure("loop-detected")
    return fields


def _underscore(name: str) -> str:
    return f"The field name '{name}' holds an underscore: send it with hyphens, or not at all."


def counted_down(method: str, fields: Sequence[Field]) -> Sequence[Field] | None:
    """The fields with Max-Forwards counted down (RFC 9110, 7.6.2).

    None if the call ends here. Raises CallFailure.
    """
    left = last_value(fields, _MAX_FORWARDS)
    if not left.isdigit() or method not in ("OPTIONS", "TRACE"):
        return fields
    if int(left) == 0:
        if method == "TRACE":
            raise CallFailure("trace-unsupported")
        return None
    counted = [field for field in fields if field[0] != _MAX_FORWARDS]
    return [*counted, (_MAX_FORWARDS, b"%d" % (int(left) - 1))]


def most_bytes(api: Api, length: int | None, default: int) -> int | None:
    """How large a body may be, None for any. Raises CallFailure for one that is said to be larger; of others the
    bytes are counted as they come."""
    most = api.max_body_bytes or default or None
    if most is not None and (length or 0) > most:
        raise CallFailure("request-too-large", f"{length} bytes, at most {most}")
    return most
