"""Tags and filters of the portal's pages: {% load portal %}."""

from collections.abc import Iterable
from datetime import UTC, datetime

from django import template
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from gateway.models.certificates import EXPIRES_SOON
from portal.policy_lines import Line
from portal.validity_bar import days_words

register = template.Library()

EXPIRES_SOON_DAYS = EXPIRES_SOON.days


@register.simple_tag
def utc_time(moment: datetime | None) -> str:
    """A moment as 2027-03-05 14:20 UTC in a <time>; static/js/times.js adds the viewer's own to its title."""
    if moment is None:
        return ""
    moment = moment.astimezone(UTC)
    iso = moment.isoformat(timespec="seconds").replace("+00:00", "Z")
    shown = moment.strftime("%Y-%m-%d %H:%M UTC")
    return format_html('<time datetime="{}" title="{}">{}</time>', iso, iso, shown)


@register.simple_tag
def numbered(lines: Iterable[Line], prefix: str) -> SafeString:
    """The items of a list of a document's lines: a loop in a template takes a second for 20,000 of them."""
    items = ((prefix, line.number, line.html) for line in lines)
    return format_html_join("\n", '<li id="{}line-{}"><code>{}</code></li>', items)


@register.filter
def thumbprint(text: str) -> SafeString:
    """A thumbprint whose last four characters, by which people tell certificates apart, are set apart.

    No white space comes between the two parts: what is copied from the page is the thumbprint.
    """
    return format_html(
        '<code class="thumbprint"><span>{}</span><strong>{}</strong></code>', text[:-4], text[-4:]
    )


@register.simple_tag
def expiry(not_after: datetime, not_before: datetime | None = None) -> SafeString:
    """How long a certificate is still valid, in words and in colour: "expires in 12 days", "expired"."""
    return _expiry(timezone.now(), not_after, not_before)


def _expiry(now: datetime, not_after: datetime, not_before: datetime | None) -> SafeString:
    if not_after <= now:
        return _state("expired", "expired")
    if not_before and not_before > now:
        return _state("warning", "not valid yet")
    days = (not_after - now).days
    if days > EXPIRES_SOON_DAYS:
        return _state("valid", f"expires in {days_words(not_after - now)}")
    return _state(
        "warning", "expires within a day" if days < 1 else f"expires in {days} day{'s'[: days > 1]}"
    )


def _state(kind: str, text: str) -> SafeString:
    return format_html('<span class="state state-{}">{}</span>', kind, text)
