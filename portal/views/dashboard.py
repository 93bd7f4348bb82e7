"""The dashboard: what there is, what expires, what was changed, which gateways run."""

from datetime import timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone

from gateway.models import Api, AuditEntry, CaCertificate, Certificate, Operation, Revision, Subscription
from gateway.records import live_gateways
from portal.navigation import url_or_none
from portal.templatetags.portal import EXPIRES_SOON_DAYS
from portal.views.base import Page

NEWEST = 10
MOST_EXPIRING = 10


class Dashboard(Page):
    """The first page after signing in."""

    area = "dashboard"
    title = "Dashboard"
    template_name = "portal/dashboard/dashboard.html"

    def context(self) -> dict[str, Any]:
        """Counts, expiring certificates, the newest audit entries and the running gateways."""
        names = ("certificates", "certificate-upload", "apis", "api-add", "subscriptions")
        counts, expiring = _counts(), _expiring()
        return super().context() | {
            "counts": counts,
            "expiring": expiring,
            "more_expiring": counts["expiring"] + counts["expired"] - len(expiring),
            "entries": list(AuditEntry.objects.order_by("-at", "-revision")[:NEWEST]),
            "gateways": live_gateways(),
            "revision": Revision.objects.get(pk=1).number,
            "links": {name.replace("-", "_"): url_or_none(name) for name in names},
            "all_entries": url_or_none("admin:gateway_auditentry_changelist"),
        }


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


def _expiring() -> list[Certificate]:
    """Certificates that have expired or do so soon, the first to go first."""
    soon = timezone.now() + timedelta(days=EXPIRES_SOON_DAYS)
    found = Certificate.objects.filter(current__not_after__lte=soon).select_related("current")
    return list(found.order_by("current__not_after", "resource_id")[:MOST_EXPIRING])
