import pytest

from gateway.changes.notifications import read_notification_settings, save_notification_settings
from gateway.errors import EditConflict, Invalid
from gateway.models import AuditEntry, NotificationSettings, Revision
from tests.builders import ALICE

pytestmark = pytest.mark.django_db


def save(
    recipients: list[str], thresholds: list[int] | None = None, revision: int | None = None
) -> NotificationSettings:
    days = [30, 7] if thresholds is None else thresholds
    return save_notification_settings(ALICE, recipients=recipients, thresholds=days, revision=revision)


def refused(recipients: list[str], thresholds: list[int] | None = None) -> dict[str, list[str]]:
    before = Revision.objects.get().number
    with pytest.raises(Invalid) as error:
        save(recipients, thresholds)
    assert Revision.objects.get().number == before
    return dict(error.value.errors)


def test_at_first_nobody_is_told_and_the_thresholds_are_the_usual_ones() -> None:
    row = read_notification_settings()
    assert (row.recipients, row.thresholds) == ([], [60, 30, 7, 1, 0])


def test_addresses_lose_their_doubles_and_thresholds_are_put_in_order() -> None:
    save([" ops@bank.example ", "Anna@bank.example", "OPS@bank.example", ""], [7, 0, 30, 7])
    row = read_notification_settings()
    assert row.recipients == ["ops@bank.example", "Anna@bank.example"]
    assert row.thresholds == [30, 7, 0]


def test_a_change_is_audited_with_what_differs() -> None:
    row = save(["ops@bank.example"], [60, 30, 7, 1, 0])
    entry = AuditEntry.objects.latest("revision")
    assert (entry.actor_name, entry.action, entry.object_kind) == (
        "alice",
        "updated",
        "notification settings",
    )
    assert entry.changes == {"recipients": ["", "ops@bank.example"]}
    assert row.revision == entry.revision == Revision.objects.get().number
    save(["ops@bank.example"], [30, 0])
    assert AuditEntry.objects.latest("revision").changes == {"thresholds": ["60, 30, 7, 1, 0", "30, 0"]}


@pytest.mark.parametrize(
    "address", ["ops", "a@b", "a b@bank.example", "a@bank.example\nBcc: x@y.example", "é@x.de"]
)
def test_what_is_no_address_is_named(address: str) -> None:
    errors = refused(["ops@bank.example", address])
    assert errors == {"recipients": [f"“{address}” is not an e-mail address."]}


def test_an_address_that_is_too_long_is_refused() -> None:
    assert "recipients" in refused([f"{'a' * 60}@{'b' * 60}.{'c' * 60}.{'d' * 60}.{'e' * 20}.example"])


@pytest.mark.parametrize("days", [-1, 3651])
def test_a_threshold_out_of_range_is_named(days: int) -> None:
    assert refused([], [7, days]) == {"thresholds": [f"{days} is not between 0 and 3650 days."]}


def test_there_is_a_threshold_and_a_limit_to_everything() -> None:
    assert "at least one" in refused([], [])["thresholds"][0]
    assert "20 numbers at most" in refused([], list(range(21)))["thresholds"][0]
    many = [f"a{n}@bank.example" for n in range(101)]
    assert "100 addresses at most" in refused(many)["recipients"][0]


def test_the_limits_themselves_are_allowed() -> None:
    row = save([f"a{n}@bank.example" for n in range(100)], [3650, *range(19)])
    assert (len(row.recipients), row.thresholds[0], row.thresholds[-1]) == (100, 3650, 0)


def test_nobody_writes_over_anothers_change() -> None:
    seen = read_notification_settings().revision
    theirs = save(["ops@bank.example"], revision=seen)
    with pytest.raises(EditConflict) as error:
        save(["me@bank.example"], revision=seen)
    assert error.value.revision == theirs.revision
    assert read_notification_settings().recipients == ["ops@bank.example"]
