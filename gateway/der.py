"""Takes ASN.1 elements apart (X.690): DER, and BER with indefinite lengths, which Firefox and Java write."""

from collections.abc import Iterator
from dataclasses import dataclass

MAX_DEPTH = 30
SEQUENCE = 0x30
OCTET_STRING = 0x04


@dataclass(frozen=True, slots=True)
class Element:
    """One element: its tag, its contents, and the whole of it as it stands in the file."""

    tag: int
    body: bytes
    whole: bytes


def children(data: bytes, depth: int = 0) -> Iterator[Element]:
    """The elements in `data`. Raises ValueError or IndexError where they break the rules."""
    at = 0
    while at < len(data):
        start, end, whole_end = _bounds(data, at, depth)
        yield Element(data[at], data[start:end], data[at:whole_end])
        at = whole_end


def _bounds(data: bytes, at: int, depth: int) -> tuple[int, int, int]:
    """Where the contents of the element at `at` begin and end, and where the element does."""
    if depth > MAX_DEPTH or data[at] & 0x1F == 0x1F:
        raise ValueError("too deep, or a long tag")
    length, start = data[at + 1], at + 2
    if length == 0x80:
        end = start
        while data[end] or data[end + 1]:  # the end is marked by two zeros
            end = _bounds(data, end, depth + 1)[2]
        return start, end, end + 2
    if length > 0x80:
        size = length & 0x7F
        length, start = int.from_bytes(data[start : start + size]), start + size
    if start + length > len(data):
        raise ValueError("reaches beyond the end")
    return start, start + length, start + length


def octets(element: Element, depth: int = 0) -> bytes:
    """The contents of an OCTET STRING, which BER may cut into pieces."""
    if element.tag == OCTET_STRING:
        return element.body
    if element.tag != OCTET_STRING | 0x20 or depth > MAX_DEPTH:
        raise ValueError("no octet string, or too deep")
    return b"".join(octets(piece, depth + 1) for piece in children(element.body))


def encode(tag: int, body: bytes) -> bytes:
    """An element in DER."""
    if len(body) < 0x80:
        return bytes([tag, len(body)]) + body
    size = len(body).to_bytes((len(body).bit_length() + 7) // 8)
    return bytes([tag, 0x80 + len(size)]) + size + body


def loose_elements(data: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Tag and contents of the elements in `data`, whatever it is. An indefinite length reaches to the end."""
    at = 0
    while at + 2 <= len(data):
        tag, length, at = data[at], data[at + 1], at + 2
        if length == 0x80:
            length = len(data) - at
        elif length > 0x80:
            size = length & 0x7F
            length, at = int.from_bytes(data[at : at + size]), at + size
        yield tag, data[at : at + length]
        at += length
