"""An envelope that opens with a passphrase: CMS EnvelopedData (RFC 5652) for a key pair made for it. Pure.

The library writes no CMS for a password, and openssl opens what it does write: the private key of the one recipient
is sealed with the passphrase, and is used again as long as it opens.
"""

from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
    pkcs7,
)

from gateway.export.pkcs8 import Sealer

_BITS = 3072
_NAME = x509.Name.from_rfc4514_string("CN=Secrets of an export")
_BEGINNING, _NO_END = datetime(2000, 1, 1), datetime(9999, 12, 31, 23, 59, 59)  # noqa: DTZ001 (RFC 5280, 4.1.2.5)
_KEY = b"-----BEGIN ENCRYPTED"


@dataclass(frozen=True, slots=True, repr=False)
class Recipient:
    """Who opens an envelope; `pem` is its certificate and its sealed key."""

    certificate: x509.Certificate
    private_key: rsa.RSAPrivateKey
    pem: bytes

    def enclose(self, content: bytes) -> bytes:
        """The content in an envelope, in PEM."""
        builder = pkcs7.PKCS7EnvelopeBuilder().set_data(content).add_recipient(self.certificate)
        builder = builder.set_content_encryption_algorithm(AES256)
        return builder.encrypt(Encoding.PEM, [pkcs7.PKCS7Options.Binary])

    def open(self, envelope: bytes) -> bytes | None:
        """What is in an envelope; None if it does not open."""
        try:
            return pkcs7.pkcs7_decrypt_pem(envelope, self.certificate, self.private_key, [])
        except Exception:  # hostile bytes
            return None


def new_recipient(sealer: Sealer) -> Recipient:
    """A new key pair."""
    key = rsa.generate_private_key(65537, _BITS)
    builder = x509.CertificateBuilder().subject_name(_NAME).issuer_name(_NAME).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    certificate = builder.not_valid_before(_BEGINNING).not_valid_after(_NO_END).sign(key, SHA256())
    der = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return Recipient(certificate, key, certificate.public_bytes(Encoding.PEM) + sealer.seal(der))


def read_recipient(pem: bytes, sealer: Sealer) -> Recipient | None:
    """A key pair that was written before; None if its key does not open with the passphrase."""
    private_key = sealer.open(pem[pem.find(_KEY) :])
    if private_key is None:
        return None
    try:
        key, certificate = load_der_private_key(private_key, None), x509.load_pem_x509_certificate(pem)
    except ValueError:
        return None
    if not isinstance(key, rsa.RSAPrivateKey) or key.public_key() != certificate.public_key():
        return None
    return Recipient(certificate, key, pem)
