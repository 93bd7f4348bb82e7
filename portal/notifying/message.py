"""The e-mails: what is told of certificates that expire, and the test."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse

from gateway.expiry_notices import Notice
from gateway.portal_url import portal_url
from portal.expiries import certificate_path, expiry_heading
from portal.navigation import PRODUCT_NAME

_AUTOMATIC = {"Auto-Submitted": "auto-generated"}  # RFC 3834: nobody's absence is to be told to the sender
_MOST_LINES = 300
_LONGEST_RISK = 80  # in the subject


@dataclass(frozen=True, slots=True)
class _Line:
    """A certificate as the e-mail tells of it; all of it on one line each."""

    heading: str
    until: datetime
    subject: str
    issuer: str
    thumbprint_end: str
    at_risk: str
    url: str


def _line(notice: Notice, now: datetime) -> _Line:
    expiry = notice.expiry
    return _Line(
        one_line(expiry_heading(expiry, now)),
        expiry.not_after,
        one_line(expiry.subject),
        one_line(expiry.issuer),
        expiry.thumbprint[-4:],
        one_line(", ".join(str(use) for use in expiry.uses)),
        portal_url() + certificate_path(expiry),
    )


def one_line(text: str) -> str:
    """What people have named, without line breaks that could pass for lines of ours."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def expiry_message(notices: Sequence[Notice], to: str, now: datetime) -> EmailMultiAlternatives:
    """One e-mail about all of them: those that APIs depend on before the others, the first to expire first."""
    ordered = sorted(notices, key=lambda notice: not notice.expiry.uses)
    lines = [_line(notice, now) for notice in ordered[:_MOST_LINES]]
    count, kinds = len(notices), {notice.expiry.kind for notice in notices}
    more = f", and {count - 1} more" if count > 1 else ""
    context = {"lines": lines, "count": count, "not_listed": count - len(lines), "portal_url": portal_url()}
    context |= {"settings_url": portal_url() + reverse("notifications"), "name": PRODUCT_NAME}
    context |= {"has_client": "client" in kinds, "has_ca": "CA" in kinds}
    risk = f" ({_shortened(lines[0].at_risk)})" if lines[0].at_risk else ""
    return _message(f"{lines[0].heading}{risk}{more}", "portal/notifications/expiry", context, to)


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_RISK else f"{text[:_LONGEST_RISK]}…"


def trial_message(to: str, asked_by: str) -> EmailMultiAlternatives:
    """What “Send a test e-mail” sends."""
    context = {
        "asked_by": one_line(asked_by),
        "settings_url": portal_url() + reverse("notifications"),
        "name": PRODUCT_NAME,
    }
    return _message("This is a test", "portal/notifications/trial", context, to)


def _message(subject: str, template: str, context: dict[str, Any], to: str) -> EmailMultiAlternatives:
    text = render_to_string(f"{template}.txt", context)
    subject = f"[{PRODUCT_NAME}] {subject}"
    message = EmailMultiAlternatives(subject, text, to=[to], headers=_AUTOMATIC)
    message.attach_alternative(render_to_string(f"{template}.html", context), "text/html")
    return message
