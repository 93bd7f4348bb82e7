import time
from datetime import timedelta

import pytest
from django.utils import timezone

from gateway import records
from gateway.models import GatewayLease
from tests.arrange import update_directly

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


def test_a_gateway_that_did_not_renew_for_six_seconds_is_gone() -> None:
    key = records.register_gateway("one", 6)
    update_directly(GatewayLease, key, renewed_at=timezone.now() - timedelta(seconds=6.1))
    assert records.live_gateways() == []
    assert records.wait_in_effect(7).complete


def test_renewing_a_lease_that_is_gone_says_so() -> None:
    key = records.register_gateway("one", 6)
    records.end_gateway(key)
    assert records.renew_gateway(key, 7) is False
