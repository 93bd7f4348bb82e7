"""Pages with a form: what is wrong stands beside its field, and nobody writes over another's change unasked."""

import pytest
from django.db import OperationalError
from django.test import Client

pytestmark = pytest.mark.urls("tests.portal.frame_urls")


def post(client: Client, **values: object):
    return client.post("/test/note/", {"title": "mine", "revision": 7, **values})


def test_a_good_form_is_saved(administrator_client: Client) -> None:
    assert post(administrator_client).status_code == 302
    assert "saved mine" in administrator_client.get("/").content.decode()


def test_an_error_is_tied_to_its_field_and_linked_from_the_summary(administrator_client: Client) -> None:
    page = post(administrator_client, title="").content.decode()
    assert '<a href="#id_title">Title</a>: This field is required.' in page
    assert 'aria-describedby="id_title_error"' in page
    assert '<ul class="field-error" id="id_title_error">' in page


def test_what_a_change_refuses_stands_on_the_field_or_at_the_top(administrator_client: Client) -> None:
    form = post(administrator_client, title="refused").context["form"]
    assert form.errors == {"title": ["Choose another title."], "__all__": ["Something else is wrong."]}


def test_a_conflict_shows_both_values_and_asks(administrator_client: Client) -> None:
    response = post(administrator_client, revision=6, password="hunter2")
    page = response.content.decode()
    differences = response.context["conflict"].differences
    assert response.status_code == 409
    assert [(d.label, d.theirs, d.yours) for d in differences] == [
        ("Title", "theirs", "mine"), ("Urgent", "Yes", "No")
    ]  # fmt: skip
    assert "Save mine over theirs" in page
    assert 'value="mine"' in page
    assert "hunter2" not in page


def test_whoever_agrees_saves_over_the_other_change(administrator_client: Client) -> None:
    assert post(administrator_client, revision=6, save_over=7).status_code == 302


def test_agreeing_to_an_older_change_is_no_agreement_to_a_newer_one(administrator_client: Client) -> None:
    assert post(administrator_client, revision=5, save_over=6).status_code == 409


def test_a_busy_database_keeps_what_was_entered(administrator_client: Client) -> None:
    response = post(administrator_client, title="busy")
    page = response.content.decode()
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert 'value="busy"' in page
    assert "The database is busy" in page


def test_another_failure_of_the_database_is_not_taken_for_a_busy_one(administrator_client: Client) -> None:
    with pytest.raises(OperationalError, match="disk"):
        post(administrator_client, title="gone")


def test_a_secret_is_never_sent_back(administrator_client: Client) -> None:
    page = post(administrator_client, title="refused", password="hunter2").content.decode()
    assert "hunter2" not in page
    assert 'autocomplete="new-password"' in page


def test_the_enter_key_does_not_save_over_another_change(administrator_client: Client) -> None:
    page = post(administrator_client, revision=6).content.decode()
    first = page.index('<button type="submit"', page.index('role="alert"'))
    assert page[first:].startswith('<button type="submit" disabled hidden>')
