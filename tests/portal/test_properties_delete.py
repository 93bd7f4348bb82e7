"""Delete property: it is asked first, and what a policy uses is not deleted."""

import pytest
from django.test import Client

from gateway.changes.named_values import delete_named_value
from gateway.changes.policies import save_policy
from gateway.models import AuditEntry, NamedValue, Revision
from gateway.policies.documents import NEW_DOCUMENT
from tests.builders import ALICE, make_api, make_named_value, make_operation, use_named_value
from tests.portal.audit import newest_entry
from tests.portal.reading import banners, heading, link, text_of

pytestmark = pytest.mark.django_db
URL = "/properties/partner-key/delete/"


def test_it_is_asked_first_and_the_list_is_returned_to(administrator_client: Client) -> None:
    row, other, back = make_named_value(), make_named_value("other"), "/properties/?q=key"
    question = administrator_client.get(URL, {"next": back})
    assert heading(question) == "Delete property"
    assert "Are you sure you want to delete the property partner-key ?" in text_of(question)
    assert "Yes, delete it" in text_of(question)
    assert link(question, "Cancel") == back
    assert NamedValue.objects.filter(pk=row.pk).exists()
    then = f"namedvalue-{other.pk}"
    response = administrator_client.post(URL, {"next": back, "then": then})
    assert response["Location"] == f"{back}#{then}"
    ((_, text),) = banners(administrator_client.get(back))
    assert text.startswith("The property “partner-key” was deleted. No gateway is running")
    assert list(NamedValue.objects.all()) == [other]
    assert newest_entry() == ("alice", "deleted", "named value", "partner-key")


def test_the_list_leads_to_the_question_and_names_the_row_that_gets_the_focus(
    administrator_client: Client,
) -> None:
    other = make_named_value("other")
    make_named_value()
    page = administrator_client.get("/properties/?q=e").content.decode()
    assert f'href="{URL}?next=%2Fproperties%2F%3Fq%3De&amp;then=namedvalue-{other.pk}" data-dialog' in page
    assert f'<tr id="namedvalue-{other.pk}">' in page


def test_one_in_use_is_said_to_be_with_links_to_the_policies(administrator_client: Client) -> None:
    make_named_value()
    api = make_api()
    use_named_value("partner-key", None, api, make_operation(api, display_name="Get account"))
    number = Revision.objects.get().number
    for response, status in ((administrator_client.get(URL), 200), (administrator_client.post(URL), 409)):
        assert response.status_code == status
        assert heading(response) == "The property is in use"
        assert "Property cannot be deleted since it is being used by one or more policies." in text_of(
            response
        )
        assert "Nothing was deleted. First take {{partner-key}} out of each policy below." in text_of(
            response
        )
        assert link(response, "All APIs") == "/policies/"
        assert link(response, "Partner Bank") == "/policies/apis/partner-bank/"
        operation = "/policies/apis/partner-bank/operations/get-account/"
        assert link(response, "Partner Bank / Get account") == operation
        assert link(response, "Check again") == URL
        assert "Yes, delete it" not in text_of(response)
    assert Revision.objects.get().number == number


def test_once_no_policy_uses_it_check_again_asks(administrator_client: Client) -> None:
    make_named_value()
    api = make_api()
    use_named_value("partner-key", api)
    response = administrator_client.get(f"{URL}?next=/properties/%3Fq%3Dkey")
    save_policy(ALICE, api, NEW_DOCUMENT)
    assert "Yes, delete it" in text_of(administrator_client.get(link(response, "Check again")))


def test_one_that_somebody_else_has_just_deleted_gives_a_message(administrator_client: Client) -> None:
    delete_named_value(ALICE, make_named_value().key)
    response = administrator_client.post(URL, follow=True)
    assert response.redirect_chain == [("/properties/", 302)]
    assert "This property had been deleted already." in text_of(response)
    assert administrator_client.get(URL).status_code == 404


def test_readers_and_strangers_cannot_delete(
    reader_client: Client, stranger_client: Client, client: Client
) -> None:
    make_named_value()
    for somebody in (reader_client, stranger_client):
        assert somebody.get(URL).status_code == somebody.post(URL).status_code == 403
    assert client.post(URL).status_code == 302
    assert NamedValue.objects.exists()
    assert not AuditEntry.objects.filter(action="deleted").exists()
