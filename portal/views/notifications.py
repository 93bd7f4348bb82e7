"""Notifications: who is told of certificates that expire, what was told lately, and what is due next."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from gateway.changes.notifications import (
    check_recipients,
    read_notification_settings,
    save_notification_settings,
)
from gateway.errors import Invalid
from gateway.expiries import read_expiries
from gateway.expiry_notices import Notice, next_notice
from gateway.models import CaCertificate, CertificateVersion, ExpiryNotice, NotificationRun
from portal.expiries import certificate_path
from portal.forms.base import add_errors
from portal.forms.notifications import NotificationsForm, thresholds_in_words
from portal.notifying import mail_server
from portal.notifying.message import trial_message
from portal.notifying.run import due_now, is_overdue
from portal.views.base import actor_of
from portal.views.editing import FormPage

_NEWEST = 10


class Notifications(FormPage):
    """The page."""

    area = "notifications"
    title = "Notifications"
    template_name = "portal/notifications/notifications.html"
    form_class = NotificationsForm

    def initial(self) -> dict[str, Any]:
        """What is saved, as the fields show it."""
        row = read_notification_settings()
        return {
            "revision": row.revision,
            "recipients": "\n".join(row.recipients),
            "thresholds": thresholds_in_words(row.thresholds),
        }

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Save, or send a test to who is entered."""
        return self._try() if "test" in request.POST else super().post(request, *args, **kwargs)

    def save(self, form: NotificationsForm) -> HttpResponse:
        """Save and say so."""
        save_notification_settings(actor_of(self.request), revision=form.expected_revision(), **form.values())
        messages.success(self.request, "Notifications were saved.")
        return redirect("notifications")

    def _try(self) -> HttpResponse:
        """Send a test e-mail to the recipients in the form, which need not be saved."""
        form = self.build_form(self.request.POST)
        if not form.is_valid():
            return self.page(form=form)
        try:
            recipients = check_recipients(form.values()["recipients"])
        except Invalid as error:
            add_errors(form, error)
            return self.page(form=form)
        if not recipients:
            form.add_error("recipients", "Enter whom to send the test to.")
            return self.page(form=form)
        return self.page(form=form, trial=_trial(recipients, actor_of(self.request).name))

    def context(self) -> dict[str, Any]:
        """The context with how e-mail is sent, and the runs."""
        return super().context() | {
            "not_set_up": mail_server.why_not_set_up(),
            "server": mail_server.server_in_words(),
            "sender": settings.DEFAULT_FROM_EMAIL,
            "daily": settings.SEND_EXPIRY_NOTIFICATIONS,
            "sent": _sent_lately(),
            **_runs(timezone.now()),
            **_coming(timezone.now()),
        }


def _trial(recipients: list[str], asked_by: str) -> mail_server.Delivery:
    if reason := mail_server.why_not_set_up():
        return mail_server.Delivery((), tuple((address, reason) for address in recipients))
    return mail_server.send(recipients, lambda to: trial_message(to, asked_by))


def _runs(now: datetime) -> dict[str, Any]:
    """The last run, whether the next one is overdue, and the newest ones that told something or failed."""
    last = NotificationRun.objects.order_by("-at").first()
    worth = NotificationRun.objects.exclude(told=0, problem="").order_by("-at")[:_NEWEST]
    return {"last_run": last, "overdue": last is not None and is_overdue(last, now), "runs": list(worth)}


@dataclass(frozen=True, slots=True)
class Coming:
    """What is told of, when, and where its page is."""

    notice: Notice
    url: str


def _coming(now: datetime) -> dict[str, Any]:
    """What is due already, and what becomes due next."""
    row = read_notification_settings()
    fresh, _ = due_now(row.thresholds, now)
    waiting = sorted(fresh, key=lambda notice: not notice.expiry.uses)  # in the order of the e-mail
    coming = next_notice(read_expiries(), row.thresholds, now)
    return {
        "has_recipients": bool(row.recipients),
        "due": [Coming(notice, certificate_path(notice.expiry)) for notice in waiting[:_NEWEST]],
        "more_due": max(0, len(waiting) - _NEWEST),
        "next": coming and Coming(coming, certificate_path(coming.expiry)),
    }


@dataclass(frozen=True, slots=True)
class Sent:
    """A notice that was sent; `name` and `url` are "" when the certificate is gone."""

    at: datetime | None
    days: int
    thumbprint: str
    name: str
    url: str


def _sent_lately() -> list[Sent]:
    rows = list(ExpiryNotice.objects.exclude(sent_at=None).order_by("-sent_at", "days")[:_NEWEST])
    known = _known(row.thumbprint for row in rows)
    return [Sent(row.sent_at, row.days, row.thumbprint, *known.get(row.thumbprint, ("", ""))) for row in rows]


def _known(thumbprints: Iterable[str]) -> dict[str, tuple[str, str]]:
    """The name and the page of each certificate that is still there."""
    wanted = list(thumbprints)
    versions = CertificateVersion.objects.filter(thumbprint__in=wanted)
    cas = CaCertificate.objects.filter(thumbprint__in=wanted).values_list("thumbprint", "resource_id", "pk")
    clients = versions.values_list("thumbprint", "certificate__resource_id", "certificate_id")
    return {
        thumbprint: (name, reverse(route, args=[key]))
        for route, rows in (("ca-certificate", cas), ("certificate", clients))
        for thumbprint, name, key in rows
    }
