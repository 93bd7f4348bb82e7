"""No request of malformed.py reaches a back end as something else than what it is, or harms the gateway."""

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress

import pytest

from tests.answer import Answer
from tests.back_end import BackEnd
from tests.conformance.back_ends import BackEnds
from tests.conformance.caller import Caller, Cut
from tests.conformance.malformed import BEHIND, PASSING, REFUSED, Case
from tests.conformance.marks import shows
from tests.conformance.serving import Gateway

pytestmark = pytest.mark.wire

_REQUIREMENTS = {
    "2.1": "What is no HTTP/1.1 is refused.",
    "2.2": "A line ends with CRLF and with nothing else.",
    "3": "A request line that could be read in two ways is refused.",
    "3.2": "A Host that could be read in two ways is refused.",
    "5": "What is too large is refused, wherever it is large.",
    "5.1": "A field name that could be read in two ways is refused.",
    "5.5": "A control character in a value is refused, and so is a folded line.",
    "6": "A body that looks like a request is a body.",
    "6.1": "A transfer coding that could be read in two ways is refused.",
    "6.3": "A length that could be read in two ways is refused.",
    "7.1": "A chunk that could be read in two ways is refused.",
    "7.1.1": "A chunk extension may be refused, and never passes.",
    "9.1": "A method that is none is refused.",
    "9.3": "The body of a call that is answered without it is not the next request.",
    "9.3.2": "A request that is refused does not keep the one before it from being answered.",
    "10.1.1": "An expectation that cannot be met does not make a request of a body.",
    "fields": "A name with an underscore does not make a request of a body.",
}
_LINE = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+: [\t -~\x80-\xff]*")


def each(cases: Iterable[Case]) -> pytest.MarkDecorator:
    """A test for each case, marked with the section that it is about."""
    return pytest.mark.parametrize(
        "case",
        [
            pytest.param(
                case, id=case.name, marks=shows(case.source, case.section, _REQUIREMENTS[case.section])
            )
            for case in cases
        ],
    )


@pytest.fixture(scope="module", autouse=True)
def _the_same_processes_serve_before_and_after(gateway: Gateway) -> Iterator[None]:
    before = gateway.processes()
    yield
    assert gateway.processes() == before
    assert gateway.call().status == 200


@pytest.fixture(autouse=True)
def _answer(back_end: BackEnd) -> None:
    back_end.behave = lambda connection, seen: connection.answer(b"ok")


def answers(caller: Caller) -> list[Answer]:
    """Every final answer until the gateway ends the connection."""
    found = []
    with suppress(Cut):
        while True:
            found.append(caller.answer())
    assert not caller.unread, "half an answer"
    return [answer for answer in found if answer.status >= 200]


def arrived(listeners: BackEnds) -> list[tuple[str, str, bytes]]:
    """What reached the back end: every byte of it must be of a request that is well formed."""
    for seen in listeners.seen:
        assert len(seen.values("host")) == 1
        assert len(seen.values("content-length")) + len(seen.values("transfer-encoding")) <= 1
    wire = b"".join(listeners.wire)
    if listeners.seen:
        _, *lines = wire.partition(b"\r\n\r\n")[0].split(b"\r\n")
        assert all(_LINE.fullmatch(line) for line in lines), lines
    outside = wire
    for seen in listeners.seen:
        outside = outside.replace(seen.body, b"", 1) if seen.body else outside
    assert b"smuggled" not in outside
    return [(seen.method, seen.target, seen.body) for seen in listeners.seen]


@each(REFUSED)
def test_a_malformed_request_is_refused(gateway: Gateway, listeners: BackEnds, case: Case) -> None:
    with gateway.caller(seconds=5) as caller:
        caller.send(case.data)
        statuses = [answer.status for answer in answers(caller)]
    if case.status:
        assert (statuses, arrived(listeners)) == ([case.status], [])
    else:
        assert (statuses, arrived(listeners)) in [([400], []), ([431], []), ([200], [*case.arriving])]


@each(PASSING)
def test_a_request_passes_as_what_it_is_or_not_at_all(
    gateway: Gateway, listeners: BackEnds, case: Case
) -> None:
    with gateway.caller(seconds=5) as caller:
        caller.send(case.data)
        statuses = [answer.status for answer in answers(caller)]
    if case.status:
        assert (statuses, arrived(listeners)) == ([case.status], [*case.arriving])
    else:
        assert (statuses, arrived(listeners)) in [([400], []), ([404], []), ([200], [*case.arriving])]


@each(BEHIND)
def test_the_request_before_a_malformed_one_is_answered(
    gateway: Gateway, listeners: BackEnds, case: Case
) -> None:
    with gateway.caller(seconds=5) as caller:
        caller.send(case.data)
        statuses = [answer.status for answer in answers(caller)]
    assert statuses in ([200], [200, case.status])
    assert arrived(listeners) == [*case.arriving]


@shows("this product", "processes", "After all of them the same processes serve.")
def test_after_all_of_them_the_same_processes_serve(gateway: Gateway, back_end: BackEnd) -> None:
    processes = gateway.processes()
    for case in (*REFUSED, *PASSING, *BEHIND):
        with gateway.caller() as caller:
            caller.send(case.data[: len(case.data) // 2])  # and be gone
    assert gateway.call().status == 200
    assert gateway.processes() == processes
