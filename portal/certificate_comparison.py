"""Two versions of a client certificate side by side, and what to think of before one takes the other's place."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from gateway.certificate_contents import contents_of, leaf_of
from gateway.models import CertificateVersion
from gateway.x509 import key_sha256_of, time_text

Values = tuple[str, ...]

_ROUTINE = {"Serial number", "Thumbprint (SHA-1)", "Thumbprint (SHA-256)"}
_MONO = {*_ROUTINE, "Public key (SHA-256)"}


@dataclass(frozen=True, slots=True)
class Compared:
    """One thing that both certificates say.

    `mono` is for what is compared character by character, `routine` for what is another one in any certificate.
    """

    label: str
    before: Values
    after: Values
    mono: bool = False
    routine: bool = False

    @property
    def changed(self) -> bool:
        """Whether they differ in it; the order of names does not count."""
        return sorted(self.before) != sorted(self.after)


def compared(before: CertificateVersion, after: CertificateVersion) -> tuple[Compared, ...]:
    """Everything that a person or a back end may look at."""
    sides = zip(_said(before), _said(after), strict=True)
    return tuple(
        Compared(label, old, new, label in _MONO, label in _ROUTINE) for (label, old), (_, new) in sides
    )


def _said(version: CertificateVersion) -> Iterator[tuple[str, Values]]:
    contents = contents_of(version.chain_pem)
    yield "Subject", (version.subject,)
    yield "Issuer", (_issuer(version),)
    yield "Alternative names", tuple(f"{name.kind}: {name.text}" for name in contents.names)
    yield "Key type", (version.key_type,)
    yield "Valid from", (time_text(version.not_before),)
    yield "Valid until", (time_text(version.not_after),)
    yield "Serial number", (version.serial_number,)
    yield "Thumbprint (SHA-1)", (version.thumbprint,)
    yield "Thumbprint (SHA-256)", (version.sha256,)
    yield "Public key (SHA-256)", (key_sha256_of(leaf_of(version.chain_pem)),)
    yield "Chain sent along", tuple(link.subject for link in contents.chain[1:])


def _issuer(version: CertificateVersion) -> str:
    return "Self-signed" if version.issuer == version.subject else version.issuer


def cautions(before: CertificateVersion, after: CertificateVersion, now: datetime) -> tuple[str, ...]:
    """What may keep calls from working when `after` takes the place of `before`, the worst first."""
    return (*validity_cautions(before, after, now), *_identity_cautions(before, after))


def validity_cautions(before: CertificateVersion, after: CertificateVersion, now: datetime) -> Iterator[str]:
    """About its time."""
    if after.not_after <= now:
        yield f"It expired on {time_text(after.not_after)}: most back ends refuse it."
    elif after.not_before > now:
        yield f"It is not valid before {time_text(after.not_before)}: back ends refuse it until then."
    elif after.not_after < before.not_after:
        ends, now_until = time_text(after.not_after), time_text(before.not_after)
        yield f"It ends on {ends}, before the one that is in use now ({now_until})."


def _identity_cautions(before: CertificateVersion, after: CertificateVersion) -> Iterator[str]:
    if after.subject != before.subject:
        yield (
            "It has another subject. A back end that knows you by the subject refuses it until its owner has "
            "entered the other one."
        )
    if _issuer(after) != _issuer(before):
        yield (
            "It has another issuer. A back end that trusts only the issuer of the one in use now refuses it "
            "until its owner trusts the other one, too."
        )
    if lost := _lost_names(before, after):
        yield f"It no longer has these alternative names: {', '.join(lost)}."


def _lost_names(before: CertificateVersion, after: CertificateVersion) -> Values:
    old, new = (contents_of(v.chain_pem).names for v in (before, after))
    return tuple(name.text for name in old if name not in new)
