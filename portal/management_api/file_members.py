"""Members that hold a file of a certificate: base64, with a password and, where it has several keys, a choice."""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from gateway.certificate_files import FileRefused, SeveralKeys, read_certificate_file
from gateway.errors import Invalid
from gateway.file_contents import kind_of
from portal.management_api.errors import ApiError, Detail, incorrect

SCHEMA: Mapping[str, Mapping[str, Any]] = {
    "data": {
        "type": "string",
        "writeOnly": True,
        "description": "Base64 of a PFX (PKCS #12) or PEM file.",
    },
    "password": {
        "type": ["string", "null"],
        "writeOnly": True,
        "description": "The password of the file; null or empty if it has none.",
    },
    "keyChoice": {
        "type": "string",
        "writeOnly": True,
        "x-addition": True,
        "description": "An addition: of a file with several private keys, the one to use. The error that says so "
        "names them; each is the SHA-256 of its public key (SubjectPublicKeyInfo) in hex.",
    },
}
TARGETS = {"file": "data", "name": "id", "key": "keyChoice"}

_NOT_BASE64 = "This is no base64, or a part of it is missing."
_URL_SAFE = "This is base64url. Send ordinary base64, which has + and / in place of - and _."
_PEM = "This is the text of a PEM file. Send the file in base64."
_TWICE = "This was encoded in base64 twice. Send the file encoded once."
_NOT_CHOSEN = "The key that was chosen is not in this file, which has only one. Leave 'keyChoice' out."


@dataclass(frozen=True, slots=True)
class Material:
    """What a change reads a client certificate of."""

    data: bytes = field(repr=False)
    password: str = field(repr=False)
    key: str

    def values(self) -> dict[str, Any]:
        """As changes take them."""
        return {"data": self.data, "password": self.password, "key": self.key}


@contextmanager
def material(given: Mapping[str, Any]) -> Iterator[Material]:
    """What members give to a change. Raises ApiError, also instead of the change if a key has to be chosen."""
    found = Material(file_of(given), given.get("password") or "", given.get("keyChoice", "").upper())
    try:
        yield found
    except Invalid as error:
        if "key" not in error.errors:
            raise
        raise _choices(found) from None


def _choices(found: Material) -> ApiError:
    try:
        read_certificate_file(found.data, found.password)
    except SeveralKeys as several:
        names = [f"Choose a key: '{each.id}' is that of {each.label}." for each in several.choices]
        return incorrect(*(Detail("keyChoice", name) for name in names))
    except FileRefused as refused:
        return incorrect(Detail(TARGETS[refused.field], refused.message))
    return incorrect(Detail("keyChoice", _NOT_CHOSEN))


def file_of(given: Mapping[str, Any]) -> bytes:
    """The file in `data`, whose base64 may have line ends in it. Raises ApiError."""
    text = "".join(given["data"].split())
    file = _decoded(text)
    if file is None:
        raise incorrect(Detail("data", _problem(text)))
    if _is_base64_of_a_file(file):
        raise incorrect(Detail("data", _TWICE))
    return file


def _decoded(text: str) -> bytes | None:
    with suppress(ValueError, binascii.Error):
        return base64.b64decode(text, validate=True)
    return None


def _problem(text: str) -> str:
    if text.startswith("-----BEGIN"):
        return _PEM
    return _URL_SAFE if re.fullmatch(r"[A-Za-z0-9_-]+=*", text) and re.search("[-_]", text) else _NOT_BASE64


def _is_base64_of_a_file(data: bytes) -> bool:
    inner = _decoded("".join(data.decode("latin-1").split()))
    return bool(inner) and kind_of(inner or b"") not in ("", "text", "image")
