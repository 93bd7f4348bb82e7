"""What an X.509 certificate (RFC 5280) says, whether TLS can use it, and in which order a chain goes."""

import hashlib
import unicodedata
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID, PublicKeyAlgorithmOID

MIN_RSA_BITS = 2048
MAX_CHAIN = 20  # to find the next issuer may take a check of every signature there is
CURVES = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}
WEAK_HASHES = {"md5", "sha1"}
_UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}  # control, format (direction), surrogate, line and paragraph ends


class FileRefused(ValueError):
    """A file or its password is refused. `field` is "file", "password" or "key"; `message` says what to do."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.message = message


@dataclass(frozen=True, slots=True)
class X509Facts:
    """What a certificate says, as text. Hex is upper case, times are aware UTC."""

    subject: str
    issuer: str
    serial_number: str
    not_before: datetime
    not_after: datetime
    thumbprint: str
    sha256: str
    key_type: str


def x509_facts(cert: x509.Certificate) -> X509Facts:
    """What the certificate says, as text. Raises FileRefused if it cannot be read, let alone shown."""
    with suppress(Exception):  # hostile bytes: an odd extension, name, date or key each raises its own class
        return _facts(cert)
    raise FileRefused("file", "A certificate in the file cannot be read: it breaks the rules of X.509.")


# --- Its key -----------------------------------------------------------------------------------------------


def public_key_sha256(key: Any) -> str:
    """What names a public key: SHA-256 of its SubjectPublicKeyInfo (RFC 5280), in upper-case hex."""
    info = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(info).hexdigest().upper()


def key_sha256_of(cert: x509.Certificate) -> str:
    """What names the key of a certificate; "" for one of a kind that is not known."""
    with suppress(Exception):  # each kind of oddity raises its own class
        return public_key_sha256(cert.public_key())
    return ""


# --- What TLS can use ----------------------------------------------------------------------------------


def key_problem(key: object) -> str:
    """Why a key cannot be used for TLS, or ""."""
    match key:
        case rsa.RSAPublicKey() if key.key_size < MIN_RSA_BITS:
            return f"The RSA key has {key.key_size} bits, but at least {MIN_RSA_BITS} are needed."
        case ec.EllipticCurvePublicKey() if key.curve.name not in CURVES:
            return f"The EC curve {key.curve.name} is not in common use for TLS."
        case rsa.RSAPublicKey() | ec.EllipticCurvePublicKey():
            return ""
        case ed25519.Ed25519PublicKey() | ed448.Ed448PublicKey():
            return ""
    return f"{_key_type(key)} keys cannot be used for TLS."


def certificate_problem(cert: x509.Certificate) -> str:
    """Why TLS cannot present a certificate for its key, or ""."""
    with suppress(Exception):  # a key of a kind that the library does not know
        # The library forgets this limit (RFC 4055 section 1.2), and OpenSSL then takes the key for another one.
        if cert.public_key_algorithm_oid == PublicKeyAlgorithmOID.RSASSA_PSS:
            return "The RSA key is limited to RSASSA-PSS signatures, and cannot be presented from here."
        return key_problem(cert.public_key())
    return key_problem(None)


def weakly_signed(cert: x509.Certificate) -> bool:
    """Whether OpenSSL refuses to present the certificate. It skips the signature of a self-signed one."""
    with suppress(ValueError):
        return weakly_hashed(cert) and cert.subject != cert.issuer
    return False


def weakly_hashed(cert: x509.Certificate) -> bool:
    """Whether it is signed with SHA-1 or MD5, by whomever."""
    with suppress(UnsupportedAlgorithm, ValueError):
        used = cert.signature_hash_algorithm
        return used is not None and used.name in WEAK_HASHES
    return False


def is_ca(cert: x509.Certificate) -> bool:
    """Whether the certificate says that it is a CA's (RFC 5280 section 4.2.1.9)."""
    with suppress(Exception):  # no such extension, or another one that cannot be read
        return cert.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    return False


# --- The chain --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Chain:
    """A certificate and its issuers, nearest first, as TLS sends them; and what of a file is not in it.

    `weak` is an issuer that was left out for its signature, which ends the chain; `left_out` is what else was.
    """

    certificates: tuple[x509.Certificate, ...]
    weak: x509.Certificate | None
    left_out: tuple[x509.Certificate, ...]


def order_chain(leaf: x509.Certificate, others: Iterable[x509.Certificate]) -> Chain:
    """The leaf, its issuer, that one's issuer and so on, as TLS sends them (RFC 8446 section 4.4.2)."""
    chain, left = [leaf], [other for other in dict.fromkeys(others) if other != leaf]
    while left and len(chain) < MAX_CHAIN and (issuer := _issuer_of(chain[-1], left)):
        left.remove(issuer)
        if weakly_signed(issuer):
            return Chain(tuple(chain), issuer, tuple(left))
        chain.append(issuer)
    return Chain(tuple(chain), None, tuple(left))


def _issuer_of(cert: x509.Certificate, candidates: Iterable[x509.Certificate]) -> x509.Certificate | None:
    """The candidate that signed the certificate, if it is not self-signed."""
    with suppress(ValueError):
        if cert.issuer == cert.subject:
            return None
        return next(
            (each for each in candidates if each.subject == cert.issuer and _signed(cert, each)), None
        )
    return None


def signs_itself(cert: x509.Certificate) -> bool:
    """Whether it is self-signed: nobody else vouches for it."""
    with suppress(ValueError):
        return cert.issuer == cert.subject and _signed(cert, cert)
    return False


def _signed(cert: x509.Certificate, issuer: x509.Certificate) -> bool:
    with suppress(Exception):  # the signature is wrong, its algorithm too old, or the key of another kind
        cert.verify_directly_issued_by(issuer)
        return True
    return False


def pem(certs: Iterable[x509.Certificate]) -> str:
    """The certificates as PEM, one after the other."""
    return "".join(cert.public_bytes(Encoding.PEM).decode() for cert in certs)


# --- Text of a certificate --------------------------------------------------------------------------------


def _facts(cert: x509.Certificate) -> X509Facts:
    der = cert.public_bytes(Encoding.DER)
    serial = f"{cert.serial_number:X}"
    if len(serial) > 64:
        raise ValueError
    return X509Facts(
        subject=name_text(cert.subject),
        issuer=name_text(cert.issuer),
        serial_number=serial.zfill(len(serial) + len(serial) % 2),
        not_before=cert.not_valid_before_utc,
        not_after=cert.not_valid_after_utc,
        thumbprint=hashlib.sha1(der, usedforsecurity=False).hexdigest().upper(),
        sha256=hashlib.sha256(der).hexdigest().upper(),
        key_type=_key_type(cert.public_key()),
    )


def _key_type(key: object) -> str:
    match key:
        case rsa.RSAPublicKey() | dsa.DSAPublicKey():
            return f"{'RSA' if isinstance(key, rsa.RSAPublicKey) else 'DSA'} {key.key_size}"
        case ec.EllipticCurvePublicKey():
            return f"EC {CURVES.get(key.curve.name, key.curve.name)}"
    return type(key).__name__.removesuffix("PublicKey").lstrip("_")


def issuer_url(cert: x509.Certificate) -> str:
    """Where a certificate says that its issuer's can be had (RFC 5280 section 4.2.2.1), or ""."""
    with suppress(Exception):  # no such extension, or another one that cannot be read
        for each in cert.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value:
            is_issuers = each.access_method == AuthorityInformationAccessOID.CA_ISSUERS
            if is_issuers and isinstance(each.access_location, x509.UniformResourceIdentifier):
                return visible(each.access_location.value)
    return ""


def name_text(name: x509.Name) -> str:
    """The name as people write it, most specific part first: CN=partner-bank, O=Partner, C=DE (RFC 4514).

    Characters that nobody sees, or that turn the direction of the text, are written as hex (section 2.4).
    """
    parts = (rdn.rfc4514_string({NameOID.EMAIL_ADDRESS: "emailAddress"}) for rdn in reversed(name.rdns))
    return "".join(_escaped(character) for character in ", ".join(parts)) or "(no name)"


def _escaped(character: str) -> str:
    if unicodedata.category(character) not in _UNSEEN:
        return character
    return "".join(f"\\{byte:02X}" for byte in character.encode("utf-8", "surrogatepass"))


def common_name(cert: x509.Certificate) -> str:
    """A short text to call the certificate by: its common name, organization, alternative name, or a word."""
    for oid in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME):
        for attribute in cert.subject.get_attributes_for_oid(oid):
            if isinstance(attribute.value, str) and (text := visible(attribute.value)):
                return text
    with suppress(Exception):  # no such extension, or another one that cannot be read
        names = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        if text := visible(str(next(iter(names)).value)):
            return text
    return "certificate"


def visible(text: str) -> str:
    """The text without characters that nobody sees, at most 200 characters."""
    return "".join(c for c in text if unicodedata.category(c) not in _UNSEEN).strip()[:200]


def time_text(moment: datetime) -> str:
    """The moment in UTC, to the minute."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
