"""Policies on real connections: what callers and back ends see of statements."""

import gc
import json
import threading
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import pytest
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from gateway.embedded.record import CallRecord
from gateway.snapshot import (
    AuthenticationBasic,
    CheckHeader,
    IpFilter,
    ReturnResponse,
    RewriteUri,
    Secret,
    SetBackendService,
    SetHeader,
    SetQueryParameter,
    Statement,
)
from tests.back_end import BackEnd, Connection, Seen, show
from tests.pki import Authority, Issued, issue, make_ca
from tests.running_engine import Answer, RunningEngine, running_engine, wait_until
from tests.snapshots import FORWARD, HERE, material, snapshot, trust

pytestmark = pytest.mark.wire

MEGABYTE = b"x" * 1024 * 1024


class Policies:
    """A gateway in front of one back end; `under` runs the next calls under other statements."""

    def __init__(self, gateway: RunningEngine, back_end: BackEnd) -> None:
        self.gateway = gateway
        self.back_end = back_end
        self.records: list[CallRecord] = []
        self._revision = 1
        gateway.engine.observers.append(self.records.append)

    def under(self, *inbound: Statement, **values: Any) -> RunningEngine:
        self._revision += 1
        self.back_end.behave = show
        self.back_end.seen.clear()
        self.records.clear()
        url = values.pop("url", f"{self.back_end.url}/base")
        self.gateway.apply(snapshot(url, inbound=inbound, revision=self._revision, **values))
        return self.gateway

    def record(self) -> CallRecord:
        wait_until(lambda: bool(self.records))
        return self.records[-1]


@pytest.fixture(scope="module")
def policies() -> Iterator[Policies]:
    with BackEnd() as back_end, running_engine() as gateway:
        yield Policies(gateway, back_end)


def header(name: str, action: str = "override", *values: str | Secret) -> SetHeader:
    return SetHeader(name, action, values, HERE)


def returning(status: int = 200, body: str = "", *headers: SetHeader, reason: str = "") -> ReturnResponse:
    return ReturnResponse(status, reason, headers, body, HERE)


CHECK = CheckHeader("X-Key", 401, "Not today.", False, ("open",), HERE)


def test_statements_run_in_their_order_on_what_is_forwarded(policies: Policies) -> None:
    gateway = policies.under(
        header("X-First", "override", "1"),
        header("X-First", "append", "2"),
        SetQueryParameter("a", "override", ("9",), HERE),
        RewriteUri("/other?b=1", True, HERE),
        SetQueryParameter("c", "append", (Secret(b"s s"),), HERE),
        header("X-Forwarded-For", "delete"),
        header("Authorization", "override", "replaced"),
        AuthenticationBasic("user", Secret(b"password"), HERE),
        backend=(header("X-Last", "override", Secret(b"shared")), FORWARD),
    )
    headers = {"X-First": "0", "Authorization": "caller's"}
    assert gateway.call("POST", "/bank/x?a=1&d=2", b"body", headers).status == 200
    (seen,) = policies.back_end.seen
    assert (seen.target, seen.body) == ("/base/other?b=1&a=9&d=2&c=s%20s", b"body")
    assert seen.values("x-first") == ["1, 2"]
    assert seen.values("x-last") == ["shared"]
    assert seen.values("authorization") == ["Basic " + b64encode(b"user:password").decode()]
    assert not seen.values("x-forwarded-for")


def test_authorization_of_the_caller_is_handed_on_unless_a_statement_replaces_it(policies: Policies) -> None:
    policies.under().call(headers={"Authorization": "Bearer mine"})
    assert policies.back_end.seen[0].values("authorization") == ["Bearer mine"]


def test_host_is_replaced_once(policies: Policies) -> None:
    policies.under(header("Host", "override", "virtual.example")).call()
    assert policies.back_end.seen[0].values("host") == ["virtual.example"]


def test_another_base_url_is_called_with_its_path_and_host(policies: Policies) -> None:
    with BackEnd() as other:
        policies.under(SetBackendService(f"{other.url}/v2", HERE)).call(target="/bank/x?y")
    assert not policies.back_end.seen
    assert other.seen[0].target == "/v2/x?y"
    assert other.seen[0].values("host") == [f"localhost:{other.port}"]


def test_another_back_end_is_validated_and_gets_the_certificate(
    policies: Policies, ca: Authority, server: Issued, client: Issued
) -> None:
    lax = trust(ca, validate_chain=False, validate_name=False)
    with BackEnd(server, clients=ca) as trusted, BackEnd(issue(make_ca("Other CA"))) as stranger:
        values = {"url": "https://own.example", "certificate": material(client), "trusts": lax}
        gateway = policies.under(SetBackendService(trusted.url, HERE), **values)
        assert gateway.call().json["client_certificate"]["thumbprint"] == client.thumbprint
        gateway = policies.under(SetBackendService(stranger.url, HERE), **values)
        assert gateway.call().json["code"] == "back-end-certificate-untrusted"


def test_the_answers_fields_are_changed_and_its_body_streams_on(policies: Policies) -> None:
    gateway = policies.under(
        outbound=(
            header("Server", "delete"),
            header("X-Out", "override", "1"),
            header("Set-Cookie", "append", "b=2"),
        )
    )
    policies.back_end.behave = lambda connection, _: connection.answer(
        MEGABYTE, "Server: x", "Set-Cookie: a=1"
    )
    answer = gateway.call()
    assert answer.body == MEGABYTE
    assert (answer.values("server"), answer.values("x-out")) == ([], ["1"])
    assert answer.values("set-cookie") == ["a=1", "b=2"]


@pytest.mark.parametrize("section", ["inbound", "backend"])
def test_an_answer_of_a_policy_asks_nothing_of_a_back_end(policies: Policies, section: str) -> None:
    answering = returning(503, "später", header("Content-Type", "override", "text/plain"), reason="Not now")
    sections = (
        {"inbound": (answering,), "backend": (FORWARD,)}
        if section == "inbound"
        else {"backend": (answering, FORWARD)}
    )
    gateway = policies.under(
        *sections.get("inbound", ()), backend=sections["backend"], settings={"max_calls": 1}
    )
    with gateway.connect() as connection:
        for _ in range(2):
            connection.request("GET", "/bank/x")
            answer = connection.getresponse()
            assert (answer.status, answer.reason, answer.read()) == (503, "Not now", "später".encode())
            assert answer.getheader("Content-Type") == "text/plain"
            assert answer.getheader("Date")
            assert answer.getheader("Gateway-Error") is None
    assert not policies.back_end.seen
    record = policies.record()
    assert (record.status, record.failed_by, record.code, record.connected) == (503, "policy", "", False)


def test_an_answer_of_a_policy_below_500_is_nobodys_failure(policies: Policies) -> None:
    assert policies.under(returning(404, "gone")).call().status == 404
    assert policies.record().failed_by == ""


@pytest.mark.parametrize(("status", "lengths"), [(204, []), (304, []), (205, ["0"]), (200, ["4"])])
def test_head_and_statuses_without_content(policies: Policies, status: int, lengths: list[str]) -> None:
    for placed in ({"inbound": True}, {"inbound": False}):
        answering = returning(status, "body")
        inbound = (answering,) if placed["inbound"] else ()
        gateway = policies.under(*inbound, outbound=() if inbound else (answering,))
        with gateway.connect() as connection:
            for method in ("HEAD", "GET", "HEAD"):
                answer = gateway.call(method, connection=connection)
                assert (answer.status, answer.values("content-length")) == (status, lengths)
                assert answer.body == (b"body" if method == "GET" and status == 200 else b"")
        wait_until(lambda: len(policies.records) == 3)
        assert policies.records[0].sent == 0


def test_a_body_that_nobody_reads_ends_the_connection(policies: Policies) -> None:
    for statement in (returning(200, "hello"), CHECK):
        gateway = policies.under(statement)
        head = b"POST /bank/x HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nbegin"
        answer = gateway.raw(head)
        assert b"connection: close" in answer.lower()
        assert answer.count(b"HTTP/1.1") == 1
    assert not policies.back_end.seen


def test_a_small_body_may_be_refused_and_the_next_call_still_works(policies: Policies) -> None:
    gateway = policies.under(CHECK)
    assert gateway.call("POST", body=b"small").status == 401
    assert gateway.call("POST", body=b"small", headers={"X-Key": "open"}).json["body"] == "small"


def test_what_stands_before_an_answer_may_still_refuse_the_call(policies: Policies) -> None:
    gateway = policies.under(CHECK, returning(200, "hello"))
    assert gateway.call().status == 401
    assert gateway.call(headers={"X-Key": "open"}).body == b"hello"


def test_an_outbound_answer_replaces_all_of_the_back_ends(policies: Policies) -> None:
    gateway = policies.under(
        outbound=(header("X-Lost", "override", "1"), returning(200, "own"), header("X-Late", "override", "1"))
    )
    policies.back_end.behave = lambda connection, _: connection.answer(
        b"theirs", "X-Theirs: 1", status="500 No"
    )
    with gateway.connect() as connection:
        for _ in range(3):
            answer = gateway.call(connection=connection)
            assert (answer.status, answer.body) == (200, b"own")
            assert not [name for name, _ in answer.fields if name.startswith("X-")]
    assert policies.record().failed_by == ""
    assert len(policies.back_end.seen) == 3


def test_an_answer_under_way_is_given_up_where_a_policy_replaces_it(policies: Policies) -> None:
    given_up = threading.Event()

    def endless(connection: Connection, _: Seen) -> None:
        connection.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            while True:
                connection.write(b"400\r\n" + b"x" * 1024 + b"\r\n")
        except OSError:
            given_up.set()
            raise

    gateway = policies.under(outbound=(returning(503, "own"),))
    policies.back_end.behave = endless
    with gateway.connect() as connection:
        assert gateway.call("POST", body=b"all of it", connection=connection).body == b"own"
        policies.back_end.behave = show
        assert gateway.call(connection=connection).body == b"own"
    assert given_up.wait(5)
    wait_until(lambda: gateway.engine.calls == 0)
    assert [record.failed_by for record in policies.records] == ["policy", "policy"]


def test_a_streamed_upload_meets_an_outbound_answer(policies: Policies) -> None:
    gateway = policies.under(outbound=(returning(200, "own"),))
    parts = iter([b"a" * 70000, b"b" * 70000, b"c"])
    answer = gateway.call("PUT", body=parts, encode_chunked=True, headers={"Transfer-Encoding": "chunked"})
    assert answer.body == b"own"
    assert len(policies.back_end.seen[0].body) == 140001


def test_without_forwarding_outbound_statements_are_done_to_an_empty_answer(policies: Policies) -> None:
    answer = policies.under(backend=(), outbound=(header("X-Out", "override", "1"),)).call()
    assert (answer.status, answer.body, answer.values("x-out")) == (200, b"", ["1"])
    assert not policies.back_end.seen


def _refusal(answer: Answer) -> tuple[int, str, list[str]]:
    return answer.status, answer.body.decode(), answer.values("gateway-error")


def test_a_failed_check_is_the_callers_failure_whatever_its_status(policies: Policies) -> None:
    gateway = policies.under(CheckHeader("X-Key", 503, 'Say "please".', False, (), HERE))
    body = '{ "statusCode": 503, "message": "Say \\"please\\"." }'
    assert _refusal(gateway.call()) == (503, body, ["header-check-failed"])
    record = policies.record()
    assert (record.status, record.failed_by, record.code) == (503, "caller", "header-check-failed")
    assert gateway.call(headers={"X-Key": ""}).status == 200
    assert len(policies.back_end.seen) == 1


def test_a_caller_from_elsewhere_is_refused(policies: Policies) -> None:
    gateway = policies.under(IpFilter("forbid", ("127.0.0.0/8",), (), HERE))
    body = '{ "statusCode": 403, "message": "Forbidden" }'
    assert _refusal(gateway.call()) == (403, body, ["ip-forbidden"])
    assert policies.record().failed_by == "caller"
    assert policies.under(IpFilter("allow", ("127.0.0.1/32",), (), HERE)).call().status == 200


def test_a_call_is_made_once_more_with_what_its_policy_made_of_it(policies: Policies) -> None:
    gateway = policies.under(header("X-Set", "override", "1"), SetQueryParameter("q", "append", ("1",), HERE))
    with gateway.connect() as connection:
        policies.back_end.behave = lambda connection, _: (connection.answer(b""), connection.close())[1]
        gateway.call(connection=connection)
        wait_until(lambda: policies.back_end.open == 0)
        policies.back_end.behave = show
        answer = gateway.call(target="/bank/again", connection=connection)
    assert (answer.status, answer.json["target"]) == (200, "/base/again?q=1")
    assert ["x-set", "1"] in json.loads(answer.body)["headers"]


def test_an_answer_to_http_1_0_ends_with_its_length(policies: Policies) -> None:
    answer = policies.under(returning(200, "hello", reason="Fine")).raw(b"GET /bank/x HTTP/1.0\r\n\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.split(b"\r\n")[0].endswith(b" 200 Fine")
    assert body == b"hello"


def test_pipelined_calls_get_a_reason_each_of_their_own(policies: Policies) -> None:
    gateway = policies.under(returning(299, "", reason="Mine"))
    call = b"GET /bank/x HTTP/1.1\r\nHost: x\r\n\r\n"
    other = b"GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    answer = gateway.raw(call + call + other)
    lines = [line for line in answer.split(b"\r\n") if line.startswith(b"HTTP/")]
    assert lines == [b"HTTP/1.1 299 Mine", b"HTTP/1.1 299 Mine", b"HTTP/1.1 404 Not Found"]


def _cycles() -> int:
    # Not isinstance(), which asks lazy objects of other tests what they are
    return sum(type(each) is RequestResponseCycle for each in gc.get_objects())


def test_calls_leave_nothing_to_the_garbage_collector(policies: Policies) -> None:
    forwarding, answering = (), (returning(299, "own", reason="Mine"),)
    gc.collect()
    gc.disable()
    try:
        for statements in (forwarding, answering):
            gateway, before = policies.under(*statements), _cycles()
            with gateway.connect() as connection:
                for _ in range(10):
                    gateway.call(connection=connection)
                wait_until(lambda most=before + 1: _cycles() <= most)  # type: ignore[misc]
    finally:
        gc.enable()
