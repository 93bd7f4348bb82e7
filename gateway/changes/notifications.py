"""Changes to who is told of certificates that expire, and when."""

from collections.abc import Iterable

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from gateway.changes.base import Actor, change, expect_revision
from gateway.errors import Invalid
from gateway.models import NotificationSettings

MOST_DAYS = 3650
_MOST_RECIPIENTS = 100
_MOST_THRESHOLDS = 20
_LONGEST_ADDRESS = 254  # RFC 5321, 4.5.3.1.3, without its angle brackets


def read_notification_settings() -> NotificationSettings:
    """The one row; as it is made at first where it is not there."""
    return NotificationSettings.objects.first() or NotificationSettings(revision=0)


def save_notification_settings(
    actor: Actor, *, recipients: Iterable[str], thresholds: Iterable[int], revision: int | None = None
) -> NotificationSettings:
    """Say who is told of certificates that expire, and how many days before.

    Addresses lose their doubles, thresholds are put in order. Raises Invalid on "recipients" or "thresholds",
    EditConflict.
    """
    addresses, days = _unique(recipients), sorted(set(thresholds), reverse=True)
    errors = {"recipients": _wrong_recipients(addresses), "thresholds": _wrong_thresholds(days)}
    if any(errors.values()):
        raise Invalid({name: texts for name, texts in errors.items() if texts})
    with change(actor) as this:
        row = read_notification_settings()
        expect_revision(row.revision, revision)
        changes = {
            "recipients": [", ".join(row.recipients), ", ".join(addresses)],
            "thresholds": [_words(row.thresholds), _words(days)],
        }
        row.recipients, row.thresholds, row.revision = addresses, days, this.revision
        row.save()
        this.audit("updated", row, {name: pair for name, pair in changes.items() if pair[0] != pair[1]})
    return row


def check_recipients(recipients: Iterable[str]) -> list[str]:
    """The addresses as they would be saved. Raises Invalid on "recipients"."""
    addresses = _unique(recipients)
    if wrong := _wrong_recipients(addresses):
        raise Invalid({"recipients": wrong})
    return addresses


def _unique(addresses: Iterable[str]) -> list[str]:
    """Without doubles, in whatever case they are written, in the order in which they came."""
    found: dict[str, str] = {}
    for text in (address.strip() for address in addresses):
        if text:
            found.setdefault(text.lower(), text)
    return list(found.values())


def _words(days: Iterable[int]) -> str:
    return ", ".join(str(each) for each in days)


def _wrong_recipients(addresses: list[str]) -> list[str]:
    wrong = [f"“{address}” is not an e-mail address." for address in addresses if not _is_address(address)]
    if len(addresses) > _MOST_RECIPIENTS:
        wrong.append(f"Enter {_MOST_RECIPIENTS} addresses at most; a mailing list may stand for many people.")
    return wrong


def _is_address(text: str) -> bool:
    try:
        validate_email(text)
    except ValidationError:
        return False
    return len(text) <= _LONGEST_ADDRESS


def _wrong_thresholds(days: list[int]) -> list[str]:
    if not days:
        return ["Enter at least one number of days; 0 is the day of the expiry."]
    wrong = [f"{each} is not between 0 and {MOST_DAYS} days." for each in days if not 0 <= each <= MOST_DAYS]
    if len(days) > _MOST_THRESHOLDS:
        wrong.append(f"Enter {_MOST_THRESHOLDS} numbers at most.")
    return wrong
