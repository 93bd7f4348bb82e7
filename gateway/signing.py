"""Keys made here, requests to certify them (PKCS #10, RFC 2986), and what was issued for them. Pure.

The errors are for a person; `field` of each names the value that is wrong.
"""

import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import idna
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from gateway.issued_files import read_issued
from gateway.x509 import (
    FileRefused,
    X509Facts,
    key_sha256_of,
    name_text,
    order_chain,
    pem,
    public_key_sha256,
    visible,
    weakly_signed,
    x509_facts,
)

_Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

_MAKERS: dict[str, Callable[[], _Key]] = {
    "RSA 2048": lambda: rsa.generate_private_key(65537, 2048),
    "RSA 3072": lambda: rsa.generate_private_key(65537, 3072),
    "RSA 4096": lambda: rsa.generate_private_key(65537, 4096),
    "EC P-256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "EC P-384": lambda: ec.generate_private_key(ec.SECP384R1()),
}
KEY_TYPES = tuple(_MAKERS)

# Attributes of a subject and how many bytes of UTF-8 each may have. X.520 and RFC 5280 (appendix A) mean
# characters, of which some programs make bytes.
_ATTRIBUTES: dict[str, tuple[x509.ObjectIdentifier, int]] = {
    "CN": (NameOID.COMMON_NAME, 64),
    "OU": (NameOID.ORGANIZATIONAL_UNIT_NAME, 64),
    "O": (NameOID.ORGANIZATION_NAME, 64),
    "L": (NameOID.LOCALITY_NAME, 128),
    "ST": (NameOID.STATE_OR_PROVINCE_NAME, 128),
    "C": (NameOID.COUNTRY_NAME, 2),
    "emailAddress": (NameOID.EMAIL_ADDRESS, 255),
    "serialNumber": (NameOID.SERIAL_NUMBER, 64),
    "UID": (NameOID.USER_ID, 256),
    "DC": (NameOID.DOMAIN_COMPONENT, 63),
}
SUBJECT_ATTRIBUTES = tuple(_ATTRIBUTES)
_SHORT = {oid: short for short, (oid, _) in _ATTRIBUTES.items()}
_ASCII_ONLY = {"emailAddress", "DC"}  # IA5String
_PRINTABLE = re.compile(r"[A-Za-z0-9 '()+,\-./:=?]+")  # PrintableString (X.680)

MAX_NAMES = 100
_MAX_NAME = 500
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:")
_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~\-]{1,64}")
_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_\-]{0,61}[A-Za-z0-9_])?")


class SigningError(ValueError):
    """A request cannot be made. `message` says what to do."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.message = message


class ForeignKeyError(FileRefused):
    """What was issued is for other keys: `certificates` are what the file has."""

    def __init__(self, certificates: tuple[x509.Certificate, ...]) -> None:
        super().__init__("file", "The certificate is for another key than that of this signing request.")
        self.certificates = certificates


@dataclass(frozen=True, slots=True)
class MadeRequest:
    """A new private key (PKCS #8 DER) and the request to certify it."""

    private_key: bytes = field(repr=False)
    csr_pem: str
    public_key_sha256: str
    subject: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Signed:
    """What was issued for a key: the certificate, and its chain, leaf first."""

    facts: X509Facts
    chain_pem: str


# --- the request --------------------------------------------------------------------------------------------------
def make_request(subject: Iterable[tuple[str, str]], names: Iterable[str], key_type: str) -> MadeRequest:
    """A new key and a request for it, for a TLS client (which not all CAs heed).

    `subject` are pairs such as ("CN", "partner-bank"), most specific first; those without a text are left out.
    `names` are DNS names, IP addresses, e-mail addresses and URIs. Raises SigningError on "subject", "names" or
    "key_type". An RSA key takes a second or more to make.
    """
    name = x509.Name(reversed([*_attributes(subject)]))
    if not name.rdns:
        raise SigningError("subject", "Enter at least a common name (CN).")
    alternative = _alternative_names(names)
    if key_type not in _MAKERS:
        raise SigningError("key_type", f"Choose one of {', '.join(KEY_TYPES)}.")
    key = _MAKERS[key_type]()
    return MadeRequest(
        private_key=key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
        csr_pem=_request(name, list(alternative.values()), key).public_bytes(Encoding.PEM).decode(),
        public_key_sha256=public_key_sha256(key.public_key()),
        subject=name_text(name),
        names=tuple(alternative),
    )


def subject_pairs(cert: x509.Certificate) -> tuple[tuple[str, str], ...]:
    """The subject of a certificate as `make_request` takes it, the most specific part first."""
    parts = reversed([part for part in cert.subject if not isinstance(part.value, bytes)])
    return tuple((_SHORT.get(part.oid, part.rfc4514_attribute_name), str(part.value)) for part in parts)


def _request(
    name: x509.Name, alternative: list[x509.GeneralName], key: _Key
) -> x509.CertificateSigningRequest:
    usage = x509.KeyUsage(True, False, False, False, False, False, False, False, False)  # digital signature
    purposes = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
    builder = x509.CertificateSigningRequestBuilder().subject_name(name)
    if alternative:
        builder = builder.add_extension(x509.SubjectAlternativeName(alternative), critical=False)
    builder = builder.add_extension(usage, critical=True).add_extension(purposes, critical=False)
    large = isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.key_size > 256
    return builder.sign(key, hashes.SHA384() if large else hashes.SHA256())


def _attributes(subject: Iterable[tuple[str, str]]) -> Iterator[x509.NameAttribute[str]]:
    for short, typed in subject:
        if not (text := typed.strip()):
            continue
        if short not in _ATTRIBUTES:
            raise SigningError(
                "subject", f"A subject has {', '.join(SUBJECT_ATTRIBUTES)} and no “{short[:20]}”."
            )
        if problem := _attribute_problem(short, text):
            raise SigningError("subject", problem)
        yield x509.NameAttribute(_ATTRIBUTES[short][0], text.upper() if short == "C" else text)


def _attribute_problem(short: str, text: str) -> str:
    most = _ATTRIBUTES[short][1]
    if short == "C" and not re.fullmatch("[A-Za-z]{2}", text):
        return "C is a country's code of two letters (ISO 3166), such as DE or GB."
    if len(text.encode("utf-8", "surrogatepass")) > most:
        return f"{short} has at most {most} characters; those beyond ASCII count as two or more."
    if visible(text) != text[:200]:
        return f"{short} holds a character that nobody can see. Type it again."
    if short in _ASCII_ONLY and not text.isascii():
        return f"{short} takes no letters beyond ASCII."
    if short == "serialNumber" and not _PRINTABLE.fullmatch(text):
        return "serialNumber takes letters, digits, spaces and '()+,-./:=? only."
    return ""


def _alternative_names(names: Iterable[str]) -> dict[str, x509.GeneralName]:
    """Names by how they are written in a certificate, each once."""
    wanted = [name for name in (each.strip() for each in names) if name]
    if len(wanted) > MAX_NAMES:
        raise SigningError("names", f"Enter at most {MAX_NAMES} names.")
    found = {}
    for text in wanted:
        name = _general_name(text)
        if name is None:
            raise SigningError(
                "names", f"“{visible(text)}” is no DNS name, IP address, e-mail address or URI."
            )
        found[str(name.value)] = name
    return found


def _general_name(text: str) -> x509.GeneralName | None:
    """The name that a text is (RFC 5280 section 4.2.1.6), None if it is none."""
    if len(text) > _MAX_NAME:
        return None
    with suppress(ValueError):
        return x509.IPAddress(ipaddress.ip_address(text))
    if _SCHEME.match(text):
        return x509.UniformResourceIdentifier(text) if _is_uri(text) else None
    if "@" in text:
        local, _, domain = text.rpartition("@")
        host = _host(domain)
        return x509.RFC822Name(f"{local}@{host}") if host and _EMAIL.fullmatch(local) else None
    host = _host(text.removeprefix("*."))
    return x509.DNSName("*." * text.startswith("*.") + host) if host else None


def _is_uri(text: str) -> bool:
    """Absolute and in ASCII (RFC 3986), such as spiffe://example/bank or urn:bank."""
    if not text.isascii() or not re.fullmatch(r"[!-~]+", text):
        return False
    with suppress(ValueError):
        parts = urlsplit(text)
        return bool(parts.netloc or parts.path)
    return False


def _host(text: str) -> str:
    """A DNS name in ASCII (RFC 5891), "" if it is none."""
    host = text.lower()
    if not host.isascii():
        try:
            host = idna.encode(host, uts46=True).decode()
        except idna.IDNAError:
            return ""
    labels = host.split(".")
    fits = len(host) <= 253 and all(map(_LABEL.fullmatch, labels)) and not labels[-1].isdigit()
    return host if fits else ""


# --- what was issued ----------------------------------------------------------------------------------------------
def read_signed(data: bytes, key_sha256: str) -> Signed:
    """The certificate of a key, and its chain, from a file (see gateway.issued_files).

    Of several for that key the newest counts. Raises ForeignKeyError, or another FileRefused on "file".
    """
    certificates = read_issued(data)
    own = [each for each in certificates if key_sha256_of(each) == key_sha256]
    if not own:
        raise ForeignKeyError(tuple(certificates))
    leaf = max(own, key=lambda each: each.not_valid_before_utc)
    if weakly_signed(leaf):
        text = (
            "The certificate is signed with SHA-1 or MD5, which TLS no longer accepts. Have it issued again."
        )
        raise FileRefused("file", text)
    return Signed(x509_facts(leaf), pem(order_chain(leaf, certificates).certificates))
