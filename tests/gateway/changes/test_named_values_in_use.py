"""Named values that documents refer to: they follow each change, or it is refused as a whole."""

from typing import Any

import pytest
from django.db import connection

from gateway import publish
from gateway.changes.named_values import delete_named_value, update_named_value
from gateway.changes.policies import document_of, save_policy
from gateway.errors import InUse, Invalid
from gateway.models import Api, AuditEntry, NamedValue, Operation, PolicyDocument, PolicyReference, Revision
from gateway.snapshot import AuthenticationBasic, AuthenticationCertificate, ForwardRequest, Secret, Snapshot
from tests.arrange import update_directly
from tests.builders import ALICE, make_api, make_certificate, make_named_value, make_operation

pytestmark = pytest.mark.django_db

BASIC = '<authentication-basic username="{{user}}" password="{{password}}" />'
CERTIFICATE = '<authentication-certificate certificate-id="{{which}}" />'
TIMEOUT = '<forward-request timeout="{{seconds}}" />'


def write(
    scope: Api | Operation | None, inbound: str = "<base />", backend: str = "<base />"
) -> PolicyDocument:
    xml = f"<policies><inbound>{inbound}</inbound><backend>{backend}</backend></policies>"
    save_policy(ALICE, scope, xml)
    document = document_of(scope)
    assert document
    return document


def set_value(row: NamedValue, value: str | None, *, secret: bool = False) -> int:
    return update_named_value(ALICE, row.key, value=value, secret=secret)


def snapshot_after(before: Snapshot | None = None) -> Snapshot:
    """What a running gateway has, which is what one has that starts now."""
    whole = publish.load(using="default")
    if before is not None:
        assert publish.load(before, using="default") == whole
    return whole


# --- follow -------------------------------------------------------------------------------------------------------
def test_every_document_that_uses_a_value_follows_and_a_running_gateway_has_the_new_one() -> None:
    row, api = make_named_value("seconds", "5"), make_api()
    operation = make_operation(api)
    for scope in (None, api, operation):
        write(scope, backend=TIMEOUT)
    before = snapshot_after()
    set_value(row, "7")
    after = snapshot_after(before)
    assert len(after.policies) == 3
    for policy in after.policies.values():
        assert [s.timeout for s in policy.backend if isinstance(s, ForwardRequest)] == [7]


def test_a_secret_that_was_replaced_or_sealed_is_what_calls_send() -> None:
    user, password, api = make_named_value("user", "alice"), make_named_value("password", "one"), make_api()
    write(api, BASIC)
    before = snapshot_after()
    set_value(password, None, secret=True)
    between = snapshot_after(before)
    set_value(password, "two", secret=True)
    set_value(user, "bob")
    after = snapshot_after(between)
    sent = [
        (s.username, s.password)
        for snapshot in (before, between, after)
        for s in snapshot.policies[str(api.key)].inbound
        if isinstance(s, AuthenticationBasic)
    ]
    assert sent == [("alice", Secret(b"one")), ("alice", Secret(b"one")), ("bob", Secret(b"two"))]


def test_a_value_that_names_a_certificate_protects_the_one_that_it_names_now() -> None:
    one, two, api = make_certificate("one"), make_certificate("two"), make_api()
    row = make_named_value("which", "one")
    document = write(api, CERTIFICATE)
    before = snapshot_after()
    set_value(row, "two")
    named = document.references.filter(named_value=None)
    assert [reference.certificate for reference in named] == [two]
    presented = snapshot_after(before).policies[str(api.key)].inbound
    assert [s.certificate for s in presented if isinstance(s, AuthenticationCertificate)] == [str(two.key)]
    assert one.uses == ()


# --- refused ------------------------------------------------------------------------------------------------------
def test_a_value_that_makes_one_of_several_documents_invalid_changes_nothing() -> None:
    row, certificates = (
        make_named_value("which", "one"),
        [make_certificate(name) for name in ("one", "two", "one-x")],
    )
    for number in range(3):
        write(make_api(f"Fine {number}"), CERTIFICATE)
    write(make_api("Partner Bank"), CERTIFICATE.replace("}}", "}}-x"))
    references, number = set(PolicyReference.objects.values_list()), Revision.objects.get().number
    with pytest.raises(Invalid) as refused:
        set_value(row, "two")
    assert refused.value.errors["value"] == [
        "The policy of Partner Bank would become invalid: Error in element 'authentication-certificate' on line 1, "
        "column 21: Certificate with id 'two-x' could not be resolved."
    ]
    row.refresh_from_db()
    assert row.value == "one"
    assert set(PolicyReference.objects.values_list()) == references
    assert Revision.objects.get().number == number
    assert [len(one.uses) for one in certificates] == [3, 0, 1]


def test_every_document_that_would_become_invalid_is_named_with_what_is_wrong_in_it() -> None:
    row, api = make_named_value("seconds", "5"), make_api()
    make_named_value("password", "hunter2", secret=True)
    write(None, backend=TIMEOUT)
    write(make_operation(api, display_name="Get account"), backend=TIMEOUT)
    write(api, BASIC.replace("{{user}}", "{{seconds}}"))
    with pytest.raises(Invalid) as refused:
        set_value(row, "soon")
    assert [error.split(" on line 1")[0] for error in refused.value.errors["value"]] == [
        f"The policy of {scope} would become invalid: Error in element 'forward-request'"
        for scope in ("All APIs", "Partner Bank / Get account")
    ]


def test_of_very_many_documents_the_first_five_are_named() -> None:
    row = make_named_value("seconds", "5")
    for number in range(8):
        write(make_api(f"API {number:02}"), backend=TIMEOUT)
    with pytest.raises(Invalid) as refused:
        set_value(row, "soon")
    *named, rest = refused.value.errors["value"]
    assert [error.split(" would")[0][-6:] for error in named] == [f"API {number:02}" for number in range(5)]
    assert rest == "So would 3 more."


def test_a_value_does_not_become_secret_while_it_stands_where_it_can_be_read() -> None:
    user, api = make_named_value("user", "alice"), make_api()
    make_named_value("password", "hunter2", secret=True)
    write(api, BASIC)
    for value, field in ((None, "secret"), ("alice", "secret"), ("bob", "value")):
        with pytest.raises(Invalid) as refused:
            set_value(user, value, secret=True)
        assert list(refused.value.errors) == [field]
        assert "The policy of Partner Bank would become invalid" in str(refused.value)
        assert "Named value 'user' is secret and cannot be used in this attribute." in str(refused.value)
    user.refresh_from_db()
    assert (user.value, user.secret) == ("alice", False)


def test_a_value_that_callers_are_answered_with_does_not_become_secret() -> None:
    row = make_named_value("partner-key")
    header = '<set-header name="X-Key"><value>{{partner-key}}</value></set-header>'
    save_policy(ALICE, make_api(), f"<policies><outbound><base />{header}</outbound></policies>")
    with pytest.raises(Invalid, match="Named value 'partner-key' is secret and would be sent to callers"):
        set_value(row, None, secret=True)


# --- wrong already ------------------------------------------------------------------------------------------------
def test_a_document_that_cannot_be_read_keeps_nobody_from_changing_a_value() -> None:
    row, document = make_named_value("seconds", "5"), write(make_api(), backend=TIMEOUT)
    update_directly(PolicyDocument, document.key, xml="<policies>")
    set_value(row, "6")
    row.refresh_from_db()
    assert row.value == "6"
    assert document.references.count() == 1


def test_what_is_wrong_already_keeps_nobody_from_changing_a_value_elsewhere_in_the_document(
    settings: Any,
) -> None:
    """A setting changed after the document was saved."""
    row, api = make_named_value("which", "one"), make_api()
    one, two = make_certificate("one"), make_certificate("two")
    settings.GATEWAY_ALLOWED_BACK_END_NETWORKS = ["127.0.0.0/8"]
    document = write(api, f'{CERTIFICATE}<set-backend-service base-url="https://127.0.0.1" />')
    settings.GATEWAY_ALLOWED_BACK_END_NETWORKS = []
    set_value(row, "two")
    assert [reference.certificate for reference in document.references.filter(named_value=None)] == [two]
    assert (one.uses, len(two.uses)) == ((), 1)
    with pytest.raises(Invalid) as refused:
        set_value(row, "three")
    (message,) = refused.value.errors["value"]
    assert "Certificate with id 'three' could not be resolved." in message


def test_a_value_that_is_wrong_already_is_mended_step_by_step() -> None:
    row = make_named_value("seconds", "5")
    write(make_api(), backend=TIMEOUT)
    update_directly(NamedValue, row.key, value="soon")
    set_value(row, "later")
    set_value(row, "7")
    with pytest.raises(Invalid, match="The policy of Partner Bank would become invalid"):
        set_value(row, "soon")


# --- delete -------------------------------------------------------------------------------------------------------
def test_one_in_use_is_not_deleted_and_every_use_is_named() -> None:
    row, api = make_named_value("seconds", "5"), make_api()
    for scope in (None, api, make_operation(api, display_name="Get account")):
        write(scope, backend=TIMEOUT)
    with pytest.raises(InUse, match="Property cannot be deleted since it is being used") as refused:
        delete_named_value(ALICE, row.key)
    named = [(use.scope, str(use)) for use in refused.value.uses]
    assert named == [
        ("global", "All APIs"), ("api", "Partner Bank"), ("operation", "Partner Bank / Get account")
    ]  # fmt: skip
    assert refused.value.uses == NamedValue.objects.get().uses
    assert not AuditEntry.objects.filter(action="deleted").exists()


def test_it_can_be_deleted_once_no_document_refers_to_it() -> None:
    row, api = make_named_value("seconds", "5"), make_api()
    write(api, backend=TIMEOUT)
    write(api)
    delete_named_value(ALICE, row.key)
    assert not NamedValue.objects.exists()


def test_a_reference_that_another_writer_adds_after_the_check_gives_the_same_error() -> None:
    row, document = make_named_value("seconds", "5"), write(make_api())
    met = []

    def other_writer(execute: Any, sql: str, *rest: Any) -> Any:
        """Adds the reference after the check, and again once that was rolled back: they do not see our rollback."""
        answer = execute(sql, *rest)
        if (not met and 'INTO "gateway_auditentry"' in sql) or (
            len(met) == 1 and 'FROM "gateway_namedvalue"' in sql
        ):
            met.append(sql)
            PolicyReference.objects.create(document=document, named_value=row)
        return answer

    with connection.execute_wrapper(other_writer), pytest.raises(InUse) as refused:
        delete_named_value(ALICE, row.key)
    assert len(met) == 2
    assert [str(use) for use in refused.value.uses] == ["Partner Bank"]
    assert NamedValue.objects.exists()
