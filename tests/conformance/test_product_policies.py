"""What each statement makes of a call: the original's documented examples and results (product, 2.2 and 2.3)."""

from collections.abc import Iterator

import pytest
from pytest_django import DjangoDbBlocker

from gateway.snapshot import Snapshot
from tests.back_end import Behaviour
from tests.conformance.back_ends import BackEnds
from tests.conformance.configuration import TRUSTED_PROXY
from tests.conformance.conftest import started
from tests.conformance.credentials import Credentials
from tests.conformance.documents import documented
from tests.conformance.examples import COMPOSITION, EXAMPLES, Example
from tests.conformance.marks import failure, shows
from tests.conformance.serving import Gateway

pytestmark = [pytest.mark.wire, pytest.mark.django_db]


@pytest.fixture(scope="module")
def gateway(
    pytestconfig: pytest.Config,
    tmp_path_factory: pytest.TempPathFactory,
    listeners: BackEnds,
    issued: Credentials,
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[Gateway]:
    """One that runs what is published of the documents."""

    def chosen() -> Snapshot:
        with django_db_blocker.unblock():
            return documented(listeners.port, issued)

    with started(pytestconfig, tmp_path_factory, chosen) as gateway:
        yield gateway


def examples() -> Iterator[object]:
    for requirement, some in EXAMPLES.items():
        mark = shows("product", "2.3" if some is COMPOSITION else "2.2", requirement)
        yield from (pytest.param(example, marks=mark, id=example.name) for example in some)


def answering(*fields: str) -> Behaviour:
    return lambda connection, seen: connection.answer(b"from the back end", *fields)


@pytest.mark.parametrize("example", list(examples()))
def test_an_example_comes_out_as_documented(
    gateway: Gateway, listeners: BackEnds, issued: Credentials, example: Example
) -> None:
    listeners[example.listener].behave = answering(*example.answers)
    source = TRUSTED_PROXY if example.address else ""
    forwarded = (f"X-Forwarded-For: {example.address}",) if example.address else ()
    target = f"/policies/{example.name}{example.target}"
    answer = gateway.call(
        example.method, target, *example.fields, *forwarded, body=example.body, source=source
    )
    assert answer.status == example.status
    assert {name: answer.values(name) for name in example.answered} == example.answered
    if example.content is not None:
        assert answer.body == example.content
    check_what_the_back_end_saw(example, listeners, issued)


def check_what_the_back_end_saw(example: Example, listeners: BackEnds, issued: Credentials) -> None:
    if example.asked is None:
        assert not listeners.seen
        return
    (seen,) = listeners.seen
    whole = example.asked.startswith("/")
    assert seen.target == (example.asked if whole else f"/base/{example.name}{example.asked}")
    assert {name: seen.values(name) for name in example.sent} == example.sent
    assert seen.thumbprint == issued[example.presents].thumbprint
    if "host" not in example.sent:
        assert seen.values("host") == [f"localhost:{listeners[example.listener].port}"]


@shows("product", "2.2", "The reason of set-status stands in the status line.")
def test_the_reason_is_in_the_status_line(gateway: Gateway) -> None:
    with gateway.caller() as caller:
        caller.send(b"GET /policies/respond-401 HTTP/1.1\r\nHost: x\r\n\r\n")
        assert caller.some().startswith(b"HTTP/1.1 401 Unauthorized\r\n")


@shows(
    "this product",
    "policies",
    "Switches that turn validation off hold for the web service URL, not for where set-backend-service leads.",
)
@pytest.mark.parametrize(
    ("listener", "outcome"),
    [
        ("self-signed", None),
        ("optional", None),
        ("other-name", (502, "back-end-name-mismatch")),
        ("expired", (502, "back-end-certificate-untrusted")),
    ],
)
def test_another_back_end_is_validated(
    gateway: Gateway, listeners: BackEnds, listener: str, outcome: tuple[int, str] | None
) -> None:
    answer = gateway.call(target=f"/rerouted/{listener}")
    if outcome is None:
        assert (answer.status, len(listeners.seen)) == (200, 1)
    else:
        assert failure(answer) == outcome
        assert not listeners.seen
