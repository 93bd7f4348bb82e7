"""Named values: what may be written, what is sealed, and who is recorded to have seen a secret one."""

import logging
from typing import Any
from uuid import uuid4

import pytest

from gateway import keystore
from gateway.changes.base import change
from gateway.changes.named_values import (
    create_named_value,
    delete_named_value,
    reveal_named_value,
    set_secret,
    update_named_value,
)
from gateway.errors import AlreadyExists, EditConflict, Invalid, NotFound
from gateway.models import AuditEntry, Deletion, NamedValue, Revision
from tests.arrange import update_directly
from tests.builders import ALICE, make_named_value

pytestmark = pytest.mark.django_db
SECRET = "hunter2-hunter2"


def audited() -> dict[str, Any]:
    return AuditEntry.objects.latest("revision", "at").changes


def opened(row: NamedValue) -> str:
    row.refresh_from_db()
    return keystore.open_sealed("gateway_namedvalue", "sealed_value", row.key, row.sealed_value).decode()


# --- create -------------------------------------------------------------------------------------------------------
def test_a_plain_value_is_kept_as_it_is_with_its_tags() -> None:
    row = create_named_value(
        ALICE, name=" partner-key ", value="one\ntwo", tags=["bank", " test ", "BANK", ""]
    )
    row.refresh_from_db()
    assert (row.resource_id, row.value, row.secret, row.sealed_value) == (
        "partner-key",
        "one\ntwo",
        False,
        "",
    )
    assert row.tags == ["bank", "test"]
    assert row.revision == Revision.objects.get().number
    entry = AuditEntry.objects.get(revision=row.revision)
    assert (entry.action, entry.object_kind, entry.object_name) == ("created", "named value", "partner-key")
    assert entry.changes == {
        "value": ["", "one\ntwo"], "secret": ["", "no"], "tags": ["", "bank, test"]
    }  # fmt: skip


def test_a_secret_value_is_sealed_and_not_in_the_audit_log() -> None:
    row = make_named_value(value=SECRET, secret=True)
    assert opened(row) == SECRET
    assert (row.secret, row.value) == (True, "")
    assert audited() == {"value": ["", "(secret)"], "secret": ["", "yes"]}
    assert SECRET not in str(list(NamedValue.objects.values())) + str(list(AuditEntry.objects.values()))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("  ", "Enter a name."),
        ("a{b", "Use no braces"),
        ("a}", "Use no braces"),
        ("{{a}}", "Use no braces"),
        ("a/b", "without slashes"),
        ("a\nb", "control characters"),
        ('a"b', "quotes"),
        ("x" * 81, "1 to 80 characters"),
    ],
)
def test_a_name_is_what_can_stand_between_doubled_braces(name: str, message: str) -> None:
    with pytest.raises(Invalid) as refused:
        make_named_value(name)
    assert message in refused.value.errors["name"][0]
    assert not NamedValue.objects.exists()


def test_names_are_unique_without_regard_to_case() -> None:
    make_named_value("Ärger-Key")
    with pytest.raises(AlreadyExists) as refused:
        make_named_value("äRGER-key")
    assert "already taken" in refused.value.errors["name"][0]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("", "Enter the value."),
        (" \n", "Enter the value."),
        ("x" * 4097, "at most 4096 characters"),
        ("a {{other}}", "cannot refer to another property"),
        ("{{", "cannot refer to another property"),
        (" @(context.Request)", "expressions such as @(...)"),
        ("@{ return 1; }", "expressions such as @(...)"),
        ("a\0b", "control characters"),
        ("a\rb", "control characters"),
        ("\ud800", "control characters"),
    ],
)
@pytest.mark.parametrize("secret", [False, True])
def test_a_value_that_could_not_be_used_is_refused(value: str, message: str, secret: bool) -> None:
    with pytest.raises(Invalid) as refused:
        make_named_value(value=value, secret=secret)
    assert message in refused.value.errors["value"][0]
    row = make_named_value()
    with pytest.raises(Invalid) as refused:
        update_named_value(ALICE, row.key, value=value, secret=secret)
    assert message in refused.value.errors["value"][0]
    row.refresh_from_db()
    assert row.value == "a value"


@pytest.mark.parametrize("value", ["x" * 4096, "p@(ss", "a } b {", "größe", " padded "])
@pytest.mark.parametrize("secret", [False, True])
def test_a_value_is_not_changed_on_its_way(value: str, secret: bool) -> None:
    assert reveal_named_value(ALICE, make_named_value(value=value, secret=secret).key) == value


def test_a_secret_is_one_line_as_it_goes_into_a_field() -> None:
    for text in ("a\nb", "a\tb"):
        with pytest.raises(Invalid, match="no line breaks"):
            make_named_value(value=text, secret=True)
    row = make_named_value(value="a\nb")
    with pytest.raises(Invalid, match="no line breaks"):
        update_named_value(ALICE, row.key, value=None, secret=True)


@pytest.mark.parametrize("tag", ["a,b", 'a"b', "a\\b", "a\nb", "x" * 81, "\ud800"])
def test_a_tag_that_could_not_be_listed_is_refused(tag: str) -> None:
    with pytest.raises(Invalid) as refused:
        make_named_value(tags=["good", tag])
    assert list(refused.value.errors) == ["tags"]


def test_there_are_at_most_32_tags() -> None:
    assert len(make_named_value(tags=[str(number) for number in range(32)]).tags) == 32
    with pytest.raises(Invalid, match="at most 32 tags"):
        make_named_value("other", tags=[str(number) for number in range(33)])


# --- update -------------------------------------------------------------------------------------------------------
def test_a_plain_value_is_replaced_and_both_are_audited() -> None:
    row = make_named_value(tags=["bank"])
    revision = update_named_value(
        ALICE, row.key, value="other", secret=False, tags=["test"], revision=row.revision
    )
    row.refresh_from_db()
    assert (row.value, row.tags, row.revision) == ("other", ["test"], revision)
    assert audited() == {"value": ["a value", "other"], "tags": ["bank", "test"]}


def test_a_value_of_none_keeps_what_is_there() -> None:
    plain, secret = make_named_value(), make_named_value("other", SECRET, secret=True)
    for row in (plain, secret):
        update_named_value(ALICE, row.key, value=None, secret=row.secret, tags=["bank"])
        assert audited() == {"tags": ["", "bank"]}
    plain.refresh_from_db()
    assert plain.value == "a value"
    assert opened(secret) == SECRET


def test_a_secret_that_cannot_be_opened_any_more_can_still_be_tagged_and_replaced() -> None:
    row = make_named_value(value=SECRET, secret=True)
    update_directly(NamedValue, row.key, sealed_value="damaged")
    update_named_value(ALICE, row.key, value=None, secret=True, tags=["lost"])
    update_named_value(ALICE, row.key, value="found", secret=True, tags=["lost"])
    assert opened(row) == "found"


def test_a_secret_is_replaced_by_another_and_the_audit_log_says_that_it_was() -> None:
    row = make_named_value(value=SECRET, secret=True)
    update_named_value(ALICE, row.key, value="other", secret=True)
    assert opened(row) == "other"
    assert audited() == {"value": ["(secret)", "(secret)"]}


def test_a_secret_never_becomes_readable() -> None:
    row = make_named_value(value=SECRET, secret=True)
    with pytest.raises(Invalid) as refused:
        update_named_value(ALICE, row.key, value=None, secret=False)
    assert refused.value.errors == {"value": ["Enter a new value: a secret one never becomes readable."]}
    assert opened(row) == SECRET
    update_named_value(ALICE, row.key, value="public", secret=False)
    row.refresh_from_db()
    assert (row.secret, row.value, row.sealed_value) == (False, "public", "")
    assert audited() == {"value": ["(secret)", "public"], "secret": ["yes", "no"]}


@pytest.mark.parametrize("value", [None, "a value", "another"])
def test_a_plain_value_becomes_secret_and_is_nowhere_to_be_read(value: str | None) -> None:
    row = make_named_value()
    update_named_value(ALICE, row.key, value=value, secret=True)
    assert opened(row) == (value or "a value")
    assert row.value == ""
    changed = {"value": ["(secret)", "(secret)"]} if value == "another" else {}
    assert audited() == {**changed, "secret": ["no", "yes"]}
    created = AuditEntry.objects.get(object_key=row.key, action="created")
    assert created.changes["value"] == ["", "(secret)"]


def test_somebody_elses_change_is_not_written_over() -> None:
    row = make_named_value()
    update_named_value(ALICE, row.key, value="theirs", secret=False)
    with pytest.raises(EditConflict) as refused:
        update_named_value(ALICE, row.key, value="mine", secret=False, revision=row.revision)
    with pytest.raises(EditConflict):
        delete_named_value(ALICE, row.key, revision=row.revision)
    row.refresh_from_db()
    assert (row.value, row.revision) == ("theirs", refused.value.revision)


# --- reveal -------------------------------------------------------------------------------------------------------
def test_who_was_shown_a_value_is_recorded_and_nothing_changes() -> None:
    row = make_named_value(value=SECRET, secret=True)
    number = Revision.objects.get().number
    assert reveal_named_value(ALICE, row.key) == SECRET
    entry = AuditEntry.objects.latest("at")
    assert (entry.actor_name, entry.action, entry.object_name) == (
        "alice",
        "was shown the value of",
        "partner-key",
    )
    assert Revision.objects.get().number == number


def test_a_value_that_cannot_be_opened_is_not_said_to_have_been_seen() -> None:
    row = make_named_value(value=SECRET, secret=True)
    update_directly(NamedValue, row.key, sealed_value="damaged")
    with pytest.raises(Invalid, match="cannot be opened") as refused:
        reveal_named_value(ALICE, row.key)
    assert list(refused.value.errors) == ["value"]
    assert not AuditEntry.objects.filter(action="was shown the value of").exists()


# --- delete -------------------------------------------------------------------------------------------------------
def test_one_that_nothing_uses_is_deleted_and_that_is_recorded() -> None:
    row = make_named_value(value=SECRET, secret=True)
    revision = delete_named_value(ALICE, row.key, revision=row.revision)
    assert not NamedValue.objects.exists()
    assert Deletion.objects.get(row=row.key).table == "gateway_namedvalue"
    entry = AuditEntry.objects.get(revision=revision)
    assert (entry.action, entry.changes) == ("deleted", {"value": ["(secret)", ""]})


def test_what_is_gone_is_said_to_be() -> None:
    for attempt in (
        lambda: delete_named_value(ALICE, uuid4()),
        lambda: update_named_value(ALICE, uuid4(), value="x", secret=False),
        lambda: reveal_named_value(ALICE, uuid4()),
    ):
        with pytest.raises(NotFound, match="Property not found"):
            attempt()


# --- secrets ------------------------------------------------------------------------------------------------------
def test_no_log_no_audit_entry_no_error_and_no_repr_holds_a_secret(caplog: pytest.LogCaptureFixture) -> None:
    said = []
    with caplog.at_level(logging.DEBUG):
        row = make_named_value(value=SECRET, secret=True)
        update_named_value(ALICE, row.key, value=f"{SECRET}-2", secret=True, revision=row.revision)
        for value, secret in ((f"{SECRET}\n", True), (f"{SECRET}{{{{", True), (None, False)):
            with pytest.raises(Invalid) as refused:
                update_named_value(ALICE, row.key, value=value, secret=secret)
            said += [str(refused.value), repr(refused.value), str(refused.value.errors)]
        with change(ALICE) as this:
            said.append(repr(set_secret(this, "partner-key", f"{SECRET}-3")))
        reveal_named_value(ALICE, row.key)
        delete_named_value(ALICE, row.key)
    said += [repr(row), str(row), str(list(AuditEntry.objects.values())), caplog.text]
    assert SECRET not in " ".join(said)
