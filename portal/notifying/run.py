"""A run that tells people of certificates that expire: look, claim, send, mark."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway import records_notices
from gateway.changes.notifications import read_notification_settings
from gateway.expiries import read_expiries_with_uses
from gateway.expiry_notices import Notice, due
from gateway.models import NotificationRun
from portal.notifying import mail_server
from portal.notifying.message import expiry_message

NO_RECIPIENTS = "Nobody is told: there are no recipients."
_DAY = timedelta(hours=23, minutes=30)  # who looks every hour is to find the same hour of the day


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was due, whose e-mail was sent, and what went wrong."""

    notices: tuple[Notice, ...] = ()
    told: tuple[str, ...] = ()
    problem: str = ""


def due_now(thresholds: Sequence[int], now: datetime) -> tuple[Notice, ...]:
    """What is to be told now, with the APIs at risk."""
    until = now + timedelta(days=max(thresholds, default=0))
    return due(read_expiries_with_uses(until), thresholds, records_notices.told(now), now)


def tell(now: datetime) -> Outcome:
    """Tell of what is due, in one e-mail to each recipient, and record the run."""
    settings = read_notification_settings()
    notices = due_now(settings.thresholds, now)
    outcome = _tell(notices, settings.recipients, now) if notices else Outcome()
    records_notices.record_run(now, len(outcome.notices) if outcome.told else 0, outcome.problem)
    return outcome


def _tell(notices: tuple[Notice, ...], recipients: Sequence[str], now: datetime) -> Outcome:
    problem = mail_server.why_not_set_up() if recipients else NO_RECIPIENTS
    if problem:
        return Outcome(notices, problem=problem)
    claims = records_notices.claim_notices([notice.id for notice in notices], now)
    claimed = {claim.id for claim in claims}
    ours = tuple(notice for notice in notices if notice.id in claimed)
    if not ours:
        return Outcome()  # another run is telling of them
    delivery = mail_server.send(recipients, lambda to: expiry_message(ours, to, now))
    if delivery.accepted:
        records_notices.mark_sent(claims, now)
    else:
        records_notices.release(claims)
    return Outcome(ours, delivery.accepted, delivery.problem)


def is_time(now: datetime) -> bool:
    """Whether there are people to tell, and the last run was a day ago or did not do what it was to do."""
    if not read_notification_settings().recipients:
        return False
    last = NotificationRun.objects.order_by("-at").first()
    if last is None or last.at <= now - _DAY or (last.problem and not last.told):
        return True
    return records_notices.was_one_missed_lately(now)
