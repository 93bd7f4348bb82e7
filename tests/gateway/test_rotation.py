"""A certificate is renewed, rolled back and replaced everywhere at full load: from the confirm on no call starts
with the old one, none fails, and those in flight go on to their end.

The confirm is the moment at which every gateway process has acknowledged the change.
"""

import json
import time
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests import pki
from tests.history import LONG_AGO, Save, violations
from tests.load import Call, Load, Request, percentile
from tests.scene import Scene, open_scene

pytestmark = pytest.mark.wire

WORKERS = 2
CALLERS = 64
CALLED = {"by-id": Request("/bank/when"), "by-thumbprint": Request("/named/when")}


@pytest.fixture(scope="module")
def scene(shared_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Two APIs present the certificate "one": a policy names its id, the other's its thumbprint."""
    with open_scene(shared_database_url, tmp_path_factory.mktemp("scene"), WORKERS) as scene:
        scene.administer("add_api", "named", scene.back_ends["tls"])
        scene.administer("secure", "named")  # so that it trusts the CA
        scene.administer("secure", "bank", "one")
        scene.administer("name_by_thumbprint", "named", scene.thumbprints["one"])
        yield scene


class Rotator:
    """Somebody who rotates the certificate "one", while the callers call."""

    def __init__(self, scene: Scene, folder: Path) -> None:
        self._scene, self._folder = scene, folder
        self.saves = [Save(LONG_AGO, LONG_AGO, scene.thumbprints["one"])]
        self.in_flight: list[tuple[int, str]] = []  # of each save: what a call saw that had begun before it
        self._versions = {1: scene.thumbprints["one"]}

    def upload(self) -> int:
        """A successor of "one", which is in use nowhere yet."""
        issued = pki.issue(self._scene.authority, "one")
        file = self._folder / f"{issued.thumbprint}.pfx"
        file.write_bytes(pki.pfx(issued, password=b"secret"))
        number = self._scene.administer("add_version", "one", str(file))
        self._versions[number] = issued.thumbprint
        return number

    def use(self, number: int) -> None:
        """Renew or roll back."""
        self._confirm(self._versions[number], "use_version", "one", number)

    def replace_everywhere(self, name: str, to: str, thumbprint: str) -> None:
        self._confirm(thumbprint, "move_everywhere", name, to)

    def round(self) -> None:
        """Renewed, rolled back, renewed again, replaced everywhere by "two", and by "one" again."""
        number = self.upload()
        for used in (number, number - 1, number):
            self.use(used)
        self.replace_everywhere("one", "two", self._scene.thumbprints["two"])
        self.replace_everywhere("two", "one", self._versions[number])

    def _confirm(self, value: str, command: str, *arguments: object) -> None:
        with closing(self._scene.connect()) as connection:
            connection.request("GET", "/bank/held")
            answer = connection.getresponse()  # its head; it goes on once the change is in effect
            self.saves.append(self._scene.save(value, command, *arguments))
            self._release()
            seen = json.loads(answer.read())["client_certificate"]["thumbprint"]
            self.in_flight.append((answer.status, seen))

    def _release(self) -> None:
        back_end = urlsplit(self._scene.back_ends["one"])
        with closing(HTTPConnection("127.0.0.1", back_end.port, timeout=20)) as connection:
            connection.request("GET", "/release")
            connection.getresponse().read()


@pytest.mark.parametrize("seconds", [0, pytest.param(60, marks=pytest.mark.long)])
def test_from_the_confirm_on_no_call_starts_with_the_old_certificate_and_none_fails(
    scene: Scene, tmp_path: Path, seconds: int
) -> None:
    rotator = Rotator(scene, tmp_path)
    with Load(scene.port, CALLED, CALLERS) as load:
        started = time.monotonic()
        rotator.round()
        while time.monotonic() < started + seconds:
            rotator.round()
    print(f"{len(load.calls)} calls, {len(rotator.saves) - 1} changes, ", end="")
    print(f"p50 {percentile(load.calls, 0.5):.0f} ms, p99 {percentile(load.calls, 0.99):.0f} ms")
    assert load.statuses == {"200": len(load.calls)}
    for name in CALLED:
        calls = [call for call in load.calls if call.name == name]
        assert violations(rotator.saves, [presented(call) for call in calls]) == []
        assert {presented(call).seen for call in calls} == {save.value for save in rotator.saves}
    check_connections(load.calls)
    assert rotator.in_flight == [(200, save.value) for save in rotator.saves[:-1]]


def presented(call: Call) -> Call:
    """A call that saw the thumbprint that the back end recorded, while it was under way."""
    report = call.report
    assert call.start <= report["at"] <= call.end
    return call._replace(seen=report["client_certificate"]["thumbprint"])


def check_connections(calls: list[Call]) -> None:
    """Another certificate goes over another connection, and a connection serves many calls."""
    pairs = {(c.report["connection"], c.report["client_certificate"]["thumbprint"]) for c in calls}
    numbers = {number for number, _ in pairs}
    assert len(numbers) == len(pairs)
    assert len(numbers) < len(calls) / 2
