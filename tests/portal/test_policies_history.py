"""The history of a policy: who changed what and when, each version, and how one is brought back."""

from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from gateway.changes.base import Actor
from gateway.changes.certificates import delete_certificate
from gateway.changes.policies import delete_policy, save_policy
from gateway.changes.security import NoCredentials
from gateway.models import Api, PolicyVersion
from tests.builders import ALICE, choose, make_api, make_certificate, make_operation
from tests.portal.policy_pages import (
    HEADER,
    in_form,
    of_api,
    of_operation,
    policy,
    save,
    saved_text,
    shown_difference,
)
from tests.portal.reading import banners, link, rows, text_of

MINUS = "\N{MINUS SIGN}"
BOB = Actor("user", "bob")
ONE, TWO, THREE = (policy(HEADER.format(word)) for word in ("one", "two", "three"))


@pytest.fixture
def api(db: None) -> Api:
    api = make_api()
    save(api, ONE)
    save_policy(BOB, api, TWO)
    delete_policy(BOB, api)
    save(api, THREE)
    return api


def version(api: Api, xml: str) -> PolicyVersion:
    return PolicyVersion.objects.filter(api=api, xml=xml).latest("revision")


def test_the_versions_are_listed_with_the_newest_first(reader_client: Client, api: Api) -> None:
    page = reader_client.get(of_api(api, "history"))
    words = text_of(page)
    listed = [row["version"] for row in page.context["listing"].rows]
    assert [(v.actor_name, v.action) for v in listed] == [
        ("alice", "saved"), ("bob", "deleted"), ("bob", "saved"), ("alice", "saved"),
    ]  # fmt: skip
    assert "in effect now" in rows(page)[0]
    assert words.count("in effect now") == 1
    assert f"+1 added {MINUS}1 removed lines" in words
    assert f"{MINUS}12 removed lines" in words


def test_a_scope_has_the_versions_of_its_own_only(reader_client: Client, api: Api) -> None:
    operation = make_operation(api)
    save(operation, policy())
    page = reader_client.get(of_operation(operation, "history"))
    assert [row["version"].xml for row in page.context["listing"].rows] == [policy()]
    other = of_operation(operation, "version", version(api, ONE).key)
    assert reader_client.get(other).status_code == 404
    assert "has no such version" in text_of(reader_client.get(other))


def test_what_the_security_tab_writes_is_in_the_history_too(administrator_client: Client) -> None:
    api = make_api()
    choose(api, make_certificate())
    choose(api, NoCredentials())
    page = administrator_client.get(of_api(api, "history"))
    assert len(page.context["listing"].rows) == 2


def test_a_scope_that_never_had_a_policy_says_so(reader_client: Client) -> None:
    assert "There is nothing to display" in text_of(reader_client.get(of_api(make_api(), "history")))


def test_a_long_history_has_pages_and_each_asks_equally_little(administrator_client: Client) -> None:
    api = make_api()
    counts = []
    for number in range(60):
        save(api, policy(HEADER.format(number)))
        if number in (3, 59):
            administrator_client.get(of_api(api, "history"))
            with CaptureQueriesContext(connection) as queries:
                page = administrator_client.get(of_api(api, "history"))
            counts.append(len(queries))
    assert len(page.context["listing"].rows) == 25
    assert "25 of 60" in text_of(page)
    last = administrator_client.get(of_api(api, "history"), {"page": 3})
    assert text_of(last).count(f"+1 added {MINUS}1 removed") == 9
    assert "+12 added" in text_of(last)
    assert counts[0] == counts[1]


def test_a_version_shows_what_it_changed_and_how_it_differs_from_now(reader_client: Client, api: Api) -> None:
    page = reader_client.get(of_api(api, "version", version(api, TWO).key))
    changed = [row for row in shown_difference(page) if row[0] != "same"]
    assert changed == [("removed", HEADER.format("one")), ("added", HEADER.format("two"))]
    assert "From what is in effect now to this version" in text_of(page)
    assert HEADER.format("three") in text_of(page)
    assert "Restore" not in text_of(page)  # for readers


def test_a_version_that_deleted_the_policy_says_so(administrator_client: Client, api: Api) -> None:
    page = administrator_client.get(of_api(api, "version", version(api, "").key))
    assert "This change deleted the policy." in text_of(page)
    assert "Restore this version" not in text_of(page)


def restore(client: Client, path: str) -> Any:
    revision = client.get(path).context["form"]["revision"].value()
    return client.post(path, {"revision": revision})


def test_a_version_is_restored_after_a_look_at_the_difference(administrator_client: Client, api: Api) -> None:
    before = administrator_client.get(of_api(api, "version", version(api, ONE).key))
    path = link(before, "Restore this version")
    page = administrator_client.get(path)
    changed = [row for row in shown_difference(page) if row[0] != "same"]
    assert changed == [("removed", HEADER.format("three")), ("added", HEADER.format("one"))]
    answer = restore(administrator_client, path)
    assert answer["Location"] == of_api(api)
    assert saved_text(api) == ONE
    assert banners(administrator_client.get(of_api(api)))[0][1].startswith(
        "The policy of Partner Bank was restored."
    )
    newest = administrator_client.get(of_api(api, "history")).context["listing"].rows[0]
    assert (newest["version"].action, newest["version"].actor_name) == ("restored", "alice")


def test_a_deleted_policy_is_restored(administrator_client: Client, api: Api) -> None:
    delete_policy(ALICE, api)
    page = administrator_client.get(of_api(api, "version", version(api, THREE).key))
    assert "There is no policy for this scope now." in text_of(page)
    restore(administrator_client, link(page, "Restore this version"))
    assert saved_text(api) == THREE


def test_nothing_is_restored_over_a_change_that_was_not_seen(administrator_client: Client, api: Api) -> None:
    path = of_api(api, "restore", version(api, ONE).key)
    seen = administrator_client.get(path).context["form"]["revision"].value()
    save_policy(BOB, api, TWO)
    answer = administrator_client.post(path, {"revision": seen})
    assert answer.status_code == 409
    assert "Somebody else has just changed this policy." in text_of(answer)
    assert ("removed", HEADER.format("two")) in shown_difference(answer)
    assert saved_text(api) == TWO
    assert administrator_client.post(path, {"revision": in_form(answer, "revision")}).status_code == 302


def test_a_version_that_names_what_is_gone_says_so_and_opens_in_the_editor(
    administrator_client: Client, api: Api
) -> None:
    certificate = make_certificate("partner-bank")
    old = policy('<authentication-certificate certificate-id="partner-bank" />')
    save(api, old)
    save(api, ONE)
    delete_certificate(ALICE, certificate.key)
    path = of_api(api, "restore", version(api, old).key)
    page = administrator_client.get(path)
    assert "This version cannot be restored as it is" in text_of(page)
    assert "could not be resolved" in text_of(page)
    assert ">Restore</button>" not in page.content.decode()
    answer = administrator_client.post(path, {"revision": in_form(page, "revision")})
    assert answer.status_code == 200
    assert saved_text(api) == ONE
    fields = {name: in_form(page, name) for name in ("xml", "revision")}
    editor = administrator_client.post(of_api(api), {**fields, "action": "edit"})
    assert in_form(editor, "xml") == old.replace("\n", "\r\n")


def test_a_version_that_is_not_there_leads_to_all_versions(administrator_client: Client, api: Api) -> None:
    for page in ("version", "restore"):
        answer = administrator_client.get(of_api(api, page, uuid4()))
        assert answer.status_code == 404
        assert link(answer, "All versions") == of_api(api, "history")


def test_readers_restore_nothing(reader_client: Client, api: Api) -> None:
    path = of_api(api, "restore", version(api, ONE).key)
    assert reader_client.get(path).status_code == 403
    assert reader_client.post(path, {"revision": 1}).status_code == 403
    assert saved_text(api) == THREE
