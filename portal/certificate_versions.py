"""The versions of a client certificate as its page lists them, with what was observed of each."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Sum
from django.utils import timezone

from gateway import records
from gateway.models import AuditEntry, Certificate, CertificateVersion, HeldConnections, Presentation
from portal.navigation import url_or_none

MOST_VERSIONS = 10

IN_USE, NOT_YET, FORMER = "in use", "uploaded, not in use yet", "former"


@dataclass(frozen=True, slots=True)
class VersionRow:
    """A version. `last` is when it was last presented and where, `connections` how many are still held with it."""

    version: CertificateVersion
    state: str
    uploaded_by: str
    last: Presentation | None
    expired: Presentation | None
    connections: int
    use_url: str | None
    remove_url: str | None

    @property
    def verb(self) -> str:
        """What its link to the comparison says."""
        return "Roll back" if self.state == FORMER else "Compare and use"

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
    newest = tuple(Presentation.objects.filter(thumbprint__in=thumbprints).order_by("-last_at"))
    late = sorted((p for p in newest if p.expired_at), key=lambda p: p.expired_at or p.last_at)
    return Observed(
        newest,
        {each.thumbprint: each for each in reversed(newest)},
        {each.thumbprint: each for each in late},
        _held(thumbprints),
    )


def _held(thumbprints: list[str]) -> dict[str, int]:
    since = timezone.now() - timedelta(seconds=records.LEASE_SECONDS)
    rows = HeldConnections.objects.filter(lease__renewed_at__gte=since, thumbprint__in=thumbprints)
    return dict(rows.values_list("thumbprint").annotate(Sum("connections")))


def version_rows(
    certificate: Certificate, versions: Iterable[CertificateVersion], observed: Observed
) -> list[VersionRow]:
    """The versions, the newest first. One query: who uploaded them."""
    versions = sorted(versions, key=lambda version: -version.number)
    entries = AuditEntry.objects.filter(revision__in=[version.revision for version in versions])
    keys = [certificate.pk, *(version.pk for version in versions)]
    uploaders = {entry.revision: entry.actor_name for entry in entries.filter(object_key__in=keys)}
    return [_row(certificate, version, observed, uploaders) for version in versions]


def _row(
    certificate: Certificate, version: CertificateVersion, observed: Observed, uploaders: Mapping[int, str]
) -> VersionRow:
    address = (certificate.pk, version.number)
    last = observed.last.get(version.thumbprint)
    state = _state(certificate, version, was_presented=last is not None)
    current = state == IN_USE
    return VersionRow(
        version,
        state,
        uploaders.get(version.revision, ""),
        last,
        observed.expired.get(version.thumbprint),
        observed.held.get(version.thumbprint, 0),
        None if current else url_or_none("certificate-version", *address),
        None if current else url_or_none("certificate-version-remove", *address),
    )


def _state(certificate: Certificate, version: CertificateVersion, *, was_presented: bool) -> str:
    if version.pk == certificate.current_id:
        return IN_USE
    newest = certificate.current is None or version.number > certificate.current.number
    return NOT_YET if newest and not was_presented else FORMER
