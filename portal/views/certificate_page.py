"""Security > Client certificates > one of them: its page, and the download of what is public of it."""

import unicodedata
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from cryptography.hazmat.primitives.serialization import Encoding
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header

from gateway.certificate_contents import contents_of, leaf_of
from gateway.errors import Use
from gateway.findings import Finding
from gateway.models import Api, AuditEntry, CaCertificate, Certificate, CertificateVersion
from gateway.models.certificates import EXPIRES_SOON
from gateway.preflight import findings_of
from gateway.x509 import pem, time_text
from portal.certificate_history import events, history_of
from portal.certificate_versions import MOST_VERSIONS, Observed, VersionRow, observed_of, version_rows
from portal.navigation import url_or_none
from portal.validity_bar import days_words, validity_bar
from portal.views.base import PortalView
from portal.views.certificate_pages import AREA, CLIENT, Kind, UseLink, deletion_of, use_links
from portal.views.lists import ListPage
from portal.views.missing import NotThere, RowView

MOST_NAMES = 12  # alternative names, uses and presentations beyond these are folded
MOST_USES = 24
MOST_PRESENTATIONS = 5
_WITHOUT_KEY = ("sealed_private_key",)


class CertificateView(RowView):
    """Mix this in first for a page of one client certificate, whose address has `key`."""

    area = AREA
    all_rows = (CLIENT.list_route, "All client certificates")

    @cached_property
    def certificate(self) -> Certificate:
        """The certificate that the address names. Raises NotThere, which says who deleted it."""
        rows = Certificate.objects.with_uses().defer("current__sealed_private_key")
        row = rows.filter(pk=self.kwargs["key"]).first()
        if row is None:
            route, label = self.all_rows
            raise NotThere(gone_words(CLIENT, self.kwargs["key"]), reverse(route), label)
        return row


def gone_words(kind: Kind, key: UUID) -> str:
    """That a certificate is not there, and if it ever was, who deleted it and when."""
    if deleted := deletion_of(key):
        when = time_text(deleted.at)
        return f"The {kind.noun} {deleted.object_name} was deleted by {deleted.actor_name} on {when}."
    return f"There is no such {kind.noun}, and none with this address was ever deleted."


# --- the page -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Folded:
    """A list of which the page shows the first few at once, and the `rest` when it is asked for."""

    first: Sequence[Any]
    rest: Sequence[Any]

    @property
    def total(self) -> int:
        return len(self.first) + len(self.rest)


def folded(rows: Sequence[Any], most: int) -> Folded:
    """The rows; a single one is not worth folding."""
    cut = most if len(rows) > most + 1 else len(rows)
    return Folded(rows[:cut], rows[cut:])


class CertificatePage(CertificateView, ListPage):
    """What is known of a client certificate and what can be done with it. Its list is the history."""

    template_name = "portal/certificate/certificate.html"
    page_size = 10
    then_by = ("-revision", "-at")

    def get_title(self) -> str:
        """The certificate's name."""
        return f"Client certificate - {self.certificate}"

    def queryset(self) -> QuerySet[AuditEntry]:
        """The history."""
        return history_of(self.certificate)

    def rows(self, page: list[Any]) -> list[Any]:
        """The entries with what each changed."""
        return events(page)

    def context(self) -> dict[str, Any]:
        """Everything that the page shows."""
        certificate, now = self.certificate, timezone.now()
        facts = certificate.current
        if facts is None:  # between two INSERTs of one transaction, which nobody sees
            raise Http404
        versions = list(certificate.versions.defer("chain_pem", *_WITHOUT_KEY))
        observed = observed_of(version.thumbprint for version in versions)
        rows = version_rows(certificate, versions, observed)
        uses = certificate.uses
        return super().context() | {
            "certificate": certificate,
            "facts": facts,
            "breadcrumb": ((CLIENT.tab, reverse(CLIENT.list_route)),),
            "contents": (contents := contents_of(facts.chain_pem)),
            "names": folded(contents.names, MOST_NAMES),
            "bar": validity_bar(facts.not_before, facts.not_after, now, EXPIRES_SOON),
            "standing": standing(facts, uses, now),
            "findings": findings_beside_expiry(facts.chain_pem, now),
            "uses": grouped_uses(uses),
            "versions": self._shown(rows),
            "versions_count": len(rows),
            "waiting": next((row for row in rows if row.is_waiting), None),
            "requests": self._requests(),
            "presented": presented(observed, rows),
            "links": self._links(),
        }

    def _shown(self, rows: list[VersionRow]) -> list[VersionRow]:
        """The newest versions and the one in use, or all if they are asked for."""
        if self.request.GET.get("versions") == "all":
            return rows
        return [row for place, row in enumerate(rows) if place < MOST_VERSIONS or row.is_current]

    def _requests(self) -> list[dict[str, Any]]:
        """The signing requests that are under way, the oldest first."""
        rows = self.certificate.signing_requests.defer(*_WITHOUT_KEY).order_by("created_at")
        return [{"row": row, "url": url_or_none("signing-request", row.pk)} for row in rows]

    def _links(self) -> dict[str, str | None]:
        """Where things are done; None where there is no such page."""
        key = self.certificate.pk
        here = reverse("certificate", args=[key])
        request = url_or_none("signing-request-add")
        return {
            "replace": url_or_none("certificate-replace", key),
            "request": f"{request}?{urlencode({'certificate': key})}" if request else None,
            "test": url_or_none("certificate-test", key),
            "delete": f"{reverse(CLIENT.delete_route, args=[key])}?{urlencode({'cancel': here})}",
        }


# --- what it says ---------------------------------------------------------------------------------------------


def findings_beside_expiry(chain_pem: str, now: datetime) -> tuple[Finding, ...]:
    """What pre-flight finds in what is stored, but for an expiry soon, which the standing says."""
    with suppress(ValueError):  # what is stored is no certificate: the chain says so
        return tuple(found for found in findings_of(chain_pem, now) if found.code != "expires-soon")
    return ()


@dataclass(frozen=True, slots=True)
class Standing:
    """How things stand, which is read first. `level` is "error", "warning" or "" where all is well."""

    level: str
    text: str
    at_risk: str


# What its state means for those who use it: expired, not valid yet, expires soon.
_FOR_CLIENTS = (
    "back ends are likely to refuse it",
    "back ends refuse it until then",
    "calls are likely to fail from then on",
)
_FOR_TRUST = (
    "calls to the back ends that it vouches for are likely to fail",
    "calls to the back ends that it vouches for are likely to fail until then",
    "calls to the back ends that it vouches for are likely to fail from then on",
)


def standing(facts: CertificateVersion | CaCertificate, uses: tuple[Use, ...], now: datetime) -> Standing:
    """Whether the certificate is of use now, for how long, and whose calls that matters for."""
    trusted = isinstance(facts, CaCertificate)
    users = users_words(uses, trusted=trusted)
    expired, early, soon = (
        f"{users}, and {risk}." if uses else f"{users}." for risk in (_FOR_TRUST if trusted else _FOR_CLIENTS)
    )
    if facts.not_after <= now:
        return Standing("error", f"It expired {days_words(now - facts.not_after)} ago.", expired)
    if facts.not_before > now:
        return Standing("warning", f"It becomes valid in {days_words(facts.not_before - now)}.", early)
    left = days_words(facts.not_after - now)
    if facts.not_after - now <= EXPIRES_SOON:
        return Standing("warning", f"It expires in {left}.", soon)
    return Standing("", f"It is valid for another {left}.", f"{users}.")


def users_words(uses: tuple[Use, ...], *, trusted: bool) -> str:
    """Who presents or trusts the certificate, as the beginning of a sentence."""
    if any(use.scope == "global" for use in uses):
        return "The policy of All APIs names it"
    one, several = ("trusts", "trust") if trusted else ("uses", "use")
    apis = len({use.api_id for use in uses})
    if not apis:
        return "No API trusts it" if trusted else "Nothing uses it"
    return f"1 API {one} it" if apis == 1 else f"{apis} APIs {several} it"


@dataclass(frozen=True, slots=True)
class NamedUse:
    """A use with its link, and the link to the policy that names the certificate where that is another page."""

    link: UseLink
    policy_url: str | None


@dataclass(frozen=True, slots=True)
class UseGroup:
    """The uses of one kind."""

    title: str
    uses: Folded


_GROUPS = (("global", "All APIs"), ("api", "APIs"), ("operation", "Operations"))


def grouped_uses(uses: tuple[Use, ...]) -> list[UseGroup]:
    """The uses by kind of scope: what names the certificate in the policy of an API, an operation, or of all."""
    found = []
    for scope, title in _GROUPS:
        of_scope = [use for use in uses if use.scope == scope]
        if of_scope:
            links = zip(use_links(of_scope), map(_policy_url, of_scope), strict=True)
            found.append(UseGroup(title, folded([NamedUse(*pair) for pair in links], MOST_USES)))
    return found


def _policy_url(use: Use) -> str | None:
    return url_or_none("policy-api", use.api_id) if use.scope == "api" else None


@dataclass(frozen=True, slots=True)
class Presented:
    """That a version was presented to a back end by an API."""

    at: datetime
    expired_at: datetime | None
    back_end: str
    api: str
    api_url: str | None
    version: int
    is_current: bool


@dataclass(frozen=True, slots=True)
class PresentedRows:
    """The presentations, the newest first, and the newest one of the version in use after its expiry."""

    rows: Folded
    last: Presented | None
    late: Presented | None


def presented(observed: Observed, versions: list[VersionRow]) -> PresentedRows:
    """What was presented where. One query: the names of the APIs."""
    by_thumbprint = {row.version.thumbprint: row for row in versions}
    ids = {each.api for each in observed.presentations}
    names = dict(Api.objects.filter(resource_id__in=ids).values_list("resource_id", "display_name"))
    found = []
    for each in observed.presentations:
        row = by_thumbprint[each.thumbprint]
        url = url_or_none("api-summary", each.api) if each.api in names else None
        api = names.get(each.api, each.api)
        number, current = row.version.number, row.is_current
        found.append(Presented(each.last_at, each.expired_at, each.back_end, api, url, number, current))
    late = [each for each in found if each.expired_at]
    return PresentedRows(
        folded(found, MOST_PRESENTATIONS),
        found[0] if found else None,
        max(late, key=lambda each: (each.is_current, each.expired_at), default=None),
    )


# --- the download ---------------------------------------------------------------------------------------------

_DER = "application/pkix-cert"  # RFC 2585 section 4
_PEM = "application/pem-certificate-chain"  # RFC 8555 section 9.1
# By the last part of the address: how the file's name ends, its type, and what is in it. Never a key.
_FORMATS: dict[str, tuple[str, str, Callable[[str], bytes]]] = {
    "cer": (".cer", _DER, lambda chain: leaf_of(chain).public_bytes(Encoding.DER)),
    "pem": (".pem", _PEM, lambda chain: pem([leaf_of(chain)]).encode()),
    "chain.pem": ("-chain.pem", _PEM, str.encode),
}


class CertificateDownload(CertificateView, PortalView):
    """The public part of a version as a file, for the owner of a back end."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """The file."""
        name = f"{file_name(self.certificate.resource_id)}-version-{kwargs['number']}"
        return certificate_file(kwargs["form"], name, self._chain())

    def _chain(self) -> str:
        """The certificates of the version that the address names. Raises NotThere."""
        number = self.kwargs["number"]
        chain = self.certificate.versions.filter(number=number).values_list("chain_pem", flat=True).first()
        if chain is None:
            text = f"The certificate {self.certificate} has no version {number} any more."
            raise NotThere(text, reverse("certificate", args=[self.certificate.pk]), "Its page")
        return chain


def certificate_file(form: str, name: str, chain_pem: str) -> HttpResponse:
    """Certificates as a file whose name begins with `name`. Raises Http404 for a form that there is not."""
    if form not in _FORMATS:
        raise Http404
    ending, content_type, content = _FORMATS[form]
    response = HttpResponse(content(chain_pem), content_type=content_type)
    disposition = content_disposition_header(True, f"{name}{ending}")
    response.headers["Content-Disposition"] = disposition or "attachment"
    return response


_UNSAFE = frozenset('<>:"/\\|?*')


def file_name(resource_id: str) -> str:
    """An id as part of a file's name that every system takes, and that shows what it is."""
    kept = (
        "-" if c in _UNSAFE or unicodedata.category(c) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"} else c
        for c in unicodedata.normalize("NFC", resource_id)
    )
    return "".join(kept).strip(". ") or "certificate"
