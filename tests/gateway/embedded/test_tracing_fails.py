"""Whatever goes wrong with a trace: its call is what it is without one, and one line of the log says so."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.embedded.traced import attempt, exchange, statements, trace
from gateway.snapshot import SetHeader
from gateway.tracing import masking
from tests.back_end import BackEnd
from tests.snapshots import HERE
from tests.traces import TracedEngine, Traces, traced_engine

pytestmark = pytest.mark.wire
PLACES = [
    (Traces, "open"),
    (Traces, "put"),
    (trace, "learn_secrets"),
    (trace, "document"),
    (trace.CallTrace, "document"),
    (statements, "done_to_request"),
    (statements, "told_of"),
    (statements.RequestStatements, "_seen"),
    (statements, "_seen"),
    (masking.Masker, "remember"),
    (masking.Masker, "hides_field"),
    (masking.Masker, "text"),
    (attempt.Attempt, "__init__"),
    (attempt.Attempt, "look"),
    (attempt.Attempt, "data"),
    (exchange, "head_of"),
]


@pytest.fixture(scope="module")
def engine() -> Iterator[TracedEngine]:
    with traced_engine() as engine:
        yield engine


@pytest.fixture(scope="module")
def back_end() -> Iterator[BackEnd]:
    with BackEnd() as back_end:
        yield back_end


def broken(*_: Any, **__: Any) -> Any:
    raise LookupError("broken")


@pytest.mark.parametrize(("owner", "name"), PLACES, ids=[f"{o.__name__}.{n}" for o, n in PLACES])
def test_a_call_goes_on_untraced(
    engine: TracedEngine,
    back_end: BackEnd,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    owner: Any,
    name: str,
) -> None:
    engine.apply(back_end.url, inbound=(SetHeader("X-Set", "override", ("1",), HERE),),
                 outbound=(SetHeader("X-Answer", "override", ("2",), HERE),))  # fmt: skip
    monkeypatch.setattr(owner, name, broken)
    with caplog.at_level(logging.WARNING, logger="gateway"):
        answer = engine.call(headers={"Ocp-Apim-Trace": "true", "Authorization": "Bearer abcdef-ghi"})
        assert engine.nothing
    assert (answer.status, answer.values("x-answer")) == (200, ["2"])
    assert back_end.seen[-1].values("x-set") == ["1"]

    assert [record.getMessage() for record in caplog.records if "uvicorn" not in record.name] == [
        "a call could not be traced"
    ]
