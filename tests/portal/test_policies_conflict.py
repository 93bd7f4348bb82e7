"""Two people edit one policy: both texts are shown, and nobody writes over the other's unasked."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client

from gateway.changes.base import Actor
from gateway.changes.policies import delete_policy, save_policy
from gateway.models import Api
from tests.builders import make_api
from tests.portal.policy_pages import (
    HEADER,
    in_form,
    of_api,
    policy,
    press,
    save,
    saved_text,
    shown_difference,
    template_of,
)
from tests.portal.reading import text_of

BOB = Actor("user", "bob")
FIRST, THEIRS, MINE = (policy(HEADER.format(word)) for word in ("first", "theirs", "mine"))


@pytest.fixture
def api(db: None) -> Api:
    api = make_api()
    save(api, FIRST)
    return api


def conflict(client: Client, api: Api, action: str = "review", mine: str = MINE) -> Any:
    """The editor is opened, somebody else saves, a button is pressed."""
    page = client.get(of_api(api))
    if action == "save":
        page = press(client, of_api(api), page, "review", xml=mine)
    save_policy(BOB, api, THEIRS)
    return press(client, of_api(api), page, action, xml=mine)


@pytest.mark.parametrize("action", ["review", "save"])
def test_both_texts_and_their_difference_are_shown(
    administrator_client: Client, api: Api, action: str
) -> None:
    page = conflict(administrator_client, api, action)
    assert (page.status_code, template_of(page)) == (409, "conflict")
    assert saved_text(api) == THEIRS
    assert "It was saved by bob on" in text_of(page)
    changed = [row for row in shown_difference(page) if row[0] != "same"]
    assert changed == [("removed", HEADER.format("theirs")), ("added", HEADER.format("mine"))]
    body = page.content.decode()
    for whose in ("theirs", "yours"):
        assert f'id="{whose}-line-4"' in body
    assert in_form(page, "xml") == MINE.replace("\n", "\r\n")


def test_mine_is_saved_over_theirs_if_i_say_so(administrator_client: Client, api: Api) -> None:
    page = conflict(administrator_client, api)
    assert "Save mine over theirs" in text_of(page)
    assert press(administrator_client, of_api(api), page, "save").status_code == 302
    assert saved_text(api) == MINE


def test_what_is_saved_while_my_save_is_under_way_is_shown_as_theirs(
    administrator_client: Client, api: Api
) -> None:
    review = press(
        administrator_client, of_api(api), administrator_client.get(of_api(api)), "review", xml=MINE
    )
    waiting = [THEIRS]

    def overtaken(execute: Any, sql: str, *rest: Any) -> Any:
        if waiting and sql.startswith("SAVEPOINT"):  # the document has been read, the change begins
            save_policy(BOB, api, waiting.pop())
        return execute(sql, *rest)

    with connection.execute_wrapper(overtaken):
        page = press(administrator_client, of_api(api), review, "save")
    assert page.status_code == 409
    assert not waiting
    assert ("removed", HEADER.format("theirs")) in shown_difference(page)
    assert press(administrator_client, of_api(api), page, "save").status_code == 302


def test_agreeing_to_one_change_is_no_agreement_to_the_next(administrator_client: Client, api: Api) -> None:
    page = conflict(administrator_client, api)
    save_policy(BOB, api, FIRST)
    again = press(administrator_client, of_api(api), page, "save")
    assert again.status_code == 409
    assert saved_text(api) == FIRST


def test_going_on_with_mine_leads_to_a_review_against_theirs(administrator_client: Client, api: Api) -> None:
    page = conflict(administrator_client, api)
    editor = press(administrator_client, of_api(api), page, "edit")
    assert in_form(editor, "xml") == MINE.replace("\n", "\r\n")
    review = press(administrator_client, of_api(api), editor, "review")
    assert template_of(review) == "review"
    assert ("removed", HEADER.format("theirs")) in shown_difference(review)


def test_theirs_is_taken_by_opening_the_policy_again(administrator_client: Client, api: Api) -> None:
    page = conflict(administrator_client, api)
    assert f'<a class="button" href="{of_api(api)}">Take theirs</a>' in page.content.decode()
    assert in_form(administrator_client.get(of_api(api)), "xml") == THEIRS.replace("\n", "\r\n")


def test_a_policy_that_was_deleted_meanwhile_is_a_conflict(administrator_client: Client, api: Api) -> None:
    page = administrator_client.get(of_api(api))
    delete_policy(BOB, api)
    answer = press(administrator_client, of_api(api), page, "review", xml=MINE)
    assert answer.status_code == 409
    assert "There is no policy for this scope any more: they deleted it." in text_of(answer)
    assert "It was deleted by bob on" in text_of(answer)
    assert press(administrator_client, of_api(api), answer, "save").status_code == 302
    assert saved_text(api) == MINE


def test_two_first_policies_are_a_conflict(administrator_client: Client, db: None) -> None:
    api = make_api()
    page = administrator_client.get(of_api(api), {"add": ""})
    save_policy(BOB, api, THEIRS)
    assert press(administrator_client, of_api(api), page, "save", xml=MINE).status_code == 409
    assert saved_text(api) == THEIRS


def test_secrets_are_not_shown_in_a_conflict_and_are_moved_after_it(
    administrator_client: Client, api: Api
) -> None:
    mine = policy('<authentication-basic username="alice" password="hunter2hunter2" />')
    page = conflict(administrator_client, api, mine=mine)
    assert "hunter2" not in text_of(page)
    assert "moves to the secret named value partner-bank-basic-password" in text_of(page)
    assert press(administrator_client, of_api(api), page, "save").status_code == 302
    assert "{{partner-bank-basic-password}}" in saved_text(api)


def test_the_same_text_from_both_is_said(administrator_client: Client, api: Api) -> None:
    page = conflict(administrator_client, api, mine=THEIRS)
    assert page.status_code == 409
    assert "What they saved is the same as yours." in text_of(page)


def test_a_revision_that_never_was_is_a_conflict_too(administrator_client: Client, db: None) -> None:
    api = make_api()
    fields = {"xml": MINE, "revision": 99, "action": "save"}
    answer = administrator_client.post(of_api(api), fields)
    assert answer.status_code == 409
    assert in_form(answer, "revision") == "0"
