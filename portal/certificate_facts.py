"""What of a stored certificate a successor has to match, beyond the columns of its row and its contents."""

import hashlib

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

_SHORT = {x509.NameOID.EMAIL_ADDRESS: "emailAddress", x509.NameOID.SERIAL_NUMBER: "serialNumber"}


def leaf_of(chain_pem: str) -> x509.Certificate:
    """The certificate itself, the first one of a stored chain."""
    return x509.load_pem_x509_certificates(chain_pem.encode())[0]


def subject_pairs(leaf: x509.Certificate) -> tuple[tuple[str, str], ...]:
    """The parts of the subject as pairs of short name and text, the most specific first."""
    parts = reversed([part for part in leaf.subject if not isinstance(part.value, bytes)])
    return tuple((_SHORT.get(part.oid, part.rfc4514_attribute_name), str(part.value)) for part in parts)


def public_key_sha256(leaf: x509.Certificate) -> str:
    """The thumbprint of the public key alone, which stays when a certificate is renewed for the same key."""
    encoded = leaf.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(encoded).hexdigest().upper()
