"""The versions of a client certificate as its page lists them, with what was observed of each."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gateway import records
from gateway.models import AuditEntry, Certificate, CertificateVersion, Presentation
from portal.navigation import url_or_none

MOST_VERSIONS = 10

_COMPLETED = "completed a signing request for"
_USED = ("renewed", "rolled back")  # actions of the audit log that put a version in use
IN_USE, NOT_YET, FORMER = "in use", "uploaded, not in use yet", "former"


@dataclass(frozen=True, slots=True)
class VersionRow:
    """A version. `last` is when it was last presented and where, `connections` how many are still held with it."""

    version: CertificateVersion
    state: str
    is_newer: bool  # than the one in use
    uploaded_by: str
    last: Presentation | None
    expired: Presentation | None
    connections: int
    use_url: str | None
    remove_url: str | None

    @property
    def verb(self) -> str:
        """What its link to the comparison says."""
        if self.state != FORMER:
            return "Compare and use"
        return "Use again" if self.is_newer else "Roll back"

    @property
    def is_current(self) -> bool:
        return self.state == IN_USE

    @property
    def is_waiting(self) -> bool:
        return self.state == NOT_YET


@dataclass(frozen=True, slots=True)
class Observed:
    """What gateways observed of some versions.

    `presentations` are sorted, the newest first; by thumbprint: `last`, `expired` (the last one after the expiry)
    and `held`, how many connections there are.
    """

    presentations: tuple[Presentation, ...]
    last: Mapping[str, Presentation]
    expired: Mapping[str, Presentation]
    held: Mapping[str, int]


def observed_of(thumbprints: Iterable[str]) -> Observed:
    """What the records hold. Two queries."""
    thumbprints = list(thumbprints)
    newest = tuple(records.presentations(thumbprints))
    late = sorted((p for p in newest if p.expired_at), key=lambda p: p.expired_at or p.last_at)
    return Observed(
        newest,
        {each.thumbprint: each for each in reversed(newest)},
        {each.thumbprint: each for each in late},
        records.held(thumbprints),
    )


def version_rows(
    certificate: Certificate, versions: Iterable[CertificateVersion], observed: Observed
) -> list[VersionRow]:
    """The versions, the newest first. Two queries: who uploaded them, and which were in use."""
    versions = sorted(versions, key=lambda version: -version.number)
    entries = AuditEntry.objects.filter(object_key=certificate.pk)
    uploads = entries.filter(revision__in=[version.revision for version in versions])
    uploaders = dict(uploads.values_list("revision", "actor_name"))
    uses = entries.filter(action__in=_USED).order_by("revision").values_list("changes", "revision")
    used = {text: revision for changes, revision in uses for text in changes.get("thumbprint", ())}
    return [
        _row(certificate, each, observed, uploaders, _was_used(each, observed, used)) for each in versions
    ]


def made_here(certificate: Certificate) -> list[CertificateVersion]:
    """The versions whose private key was made in the portal, so that there is no file of it anywhere."""
    entries = AuditEntry.objects.filter(object_key=certificate.pk, action=_COMPLETED)
    rows = certificate.versions.filter(revision__in=entries.values("revision"))
    return list(rows.defer("sealed_private_key").order_by("number"))


def _was_used(version: CertificateVersion, observed: Observed, used: Mapping[str, int]) -> bool:
    """Whether it was in use or presented since it was uploaded: it may have been here before and removed."""
    last = observed.last.get(version.thumbprint)
    presented = last is not None and last.last_at >= version.created_at
    return presented or used.get(version.thumbprint, 0) > version.revision


def _row(
    certificate: Certificate,
    version: CertificateVersion,
    observed: Observed,
    uploaders: Mapping[int, str],
    was_used: bool,
) -> VersionRow:
    address = (certificate.pk, version.number)
    current = version.pk == certificate.current_id
    return VersionRow(
        version,
        IN_USE if current else FORMER if was_used else NOT_YET,
        certificate.current is not None and version.number > certificate.current.number,
        uploaders.get(version.revision, ""),
        observed.last.get(version.thumbprint),
        observed.expired.get(version.thumbprint),
        observed.held.get(version.thumbprint, 0),
        None if current else url_or_none("certificate-version", *address),
        None if current else url_or_none("certificate-version-remove", *address),
    )
