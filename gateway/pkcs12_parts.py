"""Takes a PFX apart (RFC 7292 section 4), because `cryptography` reads only the first of several keys.

Nothing is decrypted here: the bags with a key stand in the clear parts of a file, each encrypted by itself. From
them and from the rest smaller PFX files are made, without a MAC, which `cryptography` reads as any other. (A key in
an encrypted part is not seen; no program writes one there.)
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gateway.der import OCTET_STRING, SEQUENCE, Element, children, encode, octets

_DATA = bytes.fromhex("06092a864886f70d010701")  # pkcs7-data, 1.2.840.113549.1.7.1
_BAGS = bytes.fromhex("060b2a864886f70d010c0a01")  # 1.2.840.113549.1.12.10.1
_KEY_BAGS = (_BAGS + b"\x01", _BAGS + b"\x02")  # keyBag, pkcs8ShroudedKeyBag
_SAFE_CONTENTS_BAG = _BAGS + b"\x06"
_VERSION_3 = b"\x02\x01\x03"
_EXPLICIT = 0xA0


@dataclass(frozen=True, slots=True)
class Parts:
    """PFX files made of one: one for each key, alone, and one of all that is no key."""

    keys: tuple[bytes, ...]
    rest: bytes


def take_apart(data: bytes) -> Parts:
    """The parts of a PFX. Raises ValueError or IndexError if it is built in a way that is not understood."""
    pfx = _first(data, SEQUENCE)
    safe = _content(list(children(pfx.body))[1])
    keys: list[bytes] = []
    rest: list[bytes] = []
    for info in children(_first(safe, SEQUENCE).body):
        if not info.body.startswith(_DATA):
            rest.append(info.whole)
            continue
        bags = list(_bags(_content(info)))
        keys += [bag for bag in bags if bag_of_key(bag)]
        rest.append(_content_info([bag for bag in bags if not bag_of_key(bag)]))
    return Parts(tuple(_pfx([_content_info([key])]) for key in keys), _pfx(rest))


def bag_of_key(bag: bytes) -> bool:
    """Whether a SafeBag holds a private key."""
    return _first(bag, SEQUENCE).body.startswith(_KEY_BAGS)


def _bags(safe_contents: bytes, depth: int = 0) -> Iterator[bytes]:
    """The SafeBags, with those in bags of bags (section 4.2.6)."""
    for bag in children(_first(safe_contents, SEQUENCE).body):
        if bag.body.startswith(_SAFE_CONTENTS_BAG) and depth < 10:
            yield from _bags(list(children(bag.body))[1].body, depth + 1)
        else:
            yield bag.whole


def _content(info: Element) -> bytes:
    """The octets of a ContentInfo of the type data."""
    kind, content = list(children(info.body))[:2]
    if kind.whole != _DATA:
        raise ValueError("signed, which no program does")
    return octets(next(children(content.body)))


def _first(data: bytes, tag: int) -> Element:
    element = next(children(data), None)
    if element is None or element.tag != tag:
        raise ValueError("something else was expected")
    return element


def _content_info(bags: Iterable[bytes]) -> bytes:
    return _data(encode(SEQUENCE, b"".join(bags)))


def _data(content: bytes) -> bytes:
    return encode(SEQUENCE, _DATA + encode(_EXPLICIT, encode(OCTET_STRING, content)))


def _pfx(infos: Iterable[bytes]) -> bytes:
    return encode(SEQUENCE, _VERSION_3 + _data(encode(SEQUENCE, b"".join(infos))))
