"""What a stored certificate says beyond its columns: names, purposes, and each issuer up to its root. Pure."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from gateway.x509 import FileRefused, X509Facts, name_text, signs_itself, x509_facts

_PURPOSES = {
    ExtendedKeyUsageOID.CLIENT_AUTH: "TLS client",
    ExtendedKeyUsageOID.SERVER_AUTH: "TLS server",
    ExtendedKeyUsageOID.EMAIL_PROTECTION: "e-mail",
    ExtendedKeyUsageOID.CODE_SIGNING: "code signing",
    ExtendedKeyUsageOID.TIME_STAMPING: "time stamping",
    ExtendedKeyUsageOID.OCSP_SIGNING: "OCSP signing",
    ExtendedKeyUsageOID.SMARTCARD_LOGON: "smart card logon",
    ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE: "any purpose",
}
_KINDS: tuple[tuple[type[x509.GeneralName], str], ...] = (
    (x509.DNSName, "DNS"),
    (x509.IPAddress, "IP address"),
    (x509.RFC822Name, "e-mail"),
    (x509.UniformResourceIdentifier, "URI"),
    (x509.DirectoryName, "name"),
    (x509.RegisteredID, "registered id"),
)


@dataclass(frozen=True, slots=True)
class AlternativeName:
    """One of the names that a certificate is for (RFC 5280 section 4.2.1.6), such as "DNS" and "bank.example"."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class ChainLink:
    """A certificate of a chain. `is_root` says that it has signed itself."""

    subject: str
    issuer: str
    not_before: datetime
    not_after: datetime
    thumbprint: str
    is_root: bool


@dataclass(frozen=True, slots=True)
class Contents:
    """What is in a stored chain. `purposes` is empty where the certificate does not limit them."""

    names: tuple[AlternativeName, ...] = ()
    purposes: tuple[str, ...] = ()
    chain: tuple[ChainLink, ...] = ()

    @property
    def missing_root(self) -> str:
        """Whose certificate would come next in the chain, "" if its root is there."""
        last = self.chain[-1] if self.chain else None
        return last.issuer if last and not last.is_root else ""


def contents_of(chain_pem: str) -> Contents:
    """What the certificates say, the leaf first. What cannot be read is left out."""
    certs = _certificates(chain_pem)
    if not certs:
        return Contents()
    links = (_link(cert) for cert in certs)
    return Contents(tuple(_names(certs[0])), tuple(_purposes(certs[0])), tuple(filter(None, links)))


def leaf_of(chain_pem: str) -> x509.Certificate:
    """The certificate itself, the first one of a stored chain. Raises ValueError if there is none."""
    return x509.load_pem_x509_certificate(chain_pem.encode())


def _certificates(chain_pem: str) -> list[x509.Certificate]:
    with suppress(ValueError):
        return x509.load_pem_x509_certificates(chain_pem.encode())
    return []


def _link(cert: x509.Certificate) -> ChainLink | None:
    try:
        facts: X509Facts = x509_facts(cert)
    except FileRefused:
        return None
    return ChainLink(
        facts.subject, facts.issuer, facts.not_before, facts.not_after, facts.thumbprint, signs_itself(cert)
    )


def _names(cert: x509.Certificate) -> Iterable[AlternativeName]:
    with suppress(Exception):  # no such extension, or one that cannot be read
        for name in cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value:
            yield _name(name)


def _name(name: x509.GeneralName) -> AlternativeName:
    kind = next((words for type_, words in _KINDS if isinstance(name, type_)), "other")
    match name:
        case x509.OtherName():
            text = name.type_id.dotted_string
        case x509.RegisteredID():
            text = name.value.dotted_string
        case x509.DirectoryName():
            return AlternativeName(kind, name_text(name.value))
        case _:
            text = str(name.value)
    return AlternativeName(kind, _visible(text))


def _visible(text: str) -> str:
    """The text with every character that nobody sees written as hex."""
    return "".join(c if c.isprintable() else f"\\{ord(c):02X}" for c in text)


def _purposes(cert: x509.Certificate) -> Iterable[str]:
    with suppress(Exception):  # no such extension, or one that cannot be read
        for oid in cert.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value:
            yield _PURPOSES.get(oid, oid.dotted_string)
