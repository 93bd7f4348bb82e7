"""What the demonstration back end answers at a few paths, so that a console has something to show. Everything else,
/echo for one, is answered with what arrived, as JSON. Standard library only."""

import struct
import time
import zlib
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape

_SIDE = 96
_MOST_SECONDS = 20.0
_DARK, _LIGHT = b"\x19\x47\x74", b"\xed\xf4\xf7"
_STATEMENT = """\
<?xml version="1.0" encoding="UTF-8"?>
<statement account="1"><caller>{caller}</caller><entries>\
<entry date="2026-11-02"><text>Rent</text><amount currency="EUR">-950.00</amount></entry>\
<entry date="2026-11-27"><text>Salary</text><amount currency="EUR">3100.00</amount></entry>\
</entries></statement>
"""

# Verb, URL template, display name and description of the operations that lead there.
OPERATIONS = (
    ("GET", "/accounts/{id}", "An account", "JSON: the certificate that the back end saw, and the request."),
    ("GET", "/statement", "A statement", "XML, with the subject of the certificate that the back end saw."),
    ("GET", "/logo", "The logo", "A picture (PNG)."),
    ("GET", "/slow?seconds={seconds}", "A slow answer", "Answers after so many seconds, 20 at most."),
    ("POST", "/echo", "Echo", "JSON: the request as it arrived, with its body."),
)


def sample(target: str, caller: str) -> tuple[str, bytes] | None:
    """Content type and content at a path; None where what arrived is the answer. `caller` is a subject."""
    path, query = urlsplit(target).path, urlsplit(target).query
    if path == "/statement":
        return "application/xml", _STATEMENT.format(caller=escape(caller)).encode()
    if path == "/logo":
        return "image/png", _picture()
    if path == "/slow":
        time.sleep(_seconds(query))
    return None


def _seconds(query: str) -> float:
    try:
        return min(max(float(parse_qs(query)["seconds"][0]), 0.0), _MOST_SECONDS)
    except (KeyError, ValueError):
        return 2.0


def _picture() -> bytes:
    """A ring, as PNG (RFC 2083)."""
    middle = (_SIDE - 1) / 2
    rows = []
    for y in range(_SIDE):
        distances = (((x - middle) ** 2 + (y - middle) ** 2) ** 0.5 for x in range(_SIDE))
        rows.append(b"\0" + b"".join(_DARK if 24 < each < 42 else _LIGHT for each in distances))
    header = struct.pack(">IIBBBBB", _SIDE, _SIDE, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(b"".join(rows))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in chunks)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
