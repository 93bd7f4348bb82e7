"""In effect means acknowledged: after a Save has returned, no process runs the older configuration.

What one administrator saves and many callers see is recorded, at full load, and checked by tests.history.
"""

import time
from base64 import b64encode
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import pytest

from tests.history import LONG_AGO, Save, violations
from tests.load import Call, Load, Request, percentile
from tests.running import until
from tests.scene import CERTIFICATES, Scene, open_scene
from tests.usage import Usage, ports_of_callers

pytestmark = pytest.mark.wire

WORKERS = 2
CALLERS = 32
SWITCH_SECONDS = 1.0


@pytest.fixture(scope="module")
def scene(shared_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with open_scene(shared_database_url, tmp_path_factory.mktemp("scene"), WORKERS) as scene:
        yield scene


def test_the_very_next_call_presents_the_other_certificate_in_every_process(scene: Scene) -> None:
    wrong: list[tuple[int, str]] = []
    connections = [scene.connect() for _ in range(4)]
    for number in range(15):
        name = CERTIFICATES[number % 3]
        effect = scene.administer("choose", name)
        assert (len(effect["running"]), effect["lagging"]) == (WORKERS, [])
        answers = [scene.call(connection) for connection in connections]  # kept-alive, over all processes
        wrong += [answer for answer in answers if answer != (200, scene.thumbprints[name])]
    assert wrong == []


def test_with_none_no_certificate_is_presented(scene: Scene) -> None:
    connection = scene.connect()
    scene.administer("choose", "one")
    assert scene.call(connection) == (200, scene.thumbprints["one"])
    scene.administer("choose", "")
    assert scene.call(connection)[0] == 502


def test_what_is_presented_and_held_is_told_and_a_replaced_certificate_is_held_until_its_last_call_ends(
    scene: Scene,
) -> None:
    one, two = scene.thumbprints["one"], scene.thumbprints["two"]
    scene.administer("choose", "one")
    began = time.time()
    connections = [scene.connect() for _ in range(4)]
    assert {scene.call(connection) for connection in connections} == {(200, one)}
    called = time.time()
    back_end = scene.back_ends["tls"].removeprefix("https://")

    def told() -> bool:
        return any(
            each[:3] == [one, "bank", back_end] and began <= each[3] <= called
            for each in scene.administer("presented", one)
        )

    connections[0].request("GET", "/bank/events")
    stream = connections[0].getresponse()
    scene.administer("choose", "two")
    assert scene.call() == (200, two)
    until(lambda: scene.administer("held_connections", one, two) == {one: 1, two: 1}, 5)
    until(told, 5)
    assert stream.read(5) == b"event"  # it goes on with the certificate that it began with
    connections[0].close()
    until(lambda: scene.administer("held_connections", one, two) == {one: 0, two: 1}, 5)


# --- Certificates, for minutes --------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [4, pytest.param(300, marks=pytest.mark.long)])
def test_while_certificates_are_switched_no_call_fails_or_presents_a_wrong_one_and_nothing_grows(
    scene: Scene, seconds: int
) -> None:
    scene.administer("choose", "one")
    saves, usages = [Save(LONG_AGO, LONG_AGO, scene.thumbprints["one"])], []
    with Load(scene.port, {"accounts": Request("/bank/accounts/1")}, CALLERS) as load:
        started = time.monotonic()
        for number in range(1, int(seconds / SWITCH_SECONDS) + 1):
            name = CERTIFICATES[number % 3]
            saves.append(scene.save(scene.thumbprints[name], "choose", name))
            time.sleep(max(0, started + number * SWITCH_SECONDS - time.monotonic()))  # the load is the test
            usages.append([Usage.of(worker) for worker in scene.workers()])
    print(f"{len(load.calls) / seconds:.0f} calls/s, {len(saves) - 1} switches, ", end="")
    print(f"p50 {percentile(load.calls, 0.5):.1f} ms, p99 {percentile(load.calls, 0.99):.1f} ms")
    assert load.statuses == {"200": len(load.calls)}
    seen = [call._replace(seen=call.report["client_certificate"]["thumbprint"]) for call in load.calls]
    assert violations(saves, seen) == []
    assert {call.seen for call in seen} == set(scene.thumbprints.values())
    for worker in zip(*usages, strict=True):
        check_growth(worker)


def check_growth(usages: tuple[Usage, ...]) -> None:
    """Compare what a process used in the middle of the run with what it used at the end."""
    tenth = max(1, len(usages) // 10)
    half = len(usages) // 2
    middle, end = Usage.median(usages[half : half + tenth]), Usage.median(usages[-tenth:])
    print(f"middle {middle}, end {end}")
    assert end.memory <= middle.memory + 8
    assert end.threads <= middle.threads + 2
    # A connection of each caller, and one to the back end with the certificate before and with the one after it.
    assert max(usage.files for usage in usages) < 40 + 3 * CALLERS


# --- Every kind of change -------------------------------------------------------------------------------

REGENERATED = [f"regenerated-{number}" for number in range(3)]
NOT_FOUND = "404 not-found"
REFUSED = "401 subscription-key-invalid"
WITHOUT_CERTIFICATE = "502 client-certificate-required"


class Step(NamedTuple):
    """What calls see from then on, and a command of tests.driver, whose first argument is a name."""

    seen: str
    command: str
    named: Mapping[str, Any] = {}


def steps(scene: Scene) -> dict[str, list[Step]]:
    """The kinds of change that calls can see, by the API that each is made to, over and over."""
    one, two = scene.back_ends["one"], scene.back_ends["two"]
    first, second = (f"tls /x {scene.thumbprints[name]}" for name in ("one", "two"))
    basic = {user: f"one /x Basic {b64encode(f'{user}:secret'.encode()).decode()}" for user in ("ann", "ben")}
    return {
        "certificate": [
            Step(second, "secure", {"certificate_id": "two"}),
            Step(WITHOUT_CERTIFICATE, "secure"),
            Step(first, "secure", {"certificate_id": "one"}),
        ],
        "basic": [
            Step("one /x", "secure"),
            *(Step(seen, "secure", {"user": user}) for user, seen in basic.items()),
        ],
        "trust": [
            Step("502 back-end-certificate-untrusted", "secure", {"certificate_id": "one", "trusts": False}),
            Step(first, "secure", {"certificate_id": "one"}),
        ],
        "settings": [Step("two /x", "move_api", {"url": two}), Step("one /x", "move_api", {"url": one})],
        "rewrite": [
            Step(f"one /{n}/x", "rewrite", {"url_template": "/x", "template": f"/{n}/x"}) for n in "abc"
        ],
        "operation": [
            Step(NOT_FOUND, "remove_operation", {"url_template": "/x"}),
            Step("one /x", "add_operation", {"url_template": "/x"}),
        ],
        "api": [Step(NOT_FOUND, "remove_api"), Step("one /x", "add_api", {"url": one})],
        "subscription": [Step(REFUSED, "suspend"), Step("one /x", "activate")],
    }


def prepare(scene: Scene, names: list[str]) -> dict[str, Request]:
    """An API with one operation for each kind of change; a subscription for those that are about keys."""
    requests = {}
    for name in names:
        keyed = name == "subscription" or name in REGENERATED
        url = scene.back_ends["tls" if name in {"certificate", "trust"} else "one"]
        scene.administer("add_api", name, url, all_operations=False, subscription_required=keyed)
        scene.administer("add_operation", name, "/x")
        key = scene.administer("subscribe", name)[0] if keyed else ""
        requests[name] = Request(f"/{name}/x", {"Ocp-Apim-Subscription-Key": key} if keyed else {})
    return requests


@pytest.fixture
def requests(scene: Scene) -> Iterator[dict[str, Request]]:
    """What is asked for, by kind of change. What is asked for is gone afterwards."""
    names = [*steps(scene), *REGENERATED]
    yield prepare(scene, names)
    scene.administer("remove_apis", *names)


@pytest.mark.parametrize("rounds", [1, pytest.param(200, marks=pytest.mark.long)])
def test_no_call_that_begins_after_a_save_has_returned_runs_under_the_older_configuration(
    scene: Scene, requests: dict[str, Request], rounds: int
) -> None:
    kinds = steps(scene)
    saves = {name: [save(scene, name, turn[0])] for name, turn in kinds.items()}
    saves |= {name: [Save(LONG_AGO, LONG_AGO, "one /x")] for name in REGENERATED}
    with Load(scene.port, requests, CALLERS, new=CALLERS // 4) as load:
        until(lambda: all(ports_of_callers(worker, scene.port) for worker in scene.workers()))
        for number in range(1, rounds + 1):
            for name, turn in kinds.items():
                saves[name].append(save(scene, name, turn[number % len(turn)]))
            for name in REGENERATED[number - 1 : number]:
                saves[name].append(save(scene, name, Step(REFUSED, "regenerate")))
    seconds = load.calls[-1].end - load.calls[0].start
    print(f"{len(load.calls)} calls and {sum(map(len, saves.values()))} saves in {seconds:.1f} s")
    calls = defaultdict(list)
    for call in load.calls:
        calls[call.name].append(call._replace(seen=shown(call)))
    assert [found for name in requests for found in violations(saves[name], calls[name])] == []
    for name in requests:
        assert {call.seen for call in calls[name]} == {save.value for save in saves[name]}


def save(scene: Scene, name: str, step: Step) -> Save:
    return scene.save(step.seen, step.command, name, **step.named)


def shown(call: Call) -> str:
    """What a call saw, in the words of the steps."""
    report = call.report
    if report is None:  # the back end's reset may overtake its alert, which says why
        return WITHOUT_CERTIFICATE if call.seen == "502 back-end-closed" else call.seen
    certificate = (report["client_certificate"] or {}).get("thumbprint")
    return " ".join(
        filter(None, [report["back_end"], report["target"], report["authorization"], certificate])
    )
