"""The subscription that quickstart calls with, from run to run."""

import pytest

from gateway.changes.subscriptions import (
    cancel_subscription,
    delete_subscription,
    reveal_keys,
    suspend_subscription,
    update_subscription,
)
from gateway.models import AuditEntry, Subscription
from portal.quickstart.subscription import ensure_subscription_key
from tests.arrange import update_directly
from tests.builders import ALICE, make_api, make_subscription

pytestmark = pytest.mark.django_db


def test_there_is_one_for_all_apis_and_that_its_key_was_read_is_recorded() -> None:
    key = ensure_subscription_key()
    row = Subscription.objects.get()
    assert (row.display_name, row.owner, row.api, row.state) == ("Quickstart", "quickstart", None, "active")
    assert reveal_keys(ALICE, row.key).primary == key
    assert row.allow_tracing
    entries = AuditEntry.objects.filter(actor_kind="command", actor_name="quickstart")
    assert list(entries.order_by("at").values_list("action", flat=True)) == [
        "created",
        "was shown the keys of",
    ]


def test_the_next_run_has_the_same_key_whatever_it_is_called_now() -> None:
    key = ensure_subscription_key()
    row = Subscription.objects.get()
    update_subscription(ALICE, row.key, display_name="Mine", owner="quickstart")
    assert ensure_subscription_key() == key
    assert Subscription.objects.count() == 1


def test_somebody_elses_is_not_taken() -> None:
    other = make_subscription("Quickstart", owner="Alice Ansley")
    assert ensure_subscription_key() not in reveal_keys(ALICE, other.key)


@pytest.mark.parametrize("end", [suspend_subscription, cancel_subscription, delete_subscription])
def test_one_that_a_person_has_ended_stays_as_it_is_and_a_new_one_is_made(end: object) -> None:
    key = ensure_subscription_key()
    end(ALICE, Subscription.objects.get().key)  # type: ignore[operator]
    ended = list(Subscription.objects.values("key", "state"))
    again = ensure_subscription_key()
    assert again != key
    assert [one for one in Subscription.objects.values("key", "state") if one in ended] == ended
    assert ensure_subscription_key() == again


def test_one_that_a_person_has_given_to_one_api_alone_stays_as_it_is() -> None:
    key, api = ensure_subscription_key(), make_api()
    row = Subscription.objects.get()
    update_subscription(ALICE, row.key, display_name=row.display_name, owner=row.owner, api=api.key)
    assert ensure_subscription_key() != key
    row.refresh_from_db()
    assert row.api == api


def test_one_whose_keys_cannot_be_opened_is_passed_over() -> None:
    key = ensure_subscription_key()
    update_directly(Subscription, Subscription.objects.get().key, sealed_primary_key="x")
    assert ensure_subscription_key() != key
    assert Subscription.objects.count() == 2
