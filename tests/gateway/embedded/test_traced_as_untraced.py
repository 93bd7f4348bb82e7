"""Whatever a policy says: a traced call is the same bytes to the back end and to the caller as any other."""

import re
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from gateway.snapshot import Secret, SetHeader, SetQueryParameter, Statement
from tests.back_end import BackEnd
from tests.gateway.embedded.test_explained_calls import (
    actions,
    answers,
    changes,
    deletions,
    fields,
    names,
    parameters,
    settable,
    statements,
    targets,
    texts,
)
from tests.snapshots import FORWARD, HERE
from tests.traces import KEY, TracedEngine, traced_engine

OPERATIONS = tuple((method, "/{id}") for method in ("GET", "HEAD", "OPTIONS", "POST"))
BODIES = (
    b"\r\n",
    b"Content-Length: 5\r\n\r\nhello",
    b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    b"Max-Forwards: 0\r\n\r\n",
)
# Before it is known whose key it is
REFUSED = (b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close", b"HTTP/1.1 404 ")
Pair = tuple[BackEnd, TracedEngine]
secret = some.just((Secret(b"hunter2"),))
secrets = some.one_of(
    some.builds(SetHeader, settable, actions, secret, some.just(HERE)),
    some.builds(SetQueryParameter, parameters, actions, secret, some.just(HERE)),
)


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    with BackEnd(wire=[]) as back_end, traced_engine() as engine:
        yield back_end, engine


def exchanged(pair: Pair, head: str, body: bytes, *, traced: bool) -> tuple[bytes, bytes]:
    """What came to the back end and to the caller, without what is another with each call."""
    back_end, engine = pair
    assert back_end.wire is not None
    back_end.wire.clear()
    asks = "true" if traced else "false"
    key = f"Ocp-Apim-Subscription-Key: {KEY}\r\nOcp-Apim-Trace: {asks}\r\nConnection: close\r\n"
    answer = engine.gateway.raw(f"{head}{key}".encode() + body)
    answer = answer.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert (b"ocp-apim-trace-location: " in answer) is (traced and not answer.startswith(REFUSED))
    if b"ocp-apim-trace-location: " in answer:
        document = engine.next()
        assert "hunter2" not in repr(document)
        assert document["outcome"]["status"] == int(answer[9:12])
    answer = re.sub(rb"ocp-apim-trace-location: [^\r]*\r\n", b"", answer)
    answer = re.sub(rb'(date: )[^\r]*|("activityId": ")[^"]*|("connection": )\d+', rb"\1\2\3", answer)
    return b"".join(back_end.wire), answer


@pytest.mark.wire
@given(
    some.lists(some.one_of(statements, secrets), max_size=5),
    some.lists(some.one_of(changes, secrets), max_size=2),
    some.lists(some.one_of(fields, deletions, answers), max_size=3),
    some.sampled_from(["GET", "HEAD", "OPTIONS", "POST"]),
    targets,
    some.lists(some.tuples(names, texts), max_size=3),
    some.sampled_from(BODIES),
)
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_trace_changes_nothing(
    pair: Pair,
    inbound: list[Statement],
    backend: list[Statement],
    outbound: list[Statement],
    method: str,
    target: str,
    sent: list[tuple[str, str]],
    body: bytes,
) -> None:
    back_end, engine = pair
    engine.apply(back_end.url, inbound=tuple(inbound), backend=(*backend, FORWARD), outbound=tuple(outbound),
                 operations=OPERATIONS)  # fmt: skip
    lines = "".join(f"{name}: {value}\r\n" for name, value in sent)
    head = f"{method} {target} HTTP/1.1\r\nHost: g.example\r\n{lines}"
    assert exchanged(pair, head, body, traced=True) == exchanged(pair, head, body, traced=False)
