"""Images by their first bytes, and how large a browser would have to make them. Nothing is decoded here."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

MOST_PIXELS = 16_000_000  # 64 MB in a browser's memory
LONGEST_SIDE = 16_000


@dataclass(frozen=True, slots=True)
class Image:
    """What an image says of itself. Without a readable size it has none in pixels, and is not shown."""

    name: str
    media_type: str
    width: int = 0
    height: int = 0

    @property
    def fits(self) -> bool:
        """Whether a page may show it."""
        longest = max(self.width, self.height)
        return 0 < self.width * self.height <= MOST_PIXELS and longest <= LONGEST_SIDE


def image_of(data: bytes) -> Image | None:
    """The image that data begin as, or None."""
    for magic, name, media_type, sizes in _KINDS:
        if data.startswith(magic) and (name != "WebP" or data[8:12] == b"WEBP"):
            try:
                found = list(sizes(data))
            except (struct.error, IndexError):
                found = []
            width, height = (max(side) for side in zip(*found, strict=True)) if found else (0, 0)
            return Image(name, media_type, width, height)
    return None


_Sizes = Iterator[tuple[int, int]]


def _png(data: bytes) -> _Sizes:
    if data[12:16] == b"IHDR":
        yield struct.unpack_from(">II", data, 16)


def _gif(data: bytes) -> _Sizes:
    """The canvas, and each frame: browsers make room for one that is larger."""
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    yield width, height
    at = 13 + _colours(flags)
    while data[at] != 0x3B:
        if data[at] == 0x2C:
            left, top, width, height, flags = struct.unpack_from("<4HB", data, at + 1)
            yield left + width, top + height
            at = _after_blocks(data, at + 11 + _colours(flags))
        elif data[at] == 0x21:
            at = _after_blocks(data, at + 2)
        else:
            return


def _colours(flags: int) -> int:
    return 3 * (2 << (flags & 7)) if flags & 0x80 else 0


def _after_blocks(data: bytes, at: int) -> int:
    while data[at]:
        at += data[at] + 1
    return at + 1


_NO_FRAME = frozenset({0xC4, 0xC8, 0xCC})


def _jpeg(data: bytes) -> _Sizes:
    at = 2
    while data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # fill
            at += 1
            continue
        if marker in (0xD9, 0xDA):
            return
        (length,) = struct.unpack_from(">H", data, at + 2)
        if 0xC0 <= marker <= 0xCF and marker not in _NO_FRAME:
            height, width = struct.unpack_from(">HH", data, at + 5)
            yield width, height
        at += 2 + length


def _webp(data: bytes) -> _Sizes:
    kind = data[12:16]
    if kind == b"VP8X":
        yield int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    elif kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        yield (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    elif kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        yield width & 0x3FFF, height & 0x3FFF


_KINDS = (
    (b"\x89PNG\r\n\x1a\n", "PNG", "image/png", _png),
    (b"\xff\xd8\xff", "JPEG", "image/jpeg", _jpeg),
    (b"GIF87a", "GIF", "image/gif", _gif),
    (b"GIF89a", "GIF", "image/gif", _gif),
    (b"RIFF", "WebP", "image/webp", _webp),
)
