"""Security > CA certificates > one of them: its page, and its file."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from gateway.changes.base import Actor
from gateway.changes.ca_certificates import delete_ca_certificate, upload_ca_certificates
from gateway.changes.security import NoCredentials, Trust
from gateway.models import CaCertificate
from tests import pki
from tests.builders import ALICE, choose, make_api
from tests.portal.reading import heading, link, text_of


def store(issued: pki.Issued, name: str = "") -> CaCertificate:
    return upload_ca_certificates(ALICE, data=issued.pem.encode(), name=name)[0]


def path_of(certificate: CaCertificate) -> str:
    return reverse("ca-certificate", args=[certificate.pk])


def page_of(client: Client, certificate: CaCertificate) -> Any:
    response = client.get(path_of(certificate))
    assert response.status_code == 200
    return response


def trust(certificate: CaCertificate, name: str) -> None:
    choose(make_api(name), NoCredentials(), Trust(ca_certificates=(certificate.pk,)))


@pytest.mark.parametrize(
    ("days", "said"),
    [
        (200.5, "It is valid for another 200 days."),
        (6.5, "It expires in 6 days."),
        (-2.5, "It expired 2 days ago."),
    ],
)
def test_how_long_it_is_good_for_and_who_trusts_it_come_first(
    administrator_client: Client, days: float, said: str
) -> None:
    now = datetime.now(UTC)
    root = pki.make_ca("Root", not_before=now - timedelta(days=300), not_after=now + timedelta(days=days))
    certificate = store(root)
    trust(certificate, "Partner Bank")
    response = page_of(administrator_client, certificate)
    text = text_of(response)
    assert heading(response) == "CA certificate - root"
    assert text.index(said) < text.index("1 API trusts it") < text.index("Trusted by")
    assert ("calls to the back ends that it vouches for are likely to fail" in text) == (days < 30)
    assert link(response, "Partner Bank") == reverse("api-security", args=["partner-bank"])


def test_what_was_found_at_upload_is_told_on_its_page_too(administrator_client: Client) -> None:
    assert "Findings" not in text_of(page_of(administrator_client, store(pki.make_ca("Root"))))
    said = text_of(page_of(administrator_client, store(pki.self_signed("Leaf"))))
    assert "Findings Warning: It is not marked as a CA certificate" in said
    assert "upload the certificate of the CA that issued that" in said


def test_its_place_in_the_chain_leads_up_and_down(administrator_client: Client) -> None:
    root = pki.make_ca("Root")
    issuing = store(pki.make_ca("Issuing", parent=root), "issuing")
    alone = text_of(page_of(administrator_client, issuing))
    assert "It is no root: it was issued by CN=Root . That is not among the CA certificates here" in alone
    above = store(root, "root")
    assert link(page_of(administrator_client, issuing), "root") == path_of(above)
    top = page_of(administrator_client, above)
    assert "It is a root: it has signed itself." in text_of(top)
    assert link(top, "issuing") == path_of(issuing)


def test_it_can_be_fetched_and_the_list_leads_to_it(reader_client: Client) -> None:
    root = pki.make_ca("Root")
    certificate = store(root, "Würzburg CA")
    assert link(reader_client.get(reverse("ca-certificates")), "Würzburg CA") == path_of(certificate)
    response = page_of(reader_client, certificate)
    binary = reader_client.get(link(response, "Download .cer"))
    assert binary.content == root.cert.public_bytes(Encoding.DER)
    assert binary["Content-Disposition"] == "attachment; filename*=utf-8''W%C3%BCrzburg%20CA.cer"
    assert reader_client.get(link(response, "Download .pem")).content.decode() == root.pem
    key = reverse("ca-certificate-download", args=[certificate.pk, "key"])
    assert reader_client.get(key).status_code == 404
    assert "Delete" not in text_of(response)


def test_delete_asks_and_what_is_gone_says_who_deleted_it(administrator_client: Client) -> None:
    certificate = store(pki.make_ca("Root"))
    question = administrator_client.get(link(page_of(administrator_client, certificate), "Delete"))
    assert link(question, "Cancel") == path_of(certificate)
    delete_ca_certificate(Actor("user", "bob"), certificate.pk)
    gone = administrator_client.get(path_of(certificate))
    assert gone.status_code == 404
    assert "The CA certificate root was deleted by bob on 20" in text_of(gone)


def test_more_apis_ask_no_more_queries(
    administrator_client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    certificate = store(pki.make_ca("Root"))
    trust(certificate, "First")
    page_of(administrator_client, certificate)
    with django_assert_num_queries(9) as few:
        page_of(administrator_client, certificate)
    for number in range(4):
        trust(certificate, f"API {number}")
    with django_assert_num_queries(len(few)):
        page_of(administrator_client, certificate)
