"""Which certificates are told of, and that each is told of once."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from gateway import records_notices
from gateway.changes.certificate_versions import use_version
from gateway.changes.security import NoCredentials, Trust, save_security
from gateway.expiries import read_expiries, read_expiries_with_uses
from gateway.expiry_notices import Expiry, due, next_notice
from gateway.models import ExpiryNotice, NotificationRun
from tests.builders import ALICE, choose, make_api, make_ca_certificate, make_certificate, make_version
from tests.databases import environment
from tests.running import running

NOW = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)
THRESHOLDS = (60, 30, 7, 1, 0)


def expiry(days: float, name: str = "bank", thumbprint: str = "") -> Expiry:
    """A certificate that expires so many days from now."""
    until = NOW + timedelta(days=days)
    return Expiry("client", name, name, f"CN={name}", thumbprint or name.upper(), until, until)


def due_days(days: float, *told: int, thresholds: Iterable[int] = THRESHOLDS) -> list[int]:
    one = expiry(days)
    return [notice.days for notice in due([one], list(thresholds), {one.thumbprint: set(told)}, NOW)]


# --- What is due ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("left", "threshold"),
    [(60, 60), (59.9, 60), (30.01, 60), (30, 30), (7, 7), (1.5, 7), (1, 1), (0.001, 1), (0, 0), (-400, 0)],
)
def test_the_last_threshold_that_was_reached_is_due(left: float, threshold: int) -> None:
    assert due_days(left) == [threshold]


def test_before_the_first_threshold_nothing_is_due() -> None:
    assert due_days(60.001) == []
    assert due_days(5, thresholds=[]) == []


def test_each_threshold_is_told_once() -> None:
    assert due_days(29, 60) == [30]
    assert due_days(29, 60, 30) == []
    assert due_days(-3, 60, 30, 7, 1, 0) == []


def test_what_was_missed_is_told_by_the_most_urgent_one_alone() -> None:
    assert due_days(0.5, 60) == [1]  # 30 and 7 were missed
    assert due_days(0.5, 60, 1) == []  # and are not told afterwards


def test_a_threshold_that_is_taken_away_does_not_repeat_an_earlier_one() -> None:
    assert due_days(5, 7, thresholds=[60, 30]) == []


def test_a_threshold_that_is_added_is_told_when_it_has_been_reached() -> None:
    assert due_days(20, 60, 30, thresholds=[60, 30, 21]) == [21]


def test_the_first_to_expire_is_told_of_first() -> None:
    notices = due(
        [expiry(6, "six"), expiry(-1, "gone"), expiry(90, "fine"), expiry(0, "a")], THRESHOLDS, {}, NOW
    )
    assert [(notice.expiry.name, notice.days) for notice in notices] == [("gone", 0), ("a", 0), ("six", 7)]


def test_what_becomes_due_next_is_the_earliest_moment_to_come() -> None:
    notice = next_notice([expiry(40, "forty"), expiry(61, "sixty-one"), expiry(-1, "gone")], THRESHOLDS, NOW)
    assert notice
    assert (notice.expiry.name, notice.days, notice.moment) == ("sixty-one", 60, NOW + timedelta(days=1))
    assert next_notice([expiry(-1)], THRESHOLDS, NOW) is None


def test_days_left_are_whole_ones() -> None:
    assert [expiry(days).days_left(NOW) for days in (7, 6.9, 0.5, 0, -0.5)] == [7, 6, 0, 0, -1]


# --- What it is read from -------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_current_versions_and_ca_certificates_are_told_of_and_former_versions_are_not() -> None:
    now = timezone.now()
    make_certificate("later", not_after=now + timedelta(days=900))
    bank = make_certificate("bank", not_after=now + timedelta(days=5))
    ca = make_ca_certificate()
    assert bank.current
    former = bank.current.thumbprint
    use_version(ALICE, bank.key, make_version(bank, not_after=bank.current.not_after).key)
    bank.refresh_from_db()
    assert bank.current
    found = {expiry.name: expiry for expiry in read_expiries()}
    assert set(found) == {"later", "bank", ca.resource_id}
    assert found["bank"].thumbprint == bank.current.thumbprint != former
    assert found[ca.resource_id].kind == "CA"
    assert [expiry.name for expiry in read_expiries(now + timedelta(days=6))] == ["bank"]


@pytest.mark.django_db
def test_the_apis_at_risk_are_named() -> None:
    bank, api = make_certificate("bank"), make_api("Partner Bank")
    choose(api, bank)
    (found,) = read_expiries_with_uses(timezone.now() + timedelta(days=4000))
    assert [str(use) for use in found.uses] == ["Partner Bank"]


@pytest.mark.django_db
def test_an_api_that_does_not_check_its_back_end_is_not_at_risk_with_an_issuer() -> None:
    ca = make_ca_certificate()
    for name, validate in (("Checks", True), ("Does not", False)):
        trust = Trust(validate_chain=validate, ca_certificates=(ca.key,))
        save_security(ALICE, make_api(name).key, credentials=NoCredentials(), trust=trust)
    (found,) = read_expiries_with_uses(ca.not_after)
    assert [str(use) for use in found.uses] == ["Checks"]


# --- Told once ------------------------------------------------------------------------------------------------

BANK, OTHER = ("BANK", 7), ("OTHER", 30)


@pytest.mark.django_db
def test_a_claim_is_one_runs_alone_until_it_is_released() -> None:
    first = records_notices.claim_notices([BANK], NOW)
    assert [claim.id for claim in first] == [BANK]
    second = records_notices.claim_notices([BANK, OTHER], NOW + timedelta(seconds=1))
    assert [claim.id for claim in second] == [OTHER]
    records_notices.release(first)
    again = records_notices.claim_notices([BANK], NOW + timedelta(seconds=2))
    assert [claim.id for claim in again] == [BANK]


@pytest.mark.django_db
def test_two_runs_at_the_same_microsecond_do_not_share_a_claim() -> None:
    assert len(records_notices.claim_notices([BANK], NOW)) == 1
    assert records_notices.claim_notices([BANK], NOW) == []


@pytest.mark.django_db
def test_a_claim_that_was_not_sent_within_15_minutes_was_missed() -> None:
    records_notices.claim_notices([BANK], NOW)
    before, after = NOW + timedelta(minutes=14, seconds=59), NOW + timedelta(minutes=15)
    assert records_notices.told(before) == {"BANK": {7}}
    assert records_notices.claim_notices([BANK], before) == []
    assert records_notices.told(after) == {}
    assert [claim.id for claim in records_notices.claim_notices([BANK, OTHER], after)] == [BANK, OTHER]
    assert records_notices.claim_notices([BANK], after) == []
    assert ExpiryNotice.objects.count() == 2


@pytest.mark.django_db
def test_what_was_sent_is_never_claimed_again() -> None:
    records_notices.mark_sent(records_notices.claim_notices([BANK], NOW), NOW)
    later = NOW + timedelta(days=300)
    assert records_notices.claim_notices([BANK], later) == []
    assert records_notices.told(later) == {"BANK": {7}}


@pytest.mark.django_db
def test_runs_are_kept_for_a_year_and_a_little() -> None:
    records_notices.record_run(NOW - timedelta(days=401), 0)
    records_notices.record_run(NOW, 2, "a problem")
    run = NotificationRun.objects.get()
    assert (run.told, run.problem) == (2, "a problem")


# In a process of its own, for real transactions: runs at the same moment, on new and on missed notices.
RACE = """
import threading
from datetime import timedelta
from django.db import connection
from django.utils import timezone
from gateway import records_notices

def race(ids, now):
    together, claimed = threading.Barrier(4), []
    def run(number):
        wanted = ids[number:] + ids[:number]
        together.wait()
        claimed.append(records_notices.claim_notices(wanted, now + timedelta(microseconds=number)))
        connection.close()
    threads = [threading.Thread(target=run, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(claim.id for claims in claimed for claim in claims), len(claimed)

now = timezone.now()
for number in range(8):
    ids = [(f"BANK{number}", days) for days in range(10)]
    for moment in (now, now + timedelta(minutes=20)):  # the second time they were missed
        assert race(ids, moment) == (ids, 4), number
print("each once")
"""


@pytest.mark.wire
def test_of_runs_at_the_same_moment_each_notice_is_claimed_by_one(database_url: str) -> None:
    with running("shell", "-v0", "-c", RACE, **environment(database_url)) as shell:
        assert shell.wait(60) == 0, shell.stderr
        assert shell.stdout == "each once\n"
