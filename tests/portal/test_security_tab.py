"""The Security tab as it is opened: what it shows, what it warns of, and what it does not lose."""

import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from gateway.changes.policies import save_policy
from gateway.changes.security import BasicCredentials, NoCredentials, Trust, read_security
from gateway.models import Api, Certificate, CertificateVersion, PolicyDocument
from portal import choice
from tests import pki
from tests.arrange import update_directly
from tests.builders import ALICE, PASSWORD, choose, make_api, make_ca_certificate, make_certificate

NOTICES = {
    "chain": "The certificate chain of the back end is not validated.",
    "name": "The name in the certificate of the back end is not validated.",
    "http": "A client certificate is only presented over https",
    "unencrypted": "the password travels unencrypted",
    "unsaved": "is not saved yet",
    "no ca": "No CA is trusted",
}


def tab(api: Api, **query: object) -> str:
    return reverse("api-security", args=[api.resource_id], query=query or None)


def text_of(client: Client, api: Api, **query: object) -> str:
    response = client.get(tab(api, **query))
    assert response.status_code == 200
    return response.content.decode()


def shown(page: str, notice: str) -> bool:
    """Whether a notice is in the page and not hidden."""
    return re.search(rf"<p[^>]*(?<! hidden)>[^<]*{re.escape(NOTICES[notice])}", page) is not None


def entered(page: Any) -> dict[str, Any]:
    form = page.context["form"]
    return {name: form[name].value() for name in form.fields}


def test_the_tab_has_the_labels_of_the_guide(administrator_client: Client) -> None:
    page = text_of(administrator_client, make_api())
    assert "<h1>APIs - Partner Bank</h1>" in page
    assert re.findall(r"<a [^>]*>(Summary|Settings|Operations|Security)</a>", page)[-4:] == [
        "Summary",
        "Settings",
        "Operations",
        "Security",
    ]
    assert re.search(r'aria-current="page">Security<', page)
    assert "<h2>Gateway authentication</h2>" in page
    options = re.search(r'<select name="credentials".*?</select>', page, re.DOTALL)
    assert options
    assert re.findall(r">([^<>\n]+)</option>", options[0]) == ["None", "HTTP basic", "Client certificates"]


def test_certificates_of_the_same_subject_can_be_told_apart(administrator_client: Client) -> None:
    make_certificate("bank", name="one")
    make_certificate("bank", name="two")
    page = text_of(administrator_client, make_api())
    for certificate in Certificate.objects.select_related("current"):
        last = certificate.current.thumbprint[-4:]
        assert f"CN=bank …{last} ({certificate}, valid until " in page


def test_without_javascript_every_section_is_visible_and_says_when_it_counts(
    administrator_client: Client,
) -> None:
    page = text_of(administrator_client, make_api())
    for name in ("certificate", "basic"):
        section = re.search(rf'<section [^>]*data-shows-for="credentials={name}"[^>]*>', page)
        assert section
        assert "hidden" not in section[0]
    assert "Counts when Client certificates is chosen above." in page
    assert "Counts when HTTP basic is chosen above." in page


def test_both_validations_are_on_at_first_and_a_notice_shows_while_one_is_off(
    administrator_client: Client,
) -> None:
    api = make_api()
    page = text_of(administrator_client, api)
    assert not shown(page, "chain")
    assert not shown(page, "name")
    choose(api, NoCredentials(), Trust(validate_chain=False))
    page = text_of(administrator_client, api)
    assert shown(page, "chain")
    assert not shown(page, "name")
    choose(api, NoCredentials(), Trust(validate_name=False))
    page = text_of(administrator_client, api)
    assert not shown(page, "chain")
    assert shown(page, "name")


@pytest.mark.parametrize("scheme", ["https", "http"])
def test_an_expired_certificate_is_presented_and_the_handshake_checked_unless_told(
    administrator_client: Client, scheme: str
) -> None:
    api = make_api(web_service_url=f"{scheme}://bank.example")
    ticked = re.compile(r'name="(refuse_expired|probe_after_save)"[^>]* checked')
    assert ticked.findall(text_of(administrator_client, api)) == ["probe_after_save"]
    choose(api, NoCredentials(), Trust(refuse_expired=True, probe_after_save=False))
    assert ticked.findall(text_of(administrator_client, api)) == ["refuse_expired"]


def test_trusting_no_ca_is_warned_of(administrator_client: Client) -> None:
    api = make_api()
    assert not shown(text_of(administrator_client, api), "no ca")
    choose(api, NoCredentials(), Trust(public_cas=False))
    assert shown(text_of(administrator_client, api), "no ca")


def test_uploaded_ca_certificates_are_boxes_and_lead_to_their_list(reader_client: Client) -> None:
    api, ca = make_api(), make_ca_certificate("Internal CA")
    choose(api, NoCredentials(), Trust(ca_certificates=(ca.key,)))
    page = text_of(reader_client, api)
    assert re.search(rf'value="{ca.key}"[^>]* checked', page)
    assert f"CN=Internal CA …{ca.thumbprint[-4:]}" in page
    assert reverse("ca-certificates") in page


def test_over_http_client_certificates_cannot_be_chosen_and_the_page_says_why(
    administrator_client: Client,
) -> None:
    api = make_api(web_service_url="http://bank.example")
    page = text_of(administrator_client, api)
    assert re.search(r'<option value="certificate"[^>]* disabled', page)
    assert shown(page, "http")
    assert f'<a href="{reverse("api-settings", args=[api.resource_id])}">Settings</a> first' in page
    assert shown(page, "unencrypted")


def test_over_http_they_can_be_where_the_policy_sets_another_back_end(administrator_client: Client) -> None:
    api = make_api(web_service_url="http://bank.example")
    elsewhere = '<set-backend-service base-url="https://elsewhere.example" />'
    save_policy(ALICE, api, f"<policies><inbound><base />{elsewhere}</inbound></policies>")
    page = text_of(administrator_client, api)
    assert not re.search(r'<option value="certificate"[^>]* disabled', page)
    assert not shown(page, "http")
    assert "sends calls to another back end" in page
    assert "The trusted CAs count for the back end that the policy chooses, too" in page
    assert "It counts once" not in page


def test_over_https_nothing_of_that_is_said(administrator_client: Client) -> None:
    page = text_of(administrator_client, make_api())
    assert "disabled" not in page
    assert not shown(page, "http")
    assert not shown(page, "unencrypted")


def test_the_password_of_http_basic_is_on_no_page(
    administrator_client: Client, reader_client: Client
) -> None:
    api = make_api()
    choose(api, BasicCredentials("alice", "hunter2-secret"))
    data = {"revision": 0, "credentials": "basic", "username": "x:y", "password": "typed-secret"}
    pages = [
        text_of(administrator_client, api),
        text_of(reader_client, api),
        administrator_client.post(tab(api), data).content.decode(),
        administrator_client.get(reverse("policy-api", args=[api.resource_id])).content.decode(),
        administrator_client.get(reverse("dashboard")).content.decode(),
    ]
    assert not [page for page in pages if "hunter2-secret" in page or "typed-secret" in page]
    assert "A password is stored and is not shown. Leave this empty to keep it." in pages[0]
    assert 'autocomplete="new-password"' in pages[0]


def test_readers_see_the_values_cannot_change_them_and_are_told_why(reader_client: Client) -> None:
    api, certificate = make_api(), make_certificate()
    choose(api, certificate)
    page = text_of(reader_client, api)
    assert "only members of the group Administrators" in page
    assert re.search(r'<select name="credentials"[^>]* disabled', page)
    assert f'value="{certificate.key}" selected' in page
    assert '<button class="button primary">' not in page
    assert f'href="{reverse("certificates")}"' in page


@pytest.mark.parametrize("user", ["anonymous", "stranger"])
def test_nobody_else_sees_the_tab(user: str, stranger_client: Client, db: None) -> None:
    client = stranger_client if user == "stranger" else Client()
    assert client.get(tab(make_api())).status_code in {302, 403}


def test_no_certificate_yet_says_what_to_do(administrator_client: Client) -> None:
    assert "There is no client certificate yet." in text_of(administrator_client, make_api())


def test_an_id_that_is_not_there_gives_a_page_that_leads_to_the_list(administrator_client: Client) -> None:
    response = administrator_client.get("/apis/nowhere/security/")
    assert response.status_code == 404
    assert reverse("apis") in response.content.decode()


# --- Manage certificates... ---------------------------------------------------------------------------------------
def leave(client: Client, api: Api, button: str = "manage_certificates", **fields: Any) -> str:
    """Press a link-like button of the tab; returns where it leads."""
    data = {"revision": read_security(api).revision, "public_cas": "on", button: "1", **fields}
    return str(client.post(tab(api), data).headers["Location"])


def upload(client: Client, url: str, common_name: str = "fresh") -> str:
    """Upload a certificate from the list; returns where that leads."""
    back = parse_qs(urlsplit(url).query)["next"][0]
    file = SimpleUploadedFile(
        "c.pfx", pki.pfx(pki.self_signed(common_name=common_name), password=PASSWORD.encode())
    )
    path = reverse("certificate-upload", query={"next": back})
    return str(client.post(path, {"file": file, "password": PASSWORD}).headers["Location"])


def test_an_upload_from_manage_certificates_comes_back_selected_with_everything_that_was_chosen(
    administrator_client: Client,
) -> None:
    api, ca = make_api(), make_ca_certificate()
    fields = {"credentials": "certificate", "validate_name": "on", "ca_certificates": [ca.key]}
    url = leave(administrator_client, api, **fields)
    assert urlsplit(url).path == reverse("certificates")
    page = administrator_client.get(upload(administrator_client, url))
    now = entered(page)
    assert (now["credentials"], str(now["certificate"])) == (
        "certificate",
        str(Certificate.objects.get(resource_id="fresh").key),
    )
    assert (now["validate_chain"], now["validate_name"], now["public_cas"]) == (False, True, True)
    assert now["ca_certificates"] == [str(ca.key)]
    assert shown(page.content.decode(), "unsaved")
    assert read_security(api).credentials == NoCredentials()


def test_coming_back_without_an_upload_loses_nothing_either(administrator_client: Client) -> None:
    api = make_api()
    leave(administrator_client, api, credentials="basic", username="bank")
    page = administrator_client.get(tab(api))
    assert (entered(page)["credentials"], entered(page)["username"]) == ("basic", "bank")
    assert shown(page.content.decode(), "unsaved")


def test_a_password_is_never_kept_in_the_session(administrator_client: Client) -> None:
    api = make_api()
    leave(administrator_client, api, credentials="basic", username="bank", password="hunter2")
    assert "bank" in str(dict(administrator_client.session))
    assert "hunter2" not in str(dict(administrator_client.session))


def test_discard_shows_what_is_saved(administrator_client: Client) -> None:
    api = make_api()
    leave(administrator_client, api, credentials="basic", username="bank")
    administrator_client.post(tab(api), {"discard": "1"})
    page = administrator_client.get(tab(api))
    assert entered(page)["credentials"] == "none"
    assert not shown(page.content.decode(), "unsaved")


def test_a_save_ends_what_was_kept(administrator_client: Client) -> None:
    api = make_api()
    leave(administrator_client, api, credentials="basic", username="bank")
    data = {"revision": read_security(api).revision, "credentials": "none", "public_cas": "on"}
    administrator_client.post(tab(api), data)
    page = administrator_client.get(tab(api))
    assert entered(page)["credentials"] == "none"
    assert not shown(page.content.decode(), "unsaved")


def test_what_was_kept_still_notices_another_persons_change(administrator_client: Client) -> None:
    api, certificate = make_api(), make_certificate()
    leave(administrator_client, api, credentials="basic", username="bank")
    choose(api, certificate)
    data = {name: value for name, value in entered(administrator_client.get(tab(api))).items() if value}
    response = administrator_client.post(tab(api), {**data, "password": "x"})
    assert response.status_code == 409
    assert response.context["conflict"].differences[0].theirs == "Client certificates"


def test_the_way_back_to_an_in_use_warning_survives_manage_certificates(administrator_client: Client) -> None:
    api, certificate = make_api(), make_certificate()
    warning = reverse("certificate-delete", args=[certificate.key], query={"check": "1"})
    response = administrator_client.post(
        tab(api, next=warning), {"credentials": "none", "manage_certificates": "1"}
    )
    page = administrator_client.get(upload(administrator_client, response.headers["Location"]))
    assert parse_qs(urlsplit(page.context["here"]).query) == {"next": [warning]}


def test_an_uploaded_ca_certificate_comes_back_ticked(administrator_client: Client) -> None:
    api, ca = make_api(), make_ca_certificate()
    url = leave(administrator_client, api, "manage_ca_certificates", credentials="none")
    assert urlsplit(url).path == reverse("ca-certificates")
    page = administrator_client.get(tab(api, ca_certificate=ca.key))
    assert entered(page)["ca_certificates"] == [str(ca.key)]


@pytest.mark.parametrize("key", ["nonsense", "00000000-0000-4000-8000-000000000000"])
def test_an_uploaded_certificate_that_is_not_there_changes_nothing(
    administrator_client: Client, key: str
) -> None:
    page = administrator_client.get(tab(make_api(), certificate=key))
    assert entered(page)["credentials"] == "none"


# --- More certificates than a drop-down holds ---------------------------------------------------------------------
@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """A drop-down holds three, a search finds two."""
    monkeypatch.setattr(choice, "MOST_IN_DROP_DOWN", 3)
    monkeypatch.setattr(choice, "MOST_RESULTS", 2)


def certificates(count: int) -> list[Certificate]:
    return [make_certificate(f"bank-{number}") for number in range(count)]


def buttons(page: Any) -> list[str]:
    return re.findall(r'<input type="radio" name="certificate" value="([^"]+)"', page.content.decode())


@pytest.mark.usefixtures("few")
def test_up_to_the_limit_there_is_a_drop_down_above_it_a_search(administrator_client: Client) -> None:
    api = make_api()
    certificates(3)
    assert '<select name="certificate"' in text_of(administrator_client, api)
    make_certificate("one-more")
    page = administrator_client.get(tab(api))
    assert '<select name="certificate"' not in page.content.decode()
    assert len(buttons(page)) == 2
    assert "4 of 4 certificates match. The first 2 are shown" in page.content.decode()


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("pasted", ["bank-2", "CN=bank-2", "thumbprint", "last four"])
def test_a_search_finds_by_subject_and_by_thumbprint_in_any_form(
    administrator_client: Client, pasted: str
) -> None:
    api, found = make_api(), certificates(5)
    digits = found[2].current.thumbprint.lower()
    spelt = {
        "thumbprint": "\u200e" + ":".join(digits[n : n + 2] for n in range(0, 40, 2)),
        "last four": digits[-4:],
    }
    data = {"search": spelt.get(pasted, pasted), "find": "1", "validate_chain": "on", "username": "kept"}
    page = administrator_client.post(tab(api), {"credentials": "certificate", **data})
    assert str(found[2].key) in buttons(page)
    assert str(found[0].key) not in buttons(page)
    now = entered(page)
    assert (now["credentials"], now["validate_chain"], now["validate_name"], now["username"]) == (
        "certificate",
        True,
        False,
        "kept",
    )


@pytest.mark.usefixtures("few")
def test_what_a_search_found_can_be_saved(administrator_client: Client) -> None:
    api, found = make_api(), certificates(5)
    data = {"revision": read_security(api).revision, "credentials": "certificate", "search": "bank-4"}
    page = administrator_client.post(tab(api), {**data, "find": "1"})
    assert buttons(page) == [str(found[4].key)]
    searched = entered(page)["searched"]
    saved = administrator_client.post(tab(api), {**data, "searched": searched, "certificate": found[4].key})
    assert saved.status_code == 302
    assert 'certificate-id="bank-4"' in PolicyDocument.objects.get(api=api).xml


@pytest.mark.usefixtures("few")
def test_the_enter_key_in_the_search_field_searches_and_saves_nothing(administrator_client: Client) -> None:
    api, found = make_api(), certificates(5)
    data = {"revision": read_security(api).revision, "credentials": "certificate", "search": "bank-4"}
    page = administrator_client.post(tab(api), {**data, "certificate": found[0].key})
    assert page.status_code == 200
    assert set(buttons(page)) == {str(found[0].key), str(found[4].key)}
    assert read_security(api).credentials == NoCredentials()


@pytest.mark.usefixtures("few")
def test_the_chosen_certificate_is_always_among_the_results(administrator_client: Client) -> None:
    api, found = make_api(), certificates(5)
    for certificate in (found[4], found[0]):
        choose(api, certificate)
        page = administrator_client.get(tab(api))
        assert buttons(page)[0] == str(certificate.key)
        assert len(set(buttons(page))) == len(buttons(page))
        assert re.search(rf'value="{certificate.key}"[^>]* checked', page.content.decode())


@pytest.mark.usefixtures("few")
def test_a_search_without_results_says_so(administrator_client: Client) -> None:
    api = make_api()
    certificates(4)
    page = administrator_client.post(tab(api), {"search": "nobody", "find": "1"})
    assert "0 of 4 certificates match “nobody”. Search for less" in page.content.decode()


def test_the_number_of_queries_does_not_grow_with_the_certificates(administrator_client: Client) -> None:
    api = make_api()
    choose(api, make_certificate())
    make_ca_certificate()
    text_of(administrator_client, api)  # the first page of a session asks for more
    counts = []
    for number in range(3):
        with CaptureQueriesContext(connection) as queries:
            text_of(administrator_client, api)
        counts.append(len(queries))
        assert not [q for q in queries.captured_queries if "sealed_private_key" in q["sql"]]
        make_certificate(f"another-{number}")
        make_ca_certificate(f"CA {number}")
    assert len(set(counts)) == 1


def test_a_certificate_that_is_not_valid_yet_is_warned_of(administrator_client: Client) -> None:
    api, certificate = make_api(), make_certificate()
    choose(api, certificate)
    future = datetime(2099, 1, 1, tzinfo=UTC)
    update_directly(
        CertificateVersion, certificate.current_id, not_before=future, not_after=future.replace(year=2100)
    )
    page = text_of(administrator_client, api)
    assert "not valid before 2099-01-01" in page
    assert '<p class="notice warning" data-shows-for="certificate.state=early">' in page
