"""In effect means acknowledged: after a Save has returned, no process runs the older configuration."""

import threading
from collections.abc import Iterator

import pytest

from tests.scene import Scene, open_scene

pytestmark = pytest.mark.wire

WORKERS = 2
CALLERS = 4


@pytest.fixture(scope="module")
def scene(shared_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with open_scene(shared_database_url, tmp_path_factory.mktemp("scene"), WORKERS) as scene:
        yield scene


def test_the_very_next_call_presents_the_other_certificate_in_every_process(scene: Scene) -> None:
    wrong: list[tuple[int, str]] = []
    connections = [scene.connect() for _ in range(CALLERS)]
    for number in range(30):
        name = ("one", "two")[number % 2]
        effect = scene.administer("choose", name)
        assert (len(effect["running"]), effect["lagging"]) == (WORKERS, [])
        answers = [scene.call(connection) for connection in connections]  # kept-alive, over all processes
        wrong += [answer for answer in answers if answer != (200, scene.thumbprints[name])]
    assert wrong == []


def test_calls_that_go_on_while_certificates_are_switched_never_fail_nor_present_another(
    scene: Scene,
) -> None:
    scene.administer("choose", "one")
    stop, answers = threading.Event(), set[tuple[int, str]]()

    def caller() -> None:
        connection = scene.connect()
        while not stop.is_set():
            answers.add(scene.call(connection))

    threads = [threading.Thread(target=caller) for _ in range(CALLERS)]
    for thread in threads:
        thread.start()
    for number in range(20):
        scene.administer("choose", ("two", "one")[number % 2])
    stop.set()
    for thread in threads:
        thread.join()
    assert answers == {(200, thumbprint) for thumbprint in scene.thumbprints.values()}


def test_with_none_no_certificate_is_presented(scene: Scene) -> None:
    connection = scene.connect()
    scene.administer("choose", "one")
    assert scene.call(connection) == (200, scene.thumbprints["one"])
    scene.administer("choose", "")
    assert scene.call(connection)[0] == 502
