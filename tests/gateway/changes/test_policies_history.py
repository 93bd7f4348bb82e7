"""Versions of policy documents: every writer leaves one, and each can be restored."""

from uuid import uuid4

import pytest

from gateway.changes.apis import delete_api
from gateway.changes.base import Actor
from gateway.changes.certificates import delete_certificate
from gateway.changes.operations import update_operation
from gateway.changes.policies import delete_policy, document_of, restore_policy, save_policy
from gateway.changes.security import BasicCredentials, NoCredentials
from gateway.errors import EditConflict, Invalid, NotFound
from gateway.models import (
    Api,
    AuditEntry,
    Deletion,
    NamedValue,
    Operation,
    PolicyDocument,
    PolicyReference,
    PolicyVersion,
    Revision,
)
from tests.builders import ALICE, choose, make_api, make_certificate, make_operation

pytestmark = pytest.mark.django_db

ONE, TWO = "<policies><!-- one --></policies>", "<policies><!-- two --></policies>"
WITH_CERTIFICATE = (
    '<policies><inbound><authentication-certificate certificate-id="partner-bank" /></inbound></policies>'
)


def versions(**scope: object) -> list[tuple[str, str]]:
    rows = PolicyVersion.objects.filter(**scope).order_by("revision")
    return list(rows.values_list("action", "xml"))


def rewrite(operation: Operation, template: str) -> None:
    values = {"method": "GET", "url_template": operation.url_template, "display_name": "Get"}
    update_operation(ALICE, operation.key, rewrite_template=template, **values)


# --- versions -----------------------------------------------------------------------------------------------------
def test_the_policy_of_all_apis_has_a_version_from_the_beginning() -> None:
    assert versions(api=None, operation=None) == [("saved", document_of(None).xml)]


def test_every_save_leaves_a_version_that_says_who_and_when_it_was() -> None:
    api = make_api()
    save_policy(ALICE, api, ONE)
    saved = save_policy(Actor("api", "import"), api, TWO)
    assert versions(api=api) == [("saved", ONE), ("saved", TWO)]
    last = PolicyVersion.objects.get(revision=saved.revision)
    assert (last.actor_kind, last.actor_name, last.revision) == ("api", "import", saved.revision)
    assert last.at == AuditEntry.objects.get(revision=saved.revision).at.replace(
        microsecond=last.at.microsecond
    )


def test_the_security_tab_leaves_one_where_it_changes_the_document() -> None:
    api, certificate = make_api(), make_certificate()
    choose(api, certificate)
    choose(api, certificate)
    choose(api, BasicCredentials("alice", "hunter2"))
    choose(api, BasicCredentials("alice", "hunter3"))
    choose(api, NoCredentials())
    texts = [xml for _, xml in versions(api=api)]
    assert [("certificate-id" in xml, "password" in xml) for xml in texts] == [
        (True, False),
        (False, True),
        (False, False),
    ]


def test_an_operations_rewrite_template_leaves_one_where_it_changes_the_document() -> None:
    operation = make_operation(make_api(), rewrite_template="/x/{id}")
    for template in ("/x/{id}", "/y/{id}", ""):
        rewrite(operation, template)
    texts = [xml for _, xml in versions(operation=operation)]
    assert [("/x/" in xml, "/y/" in xml) for xml in texts] == [(True, False), (False, True), (False, False)]


def test_versions_go_with_the_api() -> None:
    operation = make_operation(make_api(), rewrite_template="/x/{id}")
    save_policy(ALICE, operation.api, ONE)
    delete_api(ALICE, operation.api.key)
    assert PolicyVersion.objects.count() == 1  # that of All APIs


# --- delete -------------------------------------------------------------------------------------------------------
def test_a_deleted_policy_is_gone_with_its_references_and_leaves_an_empty_version() -> None:
    api, certificate = make_api(), make_certificate()
    save_policy(ALICE, api, WITH_CERTIFICATE)
    row = document_of(api)
    revision = delete_policy(ALICE, api, revision=row.revision)
    assert document_of(api) is None
    assert not PolicyReference.objects.exists()
    assert versions(api=api) == [("saved", WITH_CERTIFICATE), ("deleted", "")]
    assert Deletion.objects.get(revision=revision).row == api.key
    entry = AuditEntry.objects.get(revision=revision)
    assert (entry.action, entry.object_name) == ("deleted", "policy of Partner Bank")
    assert entry.changes == {"policy": [WITH_CERTIFICATE, ""]}
    delete_certificate(ALICE, certificate.key)


def test_the_policy_of_all_apis_cannot_be_deleted() -> None:
    with pytest.raises(Invalid) as refused:
        delete_policy(ALICE, None)
    assert "cannot be deleted" in refused.value.errors["xml"][0]
    assert document_of(None)


def test_a_policy_that_is_not_there_is_not_found() -> None:
    with pytest.raises(NotFound):
        delete_policy(ALICE, make_api())


def test_deleting_what_somebody_changed_is_a_conflict() -> None:
    api = make_api()
    seen = save_policy(ALICE, api, ONE).revision
    now = save_policy(ALICE, api, TWO).revision
    with pytest.raises(EditConflict) as refused:
        delete_policy(ALICE, api, revision=seen)
    assert refused.value.revision == now
    assert document_of(api).xml == TWO


def test_the_passwords_of_a_deleted_policy_stay_so_that_it_can_be_restored() -> None:
    api = make_api()
    choose(api, BasicCredentials("alice", "hunter2"))
    version = PolicyVersion.objects.get(api=api)
    delete_policy(ALICE, api)
    assert NamedValue.objects.count() == 1
    restore_policy(ALICE, api, version.key)
    assert PolicyReference.objects.get().named_value == NamedValue.objects.get()


# --- restore ------------------------------------------------------------------------------------------------------
def test_a_restored_version_is_the_document_again() -> None:
    api = make_api()
    save_policy(ALICE, api, ONE)
    first = PolicyVersion.objects.get(api=api)
    seen = save_policy(ALICE, api, TWO).revision
    restored = restore_policy(ALICE, api, first.key, revision=seen)
    assert (document_of(api).xml, document_of(api).revision) == (ONE, restored.revision)
    assert versions(api=api) == [("saved", ONE), ("saved", TWO), ("restored", ONE)]
    assert AuditEntry.objects.get(revision=restored.revision).action == "restored"


def test_a_deleted_policy_is_restored() -> None:
    operation = make_operation(make_api(), rewrite_template="/x/{id}")
    version = PolicyVersion.objects.get(operation=operation)
    delete_policy(ALICE, operation)
    restore_policy(ALICE, operation, version.key, revision=0)
    assert document_of(operation).xml == version.xml


def test_restoring_what_is_there_writes_nothing() -> None:
    api = make_api()
    saved = save_policy(ALICE, api, ONE)
    assert restore_policy(ALICE, api, PolicyVersion.objects.get(api=api).key) == saved
    assert Revision.objects.get().number == saved.revision
    assert versions(api=api) == [("saved", ONE)]


def test_a_version_of_another_scope_is_not_found() -> None:
    api, other = make_api(), make_operation(make_api("Other"), rewrite_template="/x/{id}")
    save_policy(ALICE, other.api, ONE)
    keys = [*PolicyVersion.objects.values_list("pk", flat=True), uuid4()]
    for key in keys:
        with pytest.raises(NotFound):
            restore_policy(ALICE, api, key)
    assert document_of(api) is None


def test_a_deletion_has_no_text_to_restore() -> None:
    api = make_api()
    save_policy(ALICE, api, ONE)
    delete_policy(ALICE, api)
    with pytest.raises(Invalid) as refused:
        restore_policy(ALICE, api, PolicyVersion.objects.get(xml="").key)
    assert "no text to restore" in refused.value.errors["xml"][0]


def test_a_version_that_names_what_is_gone_is_refused_like_any_text() -> None:
    api, certificate = make_api(), make_certificate()
    save_policy(ALICE, api, WITH_CERTIFICATE)
    version = PolicyVersion.objects.get(api=api)
    save_policy(ALICE, api, ONE)
    delete_certificate(ALICE, certificate.key)
    with pytest.raises(Invalid) as refused:
        restore_policy(ALICE, api, version.key)
    assert "Certificate with id 'partner-bank' could not be resolved." in refused.value.errors["xml"][0]
    assert PolicyDocument.objects.get(api=api).xml == ONE


def test_restoring_over_somebody_elses_change_is_a_conflict() -> None:
    api: Api = make_api()
    save_policy(ALICE, api, ONE)
    version = PolicyVersion.objects.get(api=api)
    save_policy(ALICE, api, TWO)
    with pytest.raises(EditConflict):
        restore_policy(ALICE, api, version.key, revision=version.revision)
