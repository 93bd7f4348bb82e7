"""Test connection of a client certificate with any web service URL, also of a version that is not in use."""

import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from gateway.models import CaCertificate, CertificateVersion
from gateway.probing.report import Report
from tests import pki
from tests.bank import Bank, open_bank
from tests.builders import choose, make_api, make_certificate, make_version, renew
from tests.portal.reading import heading, link

LOOPBACK = ["127.0.0.0/8", "::1/128"]


@pytest.fixture
def bank(db: None, settings: Any) -> Iterator[Bank]:
    settings.GATEWAY_ALLOWED_BACK_END_NETWORKS = LOOPBACK
    with open_bank() as bank:
        yield bank


def address(bank: Bank, **query: str) -> str:
    return reverse("certificate-test", args=[bank.certificate.key], query=query or None)


def press(client: Client, bank: Bank, **fields: Any) -> HttpResponse:
    trust = {"validate_chain": "on", "validate_name": "on", "ca_certificates": [str(bank.ca.key)]}
    return client.post(address(bank), {"web_service_url": bank.back_end.url, **trust, **fields})


def report(response: HttpResponse) -> Report:
    found = response.context["tested"]
    assert found.report, found.not_made
    return found.report


def initial(response: HttpResponse) -> dict[str, Any]:
    form = response.context["form"]
    return {name: form[name].value() for name in form.fields}


def test_the_form_is_filled_in_as_for_an_api_that_uses_it(administrator_client: Client, bank: Bank) -> None:
    choose(bank.api, bank.certificate, bank.trust)
    plain = make_api("A plain one", web_service_url="https://plain.example")
    choose(plain, bank.certificate)
    page = administrator_client.get(address(bank, api=bank.api.resource_id))
    assert initial(page) == {
        "web_service_url": bank.back_end.url,
        "validate_chain": True,
        "validate_name": True,
        "public_cas": False,
        "ca_certificates": [bank.ca.key],
    }
    assert f'href="{address(bank, api=plain.resource_id)}"' in page.content.decode()
    assert initial(administrator_client.get(address(bank)))["web_service_url"] == "https://plain.example"


def test_a_certificate_that_nobody_uses_is_tested_with_what_is_typed(
    administrator_client: Client, bank: Bank
) -> None:
    page = administrator_client.get(address(bank))
    assert heading(page) == f"Test connection - {bank.certificate}"
    assert initial(page)["web_service_url"] == ""
    page = press(administrator_client, bank)
    assert (report(page).verdict, report(page).certificate) == ("accepted", "partner-bank")
    assert [seen.thumbprint for seen in bank.back_end.seen] == [bank.certificate.current.thumbprint]  # type: ignore[union-attr]
    assert initial(page)["web_service_url"] == bank.back_end.url


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "Enter the web service URL"),
        ("bank.example", "Begin the web service URL with https://"),
        ("https://user:secret@bank.example", "must not hold a user name or password"),
        ("https://169.254.169.254/latest", "a cloud metadata address"),
    ],
)
def test_a_url_that_no_api_could_have_is_refused_on_its_field(
    administrator_client: Client, bank: Bank, url: str, says: str
) -> None:
    page = press(administrator_client, bank, web_service_url=url)
    assert list(page.context["form"].errors) == ["web_service_url"]
    assert says in page.context["form"].errors["web_service_url"][0]
    assert "The connection was not tested yet." in page.content.decode()


def test_a_name_that_leads_to_a_refused_address_is_reported(
    administrator_client: Client, bank: Bank, settings: Any
) -> None:
    settings.GATEWAY_ALLOWED_BACK_END_NETWORKS = ["::1/128"]  # so that "localhost" itself may be tried
    page = press(administrator_client, bank)
    assert report(page).verdict == "address-refused"
    assert not bank.back_end.connections


def test_a_version_that_is_not_in_use_can_be_tested_before_it_is(
    administrator_client: Client, bank: Bank
) -> None:
    assert "version" not in initial(administrator_client.get(address(bank)))
    first = bank.certificate.current_id
    current = renew(bank.certificate).pk
    page = administrator_client.get(address(bank))
    assert initial(page)["version"] == str(current)
    labels = [label for _, label in page.context["form"].fields["version"].choices]
    assert [re.match(r"(\d) \((.*?)\)", label).groups() for label in labels] == [  # type: ignore[union-attr]
        ("2", "in use"),
        ("1", "not in use"),
    ]
    assert initial(administrator_client.get(address(bank, version="1")))["version"] == str(first)
    chosen = CertificateVersion.objects.get(pk=first)
    page = press(administrator_client, bank, version=str(chosen.pk))
    assert report(page).verdict == "accepted"
    assert initial(page)["version"] == str(first)
    refused = press(administrator_client, bank, version=str(uuid4()))
    assert "removed meanwhile" in refused.context["form"].errors["version"][0]


def test_a_certificate_that_is_gone_is_said(administrator_client: Client) -> None:
    page = administrator_client.get(reverse("certificate-test", args=[uuid4()]))
    assert page.status_code == 404
    assert "There is no such certificate" in page.content.decode()


def test_readers_may_not_test(reader_client: Client, bank: Bank) -> None:
    assert reader_client.get(address(bank)).status_code == 403
    assert press(reader_client, bank).status_code == 403
    assert not bank.back_end.connections


def test_a_certificate_of_another_version_than_its_own_is_not_found(
    administrator_client: Client, bank: Bank
) -> None:
    renew(bank.certificate)
    other = make_certificate("other")
    page = press(administrator_client, bank, version=str(other.current_id))
    assert "version" in page.context["form"].errors


def test_the_page_that_compares_a_version_leads_to_a_test_of_just_that_version(
    administrator_client: Client, reader_client: Client, bank: Bank
) -> None:
    version = make_version(bank.certificate)
    compares = reverse("certificate-version", args=[bank.certificate.key, version.number])
    link = f'href="{address(bank, version="2")}"'
    assert link in administrator_client.get(compares).content.decode()
    assert initial(administrator_client.get(address(bank, version="2")))["version"] == str(version.pk)
    assert link not in reader_client.get(compares).content.decode()  # who may not test


def test_the_way_back_leads_to_the_comparison_that_led_here(administrator_client: Client, bank: Bank) -> None:
    version = make_version(bank.certificate)
    page = reverse("certificate", args=[bank.certificate.key])
    assert administrator_client.get(address(bank)).context["back"] == page
    assert administrator_client.get(address(bank, version="1")).context["back"] == page  # in use
    assert administrator_client.get(address(bank, version="9")).context["back"] == page
    compares = reverse("certificate-version", args=[bank.certificate.key, version.number])
    assert administrator_client.get(address(bank, version="2")).context["back"] == compares


def test_a_ca_that_is_missing_is_uploaded_and_comes_back_ticked(
    administrator_client: Client, bank: Bank
) -> None:
    page = administrator_client.get(address(bank, version="1"))
    upload = link(page, "Upload its certificate")
    assert upload == reverse("ca-certificate-upload", query={"next": address(bank, version="1")})
    ca = SimpleUploadedFile("ca.pem", pki.pem(pki.make_ca("Another CA").cert).encode())
    back = administrator_client.post(upload, {"file": ca}, follow=True)
    (ticked,) = initial(back)["ca_certificates"]
    assert "Another CA" in str(CaCertificate.objects.get(pk=ticked).subject)


def test_a_certificate_is_not_said_to_be_at_fault_where_the_url_is(
    administrator_client: Client, bank: Bank
) -> None:
    page = press(administrator_client, bank, web_service_url=bank.back_end.url.replace("https", "http"))
    assert report(page).verdict == "certificate-needs-https"
    assert "Show the client certificate" not in page.content.decode()
