"""Security > Client certificates > one of them: what its page says, and in which order."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from gateway.changes.base import Actor
from gateway.changes.certificates import delete_certificate
from gateway.changes.signing_requests import complete_signing_request
from gateway.models import Certificate
from portal.views import certificate_page
from tests import pki
from tests.arrange_certificates import hold, present
from tests.builders import (
    ALICE,
    choose,
    issued_for,
    make_api,
    make_certificate,
    make_operation,
    make_signing_request,
    make_version,
    renew,
    save_policy,
    upload_certificate,
)
from tests.portal.reading import heading, link, rows, text_of


def in_days(days: float) -> datetime:
    return datetime.now(UTC) + timedelta(days=days)


def path_of(certificate: Certificate) -> str:
    return reverse("certificate", args=[certificate.pk])


def page_of(client: Client, certificate: Certificate, query: str = "") -> Any:
    response = client.get(path_of(certificate) + query)
    assert response.status_code == 200
    return response


def issued_by(*names: str, **options: Any) -> pki.Issued:
    """A certificate below so many authorities, the root first."""
    authority = None
    for name in names:
        authority = pki.make_ca(name, parent=authority)
    return pki.issue(authority, **options)


def store(issued: pki.Issued, name: str = "bank", **pfx: Any) -> Certificate:
    return upload_certificate(ALICE, data=pki.pfx(issued, **pfx), password="password", name=name)


def add_versions(certificate: Certificate, count: int) -> None:
    for _ in range(count):
        make_version(certificate)


def part(response: Any, title: str) -> str:
    """The text below one heading of the page."""
    page = response.content.decode()
    found = re.search(rf"(?s)<h2[^>]*>{title}</h2>(.*?)(<h2|</main>)", page)
    assert found, title
    return " ".join(re.sub("<[^>]+>", " ", found[1]).split())


# --- What is said first -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("validity", "level", "said"),
    [
        ((-300, 200.5), "notice", "It is valid for another 200 days."),
        ((-300, 900.5), "notice", "It is valid for another 2 years."),
        ((-300, 6.5), "notice warning", "It expires in 6 days."),
        ((-300, -2.5), "notice error", "It expired 2 days ago."),
        ((3.5, 90), "notice warning", "It becomes valid in 3 days."),
    ],
)
def test_how_long_it_is_good_for_comes_first_with_whom_that_matters_for(
    administrator_client: Client, validity: tuple[float, float], level: str, said: str
) -> None:
    certificate = make_certificate(not_before=in_days(validity[0]), not_after=in_days(validity[1]))
    choose(make_api("First"), certificate)
    choose(make_api("Second"), certificate)
    response = page_of(administrator_client, certificate)
    page, text = response.content.decode(), text_of(response)
    assert f'<section class="standing {level}"' in page
    assert heading(response) == "Client certificate - partner-bank"
    assert text.index(said) < text.index("2 APIs use it") < text.index("Download") < text.index("Validity")


def test_a_certificate_that_nothing_uses_says_so(administrator_client: Client) -> None:
    text = text_of(page_of(administrator_client, make_certificate()))
    assert "Nothing uses it." in text
    assert "Choose it on the Security tab of an API" in text


def test_a_successor_that_waits_and_a_request_under_way_are_said_first(administrator_client: Client) -> None:
    certificate = make_certificate("bank", not_after=in_days(6.5))
    make_signing_request(certificate, "successor")
    response = page_of(administrator_client, certificate)
    first = text_of(response).split("Validity")[0]
    assert "A signing request was made on" in first
    assert "CN=successor , EC P-256 made by alice on" in part(response, "Signing requests under way")
    version = make_version(certificate, not_after=in_days(300))
    first = text_of(page_of(administrator_client, certificate)).split("Validity")[0]
    assert f"Version 2, valid until {version.not_after:%Y-%m-%d %H:%M} UTC , is uploaded" in first


def test_what_pre_flight_finds_is_told_with_what_to_do_and_nothing_twice(
    administrator_client: Client,
) -> None:
    issued = issued_by("Root", client=False, not_after=in_days(20), not_before=in_days(-300))
    told = part(page_of(administrator_client, store(issued)), "Findings")
    assert "Warning: It is not issued for TLS clients" in told
    assert "Have it issued with client authentication (clientAuth)." in told
    assert "expires" not in told


@pytest.mark.parametrize(
    ("begins", "ends", "words"),
    [
        (5, 300, "Problem: It is not valid before"),
        (-300, -5, "Problem: It expired on"),
        (-300, 5, "Nothing else was found in it that would keep a back end from accepting it."),
    ],
)
def test_what_keeps_it_from_working_now_is_among_the_findings(
    administrator_client: Client, begins: int, ends: int, words: str
) -> None:
    issued = issued_by("Root", not_before=in_days(begins), not_after=in_days(ends))
    assert part(page_of(administrator_client, store(issued)), "Findings").startswith(words)


def test_a_certificate_without_fault_is_said_to_have_none(administrator_client: Client) -> None:
    told = part(page_of(administrator_client, store(issued_by("Root"))), "Findings")
    assert told == "Nothing was found in it that would keep a back end from accepting it."


# --- The certificate --------------------------------------------------------------------------------------


def test_everything_that_it_says_is_shown_and_thumbprints_can_be_copied(administrator_client: Client) -> None:
    issued = issued_by("Root", common_name="bank", sans=("bank.example", "10.0.0.1"), server=False)
    certificate = store(issued)
    facts = certificate.current
    assert facts
    response = page_of(administrator_client, certificate)
    text, page = part(response, "Certificate"), response.content.decode()
    for shown in (
        "Subject CN=bank Issuer CN=Root",
        "DNS bank.example IP address 10.0.0.1",
        f"Serial number {facts.serial_number}",
        f"Thumbprint (SHA-1) {facts.thumbprint[:-4]} {facts.thumbprint[-4:]}",
        f"Thumbprint (SHA-256) {facts.sha256[:-4]} {facts.sha256[-4:]}",
        "Key EC P-256",
        "Issued for TLS client Version 1",
    ):
        assert shown in text
    for copied in (facts.thumbprint, facts.sha256, facts.serial_number):
        assert f'data-copy="{copied}"' in page


def test_the_chain_goes_up_to_its_root(administrator_client: Client) -> None:
    certificate = store(issued_by("Root", "Issuing", common_name="bank"))
    response = page_of(administrator_client, certificate)
    chain = part(response, "Chain")
    assert (
        chain.index("CN=bank")
        < chain.index("Issued by CN=Issuing")
        < chain.index("CN=Root root, self-signed")
    )
    assert "not in it" not in chain
    assert "the certificate and 2 issuers, as text" in part(response, "Download")


def test_a_chain_without_its_root_says_whose_certificate_is_missing(administrator_client: Client) -> None:
    issued = issued_by("Root", "Issuing", common_name="bank")
    certificate = store(issued, chain=issued.chain[:1])
    chain = part(page_of(administrator_client, certificate), "Chain")
    assert "Its root is not in it: the next one up is CN=Root ." in chain
    assert "self-signed" not in chain


def test_a_self_signed_certificate_is_its_own_root(administrator_client: Client) -> None:
    response = page_of(administrator_client, make_certificate())
    assert "CN=partner-bank self-signed" in part(response, "Chain")
    assert "with chain" not in part(response, "Download")


def test_the_validity_is_drawn_with_attributes_and_told_in_words(administrator_client: Client) -> None:
    certificate = make_certificate(not_before=in_days(-90), not_after=in_days(10.5))
    page = page_of(administrator_client, certificate).content.decode()
    drawing = re.search("(?s)<svg.*?</svg>", page)
    assert drawing
    assert 'role="img" aria-label="Valid from ' in drawing[0]
    assert "90% of that time is over, with 10 days left." in drawing[0]
    assert "style=" not in drawing[0]


# --- Uses -------------------------------------------------------------------------------------------------


def test_what_uses_it_is_named_by_kind_and_linked(administrator_client: Client) -> None:
    certificate = make_certificate()
    api = make_api("Partner Bank")
    operation = make_operation(api, display_name="Get account")
    statement = f'<authentication-certificate certificate-id="{certificate}" />'
    choose(api, certificate)
    for scope in (operation, None):
        save_policy(
            ALICE, scope, f"<policies><inbound>{'<base />' * bool(scope)}{statement}</inbound></policies>"
        )
    response = page_of(administrator_client, certificate)
    assert "The policy of All APIs names it." in text_of(response)
    assert part(response, "Used by") == (
        "All APIs All APIs APIs Partner Bank · Policy of Partner Bank Operations Partner Bank / Get account"
    )
    assert link(response, "Partner Bank") == reverse("api-security", args=[api.resource_id])
    assert link(response, "Policy of Partner Bank") == reverse("policy-api", args=[api.resource_id])
    assert link(response, "Partner Bank / Get account") == reverse(
        "policy-operation", args=[api.resource_id, operation.resource_id]
    )


# --- What was observed ------------------------------------------------------------------------------------


def test_where_it_was_last_presented_is_told_the_newest_first(administrator_client: Client) -> None:
    certificate = make_certificate()
    facts = certificate.current
    assert facts
    make_api("Partner Bank")
    present(facts.thumbprint, "gone", "old.example:443", at=in_days(-2))
    present(facts.thumbprint, "partner-bank", "bank.example:8443", at=in_days(-1))
    response = page_of(administrator_client, certificate)
    told = part(response, "Last presented")
    assert told == (
        f"{in_days(-1):%Y-%m-%d %H:%M} UTC to bank.example:8443 by Partner Bank "
        f"{in_days(-2):%Y-%m-%d %H:%M} UTC to old.example:443 by gone"
    )
    assert link(response, "Partner Bank") == reverse("api-summary", args=["partner-bank"])


def test_that_it_was_presented_after_its_expiry_is_an_alarm(administrator_client: Client) -> None:
    certificate = make_certificate(not_after=in_days(-1))
    facts = certificate.current
    assert facts
    when = in_days(-0.5)
    present(facts.thumbprint, "bank", "bank.example:443", at=when, expired_at=when)
    response = page_of(administrator_client, certificate)
    page = response.content.decode()
    assert '<p class="notice error" role="alert"><strong>It was presented after its expiry' in page
    assert f"last on {when:%Y-%m-%d %H:%M} UTC to bank.example:443 by bank." in text_of(response)
    assert f"after its expiry, on {when:%Y-%m-%d %H:%M} UTC" in part(response, "Versions")


def test_what_no_call_has_presented_is_told_so(administrator_client: Client) -> None:
    response = page_of(administrator_client, make_certificate())
    assert "No call has presented it" in part(response, "Last presented")
    assert "presented after its expiry" not in text_of(response)


# --- Versions ---------------------------------------------------------------------------------------------


def test_versions_are_told_with_their_state_and_what_still_holds_them(administrator_client: Client) -> None:
    certificate = make_certificate()
    first = certificate.current
    assert first
    renew(certificate)
    third = make_version(certificate)
    present(first.thumbprint, at=in_days(-3))
    hold(first.thumbprint, 3)
    hold(first.thumbprint, 4)
    hold(first.thumbprint, 9, renewed_at=in_days(-1))
    response = page_of(administrator_client, certificate)
    told = part(response, "Versions")
    states = re.findall(r"(\d) (uploaded, not in use yet|in use|former)", told)
    assert states == [("3", "uploaded, not in use yet"), ("2", "in use"), ("1", "former")]
    assert f"… {third.thumbprint[-4:]}" in told
    assert f"by alice {in_days(-3):%Y-%m-%d %H:%M} UTC 7 connections still hold it" in told


def test_only_the_newest_versions_are_shown_until_all_are_asked_for(
    administrator_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(certificate_page, "MOST_VERSIONS", 2)
    certificate = make_certificate()
    add_versions(certificate, 4)
    response = page_of(administrator_client, certificate)
    assert [name.split()[0] for name in rows(response)[:3]] == ["5", "4", "1"]
    assert link(response, "Show all 5 versions") == "?versions=all#versions"
    everything = page_of(administrator_client, certificate, "?versions=all")
    assert [name.split()[0] for name in rows(everything)[:5]] == ["5", "4", "3", "2", "1"]


# --- History ----------------------------------------------------------------------------------------------


def test_the_history_tells_who_did_what_when_of_it_alone(administrator_client: Client) -> None:
    certificate = make_certificate("bank", name="bank")
    make_certificate("other", name="bank-2")
    make_signing_request(certificate, "successor")
    first, second = certificate.current, renew(certificate)
    told = part(page_of(administrator_client, certificate), "History")
    actions = ["renewed", "uploaded a version of", "created a signing request for", "uploaded"]
    assert re.findall("alice ([a-z ]+?) bank ", told) == actions
    assert first
    assert f"version: 1 → 2 thumbprint: {first.thumbprint} → {second.thumbprint}" in told
    assert f"valid until: {first.not_after:%Y-%m-%d %H:%M} UTC" in told
    assert told.endswith("4 of 4")


def test_the_history_of_a_certificate_that_began_with_a_request_begins_with_that(
    administrator_client: Client,
) -> None:
    request = make_signing_request(None, "bank")
    issued = issued_for(request)
    version = complete_signing_request(ALICE, request.pk, data=issued.pem.encode())
    told = part(page_of(administrator_client, version.certificate), "History")
    assert told.index("completed a signing request for") < told.index("created signing request of bank")
    assert told.endswith("2 of 2")


def test_a_long_history_has_pages(administrator_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificate_page.CertificatePage, "page_size", 2)
    certificate = make_certificate()
    add_versions(certificate, 2)
    response = page_of(administrator_client, certificate, "?versions=all")
    assert link(response, "Next") == "?versions=all&page=2#history"
    second = part(page_of(administrator_client, certificate, "?page=2"), "History")
    assert "3 of 3" in second
    assert "uploaded partner-bank subject: CN=partner-bank" in second


# --- Where it is linked -----------------------------------------------------------------------------------


def test_every_page_that_names_it_leads_to_it(administrator_client: Client) -> None:
    certificate = make_certificate("bank", not_after=in_days(6))
    other, api = make_certificate("other"), make_api("Partner Bank")
    choose(api, certificate)
    tab = reverse("api-security", args=[api.resource_id])
    for address, words in (
        (reverse("certificates"), "bank"),
        (reverse("dashboard"), "bank"),
        (reverse("api-summary", args=[api.resource_id]), "Client certificate bank"),
        (tab, "Show this certificate"),
    ):
        assert link(administrator_client.get(address), words) == path_of(certificate)
    # While another one is chosen that is not saved yet, "this" would be the wrong one.
    shown = f'data-shows-for="certificate={certificate.pk}"'
    for query, hidden in (({}, ">"), ({"certificate": str(other.pk)}, " hidden>")):
        assert f"{shown}{hidden}" in administrator_client.get(tab, query).content.decode()


# --- Who, and what is gone --------------------------------------------------------------------------------


def test_a_reader_sees_everything_and_can_change_nothing(reader_client: Client) -> None:
    certificate = make_certificate()
    text = text_of(page_of(reader_client, certificate))
    for title in ("Validity", "Chain", "Versions", "History", "only members of the group Administrators"):
        assert title in text
    assert "Delete" not in text
    assert reader_client.post(path_of(certificate)).status_code == 403


def test_no_key_is_on_the_page(administrator_client: Client) -> None:
    certificate = make_certificate()
    assert certificate.current
    page = page_of(administrator_client, certificate).content.decode()
    assert certificate.current.sealed_private_key not in page
    assert "PRIVATE KEY" not in page


def test_delete_asks_and_its_cancel_leads_back(administrator_client: Client) -> None:
    certificate = make_certificate()
    question = administrator_client.get(link(page_of(administrator_client, certificate), "Delete"))
    assert link(question, "Cancel") == path_of(certificate)
    gone = administrator_client.post(question.request["PATH_INFO"], follow=True)
    assert gone.redirect_chain[-1][0].startswith(reverse("certificates"))


def test_a_certificate_that_was_deleted_says_by_whom(administrator_client: Client) -> None:
    certificate = make_certificate("bank")
    path = path_of(certificate)
    delete_certificate(Actor("user", "bob"), certificate.pk)
    response = administrator_client.get(path)
    assert response.status_code == 404
    assert "The certificate bank was deleted by bob on 20" in text_of(response)
    assert link(response, "All client certificates") == reverse("certificates")


def test_a_certificate_that_never_was_is_not_found(administrator_client: Client) -> None:
    response = administrator_client.get(reverse("certificate", args=[uuid4()]))
    assert response.status_code == 404
    assert "There is no such certificate" in text_of(response)


# --- Large ------------------------------------------------------------------------------------------------


def test_more_of_everything_asks_no_more_queries_and_is_folded(
    administrator_client: Client,
    django_assert_num_queries: DjangoAssertNumQueries,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("MOST_USES", "MOST_PRESENTATIONS"):
        monkeypatch.setattr(certificate_page, name, 2)
    certificate = store(issued_by("Root", sans=[f"host-{n}.example" for n in range(300)]))
    assert certificate.current

    def add(number: int) -> None:
        choose(make_api(f"API {number}"), certificate)
        version = make_version(certificate)
        present(version.thumbprint, f"api-{number}")
        hold(version.thumbprint, 1)

    add(0)
    page_of(administrator_client, certificate)
    with django_assert_num_queries(14) as few:
        page_of(administrator_client, certificate)
    for number in range(1, 6):
        add(number)
    with django_assert_num_queries(len(few)):
        response = page_of(administrator_client, certificate)
    text = text_of(response)
    assert text.count("And 4 more") == 1
    assert "And to 4 more" in text
    assert "And 288 more" in text
