import pytest

from gateway.changes.apis import delete_api
from gateway.changes.operations import (
    METHODS,
    OtherRewrite,
    create_all_operations,
    create_operation,
    delete_operation,
    rewrite_template_of,
    update_operation,
)
from gateway.changes.policies import document_of, save_policy
from gateway.errors import AlreadyExists, EditConflict, Invalid, NotFound
from gateway.models import AuditEntry, Operation, PolicyDocument
from tests.arrange import set_text, update_directly
from tests.builders import ALICE, make_api, make_operation

pytestmark = pytest.mark.django_db


def test_a_template_without_a_leading_slash_gets_one() -> None:
    assert make_operation(make_api(), "accounts/{id}").url_template == "/accounts/{id}"


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("method", {"method": "FETCH"}),
        ("url_template", {"url_template": "/a/{b"}),
        ("url_template", {"url_template": "/a/*/b"}),
        ("url_template", {"url_template": "/a/../b"}),
        ("url_template", {"url_template": "/{a}/{a}"}),
        ("display_name", {"display_name": ""}),
        ("rewrite_template", {"rewrite_template": "/b/{unknown}"}),
    ],
)
def test_a_bad_value_is_an_error_of_that_value(field: str, values: dict[str, str]) -> None:
    given = {"method": "GET", "url_template": "/a/{id}", "display_name": "Get", **values}
    with pytest.raises(Invalid) as refused:
        create_operation(ALICE, make_api().key, **given)
    assert list(refused.value.errors) == [field]
    assert not Operation.objects.exists()


def test_two_templates_that_a_call_cannot_tell_apart_clash() -> None:
    api = make_api()
    first = make_operation(api, "/accounts/{id}", display_name="One account")
    with pytest.raises(AlreadyExists) as refused:
        make_operation(api, "/accounts/{number}")
    assert "One account" in refused.value.errors["url_template"][0]
    make_operation(api, "/accounts/{number}", method="DELETE")
    make_operation(make_api("Other"), "/accounts/{id}")
    assert update_operation(
        ALICE, first.key, method="GET", url_template="/accounts/{nr}", display_name="One"
    ).url_template == "/accounts/{nr}"  # fmt: skip


def test_the_rewrite_template_lives_in_the_operations_policy_document() -> None:
    operation = make_operation(make_api(), "/accounts/{id}", rewrite_template="/v2/a/{id}")
    document = PolicyDocument.objects.get(operation=operation)
    assert 'template="/v2/a/{id}"' in document.xml
    assert rewrite_template_of(operation) == "/v2/a/{id}"


def test_taking_the_rewrite_template_away_takes_its_statement_away() -> None:
    operation = make_operation(make_api(), "/accounts/{id}", rewrite_template="/v2/a/{id}")
    update_operation(ALICE, operation.key, method="GET", url_template="/accounts/{id}", display_name="Get")
    assert "rewrite-uri" not in PolicyDocument.objects.get(operation=operation).xml
    assert rewrite_template_of(operation) == ""


def test_an_operation_without_a_rewrite_has_no_document() -> None:
    make_operation(make_api())
    assert not PolicyDocument.objects.exclude(operation=None).exists()


def test_an_update_over_somebody_elses_is_a_conflict() -> None:
    operation = make_operation(make_api())
    values = {"method": "GET", "url_template": "/accounts/{id}", "display_name": "Get"}
    update_operation(ALICE, operation.key, revision=operation.revision, **values)
    with pytest.raises(EditConflict):
        update_operation(ALICE, operation.key, revision=operation.revision, **values)


def test_deleting_an_operation_takes_its_policy_along() -> None:
    operation = make_operation(make_api(), rewrite_template="/v2/{id}")
    delete_operation(ALICE, operation.key)
    assert not PolicyDocument.objects.exclude(operation=None).exists()
    with pytest.raises(NotFound):
        delete_operation(ALICE, operation.key)


def test_all_operations_at_once_are_those_that_are_missing_and_one_entry_of_the_audit_log() -> None:
    api = make_api()
    make_operation(api, "/*", "GET", display_name="Everything")
    revision = create_all_operations(ALICE, api.key)
    assert sorted(api.operations.values_list("method", "url_template")) == sorted((m, "/*") for m in METHODS)
    entry = AuditEntry.objects.get(revision=revision)
    assert (entry.action, entry.object_name) == ("added all operations to", "Partner Bank")
    assert entry.changes == {"operations": ["", f"/* for {', '.join(m for m in METHODS if m != 'GET')}"]}


def test_all_operations_at_once_are_refused_when_they_are_there() -> None:
    api = make_api(all_operations=True)
    with pytest.raises(AlreadyExists):
        create_all_operations(ALICE, api.key)
    delete_api(ALICE, api.key)
    with pytest.raises(NotFound):
        create_all_operations(ALICE, api.key)


# --- what the rewrite template cannot show ------------------------------------------------------------------------
GET = {"method": "GET", "url_template": "/accounts/{id}", "display_name": "Get"}
TWO = '<rewrite-uri template="/one/{id}" /><rewrite-uri template="/two/{id}" />'
NAMED = '<rewrite-uri template="/{{version}}/{id}" />'


def make_other(statements: str) -> Operation:
    operation = make_operation(make_api())
    set_text("version", "v2")
    save_policy(ALICE, operation, f"<policies><inbound><base />{statements}</inbound></policies>")
    return operation


@pytest.mark.parametrize(
    ("statements", "words"), [(TWO, "more than one rewrite-uri"), (NAMED, "with a named value")]
)
def test_a_policy_that_rewrites_in_another_way_is_told_and_left_alone(statements: str, words: str) -> None:
    operation = make_other(statements)
    before = document_of(operation).xml
    other = rewrite_template_of(operation)
    assert isinstance(other, OtherRewrite)
    assert words in other.explanation
    for template in ("", "/three/{id}"):
        with pytest.raises(Invalid) as refused:
            update_operation(ALICE, operation.key, **GET, rewrite_template=template)
        assert "Use the policy editor" in refused.value.errors["rewrite_template"][0]
    update_operation(ALICE, operation.key, **{**GET, "display_name": "Other"}, rewrite_template=None)
    assert document_of(operation).xml == before
    assert Operation.objects.get().display_name == "Other"


def test_a_policy_that_cannot_be_read_is_left_alone() -> None:
    operation = make_other("")
    xml = "<policies><inbound><newer /></inbound></policies>"
    update_directly(PolicyDocument, document_of(operation).key, xml=xml)
    assert rewrite_template_of(operation) == OtherRewrite("The policy of this operation cannot be read.")
    update_operation(ALICE, operation.key, **{**GET, "url_template": "/b/{nr}"}, rewrite_template=None)
    assert document_of(operation).xml == xml


def test_a_url_template_without_a_parameter_that_the_policy_rewrites_with_is_refused() -> None:
    operation = make_other(TWO)
    with pytest.raises(Invalid) as refused:
        update_operation(
            ALICE, operation.key, **{**GET, "url_template": "/accounts/{nr}"}, rewrite_template=None
        )
    faults = refused.value.errors["url_template"]
    assert len(faults) == 2
    assert faults[0].startswith(
        "The policy of this operation would become invalid. Error in element 'rewrite-uri'"
    )
    assert Operation.objects.get().url_template == "/accounts/{id}"
