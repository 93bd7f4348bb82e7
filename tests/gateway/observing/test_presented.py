"""What was presented: noted on calls, taken by another thread, lost by nobody."""

import threading
from typing import Any

import pytest
from django.db import OperationalError, connection

from gateway import records
from gateway.lease import Lease
from gateway.observing.presented import Presented, PresentedCertificates
from tests.builders import make_certificate
from tests.gateway.observing.test_access_log import record

FIRST = "AB" * 20
KEY = (FIRST, "bank", "back-end:443")


def call(at: float, **values: Any) -> Any:
    return record(**{"at": at, "back_end": "back-end:443", "expired_certificate": False, **values})


def test_the_last_call_of_each_counts_by_when_it_began_and_is_taken_once() -> None:
    presented = PresentedCertificates()
    for each in (call(10), call(30), call(20), call(5, api="shop"), call(40, thumbprint="")):
        presented.observe(each)
    assert presented.take() == [Presented(*KEY, 30), Presented(FIRST, "shop", "back-end:443", 5)]
    assert presented.take() == []


def test_calls_after_the_expiry_have_a_time_of_their_own() -> None:
    presented = PresentedCertificates()
    for each in (call(30, expired_certificate=True), call(40)):
        presented.observe(each)
    assert presented.take() == [Presented(*KEY, 40, 30)]


def test_what_could_not_be_written_comes_again_unless_there_is_something_newer() -> None:
    presented = PresentedCertificates()
    presented.observe(call(30, expired_certificate=True))
    taken = presented.take()
    presented.put_back(taken)
    assert presented.take() == taken
    presented.observe(call(50))
    presented.put_back(taken)
    assert presented.take() == [Presented(*KEY, 50, 30)]


def test_what_is_held_is_bounded_and_what_is_known_goes_on() -> None:
    presented = PresentedCertificates(most=2)
    for number in range(3):
        presented.observe(call(number + 1.0, api=f"api-{number}"))
    presented.observe(call(9, api="api-0"))
    assert [(each.api, each.last_at) for each in presented.take()] == [("api-0", 9), ("api-1", 2)]


def test_taking_while_calls_go_on_loses_none() -> None:
    presented, most, taken = PresentedCertificates(), 20_000, {}

    def calls() -> None:
        for number in range(1, most + 1):
            presented.observe(call(float(number), api=f"api-{number % 7}"))

    caller = threading.Thread(target=calls)
    caller.start()
    while caller.is_alive():
        taken |= {each.api: each.last_at for each in presented.take()}
    caller.join()
    taken |= {each.api: each.last_at for each in presented.take()}
    assert sorted(taken.values()) == [float(most - n) for n in reversed(range(7))]


@pytest.mark.django_db
def test_a_lease_writes_what_the_database_did_not_take_the_next_time(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = make_certificate().current.thumbprint
    presented, counts = PresentedCertificates(), {there: 3}
    lease, key = Lease(presented, lambda: dict(counts)), records.register_gateway("one")
    monkeypatch.setattr(connection, "close", lambda: None)  # the test's own transaction is on it
    presented.observe(call(30, thumbprint=there))
    presented.observe(call(30))  # of a certificate that is gone by now

    def away(execute: Any, sql: str, *rest: Any) -> Any:
        raise OperationalError("away")

    with connection.execute_wrapper(away):
        lease._write(key)
        lease._write(key)
    assert caplog.text.count("could not be written: away") == 1
    lease._write(key)
    assert [row.last_at.timestamp() for row in records.presentations([there, FIRST])] == [30]
    assert records.held([there]) == {there: 3}
    counts.clear()
    lease._write(key)
    assert records.held([there]) == {there: 0}


@pytest.mark.django_db
def test_nothing_is_written_where_nothing_changed(django_assert_num_queries: Any) -> None:
    presented = PresentedCertificates()
    lease, key = Lease(presented, lambda: {FIRST: 3}), records.register_gateway("one")
    presented.observe(call(30))
    lease._write(key)
    with django_assert_num_queries(0):
        lease._write(key)
