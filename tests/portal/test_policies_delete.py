"""DELETE POLICY: asked first, with what applies then; the history remembers."""

import pytest
from django.test import Client

from gateway.changes.base import Actor
from gateway.changes.policies import delete_policy, save_policy
from gateway.models import Api, Operation, PolicyDocument
from tests.builders import make_api, make_operation
from tests.portal.policy_pages import HEADER, TOP, of_api, of_operation, policy, save
from tests.portal.reading import banners, text_of

BOB = Actor("user", "bob")


@pytest.fixture
def api(db: None) -> Api:
    api = make_api()
    save(api, policy(HEADER.format("api"), ""))
    return api


@pytest.fixture
def operation(api: Api) -> Operation:
    operation = make_operation(api)
    save(operation, policy())
    return operation


def test_the_question_says_what_applies_instead_and_what_calls_notice(
    administrator_client: Client, api: Api
) -> None:
    assert of_api(api, "delete") in administrator_client.get(of_api(api)).content.decode()
    page = administrator_client.get(of_api(api, "delete"))
    words = text_of(page)
    assert "Are you sure you want to delete the policy?" in words
    assert "From then on the policy of All APIs applies instead." in words
    assert "Calls are forwarded to the back end." in words
    assert "Yes, delete it" in words
    assert f'href="{of_api(api)}">Cancel</a>' in page.content.decode()


def revision(client: Client, path: str) -> int:
    return int(client.get(path).context["form"]["revision"].value())


def test_yes_deletes_it(administrator_client: Client, api: Api) -> None:
    path = of_api(api, "delete")
    answer = administrator_client.post(path, {"revision": revision(administrator_client, path)})
    assert answer["Location"] == of_api(api)
    assert not PolicyDocument.objects.filter(api=api)
    page = administrator_client.get(of_api(api))
    assert banners(page)[0][1].startswith("The policy of Partner Bank was deleted.")
    assert "There is no policy for this scope yet" in text_of(page)
    assert "deleted" in text_of(administrator_client.get(of_api(api, "history")))


def test_an_operation_gets_that_of_its_api(administrator_client: Client, operation: Operation) -> None:
    path = of_operation(operation, "delete")
    assert "From then on the policy of Partner Bank applies instead." in text_of(
        administrator_client.get(path)
    )
    administrator_client.post(path, {"revision": revision(administrator_client, path)})
    assert not PolicyDocument.objects.filter(operation=operation)
    assert PolicyDocument.objects.filter(api=operation.api)


def test_what_somebody_has_just_changed_is_not_deleted_unseen(administrator_client: Client, api: Api) -> None:
    path = of_api(api, "delete")
    seen = revision(administrator_client, path)
    now = save_policy(BOB, api, policy(HEADER.format("changed"))).revision
    answer = administrator_client.post(path, {"revision": seen})
    assert answer.status_code == 409
    assert "Somebody else has just changed it." in text_of(answer)
    assert PolicyDocument.objects.filter(api=api)
    assert administrator_client.post(path, {"revision": now}).status_code == 302


def test_what_somebody_has_just_deleted_is_gone(administrator_client: Client, api: Api) -> None:
    path = of_api(api, "delete")
    seen = revision(administrator_client, path)
    delete_policy(BOB, api)
    for answer in (administrator_client.post(path, {"revision": seen}), administrator_client.get(path)):
        assert answer["Location"] == of_api(api)
    assert "There is no policy of Partner Bank (any more)." in text_of(administrator_client.get(of_api(api)))


def test_that_of_all_apis_cannot_be_deleted(administrator_client: Client) -> None:
    assert "Delete policy" not in text_of(administrator_client.get(TOP))
    assert administrator_client.get(f"{TOP}delete/").status_code == 404


def test_readers_are_not_asked(reader_client: Client, api: Api) -> None:
    assert "Delete policy" not in text_of(reader_client.get(of_api(api)))
    assert reader_client.get(of_api(api, "delete")).status_code == 403
    assert reader_client.post(of_api(api, "delete"), {"revision": 1}).status_code == 403
    assert PolicyDocument.objects.filter(api=api)
