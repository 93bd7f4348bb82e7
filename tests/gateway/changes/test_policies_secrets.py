"""Passwords that somebody writes into a policy document: sealed, and found nowhere else."""

import json
import logging

import pytest
from django.apps import apps

from gateway import keystore
from gateway.changes.apis import delete_api
from gateway.changes.base import Actor
from gateway.changes.policies import (
    SavedPolicy,
    check_document,
    delete_policy,
    document_of,
    faults_of,
    restore_policy,
    save_policy,
)
from gateway.changes.security import BasicCredentials, NoCredentials, read_security
from gateway.errors import Invalid
from gateway.models import AuditEntry, NamedValue, PolicyDocument, PolicyReference, PolicyVersion, Revision
from gateway.policies.secrets import literal_secrets
from tests.arrange import set_text, update_directly
from tests.builders import ALICE, choose, make_api, make_named_value, make_operation

pytestmark = pytest.mark.django_db

BASIC = '<authentication-basic username="alice" password="{}" />'
KEY = '<set-header name="X-Api-Key"><value>{}</value></set-header>'


def inbound(*statements: str) -> str:
    return f"<policies>\n<inbound>\n<base />\n{''.join(statements)}\n</inbound>\n</policies>"


def sealed(name: str) -> str:
    row = NamedValue.objects.get(resource_id=name)
    assert row.secret
    assert row.value == ""
    return keystore.open_sealed("gateway_namedvalue", "sealed_value", row.key, row.sealed_value).decode()


def everything_that_is_kept() -> str:
    """All rows of all tables, sealed values included, as text."""
    rows = [list(model._default_manager.values()) for model in apps.get_models()]
    return json.dumps(rows, default=str)


# --- moving -------------------------------------------------------------------------------------------------------
def test_a_password_moves_into_a_secret_named_value_and_nothing_else_changes() -> None:
    api = make_api()
    saved = save_policy(ALICE, api, inbound(BASIC.format("a&amp;b&#252;")))
    assert saved.moved == ("partner-bank-basic-password",)
    assert document_of(api).xml == inbound(BASIC.format("{{partner-bank-basic-password}}"))
    assert sealed("partner-bank-basic-password") == "a&b\u00fc"
    assert PolicyReference.objects.get().named_value.resource_id == "partner-bank-basic-password"
    assert read_security(api).credentials == BasicCredentials("alice", None)


def test_a_password_is_found_nowhere_afterwards(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    operation = make_operation(make_api())
    scopes = (None, operation.api, operation)
    for scope in scopes:
        save_policy(ALICE, scope, inbound(BASIC.format("hunter2")))
        xml = inbound(BASIC.format("hunter3"), KEY.format("hunter4"))
        secrets = literal_secrets(check_document(scope, xml))
        save_policy(ALICE, scope, xml, move=[secret.id for secret in secrets])
        delete_policy(ALICE, scope) if scope else None
    assert "hunter" not in everything_that_is_kept()
    assert "hunter" not in caplog.text
    assert {sealed(name) for name in NamedValue.objects.values_list("resource_id", flat=True)} == {
        "hunter3",
        "hunter4",
    }


def test_each_scope_has_names_of_its_own() -> None:
    operation = make_operation(make_api())
    names = [
        save_policy(ALICE, scope, inbound(BASIC.format(f"password of {scope}"))).moved
        for scope in (None, operation.api, operation)
    ]
    assert names == [
        ("all-apis-basic-password",),
        ("partner-bank-basic-password",),
        ("partner-bank-basic-password-2",),
    ]


def test_two_passwords_of_one_document_get_two_names() -> None:
    api = make_api()
    saved = save_policy(ALICE, api, inbound(BASIC.format("one"), BASIC.format("two")))
    assert saved.moved == ("partner-bank-basic-password", "partner-bank-basic-password-2")
    assert [sealed(name) for name in saved.moved] == ["one", "two"]


def test_a_name_that_is_taken_is_left_to_who_has_it() -> None:
    api = make_api()
    set_text("Partner-Bank-Basic-Password", "theirs")
    saved = save_policy(ALICE, api, inbound(BASIC.format("hunter2")))
    assert saved.moved == ("partner-bank-basic-password-2",)
    assert NamedValue.objects.get(resource_id="Partner-Bank-Basic-Password").value == "theirs"


def test_likely_secrets_move_where_they_are_chosen_and_stay_otherwise() -> None:
    api, xml = make_api(), inbound(KEY.format("one"), KEY.format("two").replace("Api", "Other"))
    first, second = literal_secrets(check_document(api, xml))
    assert save_policy(ALICE, api, xml).moved == ()
    assert document_of(api).xml == xml
    saved = save_policy(ALICE, api, xml, move=[second.id])
    assert saved.moved == ("partner-bank-x-other-key",)
    assert document_of(api).xml == xml.replace("two", "{{partner-bank-x-other-key}}")
    assert sealed("partner-bank-x-other-key") == "two"
    assert first.id != second.id


def test_choosing_what_is_not_in_the_text_is_refused() -> None:
    api = make_api()
    with pytest.raises(Invalid) as refused:
        save_policy(ALICE, api, inbound(KEY.format("one")), move=["1-1"])
    assert "Review it once more" in refused.value.errors["xml"][0]
    assert document_of(api) is None


def test_checking_writes_nothing() -> None:
    api, before = make_api(), everything_that_is_kept()
    xml = inbound(BASIC.format("hunter2"))
    assert faults_of(api, xml) == ()
    assert check_document(api, xml).xml == xml
    assert everything_that_is_kept() == before


def test_a_document_that_is_refused_seals_nothing() -> None:
    api, number = make_api(), Revision.objects.get().number
    xml = inbound(BASIC.format("hunter2"), '<authentication-certificate certificate-id="gone" />')
    with pytest.raises(Invalid) as refused:
        save_policy(ALICE, api, xml)
    assert "hunter2" not in str(refused.value.errors)
    assert not NamedValue.objects.exists()
    assert Revision.objects.get().number == number


def test_a_fault_behind_a_password_is_where_its_author_wrote_it() -> None:
    api = make_api()
    set_text("wrong", "a:b")
    xml = inbound(BASIC.format("hunter2"), BASIC.format("x").replace("alice", "{{wrong}}"))
    (fault,) = faults_of(api, xml)
    assert (fault.element, fault.line) == ("authentication-basic", 4)
    assert xml.splitlines()[3][fault.column - 1 :].startswith('authentication-basic username="{{wrong}}"')


def test_a_value_of_several_lines_moves_and_faults_behind_it_keep_their_line() -> None:
    api = make_api()
    xml = inbound("\n", KEY.format("<![CDATA[a\n b]]>"))
    with pytest.raises(Invalid):  # a header holds no line break, neither here nor in a named value
        save_policy(ALICE, api, xml)
    xml = inbound(KEY.format("\n<!-- one\ntwo -->hunter2<!-- three\n -->"), "<no-such />")
    (fault,) = faults_of(api, xml)
    assert fault.line == 7


@pytest.mark.parametrize("deleted", [False, True])
def test_a_secret_that_stood_in_a_document_for_a_while_is_found_nowhere_afterwards(deleted: bool) -> None:
    api, key = make_api(), KEY.format("a<!-- -->&#98;&lt;c")
    save_policy(ALICE, api, inbound(key))
    save_policy(ALICE, api, inbound("<!-- more -->", KEY.format("<![CDATA[ab<c]]>")))
    delete_policy(ALICE, api) if deleted else None
    xml = inbound("<!-- most -->", key)
    (secret,) = literal_secrets(check_document(api, xml))
    (name,) = save_policy(ALICE, api, xml, move=[secret.id]).moved
    kept = everything_that_is_kept()
    assert not any(text in kept for text in ("ab<c", "&#98;"))
    first, second = PolicyVersion.objects.filter(api=api).order_by("revision")[:2]
    assert first.xml == inbound(KEY.format("{{" + name + "}}"))
    assert second.xml == inbound("<!-- more -->", KEY.format("{{" + name + "}}"))
    restore_policy(ALICE, api, first.key)
    assert sealed(name) == "ab<c"


# --- using one again ----------------------------------------------------------------------------------------------
def test_another_password_in_its_place_goes_into_the_same_named_value() -> None:
    api = make_api()
    first = save_policy(ALICE, api, inbound(BASIC.format("one")))
    document = document_of(api)
    second = save_policy(ALICE, api, inbound(BASIC.format("two")), revision=document.revision)
    assert second == SavedPolicy(first.revision + 1, first.moved)
    assert sealed("partner-bank-basic-password") == "two"
    assert (document_of(api).xml, document_of(api).revision) == (document.xml, document.revision)
    assert PolicyVersion.objects.filter(api=api).count() == 1
    assert NamedValue.objects.get().revision == second.revision


def test_the_same_document_once_more_writes_nothing() -> None:
    api, xml = make_api(), inbound(BASIC.format("hunter2"))
    first = save_policy(ALICE, api, xml)
    before = everything_that_is_kept()
    assert save_policy(ALICE, api, xml) == first
    assert everything_that_is_kept() == before


def test_a_password_that_cannot_be_opened_is_replaced() -> None:
    api = make_api()
    save_policy(ALICE, api, inbound(BASIC.format("one")))
    update_directly(NamedValue, NamedValue.objects.get().key, sealed_value="damaged")
    save_policy(ALICE, api, inbound(BASIC.format("one")))
    assert sealed("partner-bank-basic-password") == "one"


def test_a_named_value_that_serves_for_something_else_too_is_not_replaced() -> None:
    api, other = make_api(), make_api("Other")
    (name,) = save_policy(ALICE, api, inbound(BASIC.format("one"))).moved
    save_policy(ALICE, other, inbound(BASIC.format(f"{{{{{name}}}}}")))
    assert save_policy(ALICE, api, inbound(BASIC.format("two"))).moved == (f"{name}-2",)
    both = inbound(BASIC.format("{{" + name + "-2}}"), KEY.format("{{" + name + "-2}}"))
    save_policy(ALICE, api, both)
    assert save_policy(ALICE, api, inbound(BASIC.format("three"))).moved == (f"{name}-3",)
    assert [sealed(each) for each in (name, f"{name}-2", f"{name}-3")] == ["one", "two", "three"]


def test_a_named_value_that_somebody_made_is_not_replaced() -> None:
    api = make_api()
    set_text("bank-password", "")
    row = NamedValue.objects.get()
    theirs = keystore.seal("gateway_namedvalue", "sealed_value", row.key, b"theirs")
    update_directly(NamedValue, row.key, secret=True, sealed_value=theirs)
    save_policy(ALICE, api, inbound(BASIC.format("{{bank-password}}")))
    assert save_policy(ALICE, api, inbound(BASIC.format("mine"))).moved == ("partner-bank-basic-password",)
    assert sealed("bank-password") == "theirs"


def test_the_security_tab_does_not_replace_what_somebody_made_either() -> None:
    api = make_api()
    set_text("bank-password", "")
    row = NamedValue.objects.get()
    theirs = keystore.seal("gateway_namedvalue", "sealed_value", row.key, b"theirs")
    update_directly(NamedValue, row.key, secret=True, sealed_value=theirs)
    save_policy(ALICE, api, inbound(BASIC.format("{{bank-password}}")))
    choose(api, BasicCredentials("alice", "mine"))
    assert "{{partner-bank-basic-password}}" in document_of(api).xml
    assert sealed("bank-password") == "theirs"
    assert sealed("partner-bank-basic-password") == "mine"


# --- every door ---------------------------------------------------------------------------------------------------
def test_a_version_that_holds_a_password_is_restored_without_it() -> None:
    """Versions of before passwords moved may hold one."""
    api = make_api()
    save_policy(ALICE, api, inbound())
    version = PolicyVersion.objects.get(api=api)
    update_directly(PolicyVersion, version.key, xml=inbound(BASIC.format("hunter2")))
    save_policy(ALICE, api, inbound("<!-- more -->"))
    assert restore_policy(ALICE, api, version.key).moved == ("partner-bank-basic-password",)
    assert "hunter2" not in document_of(api).xml


def test_choosing_a_certificate_on_the_security_tab_moves_what_else_a_document_holds() -> None:
    operation = make_operation(make_api())
    row = save_policy(ALICE, operation.api, inbound())
    document = PolicyDocument.objects.get(api=operation.api)
    update_directly(PolicyDocument, document.key, xml=inbound(BASIC.format("hunter2"), KEY.format("plain")))
    assert "password that is not there" in read_security(operation.api).credentials.explanation
    assert row.moved == ()
    save_policy(Actor("api", "import"), operation.api, document_of(operation.api).xml)
    assert "hunter2" not in document_of(operation.api).xml
    choose(operation.api, NoCredentials())
    assert document_of(operation.api).xml == inbound(KEY.format("plain")).replace("\n<set", "\n<set")


def test_the_audit_log_says_that_a_value_was_sealed_and_no_more() -> None:
    api = make_api()
    save_policy(ALICE, api, inbound(BASIC.format("hunter2")))
    entries = AuditEntry.objects.filter(revision=Revision.objects.get().number).order_by("object_kind")
    assert [(entry.object_kind, entry.action) for entry in entries] == [
        ("named value", "created"),
        ("policy document", "saved"),
    ]
    assert entries[0].changes == {"value": ["", "(secret)"]}
    assert entries[1].changes == {"policy": ["", document_of(api).xml]}


def test_deleting_the_api_deletes_its_passwords() -> None:
    api = make_api()
    save_policy(ALICE, api, inbound(BASIC.format("hunter2")))
    delete_api(ALICE, api.key)
    assert not NamedValue.objects.exists()


def test_a_password_moves_to_where_it_was_also_if_that_name_holds_markup() -> None:
    api, name = make_api(), "partner-bank-basic-password & <more>"
    make_named_value(name, "one", secret=True)
    basic = '<policies><inbound><authentication-basic username="a" password="{}" /></inbound></policies>'
    save_policy(ALICE, api, basic.format("{{partner-bank-basic-password &amp; &lt;more&gt;}}"))
    assert save_policy(ALICE, api, basic.format("two")).moved == (name,)
    assert sealed(name) == "two"
