"""manage.py rotate_encryption_keys"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from gateway.changes.base import Actor
from gateway.changes.encryption import reseal


class Command(BaseCommand):
    """Seals every private key and secret named value with the first of CERTIFICATE_ENCRYPTION_KEYS."""

    help = (
        "Put a new key first in CERTIFICATE_ENCRYPTION_KEYS, restart, run this, and then take the old key away. "
        "It can be stopped at any time and run again."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        result = reseal(Actor("command", "rotate_encryption_keys"), self._progress)
        self.stderr.write("")
        self.stdout.write(f"{result.resealed} sealed with the first key, {result.already} were already.")
        if result.problems:
            problems = "\n".join(result.problems)
            raise CommandError(f"{len(result.problems)} could not be opened; keep the old keys.\n{problems}")

    def _progress(self, done: int, total: int) -> None:
        self.stderr.write(f"\r{done} of {total}", ending="")
        self.stderr.flush()
