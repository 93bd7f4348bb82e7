"""Private keys sealed with a passphrase as openssl reads them: encrypted PKCS #8 (RFC 5958) with scrypt. Pure.

The library itself derives a key with 2,048 rounds of PBKDF2, which is little for a file that many can copy. Here it
is scrypt (RFC 7914) within the memory that openssl allows, for AES-256-CBC (RFC 8018). That takes its time, so all
keys of an export share one salt; what is encrypted twice still differs by its initialisation vector.
"""

import base64
import binascii
import os

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from cryptography.hazmat.primitives.padding import PKCS7

from gateway.der import OCTET_STRING, SEQUENCE, children, encode

_COST, _BLOCKS, _LANES = 2**14, 8, 5  # 16 MiB five times: as much work as 2**17, 8, 1
_SALT = _VECTOR = 16
_BEGIN, _END = b"-----BEGIN ENCRYPTED PRIVATE KEY-----\n", b"-----END ENCRYPTED PRIVATE KEY-----\n"
_PBES2 = bytes.fromhex("06092a864886f70d01050d")
_SCRYPT = bytes.fromhex("06092b06010401da47040b")
_AES_256_CBC = bytes.fromhex("060960864801650304012a")
_INTEGER = 0x02


class Sealer:
    """Seals private keys with a passphrase, and opens what was sealed so."""

    def __init__(self, passphrase: bytes) -> None:
        self._passphrase = passphrase
        self._derived: dict[bytes, bytes] = {}
        self._salt = b""

    def __repr__(self) -> str:
        return "Sealer(...)"

    def seal(self, private_key: bytes) -> bytes:
        """A private key (PKCS #8 DER) as encrypted PEM."""
        self._salt = self._salt or os.urandom(_SALT)
        vector, padder = os.urandom(_VECTOR), PKCS7(128).padder()
        padded = padder.update(private_key) + padder.finalize()
        encryptor = Cipher(AES256(self._derive(self._salt)), CBC(vector)).encryptor()
        content = encryptor.update(padded) + encryptor.finalize()
        body = _sequence(_algorithm(self._salt, vector), encode(OCTET_STRING, content))
        text = base64.b64encode(body)
        lines = [text[at : at + 64] + b"\n" for at in range(0, len(text), 64)]
        return _BEGIN + b"".join(lines) + _END

    def open(self, pem: bytes) -> bytes | None:
        """The private key in what `seal` made; None if it is something else, or of another passphrase.

        With a salt that opens something more is sealed, so that another time one derivation opens all.
        """
        parts = _parts(pem)
        if parts is None:
            return None
        salt, vector, content = parts
        decryptor, unpadder = (
            Cipher(AES256(self._derive(salt)), CBC(vector)).decryptor(),
            PKCS7(128).unpadder(),
        )
        try:
            padded = decryptor.update(content) + decryptor.finalize()
            private_key = unpadder.update(padded) + unpadder.finalize()
        except ValueError:
            return None
        self._salt = self._salt or salt
        return private_key

    def _derive(self, salt: bytes) -> bytes:
        if salt not in self._derived:
            self._derived[salt] = Scrypt(salt, 32, _COST, _BLOCKS, _LANES).derive(self._passphrase)
        return self._derived[salt]


def _algorithm(salt: bytes, vector: bytes) -> bytes:
    numbers = [encode(_INTEGER, _number(each)) for each in (_COST, _BLOCKS, _LANES)]
    derivation = _sequence(_SCRYPT, _sequence(encode(OCTET_STRING, salt), *numbers))
    cipher = _sequence(_AES_256_CBC, encode(OCTET_STRING, vector))
    return _sequence(_PBES2, _sequence(derivation, cipher))


def _number(value: int) -> bytes:
    return value.to_bytes(value.bit_length() // 8 + 1)


def _sequence(*elements: bytes) -> bytes:
    return encode(SEQUENCE, b"".join(elements))


def _parts(pem: bytes) -> tuple[bytes, bytes, bytes] | None:
    """Salt, initialisation vector and ciphertext. None unless all else is as `seal` writes it: what asks for more
    work than that is not opened.
    """
    if not (pem.startswith(_BEGIN) and pem.endswith(_END)):
        return None
    try:
        (outer,) = children(binascii.a2b_base64(pem[len(_BEGIN) : -len(_END)]))
        algorithm, content = children(outer.body)
    except (ValueError, IndexError):
        return None
    salt, vector = algorithm.whole[_SALT_AT], algorithm.whole[_VECTOR_AT]
    return (salt, vector, content.body) if algorithm.whole == _algorithm(salt, vector) else None


def _place(mark: bytes) -> slice:
    at = _algorithm(b"s" * _SALT, b"v" * _VECTOR).index(mark)
    return slice(at, at + len(mark))


_SALT_AT, _VECTOR_AT = _place(b"s" * _SALT), _place(b"v" * _VECTOR)
