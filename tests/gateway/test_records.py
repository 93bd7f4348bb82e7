"""Who runs which revision, what calls presented, and what is held."""

import time
from datetime import timedelta

import pytest
from django.utils import timezone

from gateway import records
from gateway.models import GatewayLease
from gateway.observing.presented import Presented
from tests.arrange import update_directly
from tests.builders import make_certificate

pytestmark = pytest.mark.django_db


def test_without_a_gateway_there_is_nothing_to_wait_for() -> None:
    effect = records.wait_in_effect(7)
    assert effect.complete
    assert effect.running == ()


def test_a_gateway_that_does_not_follow_is_named_after_the_wait() -> None:
    records.register_gateway("one", 7)
    records.register_gateway("two", 6)
    started = time.monotonic()
    effect = records.wait_in_effect(7, seconds=0.2)
    assert (effect.running, effect.lagging) == (("one",), ("two",))
    assert 0.2 <= time.monotonic() - started < 1


def test_nobody_waits_again_for_one_that_hangs_until_it_has_come_that_far() -> None:
    records.register_gateway("one", 9)
    key = records.register_gateway("two", 6)
    assert not records.wait_in_effect(7, seconds=0).complete  # which is no wait
    records.wait_in_effect(7, seconds=0.1)
    started = time.monotonic()
    assert records.wait_in_effect(8, seconds=5).lagging == ("two",)
    assert time.monotonic() - started < 1
    records.renew_gateway(key, 7)
    started = time.monotonic()
    records.wait_in_effect(8, seconds=0.1)
    assert time.monotonic() - started >= 0.1
    records.end_gateway(key)
    other = records.register_gateway("three", 8)
    records.wait_in_effect(9, seconds=0.01)
    assert list(records._in_vain) == [other]


def test_a_gateway_that_did_not_renew_for_six_seconds_is_gone() -> None:
    key = records.register_gateway("one", 6)
    update_directly(GatewayLease, key, renewed_at=timezone.now() - timedelta(seconds=6.1))
    assert records.live_gateways() == []
    assert records.wait_in_effect(7).complete


def test_renewing_a_lease_that_is_gone_says_so() -> None:
    key = records.register_gateway("one", 6)
    records.end_gateway(key)
    assert records.renew_gateway(key, 7) is False


# --- What is presented ------------------------------------------------------------------------------------

FIRST, SECOND = "A" * 40, "B" * 40


def noted(*seen: Presented) -> list[tuple[str, str, float, float]]:
    """Note them, and return all that is known of the two certificates: API, back end, and the two times."""
    records.note_presented(seen)
    rows = records.presentations([FIRST, SECOND])
    return [
        (row.api, row.back_end, row.last_at.timestamp(), row.expired_at.timestamp() if row.expired_at else 0)
        for row in rows
    ]


def test_the_last_time_of_each_certificate_api_and_back_end_is_kept_newest_first() -> None:
    assert noted() == []
    noted(Presented(FIRST, "bank", "one:443", 10.5), Presented(SECOND, "bank", "one:443", 12))
    noted(Presented(FIRST, "bank", "two:443", 11), Presented(FIRST, "shop", "one:443", 14.25))
    assert noted(Presented(FIRST, "bank", "one:443", 13)) == [
        ("shop", "one:443", 14.25, 0),
        ("bank", "one:443", 13, 0),
        ("bank", "one:443", 12, 0),
        ("bank", "two:443", 11, 0),
    ]
    assert [row.thumbprint for row in records.presentations([SECOND])] == [SECOND]


def test_what_another_process_writes_late_moves_no_time_back() -> None:
    key = (FIRST, "bank", "one:443")
    assert noted(Presented(*key, 20.5, 20.5)) == [("bank", "one:443", 20.5, 20.5)]
    assert noted(Presented(*key, 20, 20)) == [("bank", "one:443", 20.5, 20.5)]
    assert noted(Presented(*key, 30)) == [("bank", "one:443", 30, 20.5)]
    assert noted(Presented(*key, 25, 25)) == [("bank", "one:443", 30, 25)]


def test_a_call_after_the_expiry_is_noted_where_none_was_before() -> None:
    key = (FIRST, "bank", "one:443")
    assert noted(Presented(*key, 10)) == [("bank", "one:443", 10, 0)]
    assert noted(Presented(*key, 9, 9)) == [("bank", "one:443", 10, 9)]


def test_more_than_goes_into_one_statement_is_written() -> None:
    many = [Presented(FIRST, f"api-{n}", "one:443", n + 1.0) for n in range(250)]
    assert len(noted(*many)) == 250


def test_certificates_that_are_gone_are_forgotten() -> None:
    thumbprint = make_certificate().current.thumbprint
    records.note_presented([Presented(each, "bank", "one:443", 1.0) for each in (FIRST, thumbprint)])
    records.forget_presentations()
    assert [row.thumbprint for row in records.presentations([FIRST, thumbprint])] == [thumbprint]


# --- What is held -----------------------------------------------------------------------------------------


def test_connections_that_are_held_add_up_over_live_gateways_and_go_with_their_lease() -> None:
    one, two, gone = (records.register_gateway(name) for name in ("one", "two", "gone"))
    for lease in (one, two, gone):
        records.hold_connections(lease, {FIRST: 2, SECOND: 1})
    update_directly(GatewayLease, gone, renewed_at=timezone.now() - timedelta(seconds=6.1))
    assert records.held([FIRST, SECOND, "C" * 40]) == {FIRST: 4, SECOND: 2, "C" * 40: 0}
    records.hold_connections(one, {SECOND: 7})
    assert records.held([FIRST, SECOND]) == {FIRST: 2, SECOND: 8}
    records.end_gateway(two)
    assert records.held([FIRST, SECOND]) == {FIRST: 0, SECOND: 7}
