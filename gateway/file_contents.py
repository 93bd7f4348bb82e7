"""What the readers of certificate files share: sizes, kinds of file, passwords, work, and what they give back."""

import unicodedata
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from gateway.der import loose_elements
from gateway.findings import Finding, Severity
from gateway.x509 import FileRefused

MAX_FILE_BYTES = 1_000_000
MAX_KEYS = 20
MAX_KEY_BYTES = 5_500  # of RSA with 8192 bits, encrypted and with its names; to check such a key takes 3 s
MAX_KEY_DERIVATION_ROUNDS = 10_000_000  # about a second; programs write 2,000 to 1,000,000
MAX_SCRYPT_COST = 2**20  # 128 MB; openssl writes 2**17

WRONG = "The password is wrong or the file is damaged."
NEEDED = "Enter the password that the file was exported with. If it has none, the file is damaged."
NOT_NEEDED = Finding(
    "password-not-needed",
    Severity.NOTE,
    "The file is not protected by a password: the one entered was not needed.",
    "Whoever has the file has the private key: delete the copies that are not needed.",
)
_TYPED = "The password contains a character that no such file can have. Type it again."
_TOO_MUCH_WORK = "The file asks for too much work to open it. Export it again with the usual settings."
_LARGE_KEY = (
    "The file has a private key that is too large to be used: RSA with more than 8192 bits. Have a certificate "
    "issued for a key of RSA 2048 to 4096 bits or EC P-256."
)
_SCRYPT = bytes.fromhex("06092b06010401da47040b")  # OID 1.3.6.1.4.1.11591.4.11, RFC 7914 section 7


@dataclass(frozen=True, slots=True)
class NamedCertificate:
    """A certificate, and what the file calls it."""

    certificate: x509.Certificate
    friendly_name: str = ""


@dataclass(frozen=True, slots=True)
class Contents:
    """The keys and the certificates of a file, both in its order, and what to know about the file."""

    keys: tuple[PrivateKeyTypes, ...]
    certificates: tuple[NamedCertificate, ...]
    findings: tuple[Finding, ...] = ()


def check_size(data: bytes) -> None:
    """Refuse a file that is empty or larger than any file of certificates."""
    if not data:
        raise FileRefused("file", "The file is empty.")
    if len(data) > MAX_FILE_BYTES:
        size = f"{len(data) / 1_000_000:.1f} MB"
        raise FileRefused("file", f"The file is too large ({size}): a file of certificates has at most 1 MB.")


def check_keys(sizes: Sequence[int]) -> None:
    """Refuse more or larger keys (in bytes, as they stand in the file) than can be checked soon.

    The work grows with the cube of an RSA key's size.
    """
    if len(sizes) > MAX_KEYS:
        text = (
            f"The file has {len(sizes)} private keys. Export one certificate with its key into its own file."
        )
        raise FileRefused("file", text)
    if any(size > MAX_KEY_BYTES for size in sizes):
        raise FileRefused("file", _LARGE_KEY)
    if sum((size / MAX_KEY_BYTES) ** 3 for size in sizes) > 2:
        raise FileRefused("file", _TOO_MUCH_WORK)


def check_work(*parts: bytes) -> None:
    """Refuse parts of a file that would keep the process busy for minutes: the sum of their key derivation rounds.

    Where an INTEGER follows an OCTET STRING it is a round count after its salt (RFC 7292 section 4, RFC 8018
    appendix A), or scrypt's cost, and the factors of it come next (RFC 7914 section 7.1). Octet strings that BER
    cut into pieces are not looked into.
    """
    rounds, scrypt, waiting = 0, 0, [memoryview(part) for part in parts]
    has_scrypt = any(_SCRYPT in part for part in parts)
    while waiting:
        before, cost = 0, 0
        for tag, body in loose_elements(waiting.pop()):
            if tag == 0x02 and before == 0x04:
                cost = int.from_bytes(body)
                rounds += cost
            elif tag == 0x02 and cost and has_scrypt:
                cost *= int.from_bytes(body[:8])
                scrypt = max(scrypt, cost)
            if tag & 0x20 or (tag == 0x04 and len(body) and body[0] == 0x30):
                waiting.append(body)
            before = tag
    if rounds > MAX_KEY_DERIVATION_ROUNDS or scrypt > MAX_SCRYPT_COST:
        raise FileRefused("file", _TOO_MUCH_WORK)


def secrets_of(password: str) -> list[bytes | None]:
    """The bytes that a password may stand for: as typed, and in both Unicode forms (UAX 15).

    The last is what OpenSSL before 1.1.0 made of UTF-8: each byte one character (passphrase-encoding(7)).
    """
    if not password:
        return [None]
    if "\0" in password or any(unicodedata.category(character) == "Cs" for character in password):
        raise FileRefused("password", _TYPED)
    forms = [password, unicodedata.normalize("NFC", password), unicodedata.normalize("NFD", password)]
    forms.append(password.encode().decode("latin-1"))
    return [form.encode() for form in dict.fromkeys(forms)]


# --- What a file can be -----------------------------------------------------------------------------------

_STARTS = {
    b"\x89PNG": "image",
    b"\xff\xd8\xff": "image",
    b"GIF8": "image",
    b"\xfe\xed\xfe\xed": "jks",
    b"\x02\x01\x03": "pfx",  # what a SEQUENCE begins with: version 3
    b"\x02\x01\x00": "private key",  # PKCS #8 and PKCS #1
    b"\x02\x01\x01": "private key",  # SEC 1
    b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02": "pkcs7",
    b"\x30": "certificate",
}


def kind_of(data: bytes) -> str:
    """What the file seems to be, from its first bytes: "pfx", "pem", ..., or "" if that is unknown."""
    if b"-----BEGIN " in data:
        return "pem"
    is_sequence = data[:1] == b"\x30" and len(data) > 4
    head = data[2 + (data[1] & 0x7F if data[1] > 0x80 else 0) :] if is_sequence else data
    for start, kind in _STARTS.items():
        if head.startswith(start) and (is_sequence or kind in ("image", "jks")):
            return kind
    with suppress(UnicodeDecodeError):
        return "text" if all(c.isprintable() or c in "\r\n\t\ufeff" for c in data.decode()) else ""
    return ""


def as_bytes_of_text(data: bytes) -> bytes:
    """The file, in UTF-8 where Windows PowerShell wrote a text in UTF-16."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        with suppress(UnicodeDecodeError):
            return data.decode("utf-16").encode()
    return data
