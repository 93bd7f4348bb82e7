"""Reads PFX files (PKCS #12, RFC 7292), with messages for a person.

What `cryptography` 50 does, found by trying, and what the code below is made for:

- It says "Could not deserialize" for a file that is no PFX, and "Invalid password or PKCS12 data" for a wrong
  password, for damage within, and for a cipher it lacks. So the message for the second names the first two
  causes, and the third is asked for separately.
- Of several keys it takes the first and says nothing. So the keys are counted, and each is read by itself.
- It holds the interpreter lock while it derives keys, for as many rounds as the file says. So they are
  counted, too.
- A NUL in the password makes it print the password to standard error. So there is never one.
- Of a key and certificates that do not match it returns the key, and the certificates as additional ones.
"""

from contextlib import suppress

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.decrepit.ciphers.algorithms import RC2
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.serialization import pkcs12

from gateway.file_contents import (
    NEEDED,
    NOT_NEEDED,
    WRONG,
    Contents,
    NamedCertificate,
    check_keys,
    check_work,
    secrets_of,
)
from gateway.findings import Finding, Severity
from gateway.pkcs12_parts import Parts, take_apart
from gateway.x509 import FileRefused, visible

_DAMAGED = "This PFX file is damaged or incomplete. Export or copy it again."
_OLD = (
    "The file uses an old encryption (RC2, RC4 or DES) that is switched off on this server. "
    "Export it again with AES-256 (in Windows: Encryption AES256-SHA256)."
)
_LEGACY = Finding(
    "legacy-encryption",
    Severity.NOTE,
    "The file is encrypted in an old way (3DES, RC2, RC4 or DES), which is weak. It is accepted, and the private "
    "key is stored here sealed anew with a strong one.",
    "Delete the copies of the file that are not needed, and export the next one with AES-256 (in Windows: "
    "Encryption AES256-SHA256).",
)
# pbeWithSHA1And... RC4 (1, 2) and RC2 (5, 6) of RFC 7292 appendix C, and PKCS #5 v1 (RFC 8018 A.3).
_OLD_CIPHERS = (
    *(bytes.fromhex("060a2a864886f70d010c01") + bytes([number]) for number in (1, 2, 5, 6)),
    *(bytes.fromhex("06092a864886f70d0105") + bytes([number]) for number in (1, 3, 4, 6, 10, 11)),
)
# With 3DES (3, 4), and with DES-EDE3-CBC in PBES2, which an IV of eight bytes follows.
_LEGACY_CIPHERS = (
    *_OLD_CIPHERS,
    *(bytes.fromhex("060a2a864886f70d010c01") + bytes([number]) for number in (3, 4)),
    bytes.fromhex("06082a864886f70d03070408"),
)


def read_pfx(data: bytes, password: str) -> Contents:
    """Read the keys and the certificates of a PFX file. An empty password means none.

    Raises FileRefused, whose message names neither the password nor anything of the keys.
    """
    check_work(data)
    parts = _parts(data)
    check_keys([len(key) for key in parts.keys])
    bundle, secret = _open(data, password)
    findings = [NOT_NEEDED] if password and secret is None else []
    if is_legacy(data):
        findings.append(_LEGACY)
    if len(parts.keys) > 1:
        return _read_parts(parts, secret, findings)
    return Contents((bundle.key,) if bundle.key else (), _certificates(bundle), tuple(findings))


def is_legacy(data: bytes) -> bool:
    """Whether something in the file, or in the DER of an encrypted key, uses a cipher of the last century."""
    return any(cipher in data for cipher in _LEGACY_CIPHERS)


def _open(data: bytes, password: str) -> tuple[pkcs12.PKCS12KeyAndCertificates, bytes | None]:
    """What the library finds in the file, and the password as it fits."""
    for secret in secrets_of(password):
        if bundle := _load(data, secret):
            return bundle, secret
    if password and (bundle := _load(data, None)):
        return bundle, None
    _check_ciphers(data)
    raise FileRefused("password", WRONG if password else NEEDED)


def _load(data: bytes, secret: bytes | None) -> pkcs12.PKCS12KeyAndCertificates | None:
    """The opened file, or None if password, contents or cipher are wrong.

    The one place that tells these from a file that is no PFX (only the text of the exception does). Raises
    FileRefused for the latter.
    """
    try:
        return pkcs12.load_pkcs12(data, secret)
    except Exception as error:  # hostile bytes: x509.InvalidVersion, for one, is no ValueError
        damaged = "Could not deserialize" in str(error)
    if damaged:  # outside the except block, or that exception would be the context of this one
        raise FileRefused("file", _DAMAGED)
    return None


def _parts(data: bytes) -> Parts:
    with suppress(ValueError, IndexError, StopIteration):
        return take_apart(data)
    raise FileRefused("file", _DAMAGED)


def _read_parts(parts: Parts, secret: bytes | None, findings: list[Finding]) -> Contents:
    """Of a file with several keys, which has been opened as a whole (so its MAC is right), all of them."""
    rest = _load(parts.rest, secret)
    keys = [_only_key(part, secret) for part in parts.keys]
    return Contents(tuple(keys), _certificates(rest) if rest else (), tuple(findings))


def _only_key(part: bytes, secret: bytes | None) -> PrivateKeyTypes:
    bundle = _load(part, secret)
    if bundle is None or bundle.key is None:
        raise FileRefused("file", "One of the private keys in the file cannot be read. Export it again.")
    return bundle.key


def _certificates(bundle: pkcs12.PKCS12KeyAndCertificates) -> tuple[NamedCertificate, ...]:
    found = ([bundle.cert] if bundle.cert else []) + bundle.additional_certs
    return tuple(NamedCertificate(each.certificate, _text(each.friendly_name)) for each in found)


def _text(name: bytes | None) -> str:
    return visible((name or b"").decode("utf-8", "replace"))


def _check_ciphers(data: bytes) -> None:
    """Say so if the file cannot be opened because its old cipher is switched off on this machine."""
    if not any(cipher in data for cipher in _OLD_CIPHERS):
        return
    try:
        Cipher(RC2(bytes(16)), modes.CBC(bytes(8))).encryptor()
    except UnsupportedAlgorithm:
        missing = True
    else:
        missing = False
    if missing:
        raise FileRefused("file", _OLD)
