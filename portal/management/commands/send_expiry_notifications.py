"""manage.py send_expiry_notifications"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from gateway.changes.notifications import read_notification_settings
from portal.expiries import expiry_words
from portal.notifying.run import Outcome, due_now, is_time, tell


class Command(BaseCommand):
    """Tells the recipients of certificates that expire, each threshold of each certificate once."""

    help = (
        "Send an e-mail about certificates that expire or have expired, to the recipients on the page "
        "Notifications. Exit code 0: nothing was due, or it was sent; 1: something is due and did not reach "
        "everybody, and standard error says why."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="say what would be sent, and send nothing")
        parser.add_argument(
            "--daily",
            action="store_true",
            help="do nothing if the last run was less than a day ago and all went well (as `serve` does)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        if options["dry_run"]:
            settings = read_notification_settings()
            notices, missed = due_now(settings.thresholds, now)
            self._list(missed + notices, now)
            self.stdout.write(f"Nothing was sent. Recipients: {', '.join(settings.recipients) or 'none'}.")
        elif not options["daily"]:
            self._tell(tell(now), now)
        elif is_time(now) and ((outcome := tell(now)).notices or outcome.problem):
            self._tell(outcome, now)

    def _tell(self, outcome: Outcome, now: Any) -> None:
        self._list(outcome.notices, now)
        if outcome.told:
            self.stdout.write(f"Sent to {', '.join(outcome.told)}.")
        if outcome.problem:
            raise CommandError(outcome.problem)

    def _list(self, notices: Any, now: Any) -> None:
        if not notices:
            self.stdout.write("Nothing is due.")
        for notice in notices:
            words = expiry_words(notice.expiry, now)
            self.stdout.write(f"{notice.expiry.noun} {notice.expiry.name} {words}")
