"""Security > Client certificates > Prepare a signing request: the form, the request, and what comes back signed."""

from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from gateway.changes.certificates import delete_certificate
from gateway.changes.signing_requests import delete_signing_request
from gateway.models import Certificate, SigningRequest
from tests import pki
from tests.builders import ALICE, issued_for, make_certificate, make_signing_request
from tests.portal.reading import banners, errors_beside, heading, link, text_of

LIST = "/security/client-certificates/"
ADD = f"{LIST}signing-requests-add/"
FILLED_IN = {"name": "bank", "common_name": "partner-bank", "key_type": "EC P-256"}


def prepare(certificate: Certificate | None = None, name: str = "bank") -> SigningRequest:
    return make_signing_request(certificate, name=name, names=["bank.example", "10.0.0.1"])


def page_of(request: SigningRequest) -> str:
    return reverse("signing-request", args=[request.pk])


def send(client: Client, request: SigningRequest, data: bytes) -> Any:
    return client.post(page_of(request), {"file": SimpleUploadedFile("signed.cer", data)}, follow=True)


def csr_of(request: SigningRequest) -> x509.CertificateSigningRequest:
    return x509.load_pem_x509_csr(request.csr_pem.encode())


# --- prepare ------------------------------------------------------------------------------------------------------
def test_a_request_is_made_of_what_was_entered(administrator_client: Client) -> None:
    values = {
        **FILLED_IN, "organization": "Partner", "unit": "Payments\r\nTreasury\r\n", "country": "de",
        "email": "pki@partner.example", "names": "bank.example\r\n\r\n 10.0.0.1 \r\n", "key_type": "EC P-384",
    }  # fmt: skip
    response = administrator_client.post(ADD, values, follow=True)
    request = SigningRequest.objects.get()
    assert response.redirect_chain == [(page_of(request), 302)]
    assert (request.name, request.key_type, request.created_by) == ("bank", "EC P-384", "alice")
    subject = "emailAddress=pki@partner.example, CN=partner-bank, OU=Payments, OU=Treasury, O=Partner, C=DE"
    assert request.subject == subject
    names = csr_of(request).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["bank.example"]
    assert heading(response) == "Signing request - bank"
    for shown in (subject, "10.0.0.1", "EC P-384", request.csr_pem.split("\n")[1]):
        assert shown in text_of(response)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"common_name": ""}, "common_name"),
        ({"country": "Germany"}, "country"),
        ({"organization": "x" * 65}, "organization"),
        ({"names": "not a name"}, "names"),
        ({"key_type": "RSA 1024"}, "key_type"),
        ({"name": "no/slash"}, "name"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field(
    administrator_client: Client, values: dict[str, str], field: str
) -> None:
    response = administrator_client.post(ADD, FILLED_IN | values)
    assert len(errors_beside(response, field)) == 1
    assert not SigningRequest.objects.exists()


def test_for_a_certificate_it_is_filled_in_from_what_is_in_use(administrator_client: Client) -> None:
    oid = x509.NameOID
    parts = [
        (oid.COUNTRY_NAME, "DE"), (oid.ORGANIZATION_NAME, "Partner"), (oid.ORGANIZATIONAL_UNIT_NAME, "A"),
        (oid.ORGANIZATIONAL_UNIT_NAME, "B"), (oid.SERIAL_NUMBER, "4711"), (oid.COMMON_NAME, "partner-bank"),
        (oid.TITLE, "Bank"),
    ]  # fmt: skip
    name = x509.Name([x509.NameAttribute(*part) for part in parts])
    certificate = make_certificate(subject=name, sans=["bank.example", "10.0.0.1"], key_type="ec384")
    path = f"{ADD}?certificate={certificate.pk}"
    page = administrator_client.get(path)
    fields = {field.name: field.value() for field in page.context["form"]}
    assert "name" not in fields
    assert (fields["common_name"], fields["unit"], fields["country"]) == ("partner-bank", "B\nA", "DE")
    assert (fields["names"], fields["key_type"]) == ("bank.example\n10.0.0.1", "EC P-384")
    assert "The subject keeps serialNumber=4711, too." in text_of(page)
    assert "also has 2.5.4.12=Bank" in text_of(page)
    administrator_client.post(path, {name: value for name, value in fields.items() if value})
    request = SigningRequest.objects.get()
    asked_for = [(part.oid, part.value) for part in csr_of(request).subject]
    assert asked_for == [part for part in parts if part[0] != oid.TITLE]
    assert request.certificate == certificate


@pytest.mark.parametrize("key", ["nonsense", "00000000-0000-0000-0000-000000000000"])
def test_for_a_certificate_that_is_gone(administrator_client: Client, key: str) -> None:
    assert administrator_client.get(f"{ADD}?certificate={key}").status_code == 404
    assert administrator_client.post(f"{ADD}?certificate={key}", FILLED_IN).status_code == 404


# --- the request --------------------------------------------------------------------------------------------------
def test_the_request_is_downloaded_and_holds_no_key(
    administrator_client: Client, reader_client: Client
) -> None:
    request = prepare(name="Bank-ä")
    path = link(administrator_client.get(page_of(request)), "Download Bank-ä.csr")
    for client in (administrator_client, reader_client):
        response = client.get(path)
        assert response["Content-Type"] == "application/pkcs10"
        assert response["Content-Disposition"] == "attachment; filename*=utf-8''Bank-%C3%A4.csr"
        assert response.content.decode() == request.csr_pem
        assert b"PRIVATE" not in response.content + client.get(page_of(request)).content


def test_pending_requests_stand_above_the_list(administrator_client: Client) -> None:
    assert "Waiting for a signed certificate" not in text_of(administrator_client.get(LIST))
    first, second = prepare(), prepare(make_certificate("old", name="old"))
    page = administrator_client.get(LIST)
    assert link(page, "bank") == page_of(first)
    assert link(page, "old, next version") == page_of(second)


# --- what comes back ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("form", ["der", "pem", "p7b"])
def test_a_new_certificate_is_complete(administrator_client: Client, form: str) -> None:
    request, ca = prepare(), pki.make_ca("Bank CA")
    cert = issued_for(request, ca).cert
    data = {
        "der": pki.der(cert),
        "pem": pki.pem(cert, ca.cert).encode(),
        "p7b": pkcs7.serialize_certificates([ca.cert, cert], Encoding.DER),
    }[form]
    response = send(administrator_client, request, data)
    said = "The certificate bank is complete. Choose it on the Security tab of an API."
    assert banners(response)[0][1].startswith(said)
    current = Certificate.objects.get(resource_id="bank").current
    assert current
    assert current.thumbprint == pki.thumbprint(cert)
    assert current.chain_pem.count("BEGIN CERTIFICATE") == (1 if form == "der" else 2)
    assert not SigningRequest.objects.exists()


@pytest.mark.parametrize("form", ["der", "pem", "p7b"])
def test_issuers_may_come_in_a_file_of_their_own(administrator_client: Client, form: str) -> None:
    root = pki.make_ca("Root CA")
    ca, request = pki.make_ca("Bank CA", parent=root), prepare()
    cert = issued_for(request, ca).cert
    own = {
        "der": pki.der(cert),
        "pem": pki.pem(cert).encode(),
        "p7b": pkcs7.serialize_certificates([cert], Encoding.PEM),
    }[form]
    issuers = pki.pem(root.cert, ca.cert).encode()
    if form == "p7b":
        issuers = pkcs7.serialize_certificates([root.cert, ca.cert], Encoding.DER)
    files = {"file": SimpleUploadedFile("own.cer", own), "chain": SimpleUploadedFile("ca.cer", b"nonsense")}
    response = administrator_client.post(page_of(request), files)
    assert len(errors_beside(response, "chain")) == 1
    files = {
        "file": SimpleUploadedFile("own.cer", own),
        "chain": SimpleUploadedFile("ca.pem", issuers),
    }
    administrator_client.post(page_of(request), files)
    current = Certificate.objects.get(resource_id="bank").current
    assert current
    assert current.chain_pem == pki.pem(cert, ca.cert, root.cert)


def test_for_an_existing_one_it_goes_on_to_compare(administrator_client: Client) -> None:
    certificate = make_certificate("bank", name="bank")
    request = prepare(certificate)
    response = send(administrator_client, request, pki.der(issued_for(request).cert))
    assert response.redirect_chain == [(reverse("certificate-version", args=[certificate.pk, 2]), 302)]
    assert "Nothing presents it yet" in banners(response)[0][1]
    assert "Use it from now on" in text_of(response)


def test_what_does_not_belong_to_the_key_is_refused(administrator_client: Client) -> None:
    request = prepare()
    response = send(administrator_client, request, pki.der(pki.issue(common_name="somebody else").cert))
    assert "CN=somebody else" in errors_beside(response, "file")[0]
    assert errors_beside(send(administrator_client, request, b""), "file") == ["The file is empty."]
    large = send(administrator_client, request, b"x" * 1_000_001)
    assert "too large" in errors_beside(large, "file")[0]
    assert SigningRequest.objects.exists()


# --- gone ---------------------------------------------------------------------------------------------------------
def test_it_is_deleted_after_a_question_that_says_what_is_lost(administrator_client: Client) -> None:
    request = prepare()
    path = reverse("signing-request-delete", args=[request.pk])
    assert "Its private key is lost with it." in text_of(administrator_client.get(path))
    response = administrator_client.post(path, follow=True)
    assert banners(response) == [("success", "The signing request of bank and its key were deleted.")]
    assert not SigningRequest.objects.exists()
    gone = administrator_client.get(page_of(request))
    assert gone.status_code == 404
    assert "The signing request of bank was deleted by alice." in text_of(gone)


def test_somebody_else_was_faster(administrator_client: Client) -> None:
    certificate = make_certificate("old", name="old")
    request, other = prepare(), prepare(certificate)
    delete_signing_request(ALICE, request.pk)
    delete_certificate(ALICE, certificate.pk)
    data = pki.der(issued_for(request).cert)
    for gone in (request, other):
        assert send(administrator_client, gone, data).status_code == 404
        assert administrator_client.get(reverse("signing-request-file", args=[gone.pk])).status_code == 404
        assert administrator_client.post(reverse("signing-request-delete", args=[gone.pk])).status_code == 404


def test_readers_see_it_and_change_nothing(reader_client: Client) -> None:
    request = prepare()
    page = reader_client.get(page_of(request))
    assert request.csr_pem.split("\n")[1] in text_of(page)
    assert "Upload the signed certificate" not in text_of(page)
    assert "Prepare a signing request" not in text_of(reader_client.get(LIST))
    refused = [
        reader_client.get(ADD),
        reader_client.post(ADD, FILLED_IN),
        reader_client.post(page_of(request)),
        reader_client.get(reverse("signing-request-delete", args=[request.pk])),
    ]
    assert [response.status_code for response in refused] == [403] * 4
