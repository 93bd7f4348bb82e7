"""What a probe says about certificates: those a back end sent, who vouches for them, and which names they have.

They come from the other side, so nothing in them is believed to be readable, short or few.
"""

import hashlib
import warnings
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

import certifi
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509.oid import NameOID

from gateway.snapshot import Trust
from gateway.x509 import name_text, order_chain, time_text, visible, x509_facts

MOST = 20
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class Anchor:
    """A trusted CA certificate. `kind` is "an uploaded CA certificate" or "a public CA"."""

    certificate: x509.Certificate
    kind: str


@dataclass(frozen=True, slots=True)
class Chain:
    """What a back end sent: `sent` can be read, `ordered` leads from its own certificate up as far as it goes.

    `count` is how many it sent. `anchor` is what vouches for it among what the trust names, `public` what would
    among the public CAs.
    """

    count: int
    sent: tuple[x509.Certificate, ...]
    ordered: tuple[x509.Certificate, ...]
    anchor: Anchor | None
    public: Anchor | None

    @property
    def leaf(self) -> x509.Certificate | None:
        """The back end's own."""
        return self.ordered[0] if self.ordered else None

    @property
    def top(self) -> x509.Certificate | None:
        """The last one on the way up that was sent."""
        return self.ordered[-1] if self.ordered else None

    @property
    def ends_at_itself(self) -> bool:
        """Whether the way ends at a certificate that signs itself."""
        return self.top is not None and self.top.subject == self.top.issuer

    def overdue(self, now: datetime) -> x509.Certificate | None:
        """The first on the way, its anchor included, that is not valid now."""
        path = [*self.ordered, *([self.anchor.certificate] if self.anchor else [])]
        return next((c for c in path if not c.not_valid_before_utc <= now <= c.not_valid_after_utc), None)


def chain_of(sent: Sequence[bytes], trust: Trust) -> Chain:
    """What can be said of the certificates that a back end sent."""
    certificates = [cert for cert in map(_readable, sent[:MOST]) if cert is not None]
    ordered: Sequence[x509.Certificate] = ()
    if certificates and _readable(sent[0]) == certificates[0]:
        ordered = certificates[:1]
        with suppress(Exception):  # hostile bytes
            ordered = order_chain(certificates[0], certificates[1:]).certificates
    uploaded = _loaded("\n".join(trust.authorities_pem))
    public = _anchor(ordered, public_authorities(), "a public CA")
    anchor = _anchor(ordered, uploaded, "an uploaded CA certificate")
    if anchor is None and trust.public_cas:
        anchor = public
    return Chain(len(sent), tuple(certificates), tuple(ordered), anchor, public)


def _readable(der: bytes) -> x509.Certificate | None:
    with suppress(Exception):  # hostile bytes
        certificate = x509.load_der_x509_certificate(der)
        x509_facts(certificate)
        return certificate
    return None


def _loaded(pem: str) -> tuple[x509.Certificate, ...]:
    with suppress(ValueError):  # client_context has said so
        return tuple(x509.load_pem_x509_certificates(pem.encode())) if pem else ()
    return ()


@cache
def public_authorities() -> tuple[x509.Certificate, ...]:
    """The public CAs."""
    end = "-----END CERTIFICATE-----\n"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)  # one has an odd serial number
        texts = Path(certifi.where()).read_text(encoding="utf-8").split(end)[:-1]
        return tuple(cert for text in texts for cert in _loaded(text + end))


def _anchor(
    ordered: Iterable[x509.Certificate], trusted: Sequence[x509.Certificate], kind: str
) -> Anchor | None:
    for certificate in ordered:
        if certificate in trusted:
            return Anchor(certificate, kind)
        issuers = [each for each in trusted if each.subject == certificate.issuer]
        found = order_chain(certificate, issuers).certificates
        if len(found) > 1:
            return Anchor(found[1], kind)
    return None


# --- In words ---------------------------------------------------------------------------------------------


def short(text: str) -> str:
    """The text, visible and not too long."""
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def name_of(name: x509.Name) -> str:
    """A name in words, not too long."""
    with suppress(Exception):  # hostile bytes
        return short(name_text(name))
    return "(a name that cannot be read)"


def lines_of(chain: Chain) -> tuple[str, ...]:
    """The certificates that were sent, some lines for each."""
    lines = [line for number, cert in enumerate(chain.sent, 1) for line in _lines(number, cert)]
    if left_out := chain.count - len(chain.sent):
        lines.append(f"{left_out} more that cannot be read or are too many to list.")
    if len(chain.ordered) < len(chain.sent):
        lines.append("Some of them do not belong to the chain.")
    return tuple(lines)


def _lines(number: int, certificate: x509.Certificate) -> tuple[str, ...]:
    facts = x509_facts(certificate)
    lines = [
        f"{number}. {short(facts.subject)}",
        f"issued by {short(facts.issuer)}",
        f"valid from {time_text(facts.not_before)} to {time_text(facts.not_after)}, key {facts.key_type}",
        f"SHA-256 thumbprint {facts.sha256}",
    ]
    return tuple(lines)


def names_in(certificate: x509.Certificate) -> tuple[str, ...]:
    """The names of hosts that a certificate is for; its common name where it has none."""
    found: list[str] = []
    with suppress(Exception):  # no such extension, or another one that cannot be read
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        found += names.get_values_for_type(x509.DNSName)
        found += map(str, names.get_values_for_type(x509.IPAddress))
    if not found:
        with suppress(Exception):
            attributes = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
            found += [f"{attribute.value!s} (common name only)" for attribute in attributes]
    return tuple(visible(name) for name in found)


def listed(texts: Sequence[str], most: int = 5) -> str:
    """Texts in a row, the rest of them counted."""
    shown = ", ".join(texts[:most])
    return f"{shown} and {len(texts) - most} more" if len(texts) > most else shown


def authority_name(der: bytes) -> str:
    """A name that a back end says it accepts, in words."""
    with suppress(Exception):  # hostile bytes
        return name_of(x509.Name.from_bytes(der))
    return "(a name that cannot be read)"


def issuers_of(chain_pem: str) -> tuple[x509.Name, ...]:
    """The issuers in the chain of a client certificate."""
    return tuple(certificate.issuer for certificate in _loaded(chain_pem))


def names_one_of(authorities: Iterable[bytes], issuers: Iterable[x509.Name]) -> bool:
    """Whether one of the names (DER) is that of an issuer. Names count as equal as RFC 5280, 7.1 has it, nearly."""
    wanted = {issuer.public_bytes() for issuer in issuers} | {
        name_of(issuer).casefold() for issuer in issuers
    }
    return any(der in wanted or authority_name(der).casefold() in wanted for der in authorities)


def sha256_of(certificate: x509.Certificate) -> str:
    """The SHA-256 thumbprint."""
    return hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest().upper()
