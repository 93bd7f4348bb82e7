"""Subscriptions: who may call, and what nobody gets to see by accident."""

import logging

import pytest

from gateway import publish
from gateway.changes import subscriptions as changes
from gateway.changes.apis import delete_api
from gateway.errors import AlreadyExists, EditConflict, Invalid, NotFound
from gateway.models import AuditEntry, Deletion, Revision, Subscription
from tests.arrange import update_directly
from tests.builders import ALICE, make_api, make_operation, make_subscription

pytestmark = pytest.mark.django_db


def published() -> dict[str, tuple[str, bytes, bytes]]:
    parts = publish.load(using="default").subscriptions.values()
    return {p.id: (p.api, p.primary_key.reveal(), p.secondary_key.reveal()) for p in parts}


def test_a_new_one_is_active_and_has_two_keys_of_128_bits() -> None:
    api = make_api()
    row = make_subscription("Mobile app", api, owner="Alice")
    keys = changes.reveal_keys(ALICE, row.key)
    assert len(keys.primary) == len(keys.secondary) == 32
    assert keys.primary != keys.secondary
    assert published() == {"mobile-app": (str(api.key), keys.primary.encode(), keys.secondary.encode())}


def test_keys_are_sealed_and_nothing_of_them_is_stored_in_the_clear() -> None:
    row = make_subscription(primary_key="0123456789abcdef0123456789abcdef")
    stored = Subscription.objects.values().get()
    audited = list(AuditEntry.objects.values())
    assert "0123456789abcdef" not in f"{stored}{audited}{row!r}{changes.reveal_keys(ALICE, row.key)!r}"


def test_what_is_shown_is_recorded_and_changes_nothing() -> None:
    row, number = make_subscription(), Revision.objects.get().number
    changes.reveal_keys(ALICE, row.key)
    entry = AuditEntry.objects.latest("at")
    assert (entry.action, entry.actor_name, entry.object_key) == ("was shown the keys of", "alice", row.key)
    assert Revision.objects.get().number == number


def test_a_key_that_somebody_calls_with_is_recorded_and_changes_nothing() -> None:
    operation = make_operation(make_api())
    row = make_subscription(primary_key="0123456789abcdef-primary")
    number = Revision.objects.get().number
    assert changes.use_key(ALICE, row.key, operation) == "0123456789abcdef-primary"
    entry = AuditEntry.objects.latest("at")
    assert (entry.action, entry.actor_name, entry.object_key) == (
        "called an API with the key of", "alice", row.key,
    )  # fmt: skip
    assert entry.changes == {"operation": ["", "GET /accounts/{id} of Partner Bank"]}
    assert Revision.objects.get().number == number


def test_a_key_that_lets_no_call_in_is_not_used() -> None:
    operation = make_operation(make_api())
    others, broken = make_subscription("Others", make_api("Other")), make_subscription("Broken")
    suspended, deleted = make_subscription("Suspended"), make_subscription("Deleted")
    changes.suspend_subscription(ALICE, suspended.key)
    changes.delete_subscription(ALICE, deleted.key)
    update_directly(Subscription, broken.key, sealed_primary_key="x")
    for row, words in (
        (others, "lets no"),
        (suspended, "lets no"),
        (deleted, "not there"),
        (broken, "opened"),
    ):
        with pytest.raises(Invalid, match=words) as raised:
            changes.use_key(ALICE, row.key, operation)
        assert list(raised.value.errors) == ["key"]
    assert not AuditEntry.objects.filter(action__startswith="called").exists()


@pytest.mark.parametrize("which", ["primary", "secondary"])
def test_one_key_is_regenerated_and_the_other_stays(which: changes.Which) -> None:
    row = make_subscription()
    before = changes.reveal_keys(ALICE, row.key)
    changes.regenerate_key(ALICE, row.key, which)
    after = changes.reveal_keys(ALICE, row.key)
    assert (before.primary != after.primary, before.secondary != after.secondary) == (
        which == "primary",
        which == "secondary",
    )


def test_only_an_active_one_is_published() -> None:
    row = make_subscription()
    changes.suspend_subscription(ALICE, row.key)
    assert published() == {}
    changes.activate_subscription(ALICE, row.key)
    assert list(published()) == ["mobile-app"]
    changes.cancel_subscription(ALICE, row.key)
    assert published() == {}


@pytest.mark.parametrize("change", [changes.activate_subscription, changes.suspend_subscription])
def test_cancelled_is_final(change: object) -> None:
    row = make_subscription()
    changes.cancel_subscription(ALICE, row.key)
    with pytest.raises(Invalid, match="final"):
        change(ALICE, row.key)  # type: ignore[operator]
    with pytest.raises(Invalid, match="never work again"):
        changes.regenerate_key(ALICE, row.key, "primary")


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"display_name": " "}, "display_name"),
        ({"display_name": "x" * 101}, "display_name"),
        ({"owner": "x" * 201}, "owner"),
        ({"primary_key": "short"}, "primary_key"),
        ({"primary_key": "has a space in the middle"}, "primary_key"),
        ({"primary_key": "x" * 20, "secondary_key": "x" * 20}, "secondary_key"),
    ],
)
def test_bad_values_are_refused_on_their_field(values: dict[str, str], field: str) -> None:
    with pytest.raises(Invalid) as error:
        make_subscription(**{"display_name": "Mobile app", **values})
    assert set(error.value.errors) == {field}
    assert not Subscription.objects.exists()


def test_a_key_that_another_subscription_has_is_refused() -> None:
    make_subscription(secondary_key="k" * 32)
    with pytest.raises(AlreadyExists) as error:
        make_subscription("Other", primary_key="k" * 32)
    assert set(error.value.errors) == {"primary_key"}


def test_an_update_changes_the_scope_and_is_refused_over_somebody_elses() -> None:
    api, row = make_api(), make_subscription()
    changed = changes.update_subscription(
        ALICE, row.key, display_name="Web", owner="Bob", api=api.key, revision=row.revision
    )
    assert (changed.display_name, changed.owner, changed.api) == ("Web", "Bob", api)
    assert AuditEntry.objects.latest("revision").changes["api"] == ["All APIs", "Partner Bank"]
    with pytest.raises(EditConflict):
        changes.update_subscription(ALICE, row.key, display_name="Old", revision=row.revision)


def test_one_goes_with_its_api_and_one_for_all_apis_stays() -> None:
    api = make_api()
    scoped, unscoped = make_subscription("Scoped", api), make_subscription("All")
    delete_api(ALICE, api.key)
    assert list(Subscription.objects.all()) == [unscoped]
    assert Deletion.objects.filter(row=scoped.key).exists()


def test_a_deleted_one_is_gone() -> None:
    row = make_subscription()
    changes.delete_subscription(ALICE, row.key)
    with pytest.raises(NotFound):
        changes.reveal_keys(ALICE, row.key)


def test_a_key_that_cannot_be_opened_takes_nothing_else_down(caplog: pytest.LogCaptureFixture) -> None:
    broken, whole = make_subscription("Broken"), make_subscription("Whole")
    parts = publish.load(using="default").subscriptions
    assert parts[str(whole.key)].problem == ""
    update_directly(Subscription, broken.key, sealed_primary_key="x")
    parts = publish.load(using="default").subscriptions
    assert parts[str(broken.key)].primary_key is None
    assert "cannot be opened" in parts[str(broken.key)].problem
    with pytest.raises(Invalid, match="cannot be opened"), caplog.at_level(logging.DEBUG):
        changes.reveal_keys(ALICE, broken.key)
