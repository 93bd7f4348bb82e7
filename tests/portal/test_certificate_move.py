"""Client certificates > Delete > Replace everywhere with...: choose, look at what moves, confirm once."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from gateway.changes.certificates import delete_certificate
from gateway.changes.policies import save_policy
from gateway.changes.security import NoCredentials, Trust
from gateway.models import Certificate, PolicyDocument, PolicyVersion
from portal import choice, rewrites
from tests.arrange import update_directly
from tests.builders import ALICE, choose, make_api, make_ca_certificate, make_certificate, make_operation
from tests.portal.reading import banners, errors_beside, heading, link, text_of


def path_of(old: Certificate, /, **query: Any) -> str:
    return reverse("certificate-move", args=[old.pk], query=query)


def confirm(client: Client, seen: Any, **extra: Any) -> Any:
    """Press the button of a review."""
    sent = {"to": str(seen.context["to"].pk), "seal": seen.context["seal"], "next": seen.context["next"]}
    return client.post(seen.wsgi_request.path, sent, **extra)


@pytest.fixture
def old(db: None) -> Certificate:
    return make_certificate("old", name="old")


@pytest.fixture
def new(db: None) -> Certificate:
    return make_certificate("new", name="new")


def test_it_begins_at_the_warning_and_ends_at_the_question(
    administrator_client: Client, old: Certificate, new: Certificate
) -> None:
    choose(make_api("Partner Bank"), old)
    operation = make_operation(make_api("Insurance"), display_name="List claims")
    assert old.current
    statement = f'<authentication-certificate thumbprint="{old.current.thumbprint}" />'
    save_policy(ALICE, operation, f"<policies><inbound><base />{statement}</inbound></policies>")
    question = reverse("certificate-delete", args=[old.pk])
    warning = administrator_client.post(question)
    page = administrator_client.get(link(warning, "Replace everywhere with..."))
    assert heading(page) == "Replace old everywhere"
    assert [option.key for option in page.context["form"].offered.options] == [str(new.pk)]
    assert link(page, "Cancel") == f"{question}?check=1"
    review = administrator_client.get(
        page.wsgi_request.path, {"next": page.context["next"], "to": str(new.pk)}
    )
    assert [move.text for move in review.context["moves"]] == ["Insurance / List claims", "Partner Bank"]
    assert 'certificate-id="new"' in text_of(review)
    response = confirm(administrator_client, review, follow=True)
    assert response.redirect_chain == [(f"{question}?check=1", 302)]
    assert "2 policies name new instead of old" in banners(response)[0][1]
    assert "Nothing uses it any more, so it can be deleted now." in text_of(response)
    assert Certificate.objects.with_uses().get(pk=old.pk).uses == ()
    assert PolicyVersion.objects.filter(action="rewritten").count() == 2
    assert administrator_client.post(question).status_code == 302


def test_what_uses_it_otherwise_meanwhile_is_shown_again(
    administrator_client: Client, old: Certificate, new: Certificate
) -> None:
    choose(make_api("Partner Bank"), old)
    review = administrator_client.get(path_of(old, to=new.pk))
    choose(make_api("Insurance"), old)
    response = confirm(administrator_client, review)
    assert response.status_code == 409
    assert "Somebody else has just changed what uses old." in text_of(response)
    assert [move.text for move in response.context["moves"]] == ["Insurance", "Partner Bank"]
    assert not PolicyVersion.objects.filter(action="rewritten").exists()
    assert confirm(administrator_client, response).status_code == 302


def test_nothing_is_left_to_move(administrator_client: Client, old: Certificate, new: Certificate) -> None:
    api = make_api()
    choose(api, old)
    review = administrator_client.get(path_of(old, to=new.pk))
    choose(api, NoCredentials())
    response = confirm(administrator_client, review)
    assert response.status_code == 409
    assert "Nothing uses old, so there is nothing to move." in text_of(response)


def test_the_other_one_is_deleted_meanwhile(
    administrator_client: Client, old: Certificate, new: Certificate
) -> None:
    choose(make_api(), old)
    review = administrator_client.get(path_of(old, to=new.pk))
    delete_certificate(ALICE, new.pk)
    response = confirm(administrator_client, review)
    assert response.status_code == 409
    assert "The certificate that you chose is not there any more." in text_of(response)
    assert "There is no other client certificate." in text_of(response)


def test_the_certificate_itself_is_gone(
    administrator_client: Client, old: Certificate, new: Certificate
) -> None:
    review = administrator_client.get(path_of(old, to=new.pk))
    delete_certificate(ALICE, old.pk)
    assert administrator_client.get(path_of(old)).status_code == 404
    assert administrator_client.post(path_of(old), {"to": str(new.pk), "seal": "x"}).status_code == 404
    assert review.status_code == 200


@pytest.mark.parametrize("to", ["", "nonsense", "00000000-0000-0000-0000-000000000000", "itself"])
def test_something_else_than_what_is_offered_is_refused(
    administrator_client: Client, old: Certificate, new: Certificate, to: str
) -> None:
    choose(make_api(), old)
    to = str(old.pk) if to == "itself" else to
    response = administrator_client.get(path_of(old, to=to))
    assert len(errors_beside(response, "to")) == 1
    assert administrator_client.post(path_of(old), {"to": to, "seal": ""}).status_code == 409


def test_one_that_has_expired_is_warned_of(administrator_client: Client, old: Certificate) -> None:
    expired = make_certificate("gone", not_after=datetime.now(UTC) - timedelta(days=1))
    choose(make_api(), old)
    assert "It expired on" in text_of(administrator_client.get(path_of(old, to=expired.pk)))


def test_a_policy_that_cannot_be_read_is_said_to_be_left_alone(
    administrator_client: Client, old: Certificate, new: Certificate
) -> None:
    for name in ("Newer", "Well"):
        choose(make_api(name), old)
    document = PolicyDocument.objects.get(api__display_name="Newer")
    xml = document.xml.replace("<base />", "<of-a-newer-release />")
    update_directly(PolicyDocument, document.pk, xml=xml)
    review = administrator_client.get(path_of(old, to=new.pk))
    assert [move.text for move in review.context["moves"]] == ["Well"]
    assert "What cannot be read is left alone, and goes on naming old: the policy of Newer" in text_of(review)


def test_of_very_many_the_first_differences_are_shown_and_all_are_linked(
    administrator_client: Client, old: Certificate, new: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rewrites, "MOST_SHOWN", 1)
    for name in ("One", "Two", "Three"):
        choose(make_api(name), old)
    review = administrator_client.get(path_of(old, to=new.pk))
    assert review.content.decode().count('<table class="difference">') == 1
    assert text_of(review).count("in the same way") == 2
    assert link(review, "Three") == reverse("policy-api", args=["three"])


def test_a_ca_certificate_has_no_such_way(administrator_client: Client) -> None:
    ca = make_ca_certificate()
    choose(make_api(), NoCredentials(), Trust(ca_certificates=(ca.pk,)))
    warning = administrator_client.post(reverse("ca-certificate-delete", args=[ca.pk]))
    assert warning.status_code == 409
    assert "Replace everywhere" not in text_of(warning)


def test_where_there_are_many_one_is_searched_for(
    administrator_client: Client, old: Certificate, new: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choice, "MOST_IN_DROP_DOWN", 1)
    choose(make_api(), old)
    found = administrator_client.get(path_of(old, search="new", searched="", find="1"))
    assert [option.key for option in found.context["form"].offered.options] == [str(new.pk)]
    # Enter in the search field sends the whole form: what is new is searched for, not shown.
    again = administrator_client.get(path_of(old, search="old", searched="new", to=new.pk))
    assert "moves" not in again.context


def test_a_way_back_to_somebody_else_is_not_taken(administrator_client: Client, old: Certificate) -> None:
    page = administrator_client.get(path_of(old, next="https://evil.example/"))
    assert "evil" not in page.content.decode()


def test_readers_may_not(reader_client: Client, old: Certificate, new: Certificate) -> None:
    assert reader_client.get(path_of(old)).status_code == 403
    assert reader_client.post(path_of(old), {"to": str(new.pk)}).status_code == 403
    assert not PolicyVersion.objects.filter(action="rewritten").exists()


def test_the_one_that_takes_its_place_can_be_uploaded_on_the_way(
    administrator_client: Client, old: Certificate, new: Certificate
) -> None:
    choose(make_api("Partner Bank"), old)
    page = administrator_client.get(path_of(old, next="/apis/"))
    upload = link(page, "Upload it")
    assert upload == reverse("certificate-upload", query={"next": path_of(old, next="/apis/")})
    back = administrator_client.get(path_of(old, next="/apis/", certificate=new.pk))  # as an upload does
    assert back.context["form"]["to"].value() == str(new.pk)
    assert link(back, "Cancel") == "/apis/"
