"""manage.py quickstart"""

import os
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.demonstration.api import ensure_demonstration_api
from portal.demonstration.pki import demonstration_pki
from portal.quickstart.accounts import USER, ensure_administrator
from portal.quickstart.data_directory import DataDirectory
from portal.quickstart.facts import Demonstration, Facts
from portal.quickstart.management import ensure_management_token
from portal.quickstart.subscription import ensure_subscription_key
from portal.serving.errors import ServingError
from portal.serving.listeners import listen
from portal.serving.processes import Program
from portal.serving.run import FrontDoors, open_front_doors, serve

_PORT = "port of the {}; 0 picks a free one (default: {})"


class Command(BaseCommand):
    """Makes whatever is missing for a first try, then runs portal, gateway and a demonstration back end."""

    help = (
        "For a first try: makes settings, database, administrator and demonstration, runs everything until Ctrl-C, "
        "and says what to do. It can be run again and keeps what is there."
    )
    requires_system_checks: list[str] = []  # they come when the settings have been made

    def add_arguments(self, parser: CommandParser) -> None:
        default = settings.BASE_DIR / ".local"
        parser.add_argument(
            "--data-dir", type=Path, default=default, help=f"folder for everything (default: {default})"
        )
        parser.add_argument("--portal-port", type=int, help=_PORT.format("portal", "PORTAL_PORT, else 8000"))
        parser.add_argument(
            "--gateway-port", type=int, help=_PORT.format("gateway", "GATEWAY_PORT, else 8080")
        )
        back_end = _PORT.format("demonstration back end", 8443)
        parser.add_argument("--back-end-port", type=int, default=8443, help=back_end)
        parser.add_argument(
            "--json", action="store_true", help="tell the facts as one line of JSON, once all answers"
        )
        parser.add_argument("--no-demo", action="store_true", help="without demonstration back end and API")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self._run(options)
        except ServingError as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            raise SystemExit(130) from None  # before anything was started

    def _run(self, options: dict[str, Any]) -> None:
        os.umask(0o077)
        folder = DataDirectory(options["data_dir"])
        lock = folder.lock()
        _continue_with_settings_of(folder, options)
        try:
            self._serve(folder, options)
        finally:
            os.close(lock)

    def _serve(self, folder: DataDirectory, options: dict[str, Any]) -> None:
        self.check()
        call_command("migrate", verbosity=0, interactive=False, stdout=self.stderr)
        password = folder.password()
        known = ensure_administrator(password)
        doors = open_front_doors()
        demonstration = None if options["no_demo"] else _demonstration(folder, options["back_end_port"])
        secrets = (password if known else None, ensure_subscription_key(), ensure_management_token())
        facts = _facts(doors, folder, secrets, demonstration)
        programs = [_back_end(demonstration, folder)] if demonstration else []
        serve(doors, self._report, lambda: self._tell(facts, options["json"]), before=programs)

    def _tell(self, facts: Facts, as_json: bool) -> None:
        self.stdout.write(facts.as_json() if as_json else facts.as_text())
        self.stdout.flush()

    def _report(self, message: str) -> None:
        self.stderr.write(message, self.style.NOTICE)


def _continue_with_settings_of(folder: DataDirectory, options: dict[str, Any]) -> None:
    """Settings are read before a command runs: unless they are the folder's already, run again with them."""
    wanted = folder.environment(os.environ)
    asked = {"PORTAL_PORT": options["portal_port"], "GATEWAY_PORT": options["gateway_port"]}
    wanted |= {name: str(port) for name, port in asked.items() if port is not None}
    if wanted != dict(os.environ):
        sys.stdout.flush()
        os.execve(sys.executable, sys.orig_argv, wanted)  # noqa: S606 (this very command; closes the lock)


def _demonstration(folder: DataDirectory, port: int) -> Demonstration:
    files = demonstration_pki(folder.demonstration)
    back_end = listen("127.0.0.1", port, setting="--back-end-port", tls=True)
    demonstration = Demonstration(back_end, files)
    ensure_demonstration_api(demonstration.url, files.ca_certificate)
    return demonstration


def _back_end(demonstration: Demonstration, folder: DataDirectory) -> Program:
    number = str(demonstration.back_end.socket.fileno())
    module = "portal.demonstration.back_end"
    command = [sys.executable, "-m", module, "--fd", number, "--folder", str(folder.demonstration)]
    return Program("demonstration back end", command, [demonstration.back_end], expendable=True)


def _facts(
    doors: FrontDoors,
    folder: DataDirectory,
    secrets: tuple[str | None, str, str | None],
    demonstration: Demonstration | None,
) -> Facts:
    assert doors.portal is not None  # noqa: S101 (a quickstart opens both)
    assert doors.gateway is not None  # noqa: S101
    gateway = settings.GATEWAY_PUBLIC_URL or doors.gateway.url
    operator = doors.operator.url if doors.operator else None
    return Facts(doors.portal.url, gateway, operator, folder.path, USER, *secrets, demonstration)
