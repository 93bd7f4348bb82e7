"""Portal and gateway, started together, watched, and stopped together."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from django.conf import settings
from django.db import connections

from gateway.observing import directory
from portal.serving import programs
from portal.serving.answers import Probe, wait_until_all_answer
from portal.serving.listeners import Listener
from portal.serving.preparation import (
    HASHED,
    check_database,
    check_ports,
    collect_static_files,
)
from portal.serving.processes import Errand, Program, Supervisor

Report = Callable[[str], None]
_MARGIN_SECONDS = 5  # gunicorn ends its own workers after STOP_SECONDS, and needs a moment for it


@dataclass(frozen=True, slots=True)
class FrontDoors:
    """The open listeners of this run; None is not served."""

    portal: Listener | None
    gateway: Listener | None
    plain_gateway: Listener | None = None
    operator: Listener | None = None

    @property
    def environment(self) -> dict[str, str]:
        """The ports as they came out, for settings of the processes (0 picks a free one)."""
        doors = {
            "PORTAL_PORT": self.portal,
            "GATEWAY_PORT": self.gateway,
            "GATEWAY_PLAIN_PORT": self.plain_gateway,
        }
        return {**{name: str(door.port) for name, door in doors.items() if door}, **HASHED}


def open_front_doors(*, portal: bool = True, gateway: bool = True) -> FrontDoors:
    """Check ports and database, and listen; system checks come before. Raises ServingError: what to do."""
    if portal and gateway:
        check_ports()
    check_database()
    return FrontDoors(
        programs.listen_for_portal() if portal else None,
        programs.listen_for_gateway() if gateway else None,
        programs.listen_for_plain_gateway() if gateway else None,
        programs.listen_for_operators() if gateway else None,
    )


def serve(
    doors: FrontDoors, report: Report, ready: Callable[[], None], before: Sequence[Program] = ()
) -> None:
    """Run the front doors, after the programs `before`, until a signal asks for the end.

    `ready` is called once, when every listener answers. Raises ServingError when a server stops by itself; all
    the others are stopped first.
    """
    connections.close_all()  # this process only watches from here on
    supervisor = Supervisor(settings.STOP_SECONDS + _MARGIN_SECONDS, report, errands_of(doors))
    with supervisor.signals(), _metrics(doors) as shared:
        try:
            _start(supervisor, doors, before, doors.environment | shared)
            wait_until_all_answer(_probes(doors, before), supervisor.check, lambda: supervisor.asked_to_stop)
            if not supervisor.asked_to_stop:
                ready()
            supervisor.wait()
            report("Stopping; calls in flight are finished first. Ctrl-C again stops at once.")
        finally:
            supervisor.stop()


def errands_of(doors: FrontDoors) -> list[Errand]:
    """Who serves the portal also tells people of certificates that expire."""
    wanted = settings.SEND_EXPIRY_NOTIFICATIONS and doors.portal
    return [programs.expiry_notifications(doors.environment)] if wanted else []


@contextmanager
def _metrics(doors: FrontDoors) -> Iterator[dict[str, str]]:
    """The directory that the programs of a gateway share, as an addition to their environment."""
    if not doors.gateway:
        yield {}
        return
    shared = directory.MetricsDirectory()
    try:
        yield {directory.VARIABLE: shared.path}
    finally:
        shared.remove()


def _start(
    supervisor: Supervisor, doors: FrontDoors, before: Sequence[Program], environment: Mapping[str, str]
) -> None:
    for program in before:
        supervisor.start(program)
    if doors.gateway:
        supervisor.start(programs.gateway(doors.gateway, doors.operator, environment))
    if doors.plain_gateway:
        supervisor.start(programs.gateway(doors.plain_gateway, None, environment, "plain gateway"))
    if doors.portal:
        collect_static_files()  # while the gateway reads its configuration
        supervisor.start(programs.portal(doors.portal, environment))


def _probes(doors: FrontDoors, before: Sequence[Program]) -> list[Probe]:
    probes = [Probe(program.name, program.listeners[0]) for program in before]
    if doors.portal:
        probes.append(programs.portal_probe(doors.portal))
    if doors.operator:
        probes.append(Probe("gateway", doors.operator, "/health/live"))
    return probes + [Probe("gateway", door) for door in (doors.gateway, doors.plain_gateway) if door]
