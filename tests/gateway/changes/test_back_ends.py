import pytest

from gateway.changes.back_ends import delete_back_end, update_back_end
from gateway.changes.named_values import update_named_value
from gateway.changes.policies import presents_certificate, save_policy
from gateway.errors import AlreadyExists, EditConflict, InUse, Invalid, NeedsConfirmation, NotFound
from gateway.models import Api, AuditEntry, BackEnd, Deletion, Operation, PolicyReference, Revision
from tests.builders import (
    ALICE,
    make_api,
    make_back_end,
    make_certificate,
    make_named_value,
    make_operation,
)

pytestmark = pytest.mark.django_db


def audited() -> dict[str, list[str]]:
    changes: dict[str, list[str]] = AuditEntry.objects.latest("revision").changes
    return changes


def test_a_back_end_checks_everything_unless_asked() -> None:
    row = make_back_end(title=" Bank ", description="The bank.")
    assert (row.resource_id, row.title, row.url) == ("bank", "Bank", "https://bank.example")
    assert (row.validate_certificate_chain, row.validate_certificate_name) == (True, True)
    assert audited()["validate_certificate_chain"] == ["", "yes"]


def test_a_back_end_without_an_id_gets_one_made_from_its_title() -> None:
    assert make_back_end("", title="Partner Bank").resource_id == "partner-bank"
    assert make_back_end("", "https://b.example").resource_id == "backend"


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("HTTPS://Bank.Example:443/", "https://bank.example"),
        (" http://bank.example:80/a/B// ", "http://bank.example/a/B"),
        ("https://bank.example:8443/a", "https://bank.example:8443/a"),
        ("https://bank.example/%7ea%2fb", "https://bank.example/~a%2Fb"),
        ("https://[2001:DB8::1]/", "https://[2001:db8::1]"),
    ],
)
def test_a_url_is_kept_in_one_spelling(written: str, kept: str) -> None:
    assert make_back_end(url=written).url == kept
    with pytest.raises(AlreadyExists, match="already: “bank”") as refused:
        make_back_end("other", url=kept)
    assert list(refused.value.errors) == ["url"]


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("url", {"url": ""}),
        ("url", {"url": "ftp://bank.example"}),
        ("url", {"url": "https://user:hunter2@bank.example"}),
        ("url", {"url": "https://bank.example/?a=b"}),
        ("url", {"url": "https://127.0.0.1/"}),
        ("url", {"url": "https://169.254.169.254/latest"}),
        ("title", {"title": "x" * 301}),
        ("title", {"title": "half of a character \ud800"}),
        ("description", {"description": "x" * 2001}),
        ("description", {"description": "\0"}),
        ("id", {"resource_id": "a/b"}),
    ],
)
def test_a_bad_value_is_an_error_of_that_value(field: str, values: dict[str, str]) -> None:
    with pytest.raises(Invalid) as refused:
        make_back_end(**values)
    assert list(refused.value.errors) == [field]
    assert "hunter2" not in str(refused.value)
    assert not BackEnd.objects.exists()


def test_an_id_is_taken_in_any_case() -> None:
    make_back_end()
    with pytest.raises(AlreadyExists) as refused:
        make_back_end("BANK", "https://other.example")
    assert list(refused.value.errors) == ["id"]


def test_a_change_writes_what_differs_and_says_what() -> None:
    row = make_back_end(title="Bank")
    update_back_end(ALICE, row.key, url=row.url, title="Bank", validate_certificate_chain=False)
    row.refresh_from_db()
    assert (row.validate_certificate_chain, row.validate_certificate_name) == (False, True)
    assert row.revision == Revision.objects.get().number
    assert audited() == {"validate_certificate_chain": ["yes", "no"]}


def test_a_change_to_another_url_is_judged_as_a_new_one_is() -> None:
    row, other = make_back_end(), make_back_end("other", "https://other.example")
    with pytest.raises(AlreadyExists):
        update_back_end(ALICE, row.key, url="https://OTHER.example/")
    with pytest.raises(Invalid):
        update_back_end(ALICE, row.key, url="other.example")
    update_back_end(ALICE, other.key, url="https://other.example/")  # its own is not taken by another


def test_a_change_to_what_somebody_else_changed_is_refused() -> None:
    row = make_back_end()
    update_back_end(ALICE, row.key, url=row.url, title="Bank")
    with pytest.raises(EditConflict):
        update_back_end(ALICE, row.key, url=row.url, revision=row.revision)
    with pytest.raises(EditConflict):
        delete_back_end(ALICE, row.key, revision=row.revision)


def test_a_back_end_that_no_policy_names_can_be_deleted() -> None:
    row = make_back_end()
    revision = delete_back_end(ALICE, row.key, revision=row.revision)
    assert not BackEnd.objects.exists()
    assert Deletion.objects.get(revision=revision).row == row.key
    for change in (
        lambda: delete_back_end(ALICE, row.key),
        lambda: update_back_end(ALICE, row.key, url=row.url),
    ):
        with pytest.raises(NotFound, match="Backend not found"):
            change()


# --- named by policies --------------------------------------------------------------------------------------------
def write(scope: Api | Operation | None, *statements: str) -> None:
    inbound = "".join(f"\n        {statement}" for statement in statements)
    backend = "<forward-request />" if scope is None else "<base />"
    xml = f"<policies>\n    <inbound>{inbound}\n    </inbound><backend>{backend}</backend></policies>"
    save_policy(ALICE, scope, xml)


def move(row: BackEnd, url: str = "https://moved.example", *, confirmed: bool = False) -> None:
    update_back_end(ALICE, row.key, url=url, confirmed=confirmed)


NAMED = '<set-backend-service backend-id="bank" />'
CERTIFICATE = '<authentication-certificate certificate-id="one" />'
SECRET = '<set-header name="X-Key"><value>{{key}}</value></set-header>'


def test_a_back_end_that_is_not_there_is_a_fault_with_its_place() -> None:
    make_named_value("which", "gone")
    with pytest.raises(Invalid) as refused:
        write(make_api(), "<base />", '<set-backend-service backend-id="bank{{which}}" />', NAMED)
    element = "Error in element 'set-backend-service' on line"
    assert refused.value.errors["xml"] == [
        f"{element} 4, column 10: Backend with id 'bankgone' could not be resolved.",
        f"{element} 5, column 10: Backend with id 'bank' could not be resolved.",
    ]


def test_a_policy_that_names_a_back_end_keeps_it_and_is_told_of() -> None:
    row, api = make_back_end(), make_api()
    operation = make_operation(api)
    for scope in (None, api, operation):
        write(scope, "<base />", '<set-backend-service backend-id="BANK" />')
    with pytest.raises(InUse) as refused:
        delete_back_end(ALICE, row.key)
    assert (
        refused.value.message == "Backend cannot be deleted since it is being used by one or more policies."
    )
    assert [use.scope for use in refused.value.uses] == ["global", "api", "operation"]
    for scope in (None, api, operation):
        write(scope, "<base />")
    delete_back_end(ALICE, row.key)
    assert not PolicyReference.objects.exists()


def test_a_reference_follows_the_named_value_that_it_is_written_with() -> None:
    one, two = make_back_end("one"), make_back_end("two", "https://two.example")
    which = make_named_value("which", "one")
    write(make_api(), '<set-backend-service backend-id="{{which}}" />')
    assert PolicyReference.objects.get(named_value=None).back_end == one
    update_named_value(ALICE, which.key, value="two", secret=False)
    assert PolicyReference.objects.get(named_value=None).back_end == two
    with pytest.raises(Invalid, match="Backend with id 'three' could not be resolved"):
        update_named_value(ALICE, which.key, value="three", secret=False)


def test_an_api_that_only_names_a_back_end_presents_no_certificate() -> None:
    make_back_end()
    api = make_api()
    write(api, NAMED)
    assert presents_certificate(api) is None


@pytest.mark.parametrize("where", ["the same policy", "all APIs", "an operation", "the API around it"])
@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (CERTIFICATE, "would present the client certificate “one” to"),
        (SECRET, "would send passwords and other secrets to"),
        (CERTIFICATE + SECRET, "certificate “one” and send passwords and other secrets to"),
    ],
)
def test_credentials_go_to_another_host_only_if_a_person_agrees(
    where: str, statement: str, words: str
) -> None:
    make_certificate("one")
    make_named_value("key", "hunter2", secret=True)
    row, api = make_back_end(), make_api()
    operation = make_operation(api)
    if where == "the same policy":
        write(api, NAMED, statement)
    elif where == "all APIs":
        write(None, statement)
        write(api, "<base />", NAMED)
    elif where == "an operation":
        write(None, NAMED)
        write(operation, "<base />", statement)
    else:
        write(api, statement)
        write(operation, "<base />", NAMED)
    with pytest.raises(NeedsConfirmation) as asked:
        move(row)
    assert words in asked.value.message
    assert "to https://moved.example:443 instead of https://bank.example:443" in asked.value.message
    assert "hunter2" not in asked.value.message
    move(row, "https://bank.example/v2")  # the same host
    move(row, confirmed=True)
    assert BackEnd.objects.get().url == "https://moved.example"


@pytest.mark.parametrize(
    ("of_api", "of_operation"),
    [
        ((NAMED,), ()),
        ((NAMED, CERTIFICATE, '<set-backend-service base-url="https://else.example" />'), ()),
        ((CERTIFICATE, NAMED), ('<set-backend-service base-url="https://else.example" />', SECRET)),
        ((NAMED,), (CERTIFICATE,)),
    ],
    ids=[
        "no credentials",
        "a later statement counts",
        "the operation goes elsewhere",
        "the API's is dropped",
    ],
)
def test_nobody_is_asked_where_no_credentials_go(
    of_api: tuple[str, ...], of_operation: tuple[str, ...]
) -> None:
    make_certificate("one")
    make_named_value("key", "hunter2", secret=True)
    row, api = make_back_end(), make_api()
    operation = make_operation(api)
    write(api, *of_api)
    if of_operation:
        write(operation, *of_operation)
    if of_api == (CERTIFICATE, NAMED):  # the calls of other operations present it there
        with pytest.raises(NeedsConfirmation, match="“one” to"):
            move(row)
        write(api, NAMED)
    move(row)


def test_a_back_end_that_is_presented_a_certificate_stays_on_https() -> None:
    make_certificate("one")
    row, api = make_back_end(), make_api()
    write(api, NAMED, CERTIFICATE)
    with pytest.raises(
        Invalid, match="the policy of Partner Bank presents “one” to this back end"
    ) as refused:
        move(row, "http://bank.example", confirmed=True)
    assert list(refused.value.errors) == ["url"]
    write(api, NAMED)
    move(row, "http://bank.example")
