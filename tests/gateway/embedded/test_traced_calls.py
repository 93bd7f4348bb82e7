"""What the trace of a call tells, and which calls have one."""

import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from gateway.embedded.traced import watching
from gateway.snapshot import CheckHeader, IpFilter, ReturnResponse, SetHeader, SetQueryParameter
from tests.back_end import BackEnd, Connection, Seen, show
from tests.pki import Authority, Issued, make_ca
from tests.snapshots import FORWARD, HERE, material, snapshot, subscription, trust
from tests.traces import KEY, TracedEngine, entries, found, messages, spans, traced_engine

pytestmark = pytest.mark.wire
LOCATION = "ocp-apim-trace-location"


@pytest.fixture(scope="module")
def engine() -> Iterator[TracedEngine]:
    with traced_engine() as engine:
        yield engine


@pytest.fixture
def back_end() -> Iterator[BackEnd]:
    with BackEnd() as back_end:
        yield back_end


@pytest.fixture
def tls(ca: Authority, server: Issued) -> Iterator[BackEnd]:
    with BackEnd(server, ca) as back_end:
        yield back_end


# --- Which calls ------------------------
@pytest.mark.parametrize("value", ["true", "True", " TRUE "])
def test_a_call_that_asks_is_told_where_its_trace_is(
    engine: TracedEngine, back_end: BackEnd, value: str
) -> None:
    engine.apply(back_end.url)
    answer = engine.call(headers={"Ocp-Apim-Trace": value})
    assert answer.values(LOCATION) == [f"https://portal.example/traces/{engine.next()['traceId']}"]
    assert not back_end.seen[0].values("ocp-apim-trace")


@pytest.mark.parametrize("headers", [{}, {"Ocp-Apim-Trace": "false"}, {"Ocp-Apim-Trace": "1"}])
def test_others_are_not_traced(engine: TracedEngine, back_end: BackEnd, headers: dict[str, str]) -> None:
    engine.apply(back_end.url)
    answer = engine.call(headers=headers)
    assert answer.status == 200
    assert not answer.values(LOCATION)
    assert engine.nothing
    assert not back_end.seen[0].values("ocp-apim-trace")


def test_nor_are_those_of_other_subscriptions_or_without_a_key(
    engine: TracedEngine, back_end: BackEnd
) -> None:
    headers = {"Ocp-Apim-Trace": "true", "Ocp-Apim-Subscription-Key": "another"}
    engine.gateway.apply(snapshot(back_end.url, subscriptions=(subscription("another"),)))
    statuses = [engine.gateway.call(headers=headers).status]
    statuses.append(engine.gateway.call(headers={**headers, "Ocp-Apim-Subscription-Key": "wrong"}).status)
    engine.gateway.apply(snapshot(back_end.url))
    statuses.append(engine.gateway.call(headers={"Ocp-Apim-Trace": "true"}).status)
    assert statuses == [200, 401, 200]
    assert engine.nothing


def test_nor_are_calls_for_whose_traces_there_is_no_room(engine: TracedEngine, back_end: BackEnd) -> None:
    engine.apply(back_end.url)
    engine.traces.room = False
    try:
        answer = engine.call(headers={"Ocp-Apim-Trace": "true"})
    finally:
        engine.traces.room = True
    assert (answer.status, answer.values(LOCATION)) == (200, [])
    assert engine.nothing


def test_a_back_end_cannot_say_where_a_trace_is(engine: TracedEngine, back_end: BackEnd) -> None:
    back_end.behave = lambda connection, _: connection.answer(
        b"", "Ocp-Apim-Trace-Location: https://evil.example"
    )
    engine.apply(back_end.url)
    assert not engine.call().values(LOCATION)


# --- Which facts ------------------------
def test_a_trace_says_which_operation_and_key_it_is_and_what_statements_do(
    engine: TracedEngine, back_end: BackEnd
) -> None:
    inbound = (SetHeader("X-A", "override", ("1",), HERE), SetQueryParameter("b", "append", ("2",), HERE))
    engine.apply(back_end.url, inbound=inbound, operations=(("GET", "/accounts/{id}"),),
                 outbound=(SetHeader("Server", "override", ("none",), HERE),))  # fmt: skip
    back_end.behave = lambda connection, _: connection.answer(b"{}", "Server: nginx")
    document = engine.traced("GET", "/bank/accounts/7?x=y")
    assert document["operation"] == {
        "id": "get",
        "name": "GET",
        "method": "GET",
        "uriTemplate": "/accounts/{id}",
    }
    assert (document["api"], document["subscription"]) == ({"id": "bank", "name": "Bank"}, {"id": "partner"})
    assert found(document, "configuration")["values"] == {"id": "7"}
    assert messages(document, "inbound")[-2:] == [
        "Sets X-A to '1'.",
        "Adds the query parameter b with '2': the address is now /accounts/7?x=y&b=2",
    ]
    assert messages(document, "outbound", "set-header") == ["Sets Server to 'none' instead of 'nginx'."]
    assert (
        entries(document, "outbound", "set-header")[0] | {"scope": "api", "line": 1}
        == entries(document, "outbound", "set-header")[0]
    )
    assert document["outcome"]["status"] == 200


def test_a_new_connection_and_the_same_one_again(
    engine: TracedEngine, tls: BackEnd, ca: Authority, client: Issued, server: Issued
) -> None:
    engine.apply(tls.url, certificate=material(client), trusts=trust(ca))
    first, second = engine.traced(), engine.traced()
    made, again = found(first, "connection"), found(second, "connection")
    assert (made["reused"], made["calls"], made["address"]) == (False, 1, "127.0.0.1")
    assert (again["reused"], again["calls"], again["madeAt"]) == (True, 2, made["madeAt"])
    assert again["age"] > 0
    assert (made["tlsVersion"], again["tlsVersion"]) == ("TLS 1.3", "TLS 1.3")
    assert min(made["resolvedIn"], made["connectedIn"], made["handshakeIn"]) > 0
    assert {"connecting", "handshake", "sending", "back-end"} <= set(spans(first))
    assert "handshake" not in spans(second)
    assert ("loading" in spans(first), "loading" in spans(second)) == (True, False)
    for document in (first, second):
        assert found(document, "backEndCertificates")[0]["thumbprint"] == server.thumbprint
        assert found(document, "certificate") | {"asked": True, "thumbprint": client.thumbprint} == found(
            document, "certificate"
        )
    assert "Certificate was attached to request per configuration." in messages(
        first, "backend", "authentication-certificate"
    )


def test_of_a_connection_that_an_untraced_call_made_nobody_knows_whether_a_certificate_was_asked_for(
    engine: TracedEngine, tls: BackEnd, ca: Authority, client: Issued
) -> None:
    engine.apply(tls.url, certificate=material(client), trusts=trust(ca))
    engine.call()
    document = engine.traced()
    assert found(document, "connection")["reused"]
    assert found(document, "certificate")["asked"] is None
    assert len(found(document, "backEndCertificates")) == 2


def test_a_back_end_that_asks_for_no_certificate(
    engine: TracedEngine, ca: Authority, server: Issued, client: Issued
) -> None:
    with BackEnd(server) as back_end:
        engine.apply(back_end.url, certificate=material(client), trusts=trust(ca))
        document = engine.traced()
    assert found(document, "certificate")["asked"] is False
    assert messages(document, "backend", "authentication-certificate")[0].endswith("It was not presented.")


def test_a_certificate_is_not_presented_to_a_back_end_that_is_not_trusted(
    engine: TracedEngine, tls: BackEnd, client: Issued
) -> None:
    engine.apply(tls.url, certificate=material(client), trusts=trust(make_ca("Other CA")))
    told = messages(engine.traced(), "backend", "authentication-certificate")
    assert told == ["Certificate was attached to request per configuration. It was not presented."]


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_nobody_listens_to_other_calls_over_a_connection_that_a_traced_one_made(
    engine: TracedEngine, ca: Authority, server: Issued, client: Issued, monkeypatch: pytest.MonkeyPatch,
    newest: ssl.TLSVersion,
) -> None:  # fmt: skip
    heard: list[str] = []
    listen = watching._listen

    def listener(sock: Any, direction: str, *arguments: Any) -> None:
        heard.append(direction)
        listen(sock, direction, *arguments)

    monkeypatch.setattr(watching, "_listen", listener)
    with BackEnd(server, ca, newest=newest) as back_end:
        engine.apply(back_end.url, certificate=material(client), trusts=trust(ca))
        engine.traced()
        before = len(heard)
        assert before > 5
        answers = [engine.call("POST", body="x" * 200000).json for _ in range(3)]
    assert len(heard) == before
    assert {answer["connection"] for answer in answers} == {1}
    assert {len(answer["body"]) for answer in answers} == {200000}
    assert {answer["client_certificate"]["thumbprint"] for answer in answers} == {client.thumbprint}


def test_a_request_that_is_sent_again_over_a_fresh_connection(
    engine: TracedEngine, back_end: BackEnd
) -> None:
    def behave(connection: Connection, seen: Seen) -> None:
        if seen.target.endswith("stale") and connection.number == 1:
            connection.close()
        else:
            show(connection, seen)

    back_end.behave = behave
    engine.apply(back_end.url)
    engine.call()
    document = engine.traced("GET", "/bank/stale")
    assert [data["reused"] for data in (e["connection"] for e in entries(document) if "connection" in e)] == [
        True,
        False,
    ]
    assert any("once more, over a new one" in message for message in messages(document, "backend"))
    assert document["outcome"]["status"] == 200


def test_spans_are_in_order_and_do_not_overlap(
    engine: TracedEngine, tls: BackEnd, ca: Authority, client: Issued
) -> None:
    engine.apply(tls.url, certificate=material(client), trusts=trust(ca))
    document = engine.traced("POST", body=b"x" * 500000)
    assert spans(document)[0] == "gateway"
    assert all(
        one["start"] + one["seconds"] <= other["start"] + 2e-6 for one, other in pairwise(document["spans"])
    )
    last = document["spans"][-1]
    assert last["start"] + last["seconds"] <= document["seconds"] + 2e-6
    assert all(
        entry["elapsed"] < "00:00:10" for found in document["traceEntries"].values() for entry in found
    )


# --- Calls of all kinds ------------------------
def test_a_body_in_parts_and_a_streamed_answer(engine: TracedEngine, back_end: BackEnd) -> None:
    back_end.behave = lambda connection, seen: connection.answer(b"y" * 600000)
    engine.apply(back_end.url)
    parts = iter([b"a" * 100000, b"b" * 100000])
    with engine.gateway.connect() as kept:
        document = engine.traced("POST", body=parts, encode_chunked=True, connection=kept)
    sent, came = (
        data["bytes"] for data in entries(document, "backend", "forward-request") if "bytes" in data
    )
    assert (sent, came) == (200000, 600000)
    assert entries(document, "outbound")[-1] == {
        "message": "Response body streaming to the caller is complete.", "bytes": 600000
    }  # fmt: skip


def test_head(engine: TracedEngine, back_end: BackEnd) -> None:
    engine.apply(back_end.url)
    document = engine.traced("HEAD")
    assert (document["operation"]["method"], document["outcome"]["status"]) == ("HEAD", 200)
    assert entries(document, "outbound")[-1]["bytes"] == 0


def test_max_forwards(engine: TracedEngine, back_end: BackEnd) -> None:
    engine.apply(back_end.url, inbound=(SetHeader("X-A", "override", ("1",), HERE),))
    document = engine.traced("OPTIONS", headers={"Max-Forwards": "0"})
    assert "Max-Forwards is 0: the call goes no further than here." in messages(document, "inbound")
    assert messages(document, source="set-header") == ["Not reached."]
    assert (document["outcome"]["status"], back_end.seen) == (200, [])


def test_an_answer_of_a_policy(engine: TracedEngine, back_end: BackEnd) -> None:
    answer = ReturnResponse(204, "Done", (), "", HERE)
    engine.apply(back_end.url, inbound=(answer, SetHeader("X-A", "override", ("1",), HERE)))
    document = engine.traced()
    assert messages(document, "inbound")[-2:] == [
        "Answers 204 Done here and now; nothing behind it is executed.", "Not reached."
    ]  # fmt: skip
    assert messages(document, "backend") == ["Not reached."]
    assert document["outcome"]["status"] == 204
    assert spans(document)[0] == "gateway"


def test_an_answer_of_a_policy_instead_of_the_back_ends(engine: TracedEngine, back_end: BackEnd) -> None:
    outbound = (ReturnResponse(503, "", (), "no", HERE), SetHeader("X-A", "override", ("1",), HERE))
    engine.apply(back_end.url, outbound=outbound)
    document = engine.traced()
    assert messages(document, "outbound")[0] == "Answers 503 here and now; nothing behind it is executed."
    assert messages(document, "outbound")[-1] == "Not reached."
    assert found(document, "response")["status"] == 503
    assert (document["outcome"]["status"], document["outcome"]["failedBy"]) == (503, "policy")


def test_no_forward_request(engine: TracedEngine, back_end: BackEnd) -> None:
    engine.apply(back_end.url, backend=(), outbound=(SetHeader("X-A", "override", ("1",), HERE),))
    document = engine.traced()
    assert messages(document, "outbound", "set-header") == ["Sets X-A of the answer to '1'."]
    assert (document["outcome"]["status"], back_end.seen) == (200, [])


def test_a_caller_that_leaves(engine: TracedEngine, back_end: BackEnd) -> None:
    arrived, left = threading.Event(), threading.Event()

    def behave(connection: Connection, seen: Seen) -> None:
        arrived.set()
        assert left.wait(10)

    back_end.behave = behave
    engine.apply(back_end.url)
    with socket.create_connection(("127.0.0.1", engine.gateway.port)) as caller:
        key = f"Ocp-Apim-Subscription-Key: {KEY}\r\nOcp-Apim-Trace: true"
        caller.sendall(f"GET /bank/x HTTP/1.1\r\nHost: x\r\n{key}\r\n\r\n".encode())
        assert arrived.wait(10)
        time.sleep(0.1)  # until the gateway waits: the back end has the request a moment earlier
    document = engine.next()
    left.set()
    assert (document["outcome"]["status"], document["outcome"]["failedBy"]) == (0, "caller")
    assert messages(document, "backend")[-1] == "The caller left."
    assert spans(document)[-1] in ("sending", "back-end")  # whose thread may not have come any further


def test_a_back_end_that_breaks_off_in_its_answer(engine: TracedEngine, back_end: BackEnd) -> None:
    def behave(connection: Connection, seen: Seen) -> None:
        connection.write(b"HTTP/1.1 200 OK\r\nContent-Length: 900000\r\n\r\n" + b"x" * 400000)
        connection.end()

    back_end.behave = behave
    engine.apply(back_end.url)
    with pytest.raises(Exception):  # noqa: B017, PT011 - what http.client says of it is its own
        engine.traced()
    document = engine.next()
    assert messages(document, "outbound")[-1] == "The answer was left unfinished."
    assert document["outcome"]["message"] == "The back end closed the connection in the middle of its answer."
    assert (document["outcome"]["code"], document["outcome"]["verdict"]) == ("back-end-closed", "closed")


# --- Failures that no connection has to do with ------------------------
FAILURES: list[tuple[str, dict[str, Any], dict[str, str], str]] = [
    ("policy-unusable", {"problem": "a secret is gone"}, {}, "handler"),
    ("field-name-underscore", {}, {"X_B": "1"}, "handler"),
    ("ip-forbidden", {"inbound": (IpFilter("forbid", ("127.0.0.1",), (), HERE),)}, {}, "ip-filter"),
    (
        "header-check-failed",
        {"inbound": (CheckHeader("X-C", 403, "no", False, (), HERE),)},
        {},
        "check-header",
    ),
    ("api-unusable", {"settings": {"problem": "broken"}}, {}, "handler"),
    ("client-certificate-needs-https", {}, {}, "handler"),
]


@pytest.mark.parametrize(
    ("code", "configured", "headers", "source"), FAILURES, ids=[each[0] for each in FAILURES]
)
def test_a_failure_is_told(
    engine: TracedEngine, back_end: BackEnd, client: Issued, code: str, configured: dict[str, Any],
    headers: dict[str, str], source: str,
) -> None:  # fmt: skip
    if code == "client-certificate-needs-https":
        configured = {"certificate": material(client)}
    engine.apply(back_end.url, **configured)
    document = engine.traced(headers=headers)
    (data,) = [data for data in entries(document, "inbound", source) if "failure" in data]
    assert (data["failure"]["code"], document["outcome"]["code"]) == (code, code)
    assert document["outcome"]["detail"] == data["failure"]["detail"]
    words = (document["outcome"]["verdict"], document["outcome"]["message"])
    assert bool(words[0]) == bool(words[1]) == (code == "client-certificate-needs-https")
    assert set(messages(document, "backend")) <= {"Not reached."}


def test_a_busy_api_is_told(back_end: BackEnd) -> None:
    arrived, go_on = threading.Event(), threading.Event()

    def behave(connection: Connection, seen: Seen) -> None:
        arrived.set()
        assert go_on.wait(10)
        show(connection, seen)

    back_end.behave = behave
    with traced_engine() as engine:
        engine.apply(back_end.url, settings={"max_calls": 1})
        first = threading.Thread(target=engine.call)
        first.start()
        assert arrived.wait(10)
        document = engine.traced()
        go_on.set()
        first.join()
    assert (document["outcome"]["status"], document["outcome"]["code"]) == (503, "api-busy")


def test_a_document_is_bounded(engine: TracedEngine, back_end: BackEnd) -> None:
    many = tuple(SetHeader(f"X-{n}", "override", ("v" * 30,), HERE) for n in range(240))
    lines = [f"X-Back-{n}: {'ü' * 600}" for n in range(90)]
    back_end.behave = lambda connection, _: connection.answer(b"", *lines)
    engine.apply(back_end.url, backend=(*many, FORWARD))
    document = engine.traced(headers={"X-Long": "x" * 30000})
    assert len(json.dumps(document)) <= 262144
    assert "more entries are not shown." in messages(document, "backend")[-1]
    assert document["outcome"]["status"] == 200


def test_of_statements_that_take_long_to_tell_some_are_told(engine: TracedEngine, back_end: BackEnd) -> None:
    many = tuple(SetQueryParameter(f"p{n}", "append", ("v",), HERE) for n in range(200))
    last = CheckHeader("X-Last", 401, "no", False, (), HERE)
    engine.apply(back_end.url, inbound=(*many, last))
    document = engine.traced("GET", f"/bank/x?{'q' * 50_000}")
    told = messages(document, "inbound")
    assert len(told) < 20
    assert "those from here on were executed and are not described (1" in told[-2]
    assert told[-1] == "The call has no X-Last: it is refused with 401."
    engine.apply(back_end.url, inbound=many)
    assert len(messages(engine.traced(), "inbound", "set-query-parameter")) > 50
    assert back_end.seen[-1].target.endswith("&p199=v")


def test_of_an_answer_with_megabytes_of_fields_their_names_are_told(
    engine: TracedEngine, back_end: BackEnd
) -> None:
    lines = [f"X-{n}: {'y' * 3000}" for n in range(50)]
    back_end.behave = lambda connection, _: connection.answer(b"", *lines)
    engine.apply(back_end.url)
    document = engine.traced()
    for head in (found(document, "response"), entries(document, "backend")[-1]["response"]):
        assert {"name": "x-7", "value": "(not shown: too long)"} in head["headers"]


def test_very_many_statements_are_executed_as_for_any_call(engine: TracedEngine, back_end: BackEnd) -> None:
    many = (SetHeader("X-Set", "append", ("v",), HERE),) * 251
    engine.apply(back_end.url, inbound=many, outbound=many)
    document = engine.traced()
    assert not messages(document, source="set-header")
    assert "(503 in all)" in messages(document, "inbound")[-1]
    assert back_end.seen[-1].values("x-set") == [", ".join(["v"] * 251)]
    refused = CheckHeader("X-A", 401, "no", False, (), HERE)
    engine.apply(back_end.url, inbound=(*many, refused))
    outcome = engine.traced()["outcome"]
    assert (outcome["status"], outcome["code"]) == (401, "header-check-failed")


def test_an_entry_is_cut_but_shows_what_fits(engine: TracedEngine, back_end: BackEnd) -> None:
    engine.apply(back_end.url)
    document = engine.traced(headers={"X-Long": "x" * 30000})
    sent = entries(document, "inbound", "handler")[0]["request"]["headers"]
    assert [field["value"] for field in sent if field["name"] == "x-long"] == ["x" * 4000 + "..."]
