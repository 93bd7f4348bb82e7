"""A body as its sender meant it: unpacked (within a bound), and read as text in the charset that it says it has."""

import codecs
import re
import zlib
from dataclasses import dataclass

from portal.console.reading import KEPT

_MOST_MEMBERS = 50
_MOST_CODINGS = 3
# Only these: Python knows codecs that take hours (punycode), or that are none of text.
_CHARSETS = re.compile(
    r"utf-?8|utf-?16(-?[lb]e)?|utf-?32(-?[lb]e)?|us-ascii|ascii|iso-?8859-?\d{1,2}|latin-?1|windows-?125\d|cp\d{3,4}"
    r"|koi8-[rut]|shift[-_]jis|euc-(jp|kr)|iso-2022-jp|gb2312|gbk|gb18030|big5|macintosh"
)
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_DECLARED = re.compile(rb"""<\?xml[^>]{0,200}?\sencoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")


class NotUnpacked(ValueError):
    """Why a body stays as it came, in words."""


@dataclass(frozen=True, slots=True)
class Unpacked:
    """`whole`: nothing is missing at its end. `coding`: what it was packed with, "" for nothing."""

    data: bytes
    whole: bool
    coding: str = ""


def unpacked(data: bytes, codings: list[str], *, whole: bool) -> Unpacked:
    """The body without its content codings, at most KEPT bytes. Raises NotUnpacked."""
    names = [name.strip().lower() for value in codings for name in value.split(",")]
    names = [name.removeprefix("x-") for name in names if name.strip() not in ("", "identity")]
    if len(names) > _MOST_CODINGS:
        raise NotUnpacked("it is packed too often")
    for name in reversed(names):
        if name not in ("gzip", "deflate"):
            raise NotUnpacked(f"{name[:40]} cannot be unpacked here")
        data, ended = _inflated(data, name)
        whole = whole and ended
    return Unpacked(data, whole, ", ".join(names))


def _inflated(data: bytes, name: str) -> tuple[bytes, bool]:
    """What is in it, at most KEPT bytes, and whether that is all."""
    out = bytearray()
    try:
        for _ in range(_MOST_MEMBERS):
            stream = zlib.decompressobj(31 if name == "gzip" else _window(data))
            out += stream.decompress(data, KEPT - len(out))
            data = stream.unused_data
            if not stream.eof or not data.rstrip(b"\0") or len(out) == KEPT:
                break
    except zlib.error as error:
        if not out:
            raise NotUnpacked(f"it is no {name}: {str(error).partition(': ')[2] or error}") from None
        return bytes(out), False
    return bytes(out), stream.eof and not data.rstrip(b"\0")


def _window(data: bytes) -> int:
    """deflate is to be zlib's form; some send the bare one."""
    looks_like_zlib = data[:1] and data[0] & 15 == 8 and int.from_bytes(data[:2], "big") % 31 == 0
    return 15 if looks_like_zlib else -15


@dataclass(frozen=True, slots=True)
class Text:
    """A body as text. `note` says what was done to it; `replaced` counts what is none in its charset."""

    text: str
    note: str = ""
    replaced: int = 0


def text_of(data: bytes, charset: str, *, whole: bool) -> Text:
    """Bytes as text: by their byte order mark, else in `charset`, else as XML says of itself, else as UTF-8."""
    name, note = _charset(data, charset)
    decoder = codecs.getincrementaldecoder(name)
    try:
        text = decoder("strict").decode(data, final=whole)
        replaced = 0
    except UnicodeDecodeError:
        text = decoder("replace").decode(data, final=whole)
        replaced = text.count("\ufffd")
    if replaced:
        times = "1 place is" if replaced == 1 else f"{replaced:,} places are"
        note = f"{note} {times} not valid in {name.upper()}, shown as �.".strip()
    return Text(text.removeprefix("\ufeff"), note, replaced)


def _charset(data: bytes, said: str) -> tuple[str, str]:
    for mark, name in _BOMS:
        if data.startswith(mark):
            return name, ""
    declared = _DECLARED.match(data)
    said = said or (declared[1].decode("ascii") if declared else "")
    if not said or not _CHARSETS.fullmatch(said.lower()):
        return "utf-8", f"The charset {said[:40]} is not known here: read as UTF-8." if said else ""
    try:
        return codecs.lookup(said).name, ""
    except LookupError:
        return "utf-8", f"The charset {said[:40]} is not known here: read as UTF-8."
