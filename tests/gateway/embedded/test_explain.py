"""What is told of a call is what would happen to it, and shows no secret."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from gateway.embedded.asgi import EngineSettings
from gateway.embedded.explain import explain
from gateway.embedded.explanation import Answered, Explanation
from gateway.embedded.state import State, build
from gateway.snapshot import (
    AuthenticationBasic,
    AuthenticationCertificate,
    CheckHeader,
    ForwardRequest,
    IpFilter,
    Origin,
    ReturnResponse,
    RewriteUri,
    Secret,
    SetBackendService,
    SetHeader,
    SetQueryParameter,
    Statement,
)
from tests.back_end import BackEnd
from tests.pki import issue
from tests.running_engine import running_engine
from tests.snapshots import FORWARD, HERE, material, snapshot, subscription, trust

SECRET = Secret(b"hunter2 & more")
OPERATIONS = (("GET", "/accounts/{id}"), ("POST", "/accounts/{id}"), ("GET", "/other?x={y}"))


def state(*inbound: Statement, url: str = "https://bank.example/v1", **values: Any) -> State:
    return build(snapshot(url, inbound=inbound, **{"operations": OPERATIONS, **values}))


def told(explanation: Explanation) -> list[tuple[str, str]]:
    return [(step.element, step.words) for step in explanation.steps]


def words(explanation: Explanation) -> list[str]:
    return [step.words for step in explanation.steps]


EVERYTHING = (
    IpFilter("allow", ("192.0.2.0/24",), (), Origin("global", 3)),
    CheckHeader("X-Key", 401, "No.", False, (SECRET,), HERE),
    SetHeader("X-Key", "delete", (), HERE),
    SetHeader("X-Shared", "override", (SECRET,), HERE),
    SetHeader("X-Shared", "append", ("plain",), HERE),
    SetHeader("Accept", "skip", ("a/b",), HERE),
    SetHeader("Accept", "append", ("c/d",), HERE),
    SetHeader("Accept", "override", ("e/f",), HERE),
    SetQueryParameter("co de", "override", (SECRET,), HERE),
    RewriteUri("/v2/{id}", True, HERE),
    AuthenticationBasic("user", SECRET, HERE),
)


def test_each_statement_says_what_it_does_and_where_it_was_written() -> None:
    sent = [("X-Key", "hunter2 & more"), ("Accept", "*/*")]
    explanation = explain(state(*EVERYTHING), "GET", "/bank/accounts/7?q=1", sent, "192.0.2.9")
    assert told(explanation) == [
        ("ip-filter", "Lets in only callers from 192.0.2.0/24: 192.0.2.9 is let in."),
        ("check-header", "X-Key is (secret), as it must be."),
        ("set-header", "Deletes X-Key, which was 'hunter2 & more'."),
        ("set-header", "Sets X-Shared to (secret)."),
        ("set-header", "Adds to X-Shared, which is now (secret)."),
        ("set-header", "Accept is there and stays '*/*'."),
        ("set-header", "Adds to Accept, which is now '*/*, c/d'."),
        ("set-header", "Sets Accept to 'e/f' instead of '*/*, c/d'."),
        (
            "set-query-parameter",
            "Sets the query parameter co de to (secret): "
            "the address is now /v1/accounts/7?q=1&co%20de=(secret)",
        ),
        (
            "rewrite-uri",
            "Asks for /v1/v2/7?q=1&co%20de=(secret) instead of /v1/accounts/7?q=1&co%20de=(secret).",
        ),
        ("authentication-basic", "Sets Authorization to HTTP basic credentials of the user 'user'."),
        ("forward-request", "Forwards the call to https://bank.example."),
    ]
    assert (explanation.steps[0].section, explanation.steps[0].origin) == ("inbound", Origin("global", 3))
    assert explanation.forwarded is not None
    assert explanation.forwarded.url == "https://bank.example/v1/v2/7?q=1&co%20de=(secret)"
    assert explanation.values == (("id", "7"),)


def test_no_secret_is_told() -> None:
    sent = [("X-Key", "hunter2 & more")]
    explanation = explain(state(*EVERYTHING[1:]), "GET", "/bank/accounts/7", sent)
    shown = repr(replace(explanation, steps=[s for s in explanation.steps if "X-Key" not in s.words]))  # type: ignore[arg-type]
    assert "(secret)" in shown
    for trace in ("hunter2", "aHVudGVyMi", "dXNlcjpodW50ZXIy"):
        assert trace not in shown


def test_what_a_caller_sent_without_a_value_has_none_to_hide() -> None:
    statement = SetQueryParameter("key", "append", (SECRET,), HERE)
    forwarded = explain(state(statement), "GET", "/bank/accounts/7?key&key=1").forwarded
    assert forwarded is not None
    assert forwarded.url.endswith("/accounts/7?key&key=(secret)&key=(secret)")


def test_a_field_that_is_set_anew_without_a_secret_is_shown_again() -> None:
    again = SetHeader("x-shared", "override", ("plain",), HERE)
    explanation = explain(state(EVERYTHING[3], again), "GET", "/bank/accounts/7")
    assert explanation.forwarded is not None
    assert ("x-shared", "plain") in explanation.forwarded.fields
    assert words(explanation)[1] == "Sets x-shared to 'plain' instead of (secret)."


def test_what_is_presented_and_how_the_back_end_is_verified() -> None:
    certificate = material(issue(common_name="one"), "partner")
    lax = trust(validate_chain=False)
    backend = (ForwardRequest(30, HERE),)
    explanation = explain(
        state(certificate=certificate, trusts=lax, backend=backend, settings={"total_timeout": 90}),
        "GET",
        "/bank/accounts/7",
    )
    forwarded = explanation.forwarded
    assert forwarded is not None
    assert forwarded.certificate is not None
    assert forwarded.certificate.thumbprint == certificate.thumbprint
    assert forwarded.trust == lax
    assert (forwarded.timeouts.answer, forwarded.timeouts.read, forwarded.timeouts.total) == (30, None, 90)
    assert words(explanation) == [
        "Presents the client certificate partner (CN=one) to the back end.",
        "Forwards the call to https://bank.example and waits at most 30 s for the answer to begin.",
    ]


def test_of_statements_for_the_whole_call_the_last_one_counts() -> None:
    first, last = (SetBackendService(f"https://{name}.example/v", HERE) for name in ("one", "two"))
    explanation = explain(state(first, last), "GET", "/bank/accounts/7")
    assert words(explanation)[:2] == [
        "Nothing comes of it, because a later one counts.",
        "The back end is https://two.example/v.",
    ]
    assert explanation.forwarded is not None
    assert explanation.forwarded.url == "https://two.example/v/accounts/7"
    assert explanation.forwarded.fields[0] == ("host", "two.example")


@pytest.mark.parametrize(
    ("statement", "sent", "address", "code", "said"),
    [
        (CheckHeader("X-Key", 418, "No.", False, ("a", "b"), HERE), (), "", "header-check-failed",
         "The call has no X-Key with the value 'a' or 'b': it is refused with 418."),
        (IpFilter("forbid", (), (("192.0.2.1", "192.0.2.9"),), HERE), (), "192.0.2.5", "ip-forbidden",
         "Lets in all but callers from 192.0.2.1 to 192.0.2.9: 192.0.2.5 is refused."),
    ],
)  # fmt: skip
def test_a_call_that_is_refused_ends_there(
    statement: Statement, sent: Sequence[tuple[str, str]], address: str, code: str, said: str
) -> None:
    late = SetHeader("X-Late", "override", ("1",), HERE)
    explanation = explain(state(statement, late, outbound=(late,)), "GET", "/bank/accounts/7", sent, address)
    assert explanation.refused is not None
    assert explanation.refused.code == code
    assert [(s.words, s.reached, s.ends) for s in explanation.steps] == [
        (said, True, True),
        *[("Not reached.", False, False)] * 3,
    ]
    assert explanation.forwarded is None


@pytest.mark.wire
@pytest.mark.parametrize(
    ("method", "fields", "code"),
    [
        ("GET", [("X_Role", "admin")], "field-name-underscore"),
        ("GET", [("Expect", "the-best")], "expectation-failed"),
        ("GET", [("Connection", "upgrade"), ("Upgrade", "websocket")], "upgrade-unsupported"),
        ("GET", [("Via", ", ".join(["1.1 publisher-portal"] * 6))], "loop-detected"),
        ("GET", [("Content-Length", "11")], "request-too-large"),
        ("TRACE", [("Max-Forwards", "0")], "trace-unsupported"),
        ("OPTIONS", [("Max-Forwards", "0")], ""),
        ("OPTIONS", [("Max-Forwards", "2")], ""),
        ("HEAD", [], ""),
    ],
)
def test_a_call_that_no_statement_gets_to_see_is_answered_as_it_is_told(
    method: str, fields: list[tuple[str, str]], code: str
) -> None:
    operations = tuple((verb, "/accounts/{id}") for verb in ("GET", "TRACE", "OPTIONS", "HEAD"))
    answer = ReturnResponse(418, "", (), "tea", HERE)
    whole = snapshot(
        "http://127.0.0.1:1", inbound=(answer,), operations=operations, settings={"max_body_bytes": 10}
    )
    with running_engine(whole) as gateway:
        answered = gateway.call(method, "/bank/accounts/7", headers=dict(fields))
    explained = explain(build(whole), method, "/bank/accounts/7", fields)
    told_end = explained.refused or explained.answered
    assert told_end is not None
    assert told_end.status == answered.status
    assert answered.values("gateway-error") == ([code] if code else [])
    if explained.refused is not None:
        assert explained.refused.code == code
    if explained.answered is not None:
        assert explained.answered.body.encode() == answered.body


def test_what_the_gateway_is_set_to_leave_out_is_not_told() -> None:
    settings = EngineSettings(drops_underscores=True, private_cookies=frozenset((b"session",)))
    fields = [("X_Role", "admin"), ("Cookie", "session=1; a=2")]
    forwarded = explain(state(), "GET", "/bank/accounts/7", fields, settings=settings).forwarded
    assert forwarded is not None
    assert dict(forwarded.fields)["cookie"] == "a=2"
    assert "x_role" not in dict(forwarded.fields)


def test_without_an_address_filters_are_told_and_not_judged() -> None:
    explanation = explain(state(EVERYTHING[0]), "GET", "/bank/accounts/7")
    assert words(explanation)[0] == "Lets in only callers from 192.0.2.0/24: no address was given to judge."
    assert explanation.forwarded is not None


def test_a_bad_rewriting_is_told() -> None:
    explanation = explain(
        state(RewriteUri("/z/{y}/x", True, HERE), operations=(OPERATIONS[2],)), "GET", "/bank/other?x=.."
    )
    assert explanation.refused is not None
    assert explanation.refused.code == "bad-target"
    assert explanation.steps[0].ends


ANSWER = ReturnResponse(503, "Later", (SetHeader("X-A", "override", ("1",), HERE),), "body", HERE)
GIVEN = Answered(503, "Later", (("x-a", "1"),), "body")


def test_an_answer_of_a_policy_ends_the_call() -> None:
    explanation = explain(state(ANSWER, outbound=(ANSWER,)), "GET", "/bank/accounts/7")
    assert explanation.answered == GIVEN
    assert [(s.reached, s.ends) for s in explanation.steps] == [(True, True), (False, False), (False, False)]
    assert explanation.steps[0].words == "Answers 503 Later here and now; nothing behind it is executed."


def test_outbound_statements_are_told_for_whatever_the_back_end_answers() -> None:
    outbound = (
        SetHeader("Server", "delete", (), HERE),
        SetHeader("A", "skip", ("1", "2"), HERE),
        SetHeader("B", "append", ("1",), HERE),
        ANSWER,
        SetHeader("C", "override", ("1",), HERE),
    )
    explanation = explain(state(outbound=outbound), "GET", "/bank/accounts/7")
    assert words(explanation)[1:] == [
        "Deletes Server from the answer.",
        "Sets A of the answer to '1', '2', unless the back end did.",
        "Adds '1' to B of the answer.",
        "Answers 503 Later here and now; nothing behind it is executed.",
        "Not reached.",
    ]
    assert explanation.forwarded is not None


def test_without_forwarding_the_answer_is_empty() -> None:
    changed = SetHeader("X-A", "override", ("1",), HERE)
    explanation = explain(state(backend=(), outbound=(changed,)), "GET", "/bank/accounts/7")
    assert explanation.answered == Answered(200, "", (("x-a", "1"),), "")


def test_nothing_is_at_a_path() -> None:
    explanation = explain(state(), "GET", "/nowhere")
    assert (explanation.api, explanation.operations) == (None, ())
    assert explanation.refused is not None
    assert (explanation.refused.status, explanation.refused.detail) == (404, "No API is at this path.")


def test_where_no_operation_matches_those_that_exist_are_told() -> None:
    explanation = explain(state(), "PUT", "/bank/accounts/7")
    assert explanation.api is not None
    assert [one.key for one in explanation.operations] == [
        "GET /accounts/{id}", "POST /accounts/{id}", "GET /other?x={y}",
    ]  # fmt: skip
    assert explanation.matching == 2
    assert explain(state(), "GET", "/bank/other").matching == 0
    other = explain(state(), "PUT", "/bank/other?x=1")
    assert (other.operations[0].key, other.matching) == ("GET /other?x={y}", 1)


@pytest.mark.parametrize("target", ["/bank/../x", "bank", "/bä", "/a b", ""])
def test_an_address_that_is_not_taken(target: str) -> None:
    refused = explain(state(), "GET", target).refused
    assert refused is not None
    assert (refused.status, refused.code) == (400, "")


def test_a_policy_that_cannot_be_executed_says_why() -> None:
    broken = state(AuthenticationCertificate("missing", HERE))
    refused = explain(broken, "GET", "/bank/accounts/7").refused
    assert refused is not None
    assert (refused.code, refused.detail) == ("client-certificate-unusable", "the certificate is not there")


def test_what_a_subscription_key_is_good_for() -> None:
    keyed = state(subscriptions=(subscription("good"),))
    needed = explain(keyed, "GET", "/bank/accounts/7").subscription
    assert needed == "A subscription key is needed: of a subscription to this API, or to all APIs."
    assert "subscription good" in explain(keyed, "GET", "/bank/accounts/7?subscription-key=good").subscription
    sent = [("Ocp-Apim-Subscription-Key", "bad")]
    assert "401" in explain(keyed, "GET", "/bank/accounts/7", sent).subscription
    assert explain(state(), "GET", "/bank/accounts/7").subscription == "No subscription key is needed."


@pytest.mark.wire
def test_what_is_told_is_what_is_sent() -> None:
    inbound = (*EVERYTHING[4:8], *EVERYTHING[9:10], SetQueryParameter("p", "append", ("ä",), HERE))
    sent = {"Accept": "*/*", "X-Mine": "1"}
    with BackEnd() as back_end:
        whole = snapshot(back_end.url, inbound=inbound, operations=OPERATIONS, backend=(FORWARD,))
        with running_engine(whole) as gateway:
            gateway.call(
                "GET", "/bank/accounts/7?q=1", headers={**sent, "Host": "g.example", "Accept-Encoding": "x"}
            )
        forwarded = explain(
            build(whole),
            "GET",
            "/bank/accounts/7?q=1",
            [*sent.items(), ("Host", "g.example"), ("Accept-Encoding", "x")],
            "127.0.0.1",
        ).forwarded
    assert forwarded is not None
    (seen,) = back_end.seen
    assert forwarded.url == back_end.url + seen.target
    told_fields = sorted(field for field in forwarded.fields if field[0] != "x-forwarded-proto")
    assert told_fields == sorted(field for field in seen.fields if field[0] != "x-forwarded-proto")
