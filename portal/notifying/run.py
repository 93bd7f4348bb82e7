"""A run that tells people of certificates that expire: look, claim, send, mark."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway import records_notices
from gateway.changes.notifications import read_notification_settings
from gateway.expiries import has_expired_between, read_expiries_with_uses
from gateway.expiry_notices import Notice, due, reached
from gateway.models import NotificationRun
from portal.notifying import mail_server
from portal.notifying.message import expiry_message

NO_RECIPIENTS = "Nobody is told: there are no recipients."
_SILENT = timedelta(days=2)
_DAY = timedelta(hours=23, minutes=30)  # who looks every hour is to find the same hour of the day


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was due, whose e-mail was sent, and what went wrong."""

    notices: tuple[Notice, ...] = ()
    told: tuple[str, ...] = ()
    problem: str = ""

    def __add__(self, other: "Outcome") -> "Outcome":
        """What two parts of a run did."""
        told = tuple(dict.fromkeys(self.told + other.told))
        return Outcome(self.notices + other.notices, told, f"{self.problem} {other.problem}".strip())


def due_now(thresholds: Sequence[int], now: datetime) -> tuple[tuple[Notice, ...], tuple[Notice, ...]]:
    """What is to be told now, and what was told but did not reach everybody; with the APIs at risk."""
    expiries = read_expiries_with_uses(now + timedelta(days=max(thresholds, default=0)))
    again = records_notices.to_try_again(now)
    missed = tuple(notice for notice in reached(expiries, thresholds, now) if notice.id in again)
    return due(expiries, thresholds, records_notices.told(now), now), missed


def tell(now: datetime) -> Outcome:
    """Tell of what is due, in one e-mail to each recipient, and record the run."""
    settings = read_notification_settings()
    notices, missed = due_now(settings.thresholds, now)
    until = mail_server.deadline()
    outcome = _tell(notices, settings.recipients, now, until) if notices else Outcome()
    outcome += _tell_again(missed, settings.recipients, now, until) if missed else Outcome()
    records_notices.record_run(now, len(outcome.notices) if outcome.told else 0, outcome.problem)
    return outcome


def _tell(notices: tuple[Notice, ...], recipients: Sequence[str], now: datetime, until: float) -> Outcome:
    problem = mail_server.why_not_set_up() if recipients else NO_RECIPIENTS
    if problem:
        return Outcome(notices, problem=problem)
    claims = records_notices.claim_notices([notice.id for notice in notices], now)
    claimed = {claim.id for claim in claims}
    ours = tuple(notice for notice in notices if notice.id in claimed)
    if not ours:
        return Outcome()  # another run is telling of them
    delivery = mail_server.send(recipients, lambda to: expiry_message(ours, to, now), until)
    if delivery.accepted:
        records_notices.mark_sent(claims, now, delivery.missed)
    else:
        records_notices.release(claims)
    return Outcome(ours, delivery.accepted, delivery.problem)


def _tell_again(
    notices: tuple[Notice, ...], recipients: Sequence[str], now: datetime, until: float
) -> Outcome:
    """Tell those whom the mail server did not take it for, and who are still to be told."""
    if problem := mail_server.why_not_set_up():
        return Outcome(notices, problem=problem)
    claims = records_notices.claim_again([notice.id for notice in notices], now)
    missed = {claim.id: addresses for claim, addresses in claims.items()}
    theirs = {
        address: [notice for notice in notices if address in missed.get(notice.id, ())]
        for address in recipients
    }
    wanted = [address for address in recipients if theirs[address]]
    delivery = mail_server.send(wanted, lambda to: expiry_message(theirs[to], to, now), until)
    _mark(claims, delivery.missed, now)
    ours = tuple(notice for notice in notices if any(notice in some for some in theirs.values()))
    return Outcome(ours, delivery.accepted, delivery.problem)


def _mark(
    claims: Mapping[records_notices.Claim, tuple[str, ...]], missed: Sequence[str], now: datetime
) -> None:
    """Those of the addresses of each claim that were missed again are left to it."""
    left: dict[tuple[str, ...], list[records_notices.Claim]] = defaultdict(list)
    for claim, addresses in claims.items():
        left[tuple(each for each in addresses if each in missed)].append(claim)
    for addresses, some in left.items():
        records_notices.mark_sent(some, now, addresses)


def why_not_told(now: datetime) -> str:
    """What keeps people from being told, "" if nothing does."""
    if mail_server.why_not_set_up() or not read_notification_settings().recipients:
        return "Nobody is told by e-mail before a certificate expires."
    last = NotificationRun.objects.order_by("-at").first()
    if last and last.problem:
        return "The last e-mail about certificates that expire did not reach everybody."
    if last and is_overdue(last, now):
        return "For more than two days nothing has looked for certificates that people are to be told of."
    return ""


def is_overdue(last: NotificationRun, now: datetime) -> bool:
    """Whether there should have been a run since the last one."""
    return last.at < now - _SILENT


def is_time(now: datetime) -> bool:
    """Whether there are people to tell, and the last run was a day ago or did not do what it was to do, or a
    certificate has expired since."""
    settings = read_notification_settings()
    if not settings.recipients:
        return False
    last = NotificationRun.objects.order_by("-at").first()
    if last is None or last.at <= now - _DAY or (last.problem and not last.told):
        return True
    if records_notices.was_one_missed_lately(now) or (last.problem and records_notices.to_try_again(now)):
        return True
    return 0 in settings.thresholds and has_expired_between(last.at, now)
