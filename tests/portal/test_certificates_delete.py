"""Security > Client certificates > Delete: the question, the answer, the warning, and two people at once."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from gateway.changes.base import Actor, change
from gateway.changes.certificate_versions import use_version
from gateway.changes.certificates import delete_certificate
from gateway.changes.policies import save_document
from gateway.changes.security import NoCredentials
from gateway.changes.signing_requests import complete_signing_request
from gateway.models import AuditEntry, Certificate, CertificateVersion, SigningRequest
from tests import pki
from tests.builders import (
    ALICE,
    choose,
    issued_for,
    make_api,
    make_certificate,
    make_operation,
    make_signing_request,
)
from tests.portal.reading import banners, heading, link, rows, text_of

LIST = "/security/client-certificates/"
IN_USE = "Certificate cannot be deleted since it is being used by one or more policies."
REST = "<backend><forward-request /></backend><outbound />"


def path_of(certificate: Certificate, **query: str) -> str:
    return reverse("certificate-delete", args=[certificate.pk], query=query)


# --- The question ---------------------------------------------------------------------------------------


def test_the_question_names_what_will_be_gone(administrator_client: Client) -> None:
    certificate = make_certificate("partner-bank")
    assert certificate.current
    response = administrator_client.get(path_of(certificate))
    assert heading(response) == "Are you sure you want to delete the certificate?"
    text, page = text_of(response), response.content.decode()
    assert f"ends in {certificate.current.thumbprint[-4:]}" in text
    for shown in (
        "CN=partner-bank",
        f"{certificate.current.not_after:%Y-%m-%d %H:%M UTC}",
        "Its private key cannot be restored from here",
    ):
        assert shown in text
    assert page.index("Yes, delete it</button>") < page.index(">Cancel</a>")
    assert link(response, "Cancel") == f"{LIST}#certificate-{certificate.pk}"
    assert Certificate.objects.count() == 1


def test_the_question_names_keys_that_are_nowhere_else(administrator_client: Client) -> None:
    certificate = make_certificate("partner-bank")
    plain = text_of(administrator_client.get(path_of(certificate)))
    assert "go with it" not in plain
    assert "made here" not in plain
    signed = issued_for(make_signing_request(certificate), pki.make_ca()).pem.encode()
    complete_signing_request(ALICE, SigningRequest.objects.get().pk, data=signed)
    text = text_of(administrator_client.get(path_of(certificate)))
    assert "all 2 go with it" in text
    assert "The private key of version 2 was made here, and there is no file of it" in text
    assert "you need its .pfx or .pem file" in text  # that of the version in use
    assert "ignin" not in text
    use_version(ALICE, certificate.pk, CertificateVersion.objects.get(number=2).pk)
    assert "you need its" not in text_of(administrator_client.get(path_of(certificate)))
    make_signing_request(certificate, "the next one")
    text = text_of(administrator_client.get(path_of(certificate)))
    assert "Signing request CN=the next one, made on" in text
    assert "The key of the signing request goes with it" in text


def test_yes_deletes_it_and_says_so(administrator_client: Client) -> None:
    certificate = make_certificate("partner-bank")
    response = administrator_client.post(path_of(certificate), follow=True)
    assert not Certificate.objects.exists()
    kind, said = banners(response)[0]
    assert (kind, said.startswith("The certificate partner-bank was deleted. ")) == ("success", True)
    assert response.redirect_chain == [(f"{LIST}#main", 302)]
    entry = AuditEntry.objects.get(action="deleted")
    assert (entry.actor_name, entry.object_name, entry.object_key) == (
        "alice",
        "partner-bank",
        certificate.pk,
    )


def test_search_page_and_place_are_kept(administrator_client: Client) -> None:
    for name in ("bank-a", "bank-b", "bank-c", "other"):
        make_certificate(name)
    keys = {certificate.resource_id: certificate.pk for certificate in Certificate.objects.all()}
    listed = administrator_client.get(LIST, {"q": "bank", "sort": "-name", "uploaded": str(keys["bank-a"])})
    path = link(listed, "Delete bank-b")
    assert link(administrator_client.get(path), "Cancel") == (
        f"{LIST}?q=bank&sort=-name#certificate-{keys['bank-b']}"
    )
    response = administrator_client.post(path, follow=True)
    assert response.redirect_chain[0][0] == f"{LIST}?q=bank&sort=-name#certificate-{keys['bank-a']}"
    assert rows(response) == ["bank-c", "bank-a"]
    # The last row of the list hands over to the one before it.
    response = administrator_client.post(link(response, "Delete bank-a"), follow=True)
    assert response.redirect_chain[0][0] == f"{LIST}?q=bank&sort=-name#certificate-{keys['bank-c']}"


@pytest.mark.parametrize("query", [{"next": "https://evil.example/"}, {"then": "no-key"}, {"next": "//evil"}])
def test_a_tampered_address_leads_to_the_plain_list(
    administrator_client: Client, query: dict[str, str]
) -> None:
    response = administrator_client.post(path_of(make_certificate(), **query))
    assert response["Location"] == f"{LIST}#main"


# --- In use ---------------------------------------------------------------------------------------------


def test_a_certificate_in_use_is_not_deleted_and_every_api_is_named(administrator_client: Client) -> None:
    certificate = make_certificate()
    for name in ("Partner Bank", "Insurance"):
        choose(make_api(name), certificate)
    path = path_of(certificate, next=f"{LIST}?q=bank")
    assert heading(administrator_client.get(path)).startswith("Are you sure")
    response = administrator_client.post(path)
    assert response.status_code == 409
    assert heading(response) == "The certificate is in use"
    assert IN_USE in text_of(response)
    assert "APIs that present it" in text_of(response)
    assert Certificate.objects.filter(pk=certificate.pk).exists()
    assert not AuditEntry.objects.filter(action="deleted").exists()
    assert link(response, "Back to the list") == f"{LIST}?q=bank#certificate-{certificate.pk}"
    back = link(response, "Check again")
    assert back.startswith(path)
    for name, api_id in (("Partner Bank", "partner-bank"), ("Insurance", "insurance")):
        assert link(response, name) == reverse("api-security", args=[api_id], query={"next": back})


def test_other_policies_that_name_it_are_listed_too(administrator_client: Client) -> None:
    certificate = make_certificate("bank")
    operation = make_operation(make_api("Partner Bank"), "/accounts", display_name="List accounts")
    statement = '<authentication-certificate certificate-id="bank" />'
    xml = f"<policies><inbound><base />{statement}</inbound><outbound><base /></outbound></policies>"
    with change(ALICE) as this:
        save_document(this, operation, xml)
        save_document(this, None, f"<policies><inbound>{statement}</inbound>{REST}</policies>")
    response = administrator_client.post(path_of(certificate))
    assert response.status_code == 409
    text = text_of(response)
    assert "Policies that name it All APIs Partner Bank / List accounts" in text
    assert "APIs that present it" not in text
    assert link(response, "All APIs") == reverse("policies")
    address = reverse("policy-operation", args=["partner-bank", operation.resource_id])
    assert link(response, "Partner Bank / List accounts") == address


def test_checking_again_warns_until_nothing_uses_it_and_then_asks(administrator_client: Client) -> None:
    certificate, api = make_certificate(), make_api()
    choose(api, certificate)
    again = link(administrator_client.post(path_of(certificate)), "Check again")
    assert heading(administrator_client.get(again)) == "The certificate is in use"
    choose(api, NoCredentials())
    response = administrator_client.get(again)
    assert heading(response) == "Are you sure you want to delete the certificate?"
    assert "Nothing uses it any more" in text_of(response)
    assert administrator_client.post(again).status_code == 302
    assert not Certificate.objects.exists()


# --- Two people at once ---------------------------------------------------------------------------------


def test_a_certificate_that_somebody_else_deleted_gives_a_message(administrator_client: Client) -> None:
    certificate = make_certificate("bank")
    path = path_of(certificate, next=f"{LIST}?q=x")
    delete_certificate(Actor("user", "dora"), certificate.pk)
    for response in (
        administrator_client.get(path, follow=True),
        administrator_client.post(path, follow=True),
    ):
        assert response.redirect_chain == [(f"{LIST}?q=x", 302)]
        assert banners(response) == [("warning", "The certificate bank was already deleted by dora.")]


def test_a_certificate_that_never_was_gives_a_message_too(administrator_client: Client) -> None:
    response = administrator_client.get(reverse("certificate-delete", args=[uuid4()]), follow=True)
    assert "There is no such certificate any more" in banners(response)[0][1]


@contextmanager
def somebody_is_faster(act: Any) -> Iterator[None]:
    """Lets another person act just before this one's change begins, after the page looked for the row."""
    done = []

    def run(execute: Any, sql: str, *rest: Any) -> Any:
        if not done and sql.startswith("SAVEPOINT"):  # what a transaction begins with inside a test's own
            done.append(sql)
            act()
        return execute(sql, *rest)

    with connection.execute_wrapper(run):
        yield
    assert done


def test_two_deletions_at_once_delete_once(administrator_client: Client) -> None:
    certificate = make_certificate("bank")
    with somebody_is_faster(lambda: delete_certificate(Actor("user", "dora"), certificate.pk)):
        response = administrator_client.post(path_of(certificate), follow=True)
    assert banners(response) == [("warning", "The certificate bank was already deleted by dora.")]
    assert AuditEntry.objects.filter(action="deleted").count() == 1


def test_an_assignment_that_comes_first_wins(administrator_client: Client) -> None:
    certificate, api = make_certificate(), make_api("Partner Bank")
    with somebody_is_faster(lambda: choose(api, certificate)):
        response = administrator_client.post(path_of(certificate))
    assert response.status_code == 409
    assert "Partner Bank" in text_of(response)
    assert Certificate.objects.filter(pk=certificate.pk).exists()


# --- Who may --------------------------------------------------------------------------------------------


def test_readers_cannot_delete(reader_client: Client) -> None:
    path = path_of(make_certificate())
    assert reader_client.get(path).status_code == 403
    assert reader_client.post(path).status_code == 403
    assert Certificate.objects.count() == 1


def test_somebody_who_is_not_signed_in_signs_in_first(client: Client, db: None) -> None:
    path = path_of(make_certificate())
    assert client.post(path)["Location"] == f"/sign-in/?next={path}"
    assert Certificate.objects.count() == 1


def test_a_deletion_without_its_token_is_refused(administrator: Any) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(administrator)
    response = client.post(path_of(make_certificate()))
    assert (response.status_code, heading(response)) == (403, "This form has expired")
    assert Certificate.objects.count() == 1


def test_other_methods_are_refused(administrator_client: Client) -> None:
    assert administrator_client.delete(path_of(make_certificate())).status_code == 405
    assert Certificate.objects.count() == 1
