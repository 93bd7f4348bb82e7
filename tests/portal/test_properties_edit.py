"""Add property, and the page on which one is changed."""

import logging
import re
import time
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.http import QueryDict
from django.test import Client, RequestFactory

from gateway.changes.named_values import delete_named_value, reveal_named_value, update_named_value
from gateway.changes.policies import save_policy
from gateway.models import AuditEntry, NamedValue
from portal.views.properties import PropertyEdit
from tests.builders import ALICE, make_api, make_named_value, use_named_value
from tests.conftest import PASSWORD
from tests.portal.audit import newest_entry
from tests.portal.reading import banners, errors_beside, heading, link, text_of

pytestmark = pytest.mark.django_db
ADD = "/properties-add/"
URL = "/properties/partner-key/"
SECRET = "hunter2-hunter2"


def fields(row: NamedValue | None = None, **values: Any) -> dict[str, Any]:
    known = {"revision": row.revision} if row else {"name": "partner-key"}
    return known | {"value": "a value", "secret_value": "", "tags": "bank, test"} | values


def secret(row: NamedValue | None = None, **values: Any) -> dict[str, Any]:
    return fields(row, **{"secret": "on", "value": "", "secret_value": SECRET} | values)


def stored() -> tuple[str, bool, list[str]]:
    row = NamedValue.objects.get()
    return reveal_named_value(ALICE, row.key), row.secret, row.tags


def said(response: Any) -> str:
    ((_, text),) = banners(response)
    return text


# --- add ----------------------------------------------------------------------------------------------------------
def test_the_form_asks_for_name_value_and_tags_and_says_what_a_secret_is(
    administrator_client: Client,
) -> None:
    response = administrator_client.get(ADD)
    assert heading(response) == "Add property"
    page = text_of(response)
    for words in ("Name", "such as {{partner-bank-key}}", "This is a secret", "Value", "Secret value",
                  "Tags (optional)", "It never becomes readable again"):  # fmt: skip
        assert words in page
    assert 'type="password"' in response.content.decode()


def test_a_plain_one_is_saved_announced_and_shown_as_policies_write_it(administrator_client: Client) -> None:
    response = administrator_client.post(ADD, fields(value="one\r\ntwo "), follow=True)
    assert response.redirect_chain == [(URL, 302)]
    assert said(response).startswith(
        "New property “partner-key” was successfully saved. No gateway is running"
    )
    assert "{{partner-key}}" in text_of(response)
    assert 'data-copy="{{partner-key}}"' in response.content.decode()
    assert stored() == ("one\ntwo", False, ["bank", "test"])
    assert AuditEntry.objects.filter(actor_name="alice", action="created", object_name="partner-key").exists()


def test_a_secret_one_is_saved_and_masked(administrator_client: Client) -> None:
    response = administrator_client.post(ADD, secret(), follow=True)
    assert "Value •••••• Secret Show the value" in text_of(response)
    assert SECRET not in response.content.decode()
    assert stored() == (SECRET, True, ["bank", "test"])


def test_a_secret_is_taken_as_it_was_typed(administrator_client: Client) -> None:
    administrator_client.post(ADD, secret(secret_value=" padded "))
    assert stored()[0] == " padded "


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("name", " ", "Enter a name."),
        ("name", "a{b}", "Use no braces in a name"),
        ("name", "a/b", "without slashes"),
        ("value", " ", "Enter the value."),
        ("value", "x" * 4097, "at most 4096 characters"),
        ("value", "{{other}}", "cannot refer to another property"),
        ("value", "@(context.Api.Name)", "expressions such as @(...)"),
        ("tags", 'a, "b"', "no commas, quotes or backslashes"),
    ],
)
def test_a_bad_value_is_refused_beside_its_field(
    administrator_client: Client, name: str, value: str, message: str
) -> None:
    response = administrator_client.post(ADD, fields(**{name: value}))
    assert message in " ".join(errors_beside(response, name))
    assert not NamedValue.objects.exists()
    if name != "value":
        assert "a value</textarea>" in response.content.decode()


def test_a_name_that_is_taken_is_refused(administrator_client: Client) -> None:
    make_named_value("Partner-Key")
    response = administrator_client.post(ADD, fields())
    assert errors_beside(response, "name") == ["The name “partner-key” is already taken. Choose another one."]


@pytest.mark.parametrize("value", ["", "a\x07b", "{{other}}"])
def test_what_is_wrong_with_a_secret_stands_beside_its_own_field(
    administrator_client: Client, value: str
) -> None:
    response = administrator_client.post(ADD, secret(secret_value=value))
    assert errors_beside(response, "secret_value")
    assert not errors_beside(response, "value")


def test_a_secret_in_the_plain_field_is_taken_for_the_secret_it_is(administrator_client: Client) -> None:
    """Somebody types first and ticks the box then: with JavaScript the plain field is hidden by that."""
    response = administrator_client.post(ADD, secret(value=SECRET, secret_value="", name=""))
    assert errors_beside(response, "name")
    assert SECRET not in response.content.decode()
    administrator_client.post(ADD, secret(value=SECRET, secret_value=""))
    assert stored() == (SECRET, True, ["bank", "test"])


def test_a_secret_without_the_box_is_neither_lost_nor_made_readable(administrator_client: Client) -> None:
    response = administrator_client.post(ADD, fields(secret_value=SECRET))
    assert "tick this" in " ".join(errors_beside(response, "secret"))
    assert SECRET not in response.content.decode()
    assert not NamedValue.objects.exists()


def test_readers_are_told_why_they_cannot_add(reader_client: Client) -> None:
    for response in (reader_client.get(ADD), reader_client.post(ADD, fields())):
        assert response.status_code == 403
        assert "only members of the group Administrators" in text_of(response)
    assert not NamedValue.objects.exists()


# --- edit ---------------------------------------------------------------------------------------------------------
def test_a_plain_value_is_changed_and_the_list_is_returned_to(administrator_client: Client) -> None:
    row, back = make_named_value(), "/properties/?q=key&page=1"
    assert "a value</textarea>" in administrator_client.get(URL).content.decode()
    response = administrator_client.post(URL, fields(row, value="other", next=back), follow=True)
    assert response.redirect_chain == [(back, 302)]
    assert said(response).startswith("The property “partner-key” was saved. No gateway is running")
    assert stored() == ("other", False, ["bank", "test"])


def test_without_a_list_to_return_to_its_page_is_shown(administrator_client: Client) -> None:
    row = make_named_value()
    response = administrator_client.post(URL, fields(row, next="https://evil.example/"))
    assert response["Location"] == URL


def test_the_page_names_every_policy_that_follows_at_once(administrator_client: Client) -> None:
    row, api = make_named_value(), make_api()
    page = text_of(administrator_client.get(URL))
    assert "Used by No policy uses it." in page
    assert "follows at once" not in page
    use_named_value("partner-key", None, api)
    response = administrator_client.get(URL)
    assert "Used by All APIs Partner Bank" in text_of(response)
    assert "Every document that uses it follows at once: calls see a new value" in text_of(response)
    assert link(response, "Partner Bank") == "/policies/apis/partner-bank/"
    assert said(administrator_client.post(URL, fields(row, value="b"), follow=True)).startswith(
        "The property “partner-key” was saved; calls see its new value. No gateway is running"
    )


@pytest.mark.parametrize("is_secret", [False, True])
def test_a_value_that_stays_what_it_was_is_said_to(administrator_client: Client, is_secret: bool) -> None:
    row = make_named_value(value=SECRET, secret=is_secret)
    sent = secret(row, secret_value="") if is_secret else fields(row, value=SECRET)
    response = administrator_client.post(URL, sent, follow=True)
    assert "was saved; its value is what it was." in said(response)
    assert stored() == (SECRET, is_secret, ["bank", "test"])


def test_a_secret_value_is_replaced_without_being_seen(administrator_client: Client) -> None:
    row = make_named_value(value=SECRET, secret=True)
    page = administrator_client.get(URL)
    assert SECRET not in page.content.decode()
    assert "Leave it empty to keep the one that is stored." in text_of(page)
    administrator_client.post(URL, secret(row, secret_value="another"))
    assert stored() == ("another", True, ["bank", "test"])


def test_a_secret_becomes_plain_only_with_a_new_value(administrator_client: Client) -> None:
    row = make_named_value(value=SECRET, secret=True)
    response = administrator_client.post(URL, fields(row, value=""))
    assert errors_beside(response, "value") == ["Enter the value."]
    assert stored()[:2] == (SECRET, True)
    administrator_client.post(URL, fields(row, value="public"))
    assert stored()[:2] == ("public", False)


@pytest.mark.parametrize(("value", "typed"), [("a value", ""), ("", ""), ("a value", "another")])
def test_a_plain_value_is_sealed_as_it_is_or_with_another(
    administrator_client: Client, value: str, typed: str
) -> None:
    row = make_named_value()
    page = text_of(administrator_client.get(URL))
    assert "It could be read until now, here and in the audit log" in page
    response = administrator_client.post(URL, secret(row, value=value, secret_value=typed), follow=True)
    assert stored()[:2] == (typed or "a value", True)
    assert ("its value is what it was" in said(response)) == (not typed)


def test_a_value_that_would_make_a_policy_invalid_is_refused_and_names_it(
    administrator_client: Client,
) -> None:
    row, timeout = make_named_value("partner-key", "5"), '<forward-request timeout="{{partner-key}}" />'
    save_policy(ALICE, make_api(), f"<policies><backend>{timeout}</backend></policies>")
    wrong = "The policy of Partner Bank would become invalid: Error in element 'forward-request' on line 1"
    for sent, field in (
        (fields(row, value="soon"), "value"),
        (secret(row, value="5", secret_value=""), "secret"),
        (secret(row, value="5", secret_value=SECRET), "secret_value"),
    ):
        response = administrator_client.post(URL, sent)
        assert errors_beside(response, field)[0].startswith(wrong)
        assert SECRET not in response.content.decode()
    assert stored()[:2] == ("5", False)


def test_saving_over_somebody_elses_change_shows_both_and_asks(administrator_client: Client) -> None:
    row = make_named_value()
    update_named_value(ALICE, row.key, value="theirs", secret=False, tags=["bank", "test"])
    response = administrator_client.post(URL, fields(row, value="mine"))
    assert response.status_code == 409
    assert "Value theirs mine" in text_of(response)
    mine = fields(row, value="mine", save_over=response.context["conflict"].revision)
    assert administrator_client.post(URL, mine).status_code == 302
    assert stored()[0] == "mine"


def test_a_conflict_shows_no_secret_and_says_that_mine_has_to_be_entered_again(
    administrator_client: Client,
) -> None:
    row = make_named_value()
    update_named_value(ALICE, row.key, value=f"{SECRET}-theirs", secret=True, tags=["bank", "test"])
    response = administrator_client.post(URL, secret(row))
    assert response.status_code == 409
    assert SECRET not in response.content.decode()
    assert "Enter the secret value again: it does not come back in a page." in text_of(response)
    response = administrator_client.post(URL, fields(row, value="mine"))
    assert "This is a secret Yes No" in text_of(response)
    assert "Value (nothing) mine" in text_of(response)


def test_a_change_during_the_request_is_shown_too(rf: RequestFactory, administrator: User) -> None:
    row = make_named_value(tags=["bank", "test"])
    view = PropertyEdit()
    request = rf.post(URL)
    request.user = administrator
    view.setup(request, property_id=row.resource_id)
    form = view.build_form(QueryDict(urlencode(fields(row, value="mine"))))
    assert form.is_valid(), form.errors
    update_named_value(ALICE, row.key, value="theirs", secret=False, tags=["bank", "test"])
    differences = view.conflict(form, row.revision + 1).differences
    assert [(d.label, d.theirs, d.yours) for d in differences] == [("Value", "theirs", "mine")]


def test_one_that_is_deleted_during_the_request_is_said_to_be(
    rf: RequestFactory, administrator: User
) -> None:
    row = make_named_value()
    view = PropertyEdit()
    request = rf.post(URL, fields(row))
    request.user = administrator
    view.setup(request, property_id=row.resource_id)
    assert view.named_value == row  # read, before somebody else deletes it
    delete_named_value(ALICE, row.key)
    response = view.dispatch(request, property_id=row.resource_id)
    assert response.status_code == 404
    assert "Somebody else has just deleted it, so nothing was changed." in response.content.decode()


def test_names_are_found_without_regard_to_case_and_an_unknown_one_has_a_page(
    administrator_client: Client,
) -> None:
    make_named_value("Partner-Key")
    assert administrator_client.get("/properties/partner-KEY/").status_code == 200
    response = administrator_client.get("/properties/nix/")
    assert response.status_code == 404
    assert "There is no property with the name “nix”." in text_of(response)
    assert link(response, "All properties") == "/properties/"


@pytest.mark.parametrize("name", ["a b", "ä?#&=+;", "..", ".", "add", "<b>", "~@"])
def test_every_name_has_an_address(administrator_client: Client, name: str) -> None:
    response = administrator_client.post(ADD, fields(name=name), follow=True)
    assert heading(response) == f"Properties - {name}"


def test_readers_see_the_value_and_its_tags_without_a_form_and_why(reader_client: Client) -> None:
    row = make_named_value(tags=["partner"])
    response = reader_client.get(URL)
    assert "Value a value Tags partner" in text_of(response)
    assert "only members of the group Administrators" in text_of(response)
    main = response.content.decode().split("<main", 1)[1]
    assert not re.search("<(form|input|textarea|button type=.submit)", main)
    assert "/delete/" not in main
    assert reader_client.post(URL, fields(row, value="mine")).status_code == 403
    assert stored()[0] == "a value"


# --- secrets ------------------------------------------------------------------------------------------------------
def expire(client: Client) -> None:
    """Make the session as if nobody had used it for half a day."""
    session = client.session
    session["session_seen_at"] = session["session_started_at"] = time.time() - 12 * 3600
    session.save()


def kept() -> str:
    return " ".join(str(session.get_decoded()) for session in Session.objects.all())


@pytest.mark.parametrize("field", ["value", "secret_value"])
def test_a_form_sent_after_the_session_comes_back_without_the_secret(
    administrator_client: Client, administrator: User, field: str
) -> None:
    row = make_named_value(value="old", secret=True)
    administrator_client.get(URL)
    expire(administrator_client)
    sent = secret(row, value="", secret_value="", tags="half written") | {field: SECRET}
    assert administrator_client.post(URL, sent)["Location"].startswith("/sign-in/")
    assert "half written" in kept()
    assert SECRET not in kept()
    administrator_client.post("/sign-in/", {"username": "alice", "password": PASSWORD})
    page = administrator_client.get(URL)
    assert 'value="half written"' in page.content.decode()
    assert "passwords and files are not kept" in text_of(page)
    assert SECRET not in page.content.decode()
    assert stored()[0] == "old"


def test_a_plain_value_sent_after_the_session_comes_back(
    administrator_client: Client, administrator: User
) -> None:
    administrator_client.get(ADD)
    expire(administrator_client)
    administrator_client.post(ADD, fields(value="a long text"))
    administrator_client.post("/sign-in/", {"username": "alice", "password": PASSWORD})
    assert "a long text</textarea>" in administrator_client.get(ADD).content.decode()


def test_no_answer_no_log_and_no_session_holds_a_secret_that_was_sent(
    administrator_client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    answers = []
    with caplog.at_level(logging.DEBUG):
        for sent in (
            secret(name=""),
            secret(tags='"'),
            secret(secret_value=f"{SECRET}\x07"),
            secret(),
            secret(),
        ):
            answers.append(administrator_client.post(ADD, sent, follow=True).content.decode())
        row = NamedValue.objects.get()
        for sent in (
            secret(row, tags='"'),
            secret(row, secret_value=f"{SECRET}{{{{"),
            secret(row, revision=0),
            fields(row, secret_value=SECRET),
            secret(row, revision=""),
            secret(row),
        ):
            answers.append(administrator_client.post(URL, sent, follow=True).content.decode())
    held = [
        *answers,
        caplog.text,
        kept(),
        str(list(AuditEntry.objects.values())),
        str(list(NamedValue.objects.values())),
    ]
    assert not [text for text in held if SECRET in text]
    assert newest_entry() == ("alice", "updated", "named value", "partner-key")


def test_an_id_that_is_not_the_name_is_told(administrator_client: Client) -> None:
    make_named_value("partner-key", entity_id="5f1a")
    make_named_value("other")
    assert "In the REST API 5f1a" in text_of(administrator_client.get("/properties/partner-key/"))
    assert "In the REST API" not in text_of(administrator_client.get("/properties/other/"))
