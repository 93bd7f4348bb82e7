"""Policies, compiled: what is folded, what is fused, and what is never executed in part."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import strategies as st

from gateway.embedded.answers import Given
from gateway.embedded.message import Message
from gateway.embedded.plans import Plan
from gateway.embedded.program import NOTHING, compiled
from gateway.embedded.state import State, build
from gateway.snapshot import (
    AuthenticationBasic,
    AuthenticationCertificate,
    CheckHeader,
    EffectivePolicy,
    ForwardRequest,
    IpFilter,
    ReturnResponse,
    RewriteUri,
    Secret,
    SetBackendService,
    SetHeader,
    SetQueryParameter,
    Statement,
)
from tests.pki import issue
from tests.properties import examples, holds
from tests.snapshots import FORWARD, HERE, material, snapshot, trust

SET = SetHeader("X-A", "override", ("1",), HERE)
ANSWER = ReturnResponse(200, "", (), "hello", HERE)
ELSEWHERE = SetBackendService("https://other.example/v2", HERE)


def state(*inbound: Statement, url: str = "https://x.example/base", **values: object) -> State:
    return build(snapshot(url, operations=(("GET", "/a"),), inbound=inbound, **values))  # type: ignore[arg-type]


def plan(*inbound: Statement, **values: object) -> Plan:
    route = state(*inbound, **values).router.find("GET", "/bank/a", "")
    assert route is not None
    return route.plan


def test_without_statements_that_change_anything_there_is_nothing_to_run() -> None:
    assert plan().request.steps == ()
    assert plan().response is NOTHING


def test_the_last_base_url_counts_wherever_it_stands() -> None:
    made = plan(ELSEWHERE, SET, backend=(FORWARD, SetBackendService("http://third.example:8080/v3/", HERE)))
    assert made.destination is not None
    assert made.destination.origin == ("http", "third.example", 8080)
    assert (made.host, made.base) == (b"third.example:8080", "/v3")


@pytest.mark.parametrize(
    ("url", "validated"),
    [
        ("https://x.example/another/path", False),
        ("https://X.example:443", False),
        ("https://x.example:8443", True),
        ("https://other.example", True),
        ("http://x.example", True),
    ],
)
def test_what_is_not_validated_of_one_back_end_is_validated_of_any_other(url: str, validated: bool) -> None:
    authority = issue(common_name="CA")
    lax = trust(authority, validate_chain=False, validate_name=False)
    made = plan(SetBackendService(url, HERE), trusts=lax).destination
    assert made is not None
    assert made.trust == replace(lax, validate_chain=validated, validate_name=validated)


def test_a_certificate_goes_nowhere_without_tls() -> None:
    made = plan(SetBackendService("http://x.example", HERE), certificate=material(issue(common_name="one")))
    assert made.failure == ("client-certificate-needs-https", "http://x.example")


def test_a_base_url_that_cannot_be_read_fails_closed() -> None:
    assert plan(SetBackendService("ftp://x.example", HERE)).failure is not None


@pytest.mark.parametrize(
    "values",
    [
        {"inbound": (FORWARD,)},
        {"inbound": ("something newer",)},
        {"inbound": (ANSWER, "something newer")},
        {"backend": (FORWARD, AuthenticationCertificate("c", HERE))},
        {"backend": (FORWARD, AuthenticationBasic("u", Secret(b"p"), HERE))},
        {"backend": (FORWARD, RewriteUri("/b", True, HERE))},
        {"backend": (FORWARD, CheckHeader("X", 400, "", False, (), HERE))},
        {"backend": (FORWARD, IpFilter("allow", (), (), HERE))},
        {"outbound": (SetQueryParameter("p", "delete", (), HERE),)},
        {"outbound": (SetHeader("X-A", "override", (Secret(b"s"),), HERE),)},
        {"outbound": (SetHeader("Content-Length", "override", ("5",), HERE),)},
        {"outbound": (replace(ANSWER, headers=(SetHeader("Transfer-Encoding", "override", ("x",), HERE),)),)},
        {"inbound": (replace(ANSWER, status=101),)},
        {"inbound": (replace(ANSWER, reason="a\r\nb"),)},
        {"inbound": (SetHeader("Connection", "delete", (), HERE),)},
    ],
    ids=repr,
)
def test_a_policy_that_cannot_be_executed_as_a_whole_is_not_executed(values: dict[str, object]) -> None:
    made = build(snapshot("https://x.example", operations=(("GET", "/a"),), **values))  # type: ignore[arg-type]
    route = made.router.find("GET", "/bank/a", "")
    assert route is not None
    assert route.plan.failure is not None
    assert route.plan.failure[0] == "policy-unusable"
    assert list(made.destinations(made.apis)) == []


def test_what_stands_behind_an_answer_is_not_run_and_nothing_is_asked_of_a_back_end() -> None:
    made = state(SET, ANSWER, SetHeader("X-B", "override", ("2",), HERE))
    route = made.router.find("GET", "/bank/a", "")
    assert route is not None
    message = Message([])
    for step in route.plan.request.steps:
        step(message)
    assert message.fields == [(b"x-a", b"1")]
    assert route.plan.given == Given(200, "", (), b"hello")
    assert list(made.destinations(made.apis)) == []


def test_where_nothing_is_forwarded_outbound_statements_are_done_to_the_empty_answer() -> None:
    assert plan(backend=(), outbound=(SET,)).given == Given(200, "", ((b"x-a", b"1"),), b"")
    assert plan(backend=(), outbound=(SET, ANSWER)).given == Given(200, "", (), b"hello")
    assert plan(replace(ANSWER, status=403), backend=(), outbound=(ANSWER,)).given.status == 403


@pytest.mark.parametrize("status", [204, 205, 304])
def test_an_answer_that_has_no_content_is_given_without(status: int) -> None:
    made = plan(replace(ANSWER, status=status, headers=(SET,)))
    lengths = [value for name, value in made.given.whole() if name == b"content-length"]
    assert (made.given.body, lengths) == (b"", [b"0"] if status == 205 else [])


def test_an_answer_has_one_date_its_own_if_it_says_one() -> None:
    date = "Mon, 01 Jan 2024 00:00:00 GMT"
    for headers, expected in (((), 1), ((SetHeader("Date", "override", (date,), HERE),), 1)):
        fields = plan(replace(ANSWER, headers=headers)).given.whole()
        assert [name for name, _ in fields].count(b"date") == expected
    assert (b"date", date.encode()) in fields


def test_statements_in_a_row_are_run_in_one_pass() -> None:
    row = [SetHeader(name, "override", ("1",), HERE) for name in ("X-A", "X-B", "X-C")]
    assert len(plan(*row, SetHeader("X-D", "delete", (), HERE)).request.steps) == 1
    assert len(plan(*row, row[0]).request.steps) == 2
    assert len(plan(row[0], SetHeader("X-B", "skip", ("1",), HERE), row[2]).request.steps) == 1
    assert len(plan(row[0], SetHeader("X-B", "skip", ("1",), HERE), row[1]).request.steps) == 2
    queries = [SetQueryParameter(name, "override", ("1",), HERE) for name in "aba"]
    assert len(plan(*queries).request.steps) == 1


NAMES = st.sampled_from(["X-A", "X-B", "Cookie"])
ACTIONS = st.sampled_from(["override", "skip", "append", "delete"])
VALUES = st.lists(st.sampled_from(["1", "2", "3"]), min_size=1, max_size=2)
STATEMENTS = st.builds(
    lambda name, action, values: SetHeader(name, action, () if action == "delete" else tuple(values), HERE),
    NAMES,
    ACTIONS,
    VALUES,
)
FIELDS = st.lists(
    st.tuples(st.sampled_from([b"x-a", b"x-b", b"cookie", b"z"]), st.sampled_from([b"", b"0"])), max_size=5
)


@examples(100, 20_000)
def test_what_is_fused_does_what_its_statements_do_one_by_one(count: int) -> None:
    def same(statements: Sequence[SetHeader], fields: list[tuple[bytes, bytes]]) -> None:
        program, _ = compiled(EffectivePolicy("p", 1, inbound=tuple(statements)))
        fused, one_by_one = Message(list(fields)), Message(list(fields))
        for step in program.steps:
            step(fused)
        for line in program.lines:
            assert line.step is not None
            line.step(one_by_one)
        assert fused.fields == one_by_one.fields

    holds(count, same, st.lists(STATEMENTS, max_size=8), FIELDS)


def test_operations_under_one_policy_share_its_steps_but_for_their_rewriting() -> None:
    whole = snapshot(
        "https://x.example",
        operations=(("GET", "/a"), ("GET", "/b/{x}")),
        inbound=(SET, RewriteUri("/z", True, HERE)),
    )
    made = build(whole).apis["bank"].entries.values()
    first, second = (entry.plan.request.lines for entry in made if entry)
    assert first[0].step is second[0].step
    assert first[1].step is not second[1].step


def test_the_last_timeout_counts() -> None:
    made = plan(backend=(ForwardRequest(5, HERE), SET, ForwardRequest(9, HERE)))
    assert made.timeout == 9
