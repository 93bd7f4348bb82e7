"""Test connection on the Security tab: with what is chosen, saved or not; nothing is saved and nothing lost."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from gateway import connection_tests
from gateway.addresses import parse_web_service_url
from gateway.changes.back_ends import update_back_end
from gateway.changes.certificates import delete_certificate
from gateway.changes.policies import save_policy
from gateway.changes.security import BasicCredentials, NoCredentials, Trust, read_security
from gateway.models import Api
from gateway.probing.report import Report
from tests import pki
from tests.bank import Bank, open_bank, upload
from tests.builders import ALICE, choose, make_api, make_back_end
from tests.portal.reading import link

LOOPBACK = ["127.0.0.0/8", "::1/128"]
CERTIFICATE = '<authentication-certificate certificate-id="{}" />'


@pytest.fixture
def bank(db: None, settings: Any) -> Iterator[Bank]:
    settings.GATEWAY_ALLOWED_BACK_END_NETWORKS = LOOPBACK
    with open_bank() as bank:
        yield bank


def tab(api: Api) -> str:
    return reverse("api-security", args=[api.resource_id])


def press(client: Client, bank: Bank, **fields: Any) -> HttpResponse:
    """Press Test connection with these choices; those of trust are the right ones unless others are given."""
    trust = {"validate_chain": "on", "validate_name": "on", "ca_certificates": str(bank.ca.key)}
    revision = read_security(Api.objects.get(pk=bank.api.pk)).revision
    return client.post(tab(bank.api), {"revision": revision, "test": "1", **trust, **fields})


def with_certificate(bank: Bank) -> dict[str, str]:
    return {"credentials": "certificate", "certificate": str(bank.certificate.key)}


def report(response: HttpResponse) -> Report:
    found = response.context["tested"]
    assert found.report, found.not_made
    return found.report


def text_of(response: HttpResponse) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", response.content.decode()))


def test_choices_that_are_not_saved_are_tested_and_stay_in_the_form(
    administrator_client: Client, bank: Bank
) -> None:
    before = read_security(bank.api)
    page = press(administrator_client, bank, **with_certificate(bank), username="kept")
    assert (report(page).verdict, report(page).certificate) == ("accepted", "partner-bank")
    assert [seen.thumbprint for seen in bank.back_end.seen] == [bank.certificate.current.thumbprint]  # type: ignore[union-attr]
    assert "They are not saved." in text_of(page)
    form = page.context["form"]
    shown = {name: form[name].value() for name in ("credentials", "certificate", "username", "public_cas")}
    assert shown == {**with_certificate(bank), "username": "kept", "public_cas": False}
    assert read_security(Api.objects.get(pk=bank.api.pk)) == before


def test_what_is_saved_is_not_called_unsaved(administrator_client: Client, bank: Bank) -> None:
    choose(bank.api, bank.certificate, bank.trust)
    page = press(administrator_client, bank, **with_certificate(bank), probe_after_save="on")
    assert report(page).succeeded
    assert "not saved" not in text_of(page)


def test_the_report_says_in_words_what_failed_and_what_mends_it(
    administrator_client: Client, bank: Bank
) -> None:
    page = press(administrator_client, bank, **with_certificate(bank), ca_certificates=[], public_cas="on")
    assert report(page).verdict == "chain-untrusted"
    text = text_of(page)
    assert "The connection does not work" in text
    assert report(page).summary in text
    assert f"What to do: {report(page).remedy}" in text
    for step in report(page).steps:
        assert step.title in text
    assert "Made by the portal itself, because no gateway is running" in text
    content = page.content.decode()
    assert re.search(r'<section class="connection" id="connection-report"', content)
    assert re.search(r'formaction="[^"]*#connection-report" data-test-connection', content)
    assert not bank.back_end.seen


def test_what_a_back_end_switches_off_is_not_checked_and_said(
    administrator_client: Client, bank: Bank
) -> None:
    url = str(parse_web_service_url(bank.api.web_service_url))
    off = make_back_end("bank", f"{url}/", validate_certificate_chain=False)
    page = press(administrator_client, bank, **with_certificate(bank), ca_certificates=[], public_cas="on")
    assert report(page).verdict == "accepted"
    assert (
        f"Not checked: the back end “bank” ({url}) switches the validation of the certificate chain off."
        in (text_of(page))
    )
    assert "The certificate is for localhost." in text_of(page)
    make_back_end("below", f"{url}/below", validate_certificate_name=False)  # which is not called
    update_back_end(ALICE, off.key, url=url)
    page = press(administrator_client, bank, **with_certificate(bank), ca_certificates=[], public_cas="on")
    assert report(page).verdict == "chain-untrusted"


def test_a_refused_certificate_is_told_from_a_missing_one(administrator_client: Client, bank: Bank) -> None:
    stranger = upload(pki.issue(pki.make_ca("Other CA"), "stranger"))
    chosen = {"credentials": "certificate", "certificate": str(stranger.key)}
    refused = press(administrator_client, bank, **chosen)
    assert report(refused).verdict == "certificate-refused-unknown-ca"
    its_page = reverse("certificate", args=[stranger.pk])
    assert link(refused, f"Show the client certificate {stranger}") == its_page
    assert f'<a href="{its_page}">{stranger}</a></dd>' in refused.content.decode()
    missing = press(administrator_client, bank, credentials="none")
    assert report(missing).verdict == "certificate-required"
    assert link(missing, "Choose the client certificate on the Security tab") == "#id_credentials"


def test_an_expired_certificate_is_tested_as_calls_present_it(
    administrator_client: Client, bank: Bank
) -> None:
    yesterday = datetime.now(UTC) - timedelta(days=1)
    expired = upload(pki.issue(bank.authority, "expired", not_after=yesterday))
    chosen = {"credentials": "certificate", "certificate": str(expired.key)}
    assert report(press(administrator_client, bank, **chosen)).verdict == "certificate-refused-expired"
    refused = press(administrator_client, bank, **chosen, refuse_expired="on")
    assert report(refused).verdict == "certificate-expired-here"


def test_http_basic_presents_no_certificate_and_needs_nothing_typed(
    administrator_client: Client, bank: Bank
) -> None:
    choose(bank.api, bank.certificate, bank.trust)
    page = press(administrator_client, bank, credentials="basic", password="typed")
    assert (report(page).verdict, report(page).certificate) == ("certificate-required", "")
    assert "typed" not in page.content.decode()
    assert "Enter the password again before you save" in text_of(page)
    assert "Enter the user name" not in text_of(page)


def test_without_a_chosen_certificate_that_is_said_next_to_the_field(
    administrator_client: Client, bank: Bank
) -> None:
    page = press(administrator_client, bank, credentials="certificate", certificate="", username="")
    assert dict(page.context["form"].errors) == {
        "certificate": ["Choose the client certificate that the gateway presents."]
    }
    assert "The connection was not tested yet." in text_of(page)
    assert "tested" not in page.context
    assert not bank.back_end.connections


def test_a_certificate_that_was_deleted_meanwhile_is_refused_on_its_field(
    administrator_client: Client, bank: Bank
) -> None:
    chosen = with_certificate(bank)
    delete_certificate(ALICE, bank.certificate.key)
    page = press(administrator_client, bank, **chosen)
    assert "deleted meanwhile" in page.context["form"].errors["certificate"][0]


def test_the_certificate_of_all_apis_is_presented_where_the_tab_chooses_none(
    administrator_client: Client, bank: Bank
) -> None:
    statement = CERTIFICATE.format("partner-bank")
    save_policy(
        ALICE,
        None,
        f"<policies><inbound>{statement}</inbound><backend><forward-request /></backend></policies>",
    )
    page = press(administrator_client, bank, credentials="none")
    assert report(page).certificate == "partner-bank"
    assert "the one that the policy of All APIs names" in text_of(page)
    choose(bank.api, bank.certificate)
    assert report(press(administrator_client, bank, credentials="none")).certificate == "partner-bank"


def test_of_a_policy_that_the_tab_cannot_show_the_last_certificate_is_presented(
    administrator_client: Client, bank: Bank
) -> None:
    other = upload(pki.issue(bank.authority, "other"))
    several = "".join(CERTIFICATE.format(each) for each in (bank.certificate, other))
    save_policy(ALICE, bank.api, f"<policies><inbound><base />{several}</inbound></policies>")
    page = press(administrator_client, bank)
    assert (report(page).verdict, report(page).certificate) == ("accepted", "other")
    assert "the one that the policy of this API names" in text_of(page)


def test_another_back_end_that_the_policy_sets_is_spoken_of(administrator_client: Client, bank: Bank) -> None:
    elsewhere = '<set-backend-service base-url="https://elsewhere.example" />'
    save_policy(ALICE, bank.api, f"<policies><inbound><base />{elsewhere}</inbound></policies>")
    page = press(administrator_client, bank, **with_certificate(bank))
    assert report(page).url == bank.back_end.url
    assert "sends calls to another back end" in text_of(page)


def test_no_result_is_said_where_the_report_would_be(
    administrator_client: Client, bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_tests, "MOST_AT_A_TIME", 2)
    for _ in range(2):
        connection_tests._ROOM.acquire()
    try:
        page = press(administrator_client, bank, **with_certificate(bank))
    finally:
        connection_tests._ROOM.release(2)
    assert "There is no result. 2 tests are under way already" in text_of(page)
    assert page.context["form"]["certificate"].value() == str(bank.certificate.key)


def test_readers_have_no_button_and_may_not_test(reader_client: Client, bank: Bank) -> None:
    assert "Test connection" not in reader_client.get(tab(bank.api)).content.decode()
    assert press(reader_client, bank, credentials="none").status_code == 403
    assert not bank.back_end.connections


# --- the handshake after a Save -------------------------------------------------------------------------------
SAVE = {"credentials": "none", "validate_chain": "on", "validate_name": "on", "probe_after_save": "on"}
LINK = "Check the handshake with the back end"


def saved(client: Client, api: Api, **fields: str) -> str:
    """The tab as it is after a Save."""
    revision = read_security(Api.objects.get(pk=api.pk)).revision
    response = client.post(tab(api), {"revision": revision, **SAVE, **fields}, follow=True)
    assert "was saved" in response.content.decode()
    return response.content.decode()


def test_after_a_save_there_is_a_link_to_the_check_once(administrator_client: Client, bank: Bank) -> None:
    assert LINK not in administrator_client.get(tab(bank.api)).content.decode()
    page = saved(administrator_client, bank.api)
    url = reverse("api-handshake", args=[bank.api.resource_id])
    assert f'data-handshake="{url}" aria-live="polite"><a href="{url}">{LINK}</a>' in page
    assert not bank.back_end.connections  # the save waited for nothing
    assert LINK not in administrator_client.get(tab(bank.api)).content.decode()


@pytest.mark.parametrize(
    ("values", "fields", "policy"),
    [
        ({}, {"probe_after_save": ""}, ""),
        ({"web_service_url": "http://bank.example"}, {}, ""),
        ({}, {}, '<set-backend-service base-url="https://elsewhere.example" />'),
    ],
)
def test_the_check_is_not_offered_where_it_is_off_or_makes_no_sense(
    administrator_client: Client, values: dict[str, str], fields: dict[str, str], policy: str
) -> None:
    api = make_api(**values)
    save_policy(ALICE, api, f"<policies><inbound><base />{policy}</inbound></policies>")
    assert LINK not in saved(administrator_client, api, **fields)
    assert LINK in saved(administrator_client, make_api("Other", web_service_url="https://other.example"))


def test_the_check_makes_the_handshake_alone_with_what_is_saved(
    administrator_client: Client, bank: Bank
) -> None:
    choose(bank.api, bank.certificate, bank.trust)
    url = reverse("api-handshake", args=[bank.api.resource_id])
    page = administrator_client.get(url)
    assert report(page).verdict in {"handshake-only", "accepted"}  # TLS 1.3 may show that it was accepted
    assert report(page).certificate == "partner-bank"
    assert "works" in text_of(page)
    assert (bank.back_end.connections, bank.back_end.seen) == (1, [])
    choose(bank.api, NoCredentials(), Trust(public_cas=False))
    advice = administrator_client.get(url, headers={"X-Portal-Fetch": "1"})
    assert report(advice).verdict == "chain-untrusted"
    assert advice.content.decode().strip().startswith("<div data-handshake-advice>")
    choose(bank.api, BasicCredentials("alice", "secret"), bank.trust)
    assert report(administrator_client.get(url)).certificate == ""


def test_readers_may_not_check_it(reader_client: Client, bank: Bank) -> None:
    assert reader_client.get(reverse("api-handshake", args=[bank.api.resource_id])).status_code == 403
    assert not bank.back_end.connections
