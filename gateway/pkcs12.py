"""Reads PFX files (PKCS #12, RFC 7292) and CA certificate files, with messages for a person.

What `cryptography` 50 does, found by trying, and what the code below is made for:

- It says "Could not deserialize" for a file that is no PFX, and "Invalid password or PKCS12 data" for a wrong
  password, for damage within, and for a cipher it lacks. So the message for the second names the first two
  causes, and the third is asked for separately.
- Of several keys it takes the first and says nothing. So the keys are counted.
- It holds the interpreter lock while it derives keys, for as many rounds as the file says. So they are
  counted, too.
- A NUL in the password makes it print the password to standard error. So there is never one.
- Of a key and certificates that do not match it returns the key, and the certificates as additional ones.
"""

import unicodedata
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import cast

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.decrepit.ciphers.algorithms import RC2
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)

from gateway.x509 import (
    Pkcs12Error,
    X509Facts,
    common_name,
    is_ca,
    key_problem,
    order_chain,
    pem,
    usage_notes,
    validity_now,
    visible,
    warnings_of,
    weakly_signed,
    x509_facts,
)

__all__ = [
    "MAX_PFX_BYTES",
    "CaCertificateFile",
    "ClientCertificate",
    "Pkcs12Error",
    "X509Facts",
    "read_ca_certificates",
    "read_pfx",
    "warnings_of",
    "x509_facts",
]

MAX_PFX_BYTES = 1_000_000
MAX_KEY_DERIVATION_ROUNDS = 10_000_000  # about a second; programs write 2,000 to 1,000,000

_WRONG = "The password is wrong or the file is damaged."
_NEEDED = "Enter the password that the file was exported with. If it has none, the file is damaged."
_NOT_NEEDED = "the file is not protected by a password: the one entered was not needed"
_TYPED = "The password contains a character that no PFX file can have. Type it again."
_DAMAGED = "This PFX file is damaged or incomplete. Export or copy it again."
_OLD = (
    "The file uses an old encryption (RC2, RC4 or DES) that is switched off on this server. "
    "Export it again with AES-256 (in Windows: Encryption AES256-SHA256)."
)
_TOO_MUCH_WORK = "The file asks for too much work to open it. Export it again with the usual settings."
_MISMATCH = "The private key does not belong to the certificate in the file. Export both together again."
_NO_KEY = "The file has no private key. Export the certificate again, together with its private key."
_NO_CERTIFICATE = "The file has a private key but no certificate. Export both together."
_SIGNATURE = "The certificate is signed with SHA-1 or MD5, which TLS no longer accepts. Have it issued again."
_KEY_HERE = "The file contains a private key, which does not belong here: upload only certificates."
_NOT_MARKED = "not marked as a CA certificate: it can only vouch for a back end that presents this very one"

_BAGS = bytes.fromhex("060b2a864886f70d010c0a01")  # OID 1.2.840.113549.1.12.10.1, RFC 7292 section 4.2
_KEY_BAGS = (_BAGS + b"\x01", _BAGS + b"\x02")  # keyBag, pkcs8ShroudedKeyBag
# pbeWithSHA1And... RC4 (1, 2) and RC2 (5, 6) of RFC 7292 appendix C, and PKCS #5 v1 (RFC 8018 A.3).
_OLD_CIPHERS = (
    *(bytes.fromhex("060a2a864886f70d010c01") + bytes([number]) for number in (1, 2, 5, 6)),
    *(bytes.fromhex("06092a864886f70d0105") + bytes([number]) for number in (1, 3, 4, 6, 10, 11)),
)

_Private = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """A certificate with its private key (PKCS #8 DER) and its chain, leaf first."""

    facts: X509Facts
    chain_pem: str
    private_key: bytes = field(repr=False)
    common_name: str
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CaCertificateFile:
    """One certificate to be trusted."""

    facts: X509Facts
    pem: str
    common_name: str
    warnings: tuple[str, ...]


def read_pfx(data: bytes, password: str) -> ClientCertificate:
    """Read the certificate, its chain and its private key from a PFX file. An empty password means none.

    Raises Pkcs12Error, whose message names neither the password nor anything of the key.
    """
    bundle, notes = _open(data, password)
    key = _private_key(bundle, data)
    leaf = _leaf(bundle)
    facts = x509_facts(leaf)
    chain, chain_notes = order_chain(leaf, [extra.certificate for extra in bundle.additional_certs])
    return ClientCertificate(
        facts=facts,
        chain_pem=pem(chain),
        private_key=key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
        common_name=common_name(leaf),
        warnings=(*validity_now(facts), *usage_notes(leaf), *chain_notes, *notes),
    )


def read_ca_certificates(data: bytes) -> list[CaCertificateFile]:
    """Read the certificates of a .cer, .crt or .pem file, each once, in the file's order.

    The file is one DER certificate or any number of PEM ones. Raises Pkcs12Error on the field "file".
    """
    _check_size(data)
    if b"PRIVATE KEY-----" in data:
        raise Pkcs12Error("file", _KEY_HERE)
    certs = _pem_certificates(data) if b"-----BEGIN " in data else _der_certificate(data)
    return [_ca_certificate(cert) for cert in dict.fromkeys(certs)]


# --- Opening a PFX ----------------------------------------------------------------------------------------


def _open(data: bytes, password: str) -> tuple[pkcs12.PKCS12KeyAndCertificates, list[str]]:
    _check_size(data)
    if _kind(data) != "pfx":
        raise Pkcs12Error("file", _no_pfx(data))
    _check_rounds(data)
    for secret in _secrets(password):
        if bundle := _load(data, secret):
            return bundle, []
    if password and (bundle := _load(data, None)):
        return bundle, [_NOT_NEEDED]
    _check_ciphers(data)
    raise Pkcs12Error("password", _WRONG if password else _NEEDED)


def _load(data: bytes, secret: bytes | None) -> pkcs12.PKCS12KeyAndCertificates | None:
    """The opened file, or None if password, contents or cipher are wrong.

    The one place that tells these from a file that is no PFX (only the text of the exception does). Raises
    Pkcs12Error for the latter.
    """
    try:
        return pkcs12.load_pkcs12(data, secret)
    except Exception as error:  # hostile bytes: x509.InvalidVersion, for one, is no ValueError
        damaged = "Could not deserialize" in str(error)
    if damaged:  # outside the except block, or that exception would be the context of this one
        raise Pkcs12Error("file", _DAMAGED)
    return None


def _secrets(password: str) -> list[bytes | None]:
    """The bytes that a password may stand for: as typed, and in both Unicode forms (UAX 15).

    The last is what OpenSSL before 1.1.0 made of UTF-8: each byte one character (passphrase-encoding(7)).
    """
    if not password:
        return [None]
    if "\0" in password or any(unicodedata.category(character) == "Cs" for character in password):
        raise Pkcs12Error("password", _TYPED)
    forms = [password, unicodedata.normalize("NFC", password), unicodedata.normalize("NFD", password)]
    forms.append(password.encode().decode("latin-1"))
    return [form.encode() for form in dict.fromkeys(forms)]


def _check_size(data: bytes) -> None:
    if not data:
        raise Pkcs12Error("file", "The file is empty.")
    if len(data) > MAX_PFX_BYTES:
        size = f"{len(data) / 1_000_000:.1f} MB"
        raise Pkcs12Error("file", f"The file is too large ({size}): a file of certificates has at most 1 MB.")


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
        raise Pkcs12Error("file", _OLD)


def _check_rounds(data: bytes) -> None:
    """Refuse a file that would keep the process busy for minutes: the sum of its key derivation rounds.

    Where an INTEGER follows an OCTET STRING it is a round count after its salt (RFC 7292 section 4, RFC 8018
    appendix A). Octet strings that BER cut into pieces are not looked into.
    """
    rounds, parts = 0, [memoryview(data)]
    while parts:
        before = 0
        for tag, body in _elements(parts.pop()):
            if tag == 0x02 and before == 0x04:
                rounds += int.from_bytes(body)
            if tag & 0x20 or (tag == 0x04 and len(body) and body[0] == 0x30):
                parts.append(body)
            before = tag
    if rounds > MAX_KEY_DERIVATION_ROUNDS:
        raise Pkcs12Error("file", _TOO_MUCH_WORK)


def _elements(data: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Tag and contents of the elements in `data` (X.690). An indefinite length reaches to the end."""
    at = 0
    while at + 2 <= len(data):
        tag, length, at = data[at], data[at + 1], at + 2
        if length == 0x80:
            length = len(data) - at
        elif length > 0x80:
            size = length & 0x7F
            length, at = int.from_bytes(data[at : at + size]), at + size
        yield tag, data[at : at + length]
        at += length


# --- What else a file can be ------------------------------------------------------------------------------

_NO_PFX = {
    "pem": "This is a PEM file, but a .pfx file with certificate and private key is needed. Make one with: "
    "openssl pkcs12 -export -in client.pem -inkey client.key -out client.pfx",
    "certificate": "This is a certificate without its private key (.cer or .crt). A .pfx file is needed.",
    "private key": "This is a private key without its certificate. A .pfx file, which has both, is needed.",
    "pkcs7": "This is a .p7b file, which has certificates but no private key. A .pfx file is needed.",
    "jks": "This is an old Java key store. Make a .pfx file of it with: "
    "keytool -importkeystore -srckeystore client.jks -destkeystore client.pfx -deststoretype pkcs12",
    "image": "This is an image. A .pfx file is needed.",
    "text": "This is a text file. A .pfx file is needed.",
}
_NO_CA = {
    "pfx": "This is a .pfx file, which has a private key. Upload the certificate alone (.cer, .crt or .pem).",
    "private key": "This is a private key, which does not belong here: upload only certificates.",
    "pkcs7": "This is a .p7b file. Upload the certificates in it as .cer, .crt or .pem.",
    "certificate": "This certificate cannot be read: it is damaged or incomplete. Export or copy it again.",
}
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


def _kind(data: bytes) -> str:
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


def _no_pfx(data: bytes) -> str:
    return _NO_PFX.get(_kind(data), "This is no .pfx file (PKCS #12), or its beginning is damaged.")


# --- What is in a PFX -------------------------------------------------------------------------------------


def _private_key(bundle: pkcs12.PKCS12KeyAndCertificates, data: bytes) -> _Private:
    keys = sum(data.count(bag) for bag in _KEY_BAGS)
    if keys > 1:
        text = f"The file has {keys} private keys. Export one certificate with its key into its own file."
        raise Pkcs12Error("file", text)
    if bundle.key is None:
        raise Pkcs12Error("file", _NO_KEY)
    if problem := key_problem(bundle.key.public_key()):
        text = f"{problem} Use a certificate with RSA from 2048 bits, EC P-256 or Ed25519."
        raise Pkcs12Error("file", text)
    return cast(_Private, bundle.key)


def _leaf(bundle: pkcs12.PKCS12KeyAndCertificates) -> x509.Certificate:
    leaf = bundle.cert.certificate if bundle.cert else None
    if leaf is None and not bundle.additional_certs:
        raise Pkcs12Error("file", _NO_CERTIFICATE)
    if leaf is None:  # the library found none with the key's public key
        raise Pkcs12Error("file", _MISMATCH)
    if weakly_signed(leaf):
        raise Pkcs12Error("file", _SIGNATURE)
    return leaf


# --- CA certificates --------------------------------------------------------------------------------------


def _pem_certificates(data: bytes) -> list[x509.Certificate]:
    if b"-----BEGIN CERTIFICATE-----" not in data and b"-----BEGIN X509 CERTIFICATE-----" not in data:
        kind = data.split(b"-----BEGIN ", 1)[1].split(b"-----", 1)[0][:40].decode("ascii", "replace")
        text = f"The file has no certificate but: {visible(kind).lower() or 'nothing'}. Upload a certificate."
        raise Pkcs12Error("file", text)
    with suppress(Exception):  # hostile bytes
        return x509.load_pem_x509_certificates(data)
    raise Pkcs12Error("file", "A certificate in the file is damaged or incomplete. Export or copy it again.")


def _der_certificate(data: bytes) -> list[x509.Certificate]:
    with suppress(Exception):  # hostile bytes
        return [x509.load_der_x509_certificate(data)]
    text = "This is no certificate file. Upload a .cer, .crt or .pem file."
    raise Pkcs12Error("file", _NO_CA.get(_kind(data), text))


def _ca_certificate(cert: x509.Certificate) -> CaCertificateFile:
    facts = x509_facts(cert)
    notes = list(validity_now(facts))
    if not is_ca(cert):
        notes.append(_NOT_MARKED)
    if key_problem(cert.public_key()):
        notes.append(f"its key ({facts.key_type}) is one that TLS libraries refuse")
    return CaCertificateFile(
        facts=facts, pem=pem([cert]), common_name=common_name(cert), warnings=tuple(notes)
    )
