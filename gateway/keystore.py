"""Seals and opens secrets at rest: the only module that sees a key-encryption key.

A sealed text is `1.<key id>.<base64url of nonce and ciphertext>`: AES-256-GCM (NIST SP 800-38D) with a random
nonce of 96 bits. Table, column and row are its associated data, so that it opens nowhere else.
"""

import base64
import binascii
import hashlib
import os
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from gateway.errors import Unreadable

VERSION = "1"
KEY_BYTES = 32
NONCE_BYTES = 12
SETTING = "CERTIFICATE_ENCRYPTION_KEYS"


def new_key() -> str:
    """A new key as the setting takes it: url-safe base64 of 32 random bytes."""
    return base64.urlsafe_b64encode(os.urandom(KEY_BYTES)).decode()


def seal(table: str, column: str, key: UUID, secret: bytes) -> str:
    """Seal a secret for one column of one row, with the first key.

    Raises ImproperlyConfigured if there is no usable first key.
    """
    key_id, raw = _first_key()
    nonce = os.urandom(NONCE_BYTES)
    sealed = nonce + AESGCM(raw).encrypt(nonce, secret, _place(table, column, key))
    return f"{VERSION}.{key_id}.{base64.urlsafe_b64encode(sealed).decode()}"


def open_sealed(table: str, column: str, key: UUID, sealed: str) -> bytes:
    """Open what `seal` made for this column of this row, with any of the keys.

    Raises Unreadable, also without keys, so that one row that cannot be opened takes no other down.
    """
    version, key_id, content = _parts(sealed)
    raw = _keys().get(key_id)
    if version != VERSION or len(content) < NONCE_BYTES:
        reason = "it is not a sealed value"
    elif raw is None:
        reason = f"it was sealed with a key that {SETTING} does not have"
    else:
        secret = _decrypt(raw, content, _place(table, column, key))
        if secret is not None:
            return secret
        reason = "it was changed, or moved from another place"
    raise Unreadable(f"{column} of {table} {key} cannot be opened: {reason}.")


def needs_reseal(sealed: str) -> bool:
    """Whether the text was sealed with another key than the first, or in another form.

    Raises ImproperlyConfigured if there is no usable first key.
    """
    version, key_id, _ = _parts(sealed)
    return version != VERSION or key_id != _first_key()[0]


def problems() -> list[str]:
    """What is wrong with the setting, for system checks. Keys are named by their place, never shown."""
    texts = _texts()
    if not texts:
        return [f"{SETTING} is not set. Make a key with: {_COMMAND}"]
    found = [
        f"Key {place} of {SETTING} is not the url-safe base64 of {KEY_BYTES} bytes. Make one with: {_COMMAND}"
        for place, text in enumerate(texts, 1)
        if _decoded(text) is None
    ]
    places = {_decoded(text): place for place, text in enumerate(texts, 1)}
    if not found and len(places) < len(texts):
        found.append(f"{SETTING} has the same key more than once.")
    return found


_COMMAND = 'python -c "from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())"'


def _texts() -> list[str]:
    """The keys of the setting; a file may have them on lines of their own."""
    return " ".join(settings.CERTIFICATE_ENCRYPTION_KEYS).split()


def _keys() -> dict[str, bytes]:
    """The usable keys by their id. Worked out each time: it takes microseconds, and nothing can go stale."""
    return {_key_id(raw): raw for raw in map(_decoded, _texts()) if raw is not None}


def _first_key() -> tuple[str, bytes]:
    raw = _decoded(next(iter(_texts()), ""))
    if raw is None:
        raise ImproperlyConfigured(problems()[0])
    return _key_id(raw), raw


def _key_id(raw: bytes) -> str:
    return hashlib.sha256(b"key id\0" + raw).hexdigest()[:12]


def _decoded(text: str) -> bytes | None:
    try:
        raw = base64.b64decode(text.encode(), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        return None
    return raw if len(raw) == KEY_BYTES else None


def _parts(sealed: str) -> tuple[str, str, bytes]:
    version, key_id, content = (*sealed.split(".", 2), "", "")[:3]
    try:
        return version, key_id, base64.b64decode(content.encode(), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        return "", "", b""


def _decrypt(raw: bytes, content: bytes, place: bytes) -> bytes | None:
    try:
        return AESGCM(raw).decrypt(content[:NONCE_BYTES], content[NONCE_BYTES:], place)
    except InvalidTag:
        return None


def _place(table: str, column: str, key: UUID) -> bytes:
    return "\0".join((table, column, str(key))).encode()
