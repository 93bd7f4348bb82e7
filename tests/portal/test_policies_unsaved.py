"""A draft left on its way to being saved: offered again, without its secrets, until it is saved or discarded."""

import pytest
from django.test import Client

from gateway.changes.apis import delete_api
from portal import unsaved_policies
from tests.builders import ALICE, make_api
from tests.portal.policy_pages import (
    HEADER,
    in_form,
    of_api,
    policy,
    press,
    save,
    template_of,
    write,
    write_and_save,
)
from tests.portal.reading import text_of

DRAFT = policy(HEADER.format("mine-alone"))
OFFER = "You have a draft of this policy that is not saved."


@pytest.mark.parametrize("action", ["review", "effective", "edit"])
@pytest.mark.parametrize("saved", [None, policy()], ids=["first policy", "changed policy"])
def test_it_is_offered_when_its_author_comes_back(
    administrator_client: Client, saved: str | None, action: str
) -> None:
    api = make_api()
    if saved:
        save(api, saved)
    write(administrator_client, of_api(api), DRAFT, action)
    back = administrator_client.get(of_api(api))
    assert OFFER in text_of(back)
    assert "mine-alone" not in back.content.decode()
    draft = administrator_client.get(of_api(api), {"draft": ""})
    assert in_form(draft, "xml") == DRAFT.replace("\n", "\r\n")
    assert OFFER not in text_of(draft)
    assert template_of(press(administrator_client, of_api(api), draft, "review")) == "review"


def test_it_is_offered_no_more_when_it_is_saved_or_discarded(administrator_client: Client) -> None:
    api = make_api()
    write_and_save(administrator_client, of_api(api), DRAFT)
    assert OFFER not in text_of(administrator_client.get(of_api(api)))
    write(administrator_client, of_api(api), policy())
    assert OFFER in text_of(administrator_client.get(of_api(api)))
    administrator_client.post(of_api(api), {"discard": "1"})
    assert OFFER not in text_of(administrator_client.get(of_api(api)))


def test_it_is_not_offered_at_another_scope_nor_to_somebody_else(
    administrator_client: Client, reader_client: Client
) -> None:
    api = make_api()
    save(api, policy())
    write(administrator_client, of_api(api), DRAFT)
    assert OFFER not in text_of(administrator_client.get(of_api(make_api("Another"))))
    assert OFFER not in text_of(reader_client.get(of_api(api)))


def test_it_does_not_overwrite_what_was_saved_meanwhile(administrator_client: Client) -> None:
    api = make_api()
    save(api, policy())
    write(administrator_client, of_api(api), DRAFT)
    save(api, policy(HEADER.format("theirs")))
    draft = administrator_client.get(of_api(api), {"draft": ""})
    assert template_of(press(administrator_client, of_api(api), draft, "review")) == "conflict"


def test_its_secrets_are_not_kept(administrator_client: Client) -> None:
    api = make_api()
    text = policy('<authentication-basic username="alice" password="hunter2-secret" />')
    write(administrator_client, of_api(api), text)
    assert "hunter2-secret" not in str(dict(administrator_client.session))
    draft = administrator_client.get(of_api(api), {"draft": ""})
    assert "Enter them again: line 4." in text_of(draft)


def test_drafts_too_large_for_a_session_are_forgotten_the_oldest_first(
    administrator_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unsaved_policies, "MOST_CHARACTERS", len(DRAFT) * 2)
    apis = [make_api("One"), make_api("Two")]
    for api in apis:
        write(administrator_client, of_api(api), DRAFT)
    offered = [OFFER in text_of(administrator_client.get(of_api(api))) for api in apis]
    assert offered == [False, True]


@pytest.mark.parametrize(
    ("origin", "comes_back"),
    [("http://testserver", True), ("https://evil.example", False), ("http://[::bad", False), ("null", False)],
)
def test_a_form_that_has_expired_brings_its_draft_back_to_be_copied(
    administrator_client: Client, origin: str, comes_back: bool
) -> None:
    administrator_client.handler.enforce_csrf_checks = True
    page = administrator_client.post(
        of_api(make_api()), {"xml": DRAFT, "revision": 0}, headers={"Origin": origin}
    )
    assert page.status_code == 403
    assert ("mine-alone" in text_of(page)) is comes_back


def test_the_draft_for_an_api_that_has_been_deleted_comes_back_to_be_copied(
    administrator_client: Client,
) -> None:
    api = make_api()
    path = of_api(api)
    delete_api(ALICE, api.key)
    page = administrator_client.post(path, {"xml": DRAFT, "revision": 0, "action": "review"})
    assert page.status_code == 404
    assert "mine-alone" in text_of(page)
