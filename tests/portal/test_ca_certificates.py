"""Security > CA certificates: list, upload, delete, through the pages and with real files."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from gateway.changes.base import Actor
from gateway.changes.ca_certificates import delete_ca_certificate
from gateway.changes.security import NoCredentials, Trust
from gateway.models import Api, AuditEntry, CaCertificate
from tests import pki
from tests.builders import choose, make_api, make_ca_certificate
from tests.portal.reading import banners, errors_beside, heading, link, rows, text_of

LIST = "/security/ca-certificates/"
UPLOAD = "/security/ca-certificates/upload/"
DELETE_OF_NOTHING = "/security/ca-certificates/00000000-0000-4000-8000-000000000000/delete/"


def send(client: Client, data: bytes | None, name: str = "", path: str = UPLOAD) -> Any:
    values: dict[str, Any] = {"name": name}
    if data is not None:
        values["file"] = SimpleUploadedFile("ca.pem", data)
    return client.post(path, values, follow=True)


def trust(api: Api, *authorities: CaCertificate) -> None:
    keys = tuple(authority.key for authority in authorities)
    choose(
        api,
        NoCredentials(),
        Trust(validate_chain=True, validate_name=True, public_cas=True, ca_certificates=keys),
    )


def path_of(authority: CaCertificate) -> str:
    return reverse("ca-certificate-delete", args=[authority.pk])


# --- List -------------------------------------------------------------------------------------------------


def test_an_empty_list_says_what_to_do_next(administrator_client: Client) -> None:
    response = administrator_client.get(LIST)
    assert heading(response) == "Security"
    assert "There is no CA certificate yet" in text_of(response)
    assert link(response, "Upload CA certificate") == UPLOAD


def test_a_row_shows_what_tells_certificates_apart_and_who_trusts_it(administrator_client: Client) -> None:
    authority = make_ca_certificate("Bank Root")
    trust(make_api("Partner Bank"), authority)
    response = administrator_client.get(LIST)
    assert rows(response) == ["bank-root"]
    text = text_of(response)
    for shown in ("CN=Bank Root", "Self-signed", f"{authority.not_after:%Y-%m-%d %H:%M UTC}", "expires in"):
        assert shown in text
    assert f'data-copy="{authority.thumbprint}"' in response.content.decode()
    assert link(response, "Partner Bank") == reverse("api-security", args=["partner-bank"])


def test_thumbprints_are_found_and_filters_narrow(administrator_client: Client) -> None:
    one, two = make_ca_certificate("One"), make_ca_certificate("Two")
    trust(make_api(), two)
    pasted = "\u200e" + " ".join(one.thumbprint[at : at + 2].lower() for at in range(0, 40, 2))
    assert rows(administrator_client.get(LIST, {"q": pasted})) == ["one"]
    assert rows(administrator_client.get(LIST, {"use": "unused"})) == ["one"]
    assert rows(administrator_client.get(LIST, {"use": "used", "state": "expired"})) == []
    assert rows(administrator_client.get(LIST, {"sort": "-subject"})) == ["two", "one"]


def test_more_rows_ask_no_more_queries(
    administrator_client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    trust(make_api("First"), make_ca_certificate("one"))
    administrator_client.get(LIST)  # the session is written once
    with django_assert_num_queries(6):
        administrator_client.get(LIST)
    for number in range(5):
        trust(make_api(f"API {number}"), make_ca_certificate(f"CA {number}"))
    with django_assert_num_queries(6):
        assert len(rows(administrator_client.get(LIST))) == 6


# --- Upload -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["PEM", "DER"])
def test_a_file_in_either_form_is_uploaded(administrator_client: Client, form: str) -> None:
    authority = pki.make_ca("Bank Root")
    data = authority.pem.encode() if form == "PEM" else pki.der(authority.cert)
    response = send(administrator_client, data)
    kind, said = banners(response)[0]
    assert (kind, said.startswith("The CA certificate bank-root was uploaded. ")) == ("success", True)
    assert rows(response) == ["bank-root new"]
    entry = AuditEntry.objects.get()
    assert (entry.actor_name, entry.action, entry.object_name) == ("alice", "uploaded", "bank-root")
    assert entry.changes["thumbprint"] == ["", authority.thumbprint]


def test_several_in_one_file_are_uploaded_and_the_first_gets_the_name(administrator_client: Client) -> None:
    root = pki.make_ca("Root")
    data = (pki.make_ca("Issuing", parent=root).pem + root.pem).encode()
    response = send(administrator_client, data, name="Chosen")
    assert "2 CA certificates were uploaded: Chosen, root. " in banners(response)[0][1]
    assert rows(response) == ["Chosen new", "root new"]


def test_warnings_name_the_certificate_of_the_file_that_they_are_about(administrator_client: Client) -> None:
    ended = datetime.now(UTC) - timedelta(days=1)
    data = pki.make_ca("Good").pem + pki.make_ca("Old", not_after=ended).pem + pki.self_signed("Leaf").pem
    said = banners(send(administrator_client, data.encode()))[1:]
    assert [(kind, text.split(" on ")[0][:20]) for kind, text in said] == [
        ("warning", "old: It expired"),
        ("warning", "leaf: It is not mark"),
    ]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "The file is empty"),
        (b"no certificate", "This is no certificate file"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "damaged or incomplete"),
        (bytes(20_000_000), "The file is too large (20.0 MB)"),
    ],
    ids=["empty", "text", "damaged", "20 MB"],
)
def test_a_file_that_is_no_use_is_refused_on_the_file_field(
    administrator_client: Client, data: bytes, words: str
) -> None:
    response = send(administrator_client, data)
    assert [words in error for error in errors_beside(response, "file")] == [True]
    assert "Choose the file again" in text_of(response)
    assert not CaCertificate.objects.exists()


def test_a_private_key_is_refused_on_the_file_field(administrator_client: Client) -> None:
    authority = pki.make_ca()
    response = send(administrator_client, (authority.pem + authority.key_pem).encode())
    assert "contains a private key" in errors_beside(response, "file")[0]
    response = send(administrator_client, pki.pfx())
    assert "This is a .pfx file" in errors_beside(response, "file")[0]
    assert not CaCertificate.objects.exists()


def test_a_missing_file_is_asked_for(administrator_client: Client) -> None:
    response = send(administrator_client, None)
    assert errors_beside(response, "file") == ["Choose the .cer, .crt or .pem file of the CA certificate."]


def test_one_that_is_known_refuses_the_whole_file(administrator_client: Client) -> None:
    known = pki.make_ca("Known")
    send(administrator_client, known.pem.encode())
    response = send(administrator_client, (pki.make_ca("New").pem + known.pem).encode())
    assert errors_beside(response, "file") == ["This CA certificate is already here, under the name “known”."]
    assert CaCertificate.objects.count() == 1


def test_a_name_that_is_taken_is_refused_on_the_name_field(administrator_client: Client) -> None:
    make_ca_certificate(name="Root")
    response = send(administrator_client, pki.make_ca("Other").pem.encode(), name="ROOT")
    assert errors_beside(response, "name") == ["The name “ROOT” is already taken. Choose another one."]


def test_an_upload_started_from_another_page_returns_there(administrator_client: Client) -> None:
    response = send(administrator_client, pki.make_ca().pem.encode(), path=f"{UPLOAD}?next=/help/")
    assert response.redirect_chain[0][0] == f"/help/?ca_certificate={CaCertificate.objects.get().pk}"


# --- Delete -----------------------------------------------------------------------------------------------


def test_the_question_names_it_and_yes_deletes_it(administrator_client: Client) -> None:
    authority = make_ca_certificate("Bank Root")
    asked = administrator_client.get(path_of(authority))
    assert heading(asked) == "Are you sure you want to delete the CA certificate?"
    assert f"ends in {authority.thumbprint[-4:]}" in text_of(asked)
    assert "private key" not in text_of(asked)
    response = administrator_client.post(path_of(authority), follow=True)
    assert not CaCertificate.objects.exists()
    assert banners(response)[0][1].startswith("The CA certificate bank-root was deleted. ")
    assert AuditEntry.objects.get(action="deleted").object_name == "bank-root"


def test_one_that_an_api_trusts_is_not_deleted(administrator_client: Client) -> None:
    authority, api = make_ca_certificate(), make_api("Partner Bank")
    trust(api, authority)
    response = administrator_client.post(path_of(authority))
    assert response.status_code == 409
    assert heading(response) == "The CA certificate is in use"
    assert (
        "CA certificate cannot be deleted since one or more APIs trust it. Nothing was deleted."
        in text_of(response)
    )
    again = link(response, "Check again")
    assert link(response, "Partner Bank") == reverse(
        "api-security", args=["partner-bank"], query={"next": again}
    )
    trust(api)
    assert heading(administrator_client.get(again)).startswith("Are you sure")
    administrator_client.post(again)
    assert not CaCertificate.objects.exists()


def test_one_that_somebody_else_deleted_gives_a_message(administrator_client: Client) -> None:
    authority = make_ca_certificate("Root")
    delete_ca_certificate(Actor("user", "dora"), authority.pk)
    for response in (
        administrator_client.get(path_of(authority), follow=True),
        administrator_client.post(path_of(authority), follow=True),
    ):
        assert banners(response) == [("warning", "The CA certificate root was already deleted by dora.")]


# --- Who may ----------------------------------------------------------------------------------------------


def test_readers_look_and_do_not_touch(reader_client: Client) -> None:
    authority = make_ca_certificate("Root")
    response = reader_client.get(LIST)
    assert rows(response) == ["root"]
    assert "only members of the group Administrators can change it" in text_of(response)
    assert "/delete/" not in response.content.decode()
    assert reader_client.get(UPLOAD).status_code == 403
    assert send(reader_client, pki.make_ca("New").pem.encode()).status_code == 403
    assert reader_client.post(path_of(authority)).status_code == 403
    assert CaCertificate.objects.count() == 1


@pytest.mark.parametrize(
    "path", [LIST, UPLOAD, "/security/ca-certificates/00000000-0000-4000-8000-000000000000/delete/"]
)
def test_somebody_who_is_not_signed_in_signs_in_first(client: Client, db: None, path: str) -> None:
    assert client.get(path)["Location"] == f"/sign-in/?next={path}"
    assert client.post(path)["Location"] == f"/sign-in/?next={path}"


def test_a_form_without_its_token_is_refused(administrator: Any) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(administrator)
    response = send(client, pki.make_ca().pem.encode())
    assert (response.status_code, heading(response)) == (403, "This form has expired")
    assert not CaCertificate.objects.exists()


def test_other_methods_are_refused(administrator_client: Client) -> None:
    assert administrator_client.post(LIST).status_code == 405
    assert administrator_client.put(UPLOAD).status_code == 405


def test_the_list_is_sorted_by_how_many_apis_trust_each(administrator_client: Client) -> None:
    often, _, once = (make_ca_certificate(name) for name in ("A often", "B never", "C once"))
    trust(make_api("A"), often, once)
    trust(make_api("B"), often)
    assert rows(administrator_client.get(f"{LIST}?sort=uses")) == ["b-never", "c-once", "a-often"]
    assert rows(administrator_client.get(f"{LIST}?sort=-uses")) == ["a-often", "c-once", "b-never"]
