"""A policy that says more about credentials than the Security tab can show: it is told and left alone."""

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from gateway.changes.policies import document_of, save_policy
from gateway.changes.security import OtherCredentials, Trust, read_security
from gateway.models import Api, PolicyDocument, PolicyVersion
from tests.arrange import set_text, update_directly
from tests.builders import ALICE, choose, make_api, make_ca_certificate, make_certificate

TWO = (
    '<authentication-certificate certificate-id="partner-bank" />'
    '<authentication-basic username="a" password="{{which}}" />'
)
NAMED = '<authentication-certificate certificate-id="{{which}}" />'
NAMED_USER = '<authentication-basic username="{{which}}" password="{{which}}" />'


def make_other(statements: str = TWO, **values: str) -> Api:
    """An API whose policy holds those statements."""
    api = make_api(**values)
    make_certificate()
    set_text("which", "partner-bank")
    save_policy(ALICE, api, f"<policies><inbound><base />{statements}</inbound></policies>")
    return api


def tab(api: Api) -> str:
    return reverse("api-security", args=[api.resource_id])


def save(client: Client, api: Api, **fields: object) -> HttpResponse:
    ticked = dict.fromkeys(("validate_chain", "public_cas", "refuse_expired"), "on")
    return client.post(tab(api), {"revision": read_security(api).revision, **ticked, **fields})


@pytest.mark.parametrize(
    ("statements", "words"),
    [
        (TWO, "holds more than one authentication statement"),
        (NAMED, "names its certificate by a named value"),
        (NAMED_USER, "takes its user name from a named value"),
    ],
)
def test_it_is_told_with_a_link_to_the_policy_editor(
    administrator_client: Client, statements: str, words: str
) -> None:
    api = make_other(statements)
    page = administrator_client.get(tab(api)).content.decode()
    assert words in page
    assert "The credentials cannot be shown here" in page
    assert f'<a href="{reverse("policy-api", args=[api.resource_id])}">Open the policy editor</a>' in page


def test_its_fields_cannot_be_filled_in(administrator_client: Client) -> None:
    response = administrator_client.get(tab(make_other()), {"certificate": "nonsense"})
    page, form = response.content.decode(), response.context["form"]
    assert form["credentials"].field.disabled
    assert "What the policy says" in page
    for name in ("certificate", "username", "password"):
        assert f'name="{name}"' not in page


def test_trust_can_be_saved_and_the_policy_stays_as_it_is(administrator_client: Client) -> None:
    api, ca = make_other(), make_ca_certificate()
    before, versions = document_of(api), PolicyVersion.objects.count()
    assert save(administrator_client, api, ca_certificates=[ca.key]).status_code == 302
    assert read_security(Api.objects.get()).trust == Trust(True, False, True, (ca.key,), True, False)
    after = document_of(api)
    assert (after.xml, after.revision) == (before.xml, before.revision)
    assert PolicyVersion.objects.count() == versions


def test_a_policy_that_cannot_be_read_is_left_alone_too(administrator_client: Client) -> None:
    api = make_other()
    update_directly(
        PolicyDocument, document_of(api).key, xml="<policies><inbound><newer /></inbound></policies>"
    )
    assert "cannot be read" in administrator_client.get(tab(api)).content.decode()
    assert save(administrator_client, api).status_code == 302
    assert document_of(api).xml == "<policies><inbound><newer /></inbound></policies>"
    assert read_security(Api.objects.get(pk=api.pk)).trust.validate_name is False


def test_credentials_that_are_sent_all_the_same_are_refused(administrator_client: Client) -> None:
    api = make_other()
    before = document_of(api).xml
    for kind in ("none", "basic", "certificate"):
        response = save(administrator_client, api, credentials=kind, username="a", password="hunter2")
        errors = response.context["form"].errors
        assert list(errors) == ["credentials"]
        assert "Use the policy editor" in errors["credentials"][0]
        assert "hunter2" not in response.content.decode()
    assert document_of(api).xml == before


def test_what_had_been_chosen_before_is_not_shown_as_the_policys(administrator_client: Client) -> None:
    api, certificate = make_api(), make_certificate("mine")
    fields = {"revision": 0, "credentials": "certificate", "certificate": certificate.key}
    administrator_client.post(tab(api), {**fields, "manage_certificates": "1"})
    make_certificate()
    set_text("which", "partner-bank")
    save_policy(ALICE, api, f"<policies><inbound><base />{TWO}</inbound></policies>")
    form = administrator_client.get(tab(api)).context["form"]
    assert (form["credentials"].value(), form["certificate"].value()) == ("", None)


def test_readers_are_shown_it(reader_client: Client) -> None:
    assert "Open the policy editor" in reader_client.get(tab(make_other())).content.decode()


def test_a_policy_that_is_mended_is_shown_again(administrator_client: Client) -> None:
    api = make_other()
    assert isinstance(read_security(api).credentials, OtherCredentials)
    save_policy(ALICE, api, "<policies />")
    choose(api, make_certificate("other"))
    page = administrator_client.get(tab(api)).content.decode()
    assert "cannot be shown here" not in page


def test_a_certificate_that_a_named_value_names_is_listed_with_the_api(administrator_client: Client) -> None:
    make_other(NAMED)
    page = administrator_client.get(reverse("apis")).content.decode()
    assert "Client certificate partner-bank" in page
    assert "that is not there" not in page


def test_a_policy_that_cannot_be_saved_as_it_is_says_why_at_the_top(administrator_client: Client) -> None:
    api, certificate = make_api(), make_certificate()
    stale = (
        "<policies><inbound><set-header name='X'><value>{{gone}}</value></set-header></inbound></policies>"
    )
    save_policy(ALICE, api, "<policies />")
    update_directly(PolicyDocument, document_of(api).key, xml=stale)
    response = save(administrator_client, api, credentials="certificate", certificate=certificate.key)
    (error,) = response.context["form"].non_field_errors()
    assert "Named value 'gone' could not be resolved." in error
    assert save(administrator_client, api, credentials="none").status_code == 302
