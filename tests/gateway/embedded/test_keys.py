"""The ring of subscription keys."""

from dataclasses import replace

from gateway.embedded.keys import KeyRing
from gateway.snapshot import Secret, Subscription
from tests.snapshots import subscription


def ring_of(*subscriptions: Subscription) -> KeyRing:
    return KeyRing().changed(subscriptions, [])


def test_both_keys_of_a_subscription_open_its_api_and_no_other() -> None:
    one = subscription("one", "two", api="bank")
    ring = ring_of(one)
    assert ring.find(b"one", "bank") is one
    assert ring.find(b"two", "bank") is one
    assert ring.find(b"one", "other") is None
    assert ring.find(b"three", "bank") is None


def test_a_subscription_to_all_opens_every_api() -> None:
    assert ring_of(subscription("one", api="")).find(b"one", "any") is not None


def test_a_key_that_two_subscriptions_have_opens_what_either_does() -> None:
    first, second = subscription("one", api="a"), replace(subscription("one", api="b"), key="second")
    ring = ring_of(first, second)
    assert (ring.find(b"one", "a"), ring.find(b"one", "b")) == (first, second)
    assert ring.changed([], [first.key]).find(b"one", "a") is None


def test_a_changed_key_replaces_the_former_one_and_the_old_ring_stays_as_it_was() -> None:
    old = subscription("one")
    new = replace(old, primary_key=Secret(b"new"))
    before = ring_of(old)
    after = before.changed([new], [])
    assert (after.find(b"one", "bank"), after.find(b"new", "bank")) == (None, new)
    assert before.find(b"one", "bank") is old


def test_a_key_that_cannot_be_opened_opens_nothing() -> None:
    assert ring_of(replace(subscription("one"), primary_key=None)).find(b"", "bank") is None


def test_a_subscription_whose_keys_are_the_same_can_change_and_go() -> None:
    twice = subscription("one", "one")
    ring = ring_of(twice)
    assert ring.changed([replace(twice, revision=2)], []).find(b"one", "bank") is not None
    assert ring.changed([], [twice.key]).find(b"one", "bank") is None
