"""What has to be in order before servers start, besides the system checks, which look at the settings.

Each function raises ServingError, which says what to do.
"""

from collections.abc import Mapping

from django.conf import settings
from django.contrib.staticfiles.management.commands import collectstatic
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.db.migrations.executor import MigrationExecutor
from whitenoise.storage import CompressedManifestStaticFilesStorage

from portal.serving.errors import ServingError

HASHED: Mapping[str, str] = {"STATIC_HASHED": "1"}


def check_database() -> None:
    """The database answers and has every table."""
    try:
        executor = MigrationExecutor(connection)
    except OperationalError as error:
        raise ServingError(f"The database does not answer ({error}). Look at DATABASE_URL.") from error
    finally:
        connection.close()
    pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if pending:
        names = ", ".join(f"{migration.app_label}.{migration.name}" for migration, _ in pending[:3])
        more = f" and {len(pending) - 3} more" if len(pending) > 3 else ""
        raise ServingError(f"The database lacks {names}{more}. Run: manage.py migrate")


def check_ports() -> None:
    """Portal and gateway never share an origin."""
    portal, gateway = settings.PORTAL_HOST, settings.GATEWAY_HOST
    places = [
        (portal, settings.PORTAL_PORT),
        (gateway, settings.GATEWAY_PORT),
        (gateway, settings.GATEWAY_PLAIN_PORT),
        (settings.GATEWAY_OPERATOR_HOST, settings.GATEWAY_OPERATOR_PORT),
    ]
    asked = [place for place in places if place[1]]
    if len(set(asked)) < len(asked):
        raise ServingError(
            "Portal, gateway and the gateway's operators must differ: change PORTAL_PORT, GATEWAY_PORT, "
            "GATEWAY_PLAIN_PORT or GATEWAY_OPERATOR_PORT."
        )


def collect_static_files() -> None:
    """Put style sheets and scripts under hashed names into STATIC_ROOT, from where the portal serves them."""
    command = collectstatic.Command()
    try:
        command.storage = CompressedManifestStaticFilesStorage()  # this process was not told STATIC_HASHED
        call_command(command, interactive=False, verbosity=0)
    except (OSError, ValueError, CommandError) as error:
        raise ServingError(
            f"The portal's static files could not be put into {settings.STATIC_ROOT}: {error}"
        ) from error
