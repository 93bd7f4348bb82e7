"""What a gateway answers, read from the wire: a head, and as much of the body as is kept. All of it is bounded."""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass

from portal.console.wire import PIECE, Ended, TooLong, Wire

KEPT = 1024 * 1024  # bytes of a body
MOST_COUNTED = 64 * 1024 * 1024  # bytes of a body whose length nobody said
MOST_SECONDS_COUNTED = 5.0
MOST_HEAD = 256 * 1024
_CHUNK_LINE = 4096
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})(?: (.*))?", re.DOTALL)
_INTERIM = re.compile(rb"HTTP/1\.[01] 1\d\d")
_FINAL = re.compile(rb"HTTP/1\.[01] [2-9]")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;.*)?", re.DOTALL)

Fields = tuple[tuple[str, str], ...]


class NotHttp(Exception):
    """Whatever this is, it is no answer in HTTP/1.1."""


@dataclass(frozen=True, slots=True)
class Head:
    """A status line and its fields."""

    status: int
    reason: str
    fields: Fields

    def values(self, name: str) -> list[str]:
        """The values of a field."""
        return [value for key, value in self.fields if key.lower() == name]


@dataclass(slots=True)
class Taken:
    """A body, as far as it was read. `cut` and `size` as those of an Answer."""

    kept: bytearray
    size: int | None = None
    read: int = 0
    cut: str = ""


def is_answer(data: bytes) -> bool:
    """Whether what came begins with an answer, after 1xx ones, which announce it."""
    at = 0
    while _INTERIM.match(data, at):
        end = data.find(b"\r\n\r\n", at)
        if end < 0:
            return False
        at = end + 4
    return _FINAL.match(data, at) is not None


def read_head(wire: Wire) -> Head:
    """The final head: those with 1xx come before it. Raises NotHttp, TooLong, Ended or TimeoutError."""
    left = MOST_HEAD
    while True:
        line = wire.line(left)
        found = _STATUS.fullmatch(line)
        if not found:
            raise NotHttp
        lines: list[bytes] = []
        while line:
            left -= len(line) + 2
            line = wire.line(left)
            lines.append(line)
        if not found[1].startswith(b"1") or found[1] == b"101":
            return Head(int(found[1]), _text(found[2] or b""), _fields(lines[:-1]))


def _fields(lines: list[bytes]) -> Fields:
    fields: list[tuple[str, str]] = []
    for line in lines:
        if line[:1] in (b" ", b"\t") and fields:  # a value that goes on, as it was once written
            fields[-1] = (fields[-1][0], f"{fields[-1][1]} {_text(line.strip())}")
        else:
            name, _, value = line.partition(b":")
            fields.append((_text(name), _text(value.strip(b" \t"))))
    return tuple(fields)


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")


def read_body(wire: Wire, head: Head, method: str) -> Taken:
    """The body, as much as is kept. It never raises: what did not come is told by `cut`."""
    if method == "HEAD" or head.status in (101, 204, 304):
        return Taken(bytearray(), 0)
    length = _length(head)
    taken = Taken(bytearray(), length)
    over = wire.deadline
    try:
        for piece in _pieces(wire, head, length):
            _take(taken, piece)
            if len(taken.kept) == KEPT and not _reads_on(taken, wire, over):
                break
    except TimeoutError:
        taken.cut = "size" if wire.deadline < over else "time"
    except (Ended, TooLong):
        taken.cut = "broken"
    if not taken.cut and taken.size is None:
        taken.size = taken.read
    if taken.read > len(taken.kept):
        taken.cut = taken.cut or "size"
    return taken


def _length(head: Head) -> int | None:
    values = set(head.values("content-length"))
    if head.values("transfer-encoding") or len(values) != 1:
        return None
    value = values.pop()
    return int(value) if value.isascii() and value.isdigit() and len(value) < 20 else None


def _take(taken: Taken, piece: bytes) -> None:
    taken.read += len(piece)
    taken.kept += piece[: KEPT - len(taken.kept)]


def _reads_on(taken: Taken, wire: Wire, over: float) -> bool:
    """Whether to read what is not kept: only to learn how long the body is, and not for ever."""
    if wire.deadline == over:
        wire.deadline = min(over, time.monotonic() + MOST_SECONDS_COUNTED)
    if taken.size is None and taken.read < MOST_COUNTED:
        return True
    if taken.size is None or taken.read < taken.size:
        taken.cut = "size"
    return False


def _pieces(wire: Wire, head: Head, length: int | None) -> Iterator[bytes]:
    if any("chunked" in value.lower() for value in head.values("transfer-encoding")):
        return _chunks(wire)
    return _until_the_end(wire) if length is None else _exactly(wire, length)


def _until_the_end(wire: Wire) -> Iterator[bytes]:
    while piece := wire.some(PIECE):
        yield piece


def _exactly(wire: Wire, length: int) -> Iterator[bytes]:
    while length:
        piece = wire.some(min(length, PIECE))
        if not piece:
            raise Ended
        length -= len(piece)
        yield piece


def _chunks(wire: Wire) -> Iterator[bytes]:
    while size := _chunk_size(wire.line(_CHUNK_LINE)):
        yield from _exactly(wire, size)
        if wire.line(_CHUNK_LINE):
            raise Ended
    while wire.line(_CHUNK_LINE):  # fields after the body, which nobody asked for
        pass


def _chunk_size(line: bytes) -> int:
    found = _CHUNK_SIZE.fullmatch(line)
    if not found:
        raise Ended
    return int(found[1], 16)
