"""Changes to policy documents: what is saved, what is refused, and what stays behind of it."""

from typing import Any

import pytest

from gateway import keystore
from gateway.changes.apis import delete_api, update_api
from gateway.changes.base import change
from gateway.changes.certificates import delete_certificate
from gateway.changes.named_values import update_named_value
from gateway.changes.operations import delete_operation, update_operation
from gateway.changes.policies import (
    check_document,
    delete_policy,
    document_of,
    faults_of,
    restore_policy,
    save_policy,
)
from gateway.changes.policy_references import derive_references
from gateway.changes.security import BasicCredentials, read_security
from gateway.errors import EditConflict, InUse, Invalid, NeedsConfirmation, NotFound
from gateway.models import (
    Api,
    AuditEntry,
    Certificate,
    NamedValue,
    Operation,
    PolicyDocument,
    PolicyReference,
    PolicyVersion,
    Revision,
)
from gateway.policies.documents import NEW_DOCUMENT
from gateway.policies.secrets import literal_secrets
from tests.arrange import set_text, update_directly
from tests.builders import (
    ALICE,
    choose,
    make_api,
    make_certificate,
    make_named_value,
    make_operation,
    make_version,
    renew,
)

pytestmark = pytest.mark.django_db


def inbound(*statements: str) -> str:
    lines = "".join(f"        {statement}\n" for statement in ("<base />", *statements))
    return f"<policies>\n    <inbound>\n{lines}    </inbound>\n</policies>\n"


def certificate_id(name: str) -> str:
    return f'<authentication-certificate certificate-id="{name}" />'


def thumbprint(text: str) -> str:
    return f'<authentication-certificate thumbprint="{text}" />'


def refused(scope: Api | Operation | None, xml: str) -> list[str]:
    """The faults with which a text is refused, which is by every door alike."""
    number, versions = Revision.objects.get().number, PolicyVersion.objects.count()
    with pytest.raises(Invalid) as saving:
        save_policy(ALICE, scope, xml)
    with pytest.raises(Invalid) as checking:
        check_document(scope, xml)
    assert saving.value.errors == checking.value.errors
    assert [str(fault) for fault in faults_of(scope, xml)] == saving.value.errors["xml"]
    assert (Revision.objects.get().number, PolicyVersion.objects.count()) == (number, versions)
    return saving.value.errors["xml"]


# --- saving -------------------------------------------------------------------------------------------------------
def test_a_saved_text_is_the_document_to_the_letter_with_its_references() -> None:
    api, certificate = make_api(), make_certificate()
    xml = f"<!-- mine -->\r\n{inbound(certificate_id('PARTNER-bank'))}"
    saved = save_policy(ALICE, api, xml)
    document = PolicyDocument.objects.get(api=api)
    assert (document.xml, document.revision, saved.moved) == (xml, saved.revision, ())
    assert [reference.certificate for reference in document.references.all()] == [certificate]
    assert saved.revision == Revision.objects.get().number


def test_each_scope_has_a_document_of_its_own() -> None:
    operation = make_operation(make_api())
    scopes = (None, operation.api, operation)
    for number, scope in enumerate(scopes):
        save_policy(ALICE, scope, inbound(f"<!-- {number} -->"))
    assert [f"<!-- {n} -->" in document_of(s).xml for n, s in enumerate(scopes)] == [True] * 3
    assert PolicyDocument.objects.count() == 3


def test_what_everybody_starts_with_can_be_saved_where_there_is_nothing_yet() -> None:
    api = make_api()
    save_policy(ALICE, api, NEW_DOCUMENT, revision=0)
    assert document_of(api).xml == NEW_DOCUMENT


def test_a_text_that_is_there_already_writes_nothing_and_raises_no_revision() -> None:
    api, xml = make_api(), inbound()
    first = save_policy(ALICE, api, xml)
    entries = AuditEntry.objects.count()
    assert save_policy(ALICE, api, xml) == first
    assert save_policy(ALICE, api, xml, revision=first.revision) == first
    assert Revision.objects.get().number == first.revision
    assert (AuditEntry.objects.count(), PolicyVersion.objects.filter(api=api).count()) == (entries, 1)


def test_saving_over_somebody_elses_document_is_a_conflict_that_says_its_revision() -> None:
    api = make_api()
    first = save_policy(ALICE, api, inbound()).revision
    for seen in (0, first - 1):
        with pytest.raises(EditConflict) as refused:
            save_policy(ALICE, api, inbound("<!-- mine -->"), revision=seen)
        assert refused.value.revision == first
    assert document_of(api).xml == inbound()
    save_policy(ALICE, api, inbound("<!-- mine -->"), revision=first)


def test_beginning_from_a_document_that_was_deleted_meanwhile_is_a_conflict() -> None:
    api = make_api()
    seen = save_policy(ALICE, api, inbound()).revision
    delete_policy(ALICE, api)
    with pytest.raises(EditConflict) as refused:
        save_policy(ALICE, api, inbound("<!-- mine -->"), revision=seen)
    assert refused.value.revision == 0


def test_a_scope_that_is_gone_is_not_found() -> None:
    api, operation = make_api(), make_operation(make_api("Other"))
    delete_api(ALICE, api.key)
    delete_operation(ALICE, operation.key)
    for scope in (api, operation):
        for door in (
            lambda s=scope: save_policy(ALICE, s, inbound()),
            lambda s=scope: delete_policy(ALICE, s),
        ):
            with pytest.raises(NotFound):
                door()


# --- what is refused ----------------------------------------------------------------------------------------------
def test_how_a_document_is_written_and_what_it_names_is_told_at_once() -> None:
    api = make_api()
    basic = '<authentication-basic username="{{user}}" password="written" />'
    faults = refused(
        api, inbound("<no-such />", certificate_id("gone"), '<rewrite-uri tmplate="/x" />', basic)
    )
    assert [(fault.partition(":")[0], fault.partition(": ")[2][:30]) for fault in faults] == [
        ("Error in element 'no-such' on line 4, column 10", "The 'no-such' element is not k"),
        (
            "Error in element 'authentication-certificate' on line 5, column 10",
            "Certificate with id 'gone' cou",
        ),
        ("Error in element 'rewrite-uri' on line 6, column 10", "The 'tmplate' attribute is not"),
        ("Error in element 'rewrite-uri' on line 6, column 10", "The required attribute 'templa"),
        ("Error in element 'authentication-basic' on line 7, column 10", "Named value 'user' could not b"),
    ]
    assert not NamedValue.objects.exists()


def test_everything_that_a_document_names_and_is_not_there_is_told_at_once() -> None:
    set_text("user", "a:b")
    faults = refused(
        make_api(),
        inbound(
            certificate_id("gone"),
            thumbprint("ab cd"),
            '<rewrite-uri template="/{{nothing}}/{{more}}" />',
            '<authentication-basic username="{{user}}" password="{{password}}" />',
            '<authentication-basic username="{{user}}" password="written" />',
        ),
    )
    assert faults == [
        "Error in element 'authentication-certificate' on line 4, column 10: "
        "Certificate with id 'gone' could not be resolved.",
        "Error in element 'authentication-certificate' on line 5, column 10: "
        "Certificate with thumbprint 'ab cd' could not be resolved.",  # as it is written
        "Error in element 'rewrite-uri' on line 6, column 10: Named value 'nothing' could not be resolved.",
        "Error in element 'rewrite-uri' on line 6, column 10: Named value 'more' could not be resolved.",
        "Error in element 'authentication-basic' on line 7, column 10: "
        "Named value 'password' could not be resolved.",
        "Error in element 'authentication-basic' on line 8, column 10: "
        "The 'username' attribute must not hold a colon.",
    ]


def test_a_named_value_that_does_not_fit_is_refused_where_it_is_used() -> None:
    set_text("seconds", "soon")
    xml = '<policies><backend>\n<forward-request timeout="{{seconds}}" /></backend></policies>'
    (fault,) = refused(None, xml)
    assert fault.startswith("Error in element 'forward-request' on line 2, column 2: The 'timeout'")
    set_text("seconds", "9")
    save_policy(ALICE, None, xml)


def test_a_rewrite_that_a_named_value_is_part_of_is_checked_against_the_url_template() -> None:
    operation, row = make_operation(make_api(), "/accounts/{id}"), make_named_value("rewrite", "/v2/{nope}")
    xml = inbound('<rewrite-uri template="{{rewrite}}" />')
    (fault,) = refused(operation, xml)
    assert fault.endswith("The parameter {nope} of the rewrite URL template is not in the URL template.")
    update_named_value(ALICE, row.key, value="/v2/{id}", secret=False)
    save_policy(ALICE, operation, xml)
    with pytest.raises(Invalid, match=r"The policy of Partner Bank / GET .* would become invalid"):
        update_named_value(ALICE, row.key, value="/v2/{ID}/{nope}", secret=False)
    moving = {"method": "GET", "display_name": "Get account", "rewrite_template": None}
    with pytest.raises(Invalid, match="The policy of this operation would become invalid") as refusal:
        update_operation(ALICE, operation.key, url_template="/accounts/{number}", **moving)
    assert list(refusal.value.errors) == ["url_template"]
    update_operation(ALICE, operation.key, url_template="/accounts/{ID}/parts", **moving)


def test_a_password_that_is_no_secret_is_held_to_the_rules_of_one() -> None:
    make_named_value("lines", "a\nb")
    (fault,) = refused(make_api(), inbound('<authentication-basic username="a" password="{{lines}}" />'))
    assert fault.endswith("The 'password' attribute must not hold control characters.")


def test_a_secret_where_it_would_be_shown_is_refused_by_its_name_alone() -> None:
    api = make_api()
    choose(api, BasicCredentials("alice", "hunter2"))
    name = NamedValue.objects.get().resource_id
    (fault,) = refused(api, inbound(f'<rewrite-uri template="/{{{{{name}}}}}" />'))
    assert name in fault
    assert "hunter2" not in fault


def test_a_secret_that_does_not_fit_is_refused_without_being_shown() -> None:
    api = make_api()
    choose(api, BasicCredentials("alice", "hunter2"))
    row = NamedValue.objects.get()
    value = keystore.seal("gateway_namedvalue", "sealed_value", row.key, b"hunter2\nhunter3")
    update_directly(NamedValue, row.key, sealed_value=value)
    (fault,) = refused(api, inbound(f'<set-header name="X"><value>{{{{{row}}}}}</value></set-header>'))
    assert "The value holds a line break" in fault
    assert "hunter" not in fault


def test_a_secret_that_cannot_be_opened_keeps_nobody_from_changing_the_document() -> None:
    api = make_api()
    choose(api, BasicCredentials("alice", "hunter2"))
    value = NamedValue.objects.get()
    update_directly(NamedValue, value.key, sealed_value="damaged")
    save_policy(ALICE, api, document_of(api).xml.replace('"alice"', '"bob"'))
    assert read_security(api).credentials == BasicCredentials("bob", None)


def test_the_thumbprint_of_an_earlier_version_is_refused_with_the_id_to_use_by_every_door() -> None:
    api, certificate = make_api(), make_certificate()
    earlier = certificate.current.thumbprint
    save_policy(ALICE, api, inbound(thumbprint(earlier)))
    version = PolicyVersion.objects.get(api=api)
    renew(certificate)
    expected = (
        "Error in element 'authentication-certificate' on line 4, column 10: "
        f"Certificate with thumbprint '{earlier}' could not be resolved: it belongs to an earlier version of "
        "'partner-bank'. Write certificate-id=\"partner-bank\" instead."
    )
    assert refused(api, inbound(thumbprint(earlier))) == [expected]
    with pytest.raises(Invalid) as restoring:
        restore_policy(ALICE, api, version.key)
    assert restoring.value.errors["xml"] == [expected]
    save_policy(ALICE, api, inbound(thumbprint(Certificate.objects.get().current.thumbprint)))


def test_the_thumbprint_of_a_version_that_is_not_in_use_yet_is_refused_with_the_id_to_use() -> None:
    api, certificate = make_api(), make_certificate()
    successor = make_version(certificate).thumbprint
    assert refused(api, inbound(thumbprint(successor.lower()))) == [
        "Error in element 'authentication-certificate' on line 4, column 10: "
        f"Certificate with thumbprint '{successor.lower()}' could not be resolved: it belongs to version 2 of "
        "'partner-bank', which is not in use. Write certificate-id=\"partner-bank\" instead."
    ]


def test_a_base_url_that_the_gateway_does_not_call_is_refused(settings: Any) -> None:
    settings.GATEWAY_ALLOWED_BACK_END_NETWORKS = []
    make_named_value("host", "127.0.0.1")
    api = make_api()
    for host in ("169.254.169.254", "localhost", "{{host}}"):
        (fault,) = refused(api, inbound(f'<set-backend-service base-url="https://{host}/" />'))
        assert fault.startswith("Error in element 'set-backend-service' on line 4, column 10: ")
        assert "GATEWAY_ALLOWED_BACK_END_NETWORKS" in fault


def test_a_certificate_is_refused_where_calls_go_out_over_http() -> None:
    make_certificate()
    operation = make_operation(make_api(web_service_url="http://bank.example"))
    for scope in (operation.api, operation):
        (fault,) = refused(scope, inbound(certificate_id("partner-bank")))
        assert fault.startswith(
            "Error in element 'authentication-certificate' on line 4, column 10: A client"
        )
        assert "only presented over https, and this API presents “partner-bank”" in fault
    save_policy(ALICE, None, inbound(certificate_id("partner-bank")))


def test_a_certificate_may_go_where_a_document_sets_another_back_end() -> None:
    make_certificate()
    operation = make_operation(make_api(web_service_url="http://bank.example"))
    elsewhere = '<set-backend-service base-url="https://other.example" />'
    save_policy(ALICE, operation.api, inbound(certificate_id("partner-bank"), elsewhere))
    save_policy(ALICE, operation, inbound(certificate_id("partner-bank")))
    move(operation.api, "http://bank.example/base")


def test_a_back_end_that_is_written_wrong_is_still_another_one() -> None:
    make_certificate()
    api = make_api(web_service_url="http://bank.example")
    (fault,) = refused(
        api, inbound(certificate_id("partner-bank"), '<set-backend-service base-url="other.example" />')
    )
    assert "The 'base-url' attribute is not valid" in fault


# --- the web service URL ------------------------------------------------------------------------------------------
def move(api: Api, url: str) -> None:
    update_api(
        ALICE,
        api.key,
        display_name=str(api),
        description="",
        web_service_url=url,
        suffix=api.suffix,
        http=True,
        https=True,
    )


def test_a_web_service_url_over_http_is_refused_while_a_certificate_goes_there() -> None:
    make_certificate()
    operation = make_operation(make_api())
    save_policy(ALICE, operation, inbound(certificate_id("partner-bank")))
    with pytest.raises(Invalid) as refused:
        move(operation.api, "http://bank.example")
    assert "only presented over https" in refused.value.errors["web_service_url"][0]
    elsewhere = '<set-backend-service base-url="https://bank.example" />'
    save_policy(ALICE, operation, inbound(certificate_id("partner-bank"), elsewhere))
    with pytest.raises(NeedsConfirmation):  # what else the document sends may still go to that host
        move(operation.api, "http://bank.example")


def test_a_secret_of_any_statement_asks_before_it_goes_to_another_host() -> None:
    api = make_api()
    xml = inbound('<set-header name="X-Api-Key"><value>hunter2</value></set-header>')
    (secret,) = literal_secrets(check_document(api, xml))
    save_policy(ALICE, api, xml, move=[secret.id])
    with pytest.raises(NeedsConfirmation) as asked:
        move(api, "https://other.example")
    assert "secret" in asked.value.message


# --- named values -------------------------------------------------------------------------------------------------
def test_references_are_derived_once_more_when_a_named_value_changes() -> None:
    api, one, two = make_api(), make_certificate("one"), make_certificate("two")
    set_text("which", "one")
    save_policy(ALICE, api, inbound(certificate_id("{{which}}")))
    set_text("which", "TWO")
    with change(ALICE) as this:
        derive_references(this, document_of(api))
    referred = PolicyReference.objects.exclude(certificate=None)
    assert [reference.certificate for reference in referred] == [two]
    delete_certificate(ALICE, one.key)
    with pytest.raises(InUse):
        delete_certificate(ALICE, two.key)


def test_a_named_value_that_makes_a_document_wrong_is_told_with_all_faults() -> None:
    operation = make_operation(make_api(), "/a/{id}")
    make_certificate("one")
    set_text("which", "one")
    set_text("user", "alice")
    set_text("password", "x")
    basic = '<authentication-basic username="{{user}}" password="{{password}}" />'
    save_policy(ALICE, operation, inbound(certificate_id("{{which}}"), basic))
    set_text("which", "gone")
    set_text("user", "a:b")
    with pytest.raises(Invalid) as refused, change(ALICE) as this:
        derive_references(this, document_of(operation))
    assert refused.value.errors["xml"] == [
        "Error in element 'authentication-certificate' on line 4, column 10: "
        "Certificate with id 'gone' could not be resolved.",
        "Error in element 'authentication-basic' on line 5, column 10: "
        "The 'username' attribute must not hold a colon.",
    ]


def test_what_is_wrong_inside_a_statement_is_told_once() -> None:
    xml = inbound('<set-header name="X">\n<value>{{gone}}</value></set-header>')
    assert refused(make_api(), xml) == [
        "Error in element 'value' on line 5, column 2: Named value 'gone' could not be resolved."
    ]


def test_as_many_passwords_as_a_document_may_have_move_with_few_queries_for_each(
    django_assert_max_num_queries: Any,
) -> None:
    api = make_api()
    make_named_value("partner-bank-basic-password-2")
    basic = (f'<authentication-basic username="a" password="word-{n}" />' for n in range(250))
    with django_assert_max_num_queries(5 * 250):
        assert faults_of(api, inbound(*basic)) == ()


def test_a_name_is_found_whatever_stands_before_it_in_another_case() -> None:
    """SQLite knows the case of ASCII letters only, PostgreSQL that of all."""
    make_named_value("Ärger", "a")
    xml = inbound('<set-header name="X"><value>{{ärger}}</value><value>{{Ärger}}</value></set-header>')
    assert not any("'Ärger'" in str(fault) for fault in faults_of(None, xml))


def test_the_largest_documents_are_looked_up_with_few_queries(
    django_assert_max_num_queries: Any,
) -> None:
    api = make_api()
    set_text("name", "value")
    headers = (f'<set-header name="X-{n}"><value>{{{{name}}}}</value></set-header>' for n in range(250))
    xml = inbound(*headers)
    with django_assert_max_num_queries(30):
        save_policy(ALICE, api, xml)
