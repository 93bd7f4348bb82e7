"""Principals: who may use the management REST API, and the keys that sign their tokens."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from gateway.changes import principals as changes
from gateway.changes.encryption import reseal
from gateway.errors import AlreadyExists, EditConflict, Invalid, NotFound
from gateway.keystore import new_key
from gateway.models import AuditEntry, ManagementApi, Principal, Revision
from tests.arrange import update_directly
from tests.builders import ALICE

pytestmark = pytest.mark.django_db


def pipeline(role: str = "contributor") -> Principal:
    return changes.create_principal(ALICE, identifier="pipeline", role=role)


def in_days(days: float) -> datetime:
    return timezone.now() + timedelta(days=days)


def last_entry() -> AuditEntry:
    return AuditEntry.objects.latest("at")


def test_the_first_principal_is_the_classic_one_without_keys_and_the_api_is_off() -> None:
    row = Principal.objects.get()
    assert (row.resource_id, row.role, changes.opened_keys(row)) == ("integration", "contributor", [])
    assert changes.read_management_api().enabled is False


def test_the_api_is_switched_on_by_a_change() -> None:
    before = changes.read_management_api().revision
    row = changes.set_management_api(ALICE, enabled=True, revision=before)
    assert ManagementApi.objects.get().enabled
    assert last_entry().changes == {"enabled": ["no", "yes"]}
    with pytest.raises(EditConflict):
        changes.set_management_api(ALICE, enabled=False, revision=before)
    assert row.revision == Revision.objects.get().number


@pytest.mark.parametrize("identifier", ["", "a b", "a&b", "a=b", "ärger", "a\n", "x" * 81, "a/b"])
def test_an_identifier_fits_into_a_token(identifier: str) -> None:
    if identifier == "a\n":
        identifier = "a\nb"  # white space at the ends is dropped
    with pytest.raises(Invalid) as caught:
        changes.create_principal(ALICE, identifier=identifier, role="admin")
    assert set(caught.value.errors) == {"identifier", "role"}


def test_identifiers_are_unique_whatever_their_case() -> None:
    with pytest.raises(AlreadyExists) as caught:
        changes.create_principal(ALICE, identifier="Integration", role="reader")
    assert list(caught.value.errors) == ["identifier"]
    assert changes.find_principal("INTEGRATION") == Principal.objects.get()


def test_a_key_is_returned_once_and_stored_sealed() -> None:
    row = pipeline()
    key = changes.regenerate_key(ALICE, row.key, "primary")
    assert len(key) == 88
    assert changes.opened_keys(Principal.objects.get(pk=row.pk)) == [("primary", key)]
    assert key not in f"{Principal.objects.values().get(pk=row.pk)}{list(AuditEntry.objects.values())}"
    assert last_entry().action == "made the primary key of"
    assert last_entry().changes == {"primary_key": ["", "(secret)"]}


def test_a_key_made_anew_replaces_the_former_alone() -> None:
    row = pipeline()
    first = changes.regenerate_key(ALICE, row.key, "primary")
    second = changes.regenerate_key(ALICE, row.key, "secondary", expires_at=in_days(9))
    third = changes.regenerate_key(ALICE, row.key, "primary", expires_at=in_days(5))
    assert first != third
    assert changes.opened_keys(changes.get_principal(row.key)) == [("primary", third), ("secondary", second)]
    assert last_entry().action == "regenerated the primary key of"
    assert last_entry().changes["primary_key_expires"] == ["never", f"{in_days(5):%Y-%m-%d %H:%M} UTC"]


def test_a_key_expires_only_in_the_time_to_come() -> None:
    with pytest.raises(Invalid) as caught:
        changes.regenerate_key(ALICE, pipeline().key, "primary", expires_at=in_days(-1))
    assert list(caught.value.errors) == ["expires_at"]


def test_a_revoked_key_counts_no_more() -> None:
    row = pipeline()
    changes.regenerate_key(ALICE, row.key, "secondary")
    row = changes.revoke_key(ALICE, row.key, "secondary")
    assert (row.sealed_secondary_key, row.secondary_made_at, changes.opened_keys(row)) == ("", None, [])
    assert last_entry().changes == {"secondary_key": ["(secret)", ""]}
    with pytest.raises(Invalid):
        changes.revoke_key(ALICE, row.key, "secondary")


def test_an_expired_key_is_opened_only_where_that_is_asked_for() -> None:
    row = pipeline()
    key = changes.regenerate_key(ALICE, row.key, "primary", expires_at=in_days(1))
    update_directly(Principal, row.key, primary_expires_at=in_days(-1))
    row = changes.get_principal(row.key)
    assert changes.opened_keys(row) == []
    assert changes.opened_keys(row, expired=True) == [("primary", key)]


def test_signing_a_token_is_recorded_and_changes_nothing() -> None:
    row = pipeline()
    key = changes.regenerate_key(ALICE, row.key, "primary")
    number = Revision.objects.get().number
    until = datetime(2999, 1, 2, 3, 4, tzinfo=UTC)
    assert changes.use_key(ALICE, row.key, "primary", expires_at=until) == key
    assert last_entry().action == "generated a token of"
    assert last_entry().changes == {"key": ["", "primary"], "token_expires": ["", "2999-01-02 03:04 UTC"]}
    assert Revision.objects.get().number == number


@pytest.mark.parametrize(
    ("which", "expires_at", "field"),
    [("secondary", 1, "which"), ("primary", -1, "expires_at"), ("primary", 3, "expires_at")],
)
def test_a_token_needs_a_key_that_outlives_it(which: changes.Which, expires_at: int, field: str) -> None:
    row = pipeline()
    changes.regenerate_key(ALICE, row.key, "primary", expires_at=in_days(2))
    entries = AuditEntry.objects.count()
    with pytest.raises(Invalid) as caught:
        changes.use_key(ALICE, row.key, which, expires_at=in_days(expires_at))
    assert list(caught.value.errors) == [field]
    assert AuditEntry.objects.count() == entries


def test_an_expired_or_unreadable_key_signs_nothing() -> None:
    row = pipeline()
    changes.regenerate_key(ALICE, row.key, "primary", expires_at=in_days(2))
    for values, said in (
        ({"primary_expires_at": in_days(-1)}, "expired"),
        ({"sealed_primary_key": "1.x.eA==", "primary_expires_at": None}, "cannot be opened"),
    ):
        update_directly(Principal, row.key, **values)
        with pytest.raises(Invalid, match=said):
            changes.use_key(ALICE, row.key, "primary", expires_at=in_days(0.5))
    assert changes.opened_keys(changes.get_principal(row.key)) == []


def test_the_role_changes_and_conflicts_are_seen() -> None:
    row = pipeline()
    changed = changes.set_role(ALICE, row.key, role="reader", revision=row.revision)
    assert last_entry().changes == {"role": ["contributor", "reader"]}
    for write in (
        lambda: changes.set_role(ALICE, row.key, role="reader", revision=row.revision),
        lambda: changes.regenerate_key(ALICE, row.key, "primary", revision=row.revision),
        lambda: changes.revoke_key(ALICE, row.key, "primary", revision=row.revision),
        lambda: changes.delete_principal(ALICE, row.key, revision=row.revision),
    ):
        with pytest.raises(EditConflict):
            write()
    with pytest.raises(Invalid):
        changes.set_role(ALICE, row.key, role="owner", revision=changed.revision)


def test_a_deleted_principal_is_gone() -> None:
    row = pipeline()
    assert changes.delete_principal(ALICE, row.key) == Revision.objects.get().number
    assert (last_entry().action, last_entry().object_name) == ("deleted", "pipeline")
    assert changes.find_principal("pipeline") is None
    with pytest.raises(NotFound):
        changes.delete_principal(ALICE, row.key)


def test_keys_are_sealed_anew_with_the_first_encryption_key(settings: object) -> None:
    row = pipeline()
    keys = [changes.regenerate_key(ALICE, row.key, which) for which in changes.WHICH]
    settings.CERTIFICATE_ENCRYPTION_KEYS = [new_key(), *settings.CERTIFICATE_ENCRYPTION_KEYS]
    assert reseal(ALICE).resealed == 2
    settings.CERTIFICATE_ENCRYPTION_KEYS = settings.CERTIFICATE_ENCRYPTION_KEYS[:1]
    assert [key for _, key in changes.opened_keys(changes.get_principal(row.key))] == keys
