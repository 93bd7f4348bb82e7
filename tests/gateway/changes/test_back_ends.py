import pytest

from gateway.changes.back_ends import delete_back_end, update_back_end
from gateway.errors import AlreadyExists, EditConflict, Invalid, NotFound
from gateway.models import AuditEntry, BackEnd, Deletion, Revision
from tests.builders import ALICE, make_back_end

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
