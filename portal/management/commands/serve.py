"""manage.py serve"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.serving.errors import ServingError
from portal.serving.run import FrontDoors, open_front_doors, serve


class Command(BaseCommand):
    """Runs the portal and the gateway, each on its own listener, until Ctrl-C or SIGTERM."""

    help = "Run the portal and the gateway by the settings in README.md, until Ctrl-C or SIGTERM."

    def add_arguments(self, parser: CommandParser) -> None:
        one = parser.add_mutually_exclusive_group()
        one.add_argument("--portal-only", action="store_true", help="run the portal without a gateway")
        one.add_argument("--gateway-only", action="store_true", help="run a gateway without the portal")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            doors = open_front_doors(portal=not options["gateway_only"], gateway=not options["portal_only"])
            serve(doors, self._report, lambda: self._ready(doors))
        except ServingError as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            raise SystemExit(130) from None  # before anything was started

    def _report(self, message: str) -> None:
        self.stderr.write(message, self.style.NOTICE)

    def _ready(self, doors: FrontDoors) -> None:
        names = {
            "Portal": doors.portal,
            "Gateway": doors.gateway,
            "Gateway, plain": doors.plain_gateway,
            "Gateway, for operators": doors.operator,
        }
        for name, door in names.items():
            if door:
                self.stdout.write(
                    f"{name}: {door.url}" + (" (and on all other addresses)" if door.everywhere else "")
                )
        self.stdout.flush()
