"""Save on the Security tab: what the policy document then says, and what is wrong beside which field."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from gateway import keystore
from gateway.changes.certificates import delete_certificate
from gateway.changes.policies import save_policy
from gateway.changes.security import (
    BasicCredentials,
    CertificateCredentials,
    NoCredentials,
    Trust,
    read_security,
)
from gateway.models import Api, AuditEntry, Certificate, CertificateVersion, NamedValue, PolicyDocument
from gateway.records import register_gateway, renew_gateway
from tests.arrange import update_directly
from tests.builders import ALICE, choose, make_api, make_ca_certificate, make_certificate

TRUSTED = {"validate_chain": "on", "validate_name": "on", "public_cas": "on", "probe_after_save": "on"}
WITH_CERTIFICATE = """\
<policies>
    <inbound>
        <base />
        <authentication-certificate certificate-id="partner-bank" />
    </inbound>
    <backend>
        <base />
    </backend>
    <outbound>
        <base />
    </outbound>
    <on-error>
        <base />
    </on-error>
</policies>
"""


def tab(api: Api, **query: str) -> str:
    return reverse("api-security", args=[api.resource_id], query=query or None)


def save(client: Client, api: Api, *, path: str = "", **fields: Any) -> HttpResponse:
    """Press Save on the tab as it was just opened."""
    revision = read_security(Api.objects.get(pk=api.pk)).revision
    return client.post(path or tab(api), {"revision": revision, "credentials": "none", **TRUSTED, **fields})


def errors(response: HttpResponse) -> dict[str, list[str]]:
    """The errors of the form that came back, by field."""
    assert response.status_code == 200, response.headers
    return dict(response.context["form"].errors)


def xml(api: Api) -> str:
    return PolicyDocument.objects.get(api=api).xml


def saved(api: Api) -> Any:
    return read_security(Api.objects.get(pk=api.pk))


def test_a_chosen_certificate_becomes_a_statement_of_the_policy(administrator_client: Client) -> None:
    api, certificate = make_api(), make_certificate()
    response = save(administrator_client, api, credentials="certificate", certificate=certificate.key)
    assert response.headers["Location"] == tab(api)
    assert xml(api) == WITH_CERTIFICATE
    page = administrator_client.get(tab(api)).content.decode()
    assert "The security of Partner Bank was saved." in page
    assert f'value="{certificate.key}" selected' in page
    assert reverse("policy-api", args=[api.resource_id]) in page


def test_the_banner_says_on_how_many_gateways_it_is_in_effect(administrator_client: Client) -> None:
    api = make_api()
    for name in ("one", "two"):
        renew_gateway(register_gateway(name), 1_000)
    save(administrator_client, api)
    page = administrator_client.get(tab(api)).content.decode()
    assert "The security of Partner Bank was saved. In effect on 2 of 2 gateways." in page


def test_none_takes_the_statement_out_and_nothing_else(administrator_client: Client) -> None:
    api, certificate = make_api(), make_certificate()
    choose(api, certificate)
    save(administrator_client, api, credentials="none")
    statement = '        <authentication-certificate certificate-id="partner-bank" />\n'
    assert xml(api) == WITH_CERTIFICATE.replace(statement, "")
    assert saved(api).credentials == NoCredentials()


def test_http_basic_keeps_its_password_as_a_secret_named_value(administrator_client: Client) -> None:
    api = make_api()
    save(administrator_client, api, credentials="basic", username="bank user", password=" s3cret ")
    statement = '<authentication-basic username="bank user" password="{{partner-bank-basic-password}}" />'
    assert statement in xml(api)
    assert password_of("partner-bank-basic-password") == " s3cret "


def password_of(name: str) -> str:
    value = NamedValue.objects.get(resource_id=name)
    opened = keystore.open_sealed(value._meta.db_table, "sealed_value", value.key, value.sealed_value)
    return opened.decode()


def test_an_empty_password_keeps_the_stored_one(administrator_client: Client) -> None:
    api = make_api()
    choose(api, BasicCredentials("first", "hunter2"))
    save(administrator_client, api, credentials="basic", username="second", password="")
    assert 'username="second"' in xml(api)
    assert password_of("partner-bank-basic-password") == "hunter2"


def test_a_missing_password_is_asked_for_on_its_field(administrator_client: Client) -> None:
    api = make_api()
    response = save(administrator_client, api, credentials="basic", username="alice", password="")
    assert errors(response) == {"password": ["Enter the password."]}
    assert 'aria-invalid="true"' in response.content.decode()


@pytest.mark.parametrize(("username", "message"), [("", "Enter the user name."), ("a:b", "without a colon")])
def test_a_wrong_user_name_is_refused_on_its_field(
    administrator_client: Client, username: str, message: str
) -> None:
    response = save(administrator_client, make_api(), credentials="basic", username=username, password="x")
    assert list(errors(response)) == ["username"]
    assert message in errors(response)["username"][0]


@pytest.mark.parametrize("value", ["", "no-key"])
def test_client_certificates_without_a_certificate_is_refused_on_its_field(
    administrator_client: Client, value: str
) -> None:
    response = save(administrator_client, make_api(), credentials="certificate", certificate=value)
    assert list(errors(response)) == ["certificate"]


def test_a_certificate_with_an_http_url_is_refused_on_its_field(administrator_client: Client) -> None:
    api, certificate = make_api(web_service_url="http://bank.example"), make_certificate()
    response = save(administrator_client, api, credentials="certificate", certificate=certificate.key)
    assert "only presented over https" in errors(response)["certificate"][0]
    assert not PolicyDocument.objects.filter(api=api).exists()


def test_a_certificate_with_an_http_url_is_saved_where_the_policy_sets_another_back_end(
    administrator_client: Client,
) -> None:
    api, certificate = make_api(web_service_url="http://bank.example"), make_certificate()
    elsewhere = '<set-backend-service base-url="https://elsewhere.example" />'
    save_policy(ALICE, api, f"<policies><inbound><base />{elsewhere}</inbound></policies>")
    response = save(administrator_client, api, credentials="certificate", certificate=certificate.key)
    assert response.status_code == 302, errors(response)
    assert 'certificate-id="partner-bank"' in PolicyDocument.objects.get(api=api).xml


def test_a_certificate_that_was_deleted_meanwhile_is_refused_on_its_field(
    administrator_client: Client,
) -> None:
    api, certificate = make_api(), make_certificate()
    delete_certificate(ALICE, certificate.key)
    response = save(administrator_client, api, credentials="certificate", certificate=certificate.key)
    assert "deleted meanwhile" in errors(response)["certificate"][0]


def test_a_ca_certificate_that_was_deleted_meanwhile_is_refused_on_its_field(
    administrator_client: Client,
) -> None:
    gone = "00000000-0000-4000-8000-000000000000"
    response = save(administrator_client, make_api(), ca_certificates=[gone])
    assert "deleted meanwhile" in errors(response)["ca_certificates"][0]


def test_what_belongs_to_other_credentials_does_not_count(administrator_client: Client) -> None:
    api = make_api()
    fields = {"certificate": "nonsense", "username": "a:b", "password": "typed-in-vain"}
    assert save(administrator_client, api, credentials="none", **fields).status_code == 302
    assert not NamedValue.objects.exists()


def test_trust_is_saved(administrator_client: Client) -> None:
    api, ca = make_api(), make_ca_certificate()
    make_ca_certificate("Other CA")
    off = {"validate_chain": "", "validate_name": "", "public_cas": "", "probe_after_save": ""}
    save(administrator_client, api, ca_certificates=[ca.key], refuse_expired="on", **off)
    assert saved(api).trust == Trust(False, False, False, (ca.key,), True, False)
    changes = AuditEntry.objects.get(action="updated security of").changes
    assert changes["refuse calls with an expired certificate"] == ["no", "yes"]
    assert changes["check the handshake after Save"] == ["yes", "no"]
    save(administrator_client, api)
    assert saved(api).trust == Trust(True, True, True, ())


def test_an_expired_certificate_may_be_chosen(administrator_client: Client) -> None:
    api, certificate = make_api(), make_certificate()
    warning = '<p class="notice warning" data-shows-for="certificate.state=expired">'
    choose(api, certificate)
    assert warning not in administrator_client.get(tab(api)).content.decode()
    past = datetime(2020, 1, 1, tzinfo=UTC)
    update_directly(CertificateVersion, certificate.current_id, not_after=past)
    save(administrator_client, api, credentials="certificate", certificate=certificate.key)
    assert saved(api).credentials == CertificateCredentials(certificate.key)
    page = administrator_client.get(tab(api)).content.decode()
    assert "expired on 2020-01-01" in page
    assert warning in page


def test_each_save_writes_an_audit_entry_without_the_password(administrator_client: Client) -> None:
    api = make_api()
    save(administrator_client, api, credentials="basic", username="bank", password="hunter2")
    entry = AuditEntry.objects.get(action="updated security of")
    assert (entry.actor_name, entry.object_name) == ("alice", "Partner Bank")
    assert "bank" in str(entry.changes)
    assert not [e for e in AuditEntry.objects.all() if "hunter2" in str(vars(e))]


def test_what_was_saved_comes_back_and_saves_as_the_same(administrator_client: Client) -> None:
    api, certificate, ca = make_api(), make_certificate(), make_ca_certificate()
    choose(api, certificate, Trust(True, False, False, (ca.key,), True, False))
    before = saved(api)
    form = administrator_client.get(tab(api)).context["form"]
    data = {
        name: form[name].value() for name in form.fields if form[name].value() not in (None, False, [], "")
    }
    administrator_client.post(tab(api), data)
    after = saved(api)
    assert (after.credentials, after.trust) == (before.credentials, before.trust)
    assert xml(api) == WITH_CERTIFICATE


def test_a_save_leads_back_to_where_it_was_asked_for(administrator_client: Client) -> None:
    api, certificate = make_api(), make_certificate()
    back = reverse("certificate-delete", args=[certificate.key], query={"check": "1"})
    page = administrator_client.get(tab(api, next=back))
    assert f'action="{page.context["here"]}"'.replace("&", "&amp;") in page.content.decode()
    response = save(administrator_client, api, path=page.context["here"])
    assert response.headers["Location"] == back


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example/", "/\\evil.example"])
def test_a_save_leads_to_no_other_site(administrator_client: Client, elsewhere: str) -> None:
    api = make_api()
    assert save(administrator_client, api, path=tab(api, next=elsewhere)).headers["Location"] == tab(api)


def test_saving_over_another_persons_change_shows_both_values_and_asks(administrator_client: Client) -> None:
    api, mine, theirs = make_api(), make_certificate("mine"), make_certificate("theirs")
    choose(api, theirs)
    opened = saved(api).revision
    choose(api, NoCredentials(), Trust(validate_name=False, refuse_expired=True))
    fields = {"revision": opened, "credentials": "certificate", "certificate": mine.key, **TRUSTED}
    asked = administrator_client.post(tab(api), fields)
    assert asked.status_code == 409
    shown = {d.label: (d.theirs, d.yours) for d in asked.context["conflict"].differences}
    assert shown["With credentials"] == ("None", "Client certificates")
    assert shown["Validate certificate name"] == ("No", "Yes")
    assert shown["Refuse calls once the client certificate has expired"] == ("Yes", "No")
    assert shown["Client certificate"][0] == "(nothing)"
    assert "CN=mine" in shown["Client certificate"][1]
    assert saved(api).credentials == NoCredentials()
    agreed = {**fields, "save_over": asked.context["conflict"].revision}
    assert administrator_client.post(tab(api), agreed).status_code == 302
    assert saved(api).credentials == CertificateCredentials(mine.key)


def test_a_change_that_comes_between_reading_and_saving_is_what_the_conflict_shows(
    administrator_client: Client,
) -> None:
    api, pending = make_api(), [BasicCredentials("theirs", "x")]

    def come_between(execute: Any, sql: str, *rest: Any) -> Any:
        """Make the other person's change just before this one begins."""
        if pending and sql.startswith("SAVEPOINT"):
            choose(api, pending.pop(), Trust(validate_name=False))
        return execute(sql, *rest)

    with connection.execute_wrapper(come_between):
        asked = save(administrator_client, api, credentials="none")
    assert asked.status_code == 409
    shown = {d.label: (d.theirs, d.yours) for d in asked.context["conflict"].differences}
    assert shown == {
        "With credentials": ("HTTP basic", "None"),
        "User name": ("theirs", "(nothing)"),
        "Validate certificate name": ("No", "Yes"),
    }


def test_an_api_that_was_deleted_meanwhile_gives_a_page_that_says_so(administrator_client: Client) -> None:
    response = administrator_client.post("/apis/gone/security/", {"credentials": "none"})
    assert response.status_code == 404
    assert "Somebody may have deleted it" in response.content.decode()


def test_readers_cannot_save(reader_client: Client) -> None:
    api = make_api()
    assert save(reader_client, api, credentials="basic", username="a", password="b").status_code == 403
    assert not PolicyDocument.objects.filter(api=api).exists()


def test_a_save_without_a_token_is_refused(administrator_client: Client) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = administrator_client.cookies
    assert save(strict, make_api()).status_code == 403


def test_certificates_named_by_thumbprint_are_shown_as_chosen(administrator_client: Client) -> None:
    api, certificate = make_api(), make_certificate()
    choose(api, certificate)
    thumbprint = Certificate.objects.get().current.thumbprint
    text = xml(api).replace('certificate-id="partner-bank"', f'thumbprint="{thumbprint}"')
    update_directly(PolicyDocument, PolicyDocument.objects.get(api=api).key, xml=text)
    assert f'value="{certificate.key}" selected' in administrator_client.get(tab(api)).content.decode()
