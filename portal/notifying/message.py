"""The e-mails: what is told of certificates that expire, and the test."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse

from gateway.expiry_notices import Expiry, Notice
from portal.navigation import PRODUCT_NAME, url_or_none
from portal.public_url import portal_url

_LISTS = {"client": "certificates", "CA": "ca-certificates"}


def certificate_path(expiry: Expiry) -> str:
    """The page of a certificate: its own, or the list that shows it."""
    page = url_or_none("certificate", expiry.key) if expiry.kind == "client" else None
    return page or f"{reverse(_LISTS[expiry.kind])}?q={quote(expiry.thumbprint)}"


def expiry_words(expiry: Expiry, now: datetime) -> str:
    """When a certificate expires, or that it has expired, counted in days."""
    if expiry.not_after > now:
        days = expiry.days_left(now)
        return "expires within a day" if days < 1 else f"expires in {_days(days)}"
    days = (now - expiry.not_after).days
    return "has expired" if days < 1 else f"expired {_days(days)} ago"


def _days(count: int) -> str:
    return f"{count} day{'' if count == 1 else 's'}"


@dataclass(frozen=True, slots=True)
class _Line:
    """A certificate as the e-mail tells of it; all of it on one line each."""

    heading: str
    until: datetime
    subject: str
    thumbprint_end: str
    at_risk: str
    url: str


def _line(notice: Notice, now: datetime) -> _Line:
    expiry = notice.expiry
    noun = f"{expiry.noun[0].upper()}{expiry.noun[1:]}"
    return _Line(
        one_line(f"{noun} {expiry.name} {expiry_words(expiry, now)}"),
        expiry.not_after,
        one_line(expiry.subject),
        expiry.thumbprint[-4:],
        one_line(", ".join(str(use) for use in expiry.uses)),
        portal_url() + certificate_path(expiry),
    )


def one_line(text: str) -> str:
    """What people have named, without line breaks that could pass for lines of ours."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def expiry_message(notices: Sequence[Notice], to: str, now: datetime) -> EmailMultiAlternatives:
    """One e-mail about all of them, the first to expire first."""
    lines = [_line(notice, now) for notice in notices]
    more = f", and {len(lines) - 1} more" if len(lines) > 1 else ""
    context = {"lines": lines, "settings_url": portal_url() + reverse("notifications"), "name": PRODUCT_NAME}
    return _message(f"{lines[0].heading}{more}", "portal/notifications/expiry", context, to)


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
    message = EmailMultiAlternatives(f"[{PRODUCT_NAME}] {subject}", text, to=[to])
    message.attach_alternative(render_to_string(f"{template}.html", context), "text/html")
    return message
