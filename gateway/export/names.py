"""Ids as names of files and folders that every file system and git take. Pure.

A name is the id with everything but letters, digits, `-`, `_` and `.` written as %XX, the bytes of its UTF-8 as in
URLs: no id has a percent sign itself. So is a letter that a file system may take for another one (in another case
or another form of Unicode; two ids in ASCII differ in more than case), a hyphen or dot at the beginning, a dot at
the end, and the first letter of what Windows keeps for devices. A name that would be too long is cut and ends in
`%-` and a digest: the id is in the file then.
"""

import hashlib
import re
import unicodedata
from functools import lru_cache

MOST_BYTES = 240  # 255 less what stands after it: 80 letters of 3 bytes fit
_KEPT_OF_CUT = 180
_PLAIN = re.compile(r"[A-Za-z0-9_.-]")
_DEVICE = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|\Z)", re.IGNORECASE)


@lru_cache(maxsize=4096)  # an API's for each of its operations
def file_name(resource_id: str) -> str:
    """The name for an id, without what comes after it, such as .json."""
    pieces = [character if _is_kept(character) else _escaped(character) for character in resource_id]
    if not unicodedata.is_normalized("NFC", "".join(pieces)):
        pieces = [piece if piece.isascii() else _escaped(piece) for piece in pieces]
    if pieces[0] in "-." or _DEVICE.match(resource_id):
        pieces[0] = _escaped(resource_id[0])
    if pieces[-1] == ".":
        pieces[-1] = _escaped(".")
    name = "".join(pieces)
    return name if len(name.encode()) <= MOST_BYTES else _cut(pieces, resource_id)


def _is_kept(character: str) -> bool:
    if character.isascii():
        return bool(_PLAIN.match(character))
    forms = {character.casefold(), character.upper().lower(), unicodedata.normalize("NFKC", character)}
    return forms == {character} and character.isalnum()


def _escaped(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode())


def _cut(pieces: list[str], resource_id: str) -> str:
    kept, size = [], 0
    for piece in pieces:
        size += len(piece.encode())
        if size > _KEPT_OF_CUT:
            break
        kept.append(piece)
    return "".join(kept) + "%-" + hashlib.sha256(resource_id.encode()).hexdigest()[:32]
