"""The token that quickstart makes for the management REST API, from run to run."""

from datetime import timedelta

import pytest
from django.test import RequestFactory
from django.utils import timezone

from gateway.changes import principals as changes
from gateway.models import AuditEntry, Principal
from portal.management_api import tokens
from portal.management_api.access import Caller, caller_of
from portal.quickstart.management import ensure_management_token
from tests.arrange import update_directly
from tests.builders import ALICE

pytestmark = pytest.mark.django_db


def caller(token: str | None) -> Caller | None:
    return caller_of(RequestFactory().get("/management/", headers={"Authorization": token or ""}))


def own() -> Principal:
    return Principal.objects.get(resource_id="quickstart")


def test_the_api_is_switched_on_and_the_token_works_for_a_day() -> None:
    token = ensure_management_token()
    assert caller(token) == Caller("quickstart", "contributor")
    parsed = tokens.parse(token or "")
    assert parsed is not None
    assert timedelta(hours=23) < parsed.expires_at - timezone.now() <= timedelta(days=1)
    entries = AuditEntry.objects.filter(actor_kind="command", actor_name="quickstart").order_by("at")
    assert [entry.action for entry in entries] == [
        "updated", "created", "made the primary key of", "generated a token of",
    ]  # fmt: skip


def test_tokens_of_earlier_runs_go_on_working() -> None:
    first = ensure_management_token()
    second = ensure_management_token()
    assert first != second
    assert caller(first) == caller(second) == Caller("quickstart", "contributor")


@pytest.mark.parametrize(
    "columns",
    [
        {"sealed_primary_key": ""},
        {"sealed_primary_key": "1.lost.eA=="},
        {"primary_expires_at": timezone.now() - timedelta(hours=1)},
    ],
)
def test_a_key_that_signs_nothing_is_made_anew(columns: dict[str, object]) -> None:
    ensure_management_token()
    update_directly(Principal, own().key, **columns)
    assert caller(ensure_management_token())


def test_what_a_person_has_decided_stays() -> None:
    ensure_management_token()
    changes.set_role(ALICE, own().key, role="reader")
    assert caller(ensure_management_token()) == Caller("quickstart", "reader")
    changes.set_management_api(ALICE, enabled=False)
    assert ensure_management_token() is None
    assert not changes.read_management_api().enabled
