"""Security > Client certificates > one of them > Download: what is public, as files that every system takes."""

from typing import Any
from uuid import uuid4

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from django.test import Client
from django.urls import reverse

from gateway.models import Certificate
from portal.views.certificate_page import file_name
from tests import pki
from tests.builders import ALICE, renew, upload_certificate
from tests.portal.reading import link, text_of

PEM = "application/pem-certificate-chain"


@pytest.fixture
def issued() -> pki.Issued:
    return pki.issue(pki.make_ca("Issuing", parent=pki.make_ca("Root")), "bank")


def store(issued: pki.Issued, name: str = "bank") -> Certificate:
    return upload_certificate(ALICE, data=pki.pfx(issued), password="password", name=name)


def fetch(client: Client, certificate: Certificate, form: str, number: int = 1) -> Any:
    return client.get(reverse("certificate-download", args=[certificate.pk, number, form]))


def test_the_files_are_what_their_names_say(administrator_client: Client, issued: pki.Issued) -> None:
    certificate = store(issued)
    binary = fetch(administrator_client, certificate, "cer")
    text = fetch(administrator_client, certificate, "pem")
    chain = fetch(administrator_client, certificate, "chain.pem")
    assert binary.content == issued.cert.public_bytes(Encoding.DER)
    assert text.content.decode() == issued.pem
    assert x509.load_pem_x509_certificates(chain.content) == [issued.cert, *issued.chain]
    types = [response["Content-Type"] for response in (binary, text, chain)]
    assert types == ["application/pkix-cert", PEM, PEM]
    names = [response["Content-Disposition"] for response in (binary, text, chain)]
    assert names == [f'attachment; filename="bank-version-1{end}"' for end in (".cer", ".pem", "-chain.pem")]


@pytest.mark.parametrize("form", ["cer", "pem", "chain.pem"])
def test_no_file_holds_a_key_and_no_browser_guesses_what_it_is(
    reader_client: Client, issued: pki.Issued, form: str
) -> None:
    certificate = store(issued)
    assert certificate.current
    response = fetch(reader_client, certificate, form)
    assert (response.status_code, response["X-Content-Type-Options"]) == (200, "nosniff")
    assert b"PRIVATE" not in response.content
    assert certificate.current.sealed_private_key.encode() not in response.content
    assert response.content.count(b"BEGIN") == {"cer": 0, "pem": 1, "chain.pem": 3}[form]


def test_an_older_version_can_be_fetched_too(administrator_client: Client, issued: pki.Issued) -> None:
    certificate = store(issued)
    following = renew(certificate)
    assert fetch(administrator_client, certificate, "pem", 1).content.decode() == issued.pem
    response = fetch(administrator_client, certificate, "pem", 2)
    assert response.content.decode() == following.chain_pem
    assert response["Content-Disposition"] == 'attachment; filename="bank-version-2.pem"'


def test_the_page_links_the_files_of_what_is_in_use(administrator_client: Client, issued: pki.Issued) -> None:
    certificate = store(issued)
    page = administrator_client.get(reverse("certificate", args=[certificate.pk]))
    for words, form in ((".cer", "cer"), (".pem", "pem"), (".pem with chain", "chain.pem")):
        assert link(page, words) == reverse("certificate-download", args=[certificate.pk, 1, form])


def test_what_is_not_there_is_not_found(administrator_client: Client, issued: pki.Issued) -> None:
    certificate = store(issued)
    missing = fetch(administrator_client, certificate, "pem", 7)
    assert missing.status_code == 404
    assert "The certificate bank has no version 7" in text_of(missing)
    for form in ("key", "pfx", "chain.pem.", "p12"):
        assert fetch(administrator_client, certificate, form).status_code == 404
    gone = administrator_client.get(reverse("certificate-download", args=[uuid4(), 1, "pem"]))
    assert gone.status_code == 404


def test_strangers_get_nothing(client: Client, stranger_client: Client, issued: pki.Issued) -> None:
    certificate = store(issued)
    assert fetch(client, certificate, "cer").status_code == 302
    assert fetch(stranger_client, certificate, "cer").status_code == 403


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("Bänk Zürich", "filename*=utf-8''B%C3%A4nk%20Z%C3%BCrich-version-1.cer"),
        ("銀行", "filename*=utf-8''%E9%8A%80%E8%A1%8C-version-1.cer"),
        ("bank; filename=x", 'filename="bank; filename=x-version-1.cer"'),
        ("a<b>:c|d?*", 'filename="a-b--c-d---version-1.cer"'),
        ("...", 'filename="certificate-version-1.cer"'),
        ("x" * 80, f'filename="{"x" * 80}-version-1.cer"'),
    ],
)
def test_every_id_gives_a_safe_file_name(
    administrator_client: Client, issued: pki.Issued, name: str, header: str
) -> None:
    response = fetch(administrator_client, store(issued, name), "cer")
    assert response["Content-Disposition"] == f"attachment; {header}"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("evil\u202egpj", "evil-gpj"),
        ("a\u2028b\ud800c", "a-b-c"),
        ("../../etc", "-..-etc"),
        (" bank. ", "bank"),
        ("u\u0308ber", "\u00fcber"),
    ],
)
def test_characters_that_deceive_or_lead_elsewhere_are_replaced(name: str, expected: str) -> None:
    assert file_name(name) == expected
