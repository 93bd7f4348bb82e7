"""Reads PEM files (RFC 7468) that hold a certificate and its private key, with messages for a person.

The parts may come in any order. A key may be encrypted: in PKCS #8 (RFC 5958) or in the traditional way, where two
lines of its head say so (RFC 1421 section 4.6). A file may be UTF-16, as Windows PowerShell writes it.
"""

import binascii
from contextlib import suppress
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_pem_private_key

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
from gateway.pkcs12 import is_legacy
from gateway.x509 import FileRefused

_CERTIFICATES = {b"CERTIFICATE", b"X509 CERTIFICATE"}
_KEYS = {b"PRIVATE KEY", b"ENCRYPTED PRIVATE KEY", b"RSA PRIVATE KEY", b"EC PRIVATE KEY", b"DSA PRIVATE KEY"}
_BEGIN = b"-----BEGIN "
_DAMAGED = "A {} in the file is damaged or incomplete. Export or copy it again."
_CIPHER = (
    "The private key is encrypted with a cipher that is not read here. Encrypt it anew with: "
    "openssl pkcs8 -topk8 -in client.key -out new.key"
)
_OPENSSH = (
    "The private key is in OpenSSH's own format. Convert a copy of it: ssh-keygen -p -m PKCS8 -f copy-of-key"
)
_LEGACY = Finding(
    "legacy-encryption",
    Severity.NOTE,
    "The private key is encrypted in an old way, which is weak. It is accepted, and stored here sealed anew with a "
    "strong one.",
    "Delete the copies of the file that are not needed, and encrypt the next key with: openssl pkcs8 -topk8",
)


@dataclass(frozen=True, slots=True)
class _Block:
    label: bytes
    text: bytes

    @property
    def has_head(self) -> bool:
        """Whether it is encrypted in the traditional way."""
        return b"Proc-Type: 4,ENCRYPTED" in self.text

    @property
    def is_encrypted(self) -> bool:
        return self.has_head or self.label == b"ENCRYPTED PRIVATE KEY"


def read_pem(data: bytes, password: str) -> Contents:
    """Read the keys and the certificates of a PEM file. An empty password means none. Raises FileRefused."""
    blocks = _blocks(data)
    keys = [block for block in blocks if block.label in _KEYS]
    check_keys([len(_der(block)) for block in keys])
    if not keys and any(block.label == b"OPENSSH PRIVATE KEY" for block in blocks):
        raise FileRefused("file", _OPENSSH)
    certificates = [_certificate(block) for block in blocks if block.label in _CERTIFICATES]
    check_work(*(_der(block) for block in keys))
    secrets = secrets_of(password)
    loaded = [_key(block, secrets) for block in keys]
    unlocked = password and keys and not any(key.is_encrypted for key in keys)
    findings = [NOT_NEEDED] if unlocked else []
    if any(_is_legacy(block) for block in keys):
        findings.append(_LEGACY)
    return Contents(tuple(loaded), tuple(NamedCertificate(each) for each in certificates), tuple(findings))


def _blocks(data: bytes) -> list[_Block]:
    """The parts of the file. (One search for both ends of each would look through the rest of it every time.)"""
    blocks = []
    for piece in data.split(_BEGIN)[1:]:
        label, _, rest = piece.partition(b"-----")
        end = b"-----END " + label + b"-----"
        body, found, _ = rest.partition(end)
        if label in _CERTIFICATES | _KEYS:
            if not found:
                raise FileRefused("file", _DAMAGED.format(_noun(label)))
            blocks.append(_Block(label, _BEGIN + label + b"-----" + body + end + b"\n"))
        else:
            blocks.append(_Block(label, b""))
    return blocks


def _noun(label: bytes) -> str:
    return "certificate" if label in _CERTIFICATES else "private key"


def _certificate(block: _Block) -> x509.Certificate:
    with suppress(Exception):  # hostile bytes
        return x509.load_pem_x509_certificates(block.text)[0]
    raise FileRefused("file", _DAMAGED.format("certificate"))


def _key(block: _Block, secrets: list[bytes | None]) -> PrivateKeyTypes:
    if not block.is_encrypted:
        secrets = [None]
    elif secrets == [None]:
        raise FileRefused("password", NEEDED)
    unknown_cipher = False
    for secret in secrets:
        try:
            return _load(block, secret)
        except Exception as error:  # hostile bytes
            unknown_cipher = unknown_cipher or _names_a_cipher(error)
    if unknown_cipher:
        raise FileRefused("file", _CIPHER)
    if block.is_encrypted:
        raise FileRefused("password", WRONG)
    raise FileRefused("file", _DAMAGED.format("private key"))


def _load(block: _Block, secret: bytes | None) -> PrivateKeyTypes:
    """The key. What is loaded is what was looked through for too much work; a head names no such thing."""
    if block.has_head:
        return load_pem_private_key(block.text, secret)
    return load_der_private_key(_der(block), secret)


def _names_a_cipher(error: Exception) -> bool:
    return isinstance(error, UnsupportedAlgorithm) or "unknown cipher" in str(error)


def _der(block: _Block) -> bytes:
    lines = block.text.splitlines()[1:-1]
    with suppress(ValueError):
        return binascii.a2b_base64(b"".join(line for line in lines if b":" not in line))
    return b""


def _is_legacy(block: _Block) -> bool:
    return b"DEK-Info: DES" in block.text if block.has_head else is_legacy(_der(block))
