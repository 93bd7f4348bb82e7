"""A client certificate that expires while the gateway runs: presented and marked, or refused."""

import logging
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.embedded.expired import ExpiredCertificates
from gateway.embedded.explain import explain
from gateway.embedded.explanation import Explanation
from gateway.embedded.record import CallRecord
from gateway.embedded.state import build
from gateway.outbound import Destination, Origin
from gateway.snapshot import AuthenticationCertificate, CheckHeader, ReturnResponse, SetHeader, Snapshot
from tests.back_end import BackEnd
from tests.pki import Authority, Issued, issue
from tests.running_engine import RunningEngine, running_engine, wait_until
from tests.snapshots import FORWARD, HERE, material, snapshot, trust

CODE = "client-certificate-expired-not-forwarded"
PAST = datetime.now(UTC) - timedelta(days=1)


@pytest.fixture
def lenient(server: Issued) -> Iterator[BackEnd]:
    """A back end that asks for no client certificate, and so takes any."""
    with BackEnd(server) as back_end:
        yield back_end


@dataclass
class Gateway:
    """An engine with one setting, and what its observers were told of calls."""

    running: RunningEngine
    seen: list[CallRecord] = field(default_factory=list)


@pytest.fixture(scope="module")
def issued(ca: Authority) -> Issued:
    """A certificate that expires while the gateway runs, by its clock."""
    return issue(ca, "soon expired", not_after=datetime.now(UTC) + timedelta(days=1))


@pytest.fixture
def gateways(ca: Authority, lenient: BackEnd, issued: Issued) -> Iterator[tuple[Gateway, Gateway]]:
    """One that goes on presenting what has expired, and one that refuses calls."""
    with ExitStack() as stack:
        made = []
        for refuse in (False, True):
            demand = trust(ca, refuse_expired=refuse)
            whole = snapshot(lenient.url, certificate=material(issued), trusts=demand)
            gateway = Gateway(stack.enter_context(running_engine(whole)))
            gateway.running.engine.observers.append(gateway.seen.append)
            made.append(gateway)
        yield made[0], made[1]


@pytest.mark.wire
def test_from_its_expiry_on_calls_are_made_and_marked_or_refused_and_nothing_is_sent(
    gateways: tuple[Gateway, Gateway],
    lenient: BackEnd,
    issued: Issued,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    goes_on, refuses = gateways
    expiry, clock = issued.cert.not_valid_after_utc.timestamp(), [0.0]
    monkeypatch.setattr(time, "time", lambda: clock[0])
    clock[0] = expiry - 0.001
    assert [gateway.running.call().status for gateway in gateways] == [200, 200]
    clock[0] = expiry
    with caplog.at_level(logging.WARNING):
        assert [goes_on.running.call().status for _ in range(3)] == [200, 200, 200]
    sent = len(lenient.seen)
    answer = refuses.running.call()
    assert (answer.status, answer.json["code"]) == (502, CODE)
    assert answer.json["message"].startswith("The client certificate of this API has expired.")
    assert len(lenient.seen) == sent
    wait_until(lambda: (len(goes_on.seen), len(refuses.seen)) == (4, 2))
    check_marks(goes_on, refuses.seen[1], issued, f"localhost:{lenient.port}")
    told = [message for message in caplog.messages if "present it all the same" in message]
    assert len(told) == 1
    assert issued.thumbprint in told[0]
    assert "calls of bank" in told[0]


def check_marks(goes_on: Gateway, refused: CallRecord, issued: Issued, back_end: str) -> None:
    assert [record.expired_certificate for record in goes_on.seen] == [False, True, True, True]
    assert {(r.thumbprint, r.back_end) for r in goes_on.seen} == {(issued.thumbprint, back_end)}
    assert (refused.failed_by, refused.code, refused.expired_certificate) == ("gateway", CODE, True)
    assert (refused.thumbprint, refused.back_end, refused.connected) == ("", "", False)


@pytest.mark.wire
def test_the_setting_is_in_effect_at_the_next_call_on_kept_connections(
    ca: Authority, lenient: BackEnd
) -> None:
    part = material(issue(ca, "expired", not_after=PAST))

    def choose(gateway: RunningEngine, revision: int, refuse: bool) -> int:
        demand = trust(ca, refuse_expired=refuse)
        gateway.apply(snapshot(lenient.url, certificate=part, trusts=demand, revision=revision))
        return gateway.call().status

    with running_engine() as gateway:
        turns = (False, True, False)
        assert [choose(gateway, n, refuse) for n, refuse in enumerate(turns, 1)] == [200, 502, 200]
    assert lenient.connections == 1  # the pool is the same whatever the setting says


@pytest.mark.wire
@pytest.mark.parametrize("days", [1, -1])
def test_a_certificate_that_is_valid_or_not_valid_yet_is_presented(
    ca: Authority, lenient: BackEnd, days: int
) -> None:
    part = material(issue(ca, "early", not_before=datetime.now(UTC) + timedelta(days=days)))
    demand = trust(ca, refuse_expired=True)
    with running_engine(snapshot(lenient.url, certificate=part, trusts=demand)) as gateway:
        assert gateway.call().status == 200


@pytest.mark.wire
@pytest.mark.parametrize(
    ("inbound", "status"),
    [
        (CheckHeader("X-Key", 401, "No.", False, (), HERE), 401),
        (ReturnResponse(203, "", (), "", HERE), 203),
    ],
)
def test_what_a_policy_answers_comes_before(ca: Authority, inbound: Any, status: int) -> None:
    part = material(issue(ca, "expired", not_after=PAST))
    demand = trust(ca, refuse_expired=True)
    whole = snapshot("https://localhost:1", certificate=part, trusts=demand, inbound=(inbound,))
    with running_engine(whole) as gateway:
        assert gateway.call().status == status


def expired(refuse: bool, **values: Any) -> Snapshot:
    part = material(issue(common_name="expired", not_after=PAST))
    demand = trust(refuse_expired=refuse)
    return snapshot("https://bank.example", certificate=part, trusts=demand, **values)


def told(whole: Snapshot) -> Explanation:
    return explain(build(whole), "GET", "/bank/accounts")


def test_the_explanation_says_that_it_is_presented_although_it_has_expired() -> None:
    found = told(expired(refuse=False))
    assert found.forwarded is not None
    presents, forwards = (step.words for step in found.steps)
    assert presents.startswith(
        "Presents the client certificate certificate (CN=expired) to the back end, although"
    )
    assert f"expired on {PAST:%Y-%m-%d at %H:%M} UTC: the back end decides" in presents
    assert forwards == "Forwards the call to https://bank.example."


def test_the_explanation_says_that_it_is_refused() -> None:
    after = SetHeader("X-After", "override", ("1",), HERE)
    found = told(expired(refuse=True, backend=(FORWARD, after), outbound=(after,)))
    assert found.forwarded is None
    assert found.refused is not None
    assert (found.refused.code, found.refused.status) == (CODE, 502)
    assert "expired at" in found.refused.detail
    assert [(step.reached, step.words[:40]) for step in found.steps] == [
        (True, "Does not present the client certificate "),
        (True, "Does not forward the call to https://ban"),
        (True, "Sets X-After to '1'."),
        (False, "Not reached."),
    ]


def test_nothing_is_refused_where_nothing_is_forwarded() -> None:
    found = told(expired(refuse=True, backend=()))
    assert found.answered is not None
    assert found.answered.status == 200


def test_the_error_log_hears_of_a_certificate_and_an_api_every_ten_minutes(
    caplog: pytest.LogCaptureFixture,
) -> None:
    part = material(issue(common_name="expired", not_after=PAST))
    destination = Destination(Origin("https", "::1", 8443), part, trust())
    assert destination.back_end == "[::1]:8443"
    moments = [0.0, 599.0, 599.0, 600.0, 600.0]
    meeting = ExpiredCertificates(clock=lambda: moments[len(caplog_seen)])
    caplog_seen: list[str] = []
    for api in ("bank", "bank", "shop", "bank", "shop"):
        meeting.meet(part, destination, CallRecord(api=api))
        caplog_seen.append(api)
    assert [r.getMessage().split("calls of ")[1].split()[0] for r in caplog.records] == [
        "bank",
        "shop",
        "bank",
    ]


def test_a_policy_that_names_two_presents_the_last_one() -> None:
    valid = material(issue(common_name="valid"), "valid")
    old = material(issue(common_name="expired", not_after=PAST), "old")
    whole = snapshot(
        "https://bank.example",
        certificate=old,
        trusts=trust(refuse_expired=True),
        inbound=(AuthenticationCertificate("valid", HERE),),
    )
    both = replace(whole, certificates={"old": old, "valid": valid})
    assert told(both).forwarded is not None
