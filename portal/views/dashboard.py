"""The dashboard: what there is, what expires, what was changed, which gateways run."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone

from gateway.expiries import read_expiries, read_expiries_with_uses
from gateway.expiry_notices import Expiry
from gateway.models import Api, AuditEntry, CaCertificate, Certificate, Operation, Revision, Subscription
from gateway.models.certificates import EXPIRES_SOON
from gateway.records import live_gateways
from portal import time_line
from portal.expiries import certificate_path
from portal.navigation import url_or_none
from portal.notifying.run import why_not_told
from portal.templatetags.portal import EXPIRES_SOON_DAYS
from portal.views.base import Page
from portal.views.certificate_pages import UseLink, use_links

NEWEST = 10
MOST_EXPIRING = 10  # in sight
MOST_LISTED = 100
_MOST_USES = 5


class Dashboard(Page):
    """The first page after signing in."""

    area = "dashboard"
    title = "Dashboard"
    template_name = "portal/dashboard/dashboard.html"

    def context(self) -> dict[str, Any]:
        """Counts, expiring certificates, the newest audit entries and the running gateways."""
        names = ("certificates", "certificate-upload", "apis", "api-add", "subscriptions")
        return (
            super().context()
            | _expiring()
            | {
                "counts": _counts(),
                "why_not_told": why_not_told(timezone.now()),
                "entries": list(AuditEntry.objects.order_by("-at", "-revision")[:NEWEST]),
                "gateways": live_gateways(),
                "revision": Revision.objects.get(pk=1).number,
                "links": {name.replace("-", "_"): url_or_none(name) for name in names},
                "all_entries": url_or_none("admin:gateway_auditentry_changelist"),
            }
        )


def _counts() -> dict[str, int]:
    now = timezone.now()
    soon = now + timedelta(days=EXPIRES_SOON_DAYS)
    return {
        "apis": Api.objects.count(),
        "operations": Operation.objects.count(),
        "subscriptions": Subscription.objects.count(),
        "certificates": Certificate.objects.count(),
        "ca_certificates": CaCertificate.objects.count(),
        "expiring": Certificate.objects.filter(
            Q(current__not_after__gt=now, current__not_after__lte=soon)
        ).count(),
        "expired": Certificate.objects.filter(current__not_after__lte=now).count(),
    }


@dataclass(frozen=True, slots=True)
class Row:
    """A certificate of the list, and the policies and APIs that are at risk with it."""

    expiry: Expiry
    url: str
    uses: tuple[UseLink, ...]
    more_uses: int
    replace_url: str | None  # where it is time for that


def _expiring() -> dict[str, Any]:
    """What has expired or expires within the span of the time line, drawn, and as a list: what is in use first."""
    now = timezone.now()
    found = read_expiries(now + time_line.SPAN)
    listed = read_expiries_with_uses(now + time_line.SPAN, most=MOST_LISTED)
    rows = [_row(expiry, now) for expiry in sorted(listed, key=lambda expiry: not expiry.uses)]
    expired = sum(expiry.not_after <= now for expiry in found)
    return {
        "time_line": time_line.draw(found, now) if found else None,
        "expired_count": expired,
        "expiring_count": len(found) - expired,
        "expiring": rows[:MOST_EXPIRING],
        "more_expiring": rows[MOST_EXPIRING:],
        "not_listed": len(found) - len(rows),
    }


def _row(expiry: Expiry, now: datetime) -> Row:
    links, more = use_links(expiry.uses), max(0, len(expiry.uses) - _MOST_USES)
    due = expiry.kind == "client" and expiry.uses and expiry.not_after <= now + EXPIRES_SOON
    replace = url_or_none("certificate-replace", expiry.key) if due else None
    return Row(expiry, certificate_path(expiry), links[:_MOST_USES], more, replace)
