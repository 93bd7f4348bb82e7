"""Whatever a policy says: what is told of a call is what happens to it."""

import http.client
from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from gateway.embedded.explain import explain
from gateway.embedded.state import build
from gateway.snapshot import (
    AuthenticationBasic,
    CheckHeader,
    IpFilter,
    ReturnResponse,
    RewriteUri,
    Secret,
    SetHeader,
    SetQueryParameter,
)
from tests.answer import Answer
from tests.back_end import BackEnd
from tests.running_engine import RunningEngine, running_engine
from tests.snapshots import FORWARD, HERE, snapshot

Pair = tuple[BackEnd, RunningEngine]

names = some.sampled_from(["X-A", "Accept", "Cookie", "User-Agent", "X-Forwarded-For", "X_B", "Expect"])
settable = some.sampled_from(["X-A", "Accept", "Cookie", "User-Agent", "X-Forwarded-For"])
parameters = some.sampled_from(["a", "b c", "a+b", "%61", "x"])
texts = some.sampled_from(["1", "a, b", "", "yes", "100-continue"])
values = some.one_of(texts, some.just("ä"))
actions = some.sampled_from(["override", "skip", "append"])
fields = some.builds(SetHeader, settable, actions, some.tuples(values), some.just(HERE))
deletions = some.builds(SetHeader, settable, some.just("delete"), some.just(()), some.just(HERE))
changes = some.one_of(
    fields,
    deletions,
    some.builds(SetQueryParameter, parameters, actions, some.tuples(values, values), some.just(HERE)),
    some.builds(SetQueryParameter, parameters, some.just("delete"), some.just(()), some.just(HERE)),
    some.just(SetHeader("Host", "override", ("bank.example",), HERE)),
)
answers = some.builds(
    ReturnResponse,
    some.sampled_from([200, 204, 205, 304, 503]),
    some.just(""),
    some.tuples(fields),
    values,
    some.just(HERE),
)
templates = some.sampled_from(["/v2/{id}", "/q?i={id}", "/{id}?z=1", "/"])
statements = some.one_of(
    changes,
    changes,
    some.builds(RewriteUri, templates, some.booleans(), some.just(HERE)),
    some.builds(CheckHeader, settable, some.just(403), texts, some.booleans(), some.just(()), some.just(HERE)),
    some.builds(IpFilter, some.just("forbid"), some.tuples(some.sampled_from(["10.0.0.0/8", "::/0"])),
                some.just(()), some.just(HERE)),
    some.just(AuthenticationBasic("user", Secret(b"hunter2"), HERE)),
    answers,
)  # fmt: skip
targets = some.sampled_from(
    ["/bank/7", "/bank/a%2Fb?a=1&b+c=2", "/bank/%41?a&%61=3", "/bank/q%3Fr?", "/bank/a;b=c&d", "/bank/..;x"]
)
OPERATIONS = tuple((method, "/{id}") for method in ("GET", "HEAD", "OPTIONS"))


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    """A back end, and a gateway."""
    with BackEnd() as back_end, running_engine() as gateway:
        yield back_end, gateway


def call(gateway: RunningEngine, method: str, target: str, sent: list[tuple[str, str]]) -> Answer:
    """Make a call with fields in their order, some of them several times."""
    with closing(http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=20)) as connection:
        connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        for name, value in sent:
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        return Answer(answer.status, answer.getheaders(), answer.read())


def listed(fields: list[tuple[str, str]] | tuple[tuple[str, str], ...]) -> list[tuple[str, str]]:
    """Fields to compare: without what is not known before a call, or secret."""
    unknown = ("authorization", "content-length", "date", "x-forwarded-proto")
    decoded = ((name.lower(), value) for name, value in fields)
    return sorted((name, value) for name, value in decoded if name not in unknown)


@pytest.mark.wire
@given(
    some.lists(statements, max_size=5),
    some.lists(changes, max_size=2),
    some.sampled_from(["GET", "HEAD", "OPTIONS"]),
    targets,
    some.lists(some.tuples(names, texts), max_size=3),
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_told_of_a_call_happens_to_it(
    pair: Pair,
    inbound: list[SetHeader],
    backend: list[SetHeader],
    method: str,
    target: str,
    sent: list[tuple[str, str]],
) -> None:
    back_end, gateway = pair
    whole = snapshot(back_end.url, inbound=tuple(inbound), backend=(*backend, FORWARD), operations=OPERATIONS)
    gateway.apply(whole)
    back_end.seen.clear()
    sent = [("Host", "g.example"), *sent]
    answer = call(gateway, method, target, sent)
    told = explain(build(whole), method, target, sent, "127.0.0.1")
    assert "hunter2" not in repr(told)
    if told.forwarded is not None:
        (seen,) = back_end.seen
        came = [(name, value.encode("latin-1").decode()) for name, value in seen.fields]
        assert told.forwarded.url == back_end.url + seen.target
        assert listed(told.forwarded.fields) == listed(came)
        return
    assert not back_end.seen
    end = told.refused or told.answered
    assert end is not None
    assert end.status == answer.status
    if told.refused is not None:
        assert answer.values("gateway-error") == ([told.refused.code] if told.refused.code else [])
    if told.answered is not None:
        came = [(name, value.encode("latin-1").decode()) for name, value in answer.fields]
        assert (told.answered.body.encode(), listed(told.answered.fields)) == (answer.body, listed(came))
