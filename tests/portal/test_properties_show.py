"""A secret value is in the answer to Show, for administrators, and nowhere else."""

import logging
import re

import pytest
from django.contrib import admin
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse

from gateway.models import AuditEntry, NamedValue, Revision
from portal.urls import urlpatterns
from tests.arrange import update_directly
from tests.builders import make_api, make_named_value, make_operation, make_subscription, use_named_value
from tests.portal.audit import newest_entry
from tests.portal.reading import banners, link, text_of

pytestmark = pytest.mark.django_db
URL = "/properties/partner-key/"
SHOW = f"{URL}value/"
SECRET = "hunter2-hunter2"


def make() -> NamedValue:
    return make_named_value(value=SECRET, secret=True, tags=["bank"])


def holds_it(response: object) -> bool:
    return SECRET in response.content.decode()  # type: ignore[attr-defined]


def was_seen() -> bool:
    return AuditEntry.objects.filter(action="was shown the value of").exists()


def test_show_answers_with_the_value_to_copy_and_records_who_saw_it(administrator_client: Client) -> None:
    make()
    number = Revision.objects.get().number
    response = administrator_client.post(SHOW)
    page = response.content.decode()
    assert response.status_code == 200
    assert f'<code class="value">{SECRET}</code>' in page
    assert f'data-copy="{SECRET}" aria-label="Copy the value"' in page
    assert page.count(SECRET) == 2
    assert "The value is shown. That you have seen it is recorded." in text_of(response)
    assert response["Cache-Control"] == "no-store, private"
    assert link(response, "Hide the value") == URL
    assert newest_entry() == ("alice", "was shown the value of", "named value", "partner-key")
    assert Revision.objects.get().number == number


def test_the_form_beside_the_shown_value_saves_to_the_page_of_the_property(
    administrator_client: Client,
) -> None:
    row = make()
    page = administrator_client.post(SHOW).content.decode()
    assert f'action="{URL}" novalidate' in page
    response = administrator_client.post(URL, {"revision": row.revision, "secret": "on", "tags": "other"})
    assert response.status_code == 302


def test_an_address_alone_shows_nothing_and_records_nothing(administrator_client: Client) -> None:
    make()
    response = administrator_client.get(SHOW, follow=True)
    assert response.redirect_chain == [(URL, 302)]
    assert not holds_it(response)
    assert not was_seen()


def test_readers_are_not_shown_it_and_told_why(reader_client: Client) -> None:
    make()
    response = reader_client.get(URL)
    assert "Secret values are shown to members of the group Administrators only." in text_of(response)
    main = response.content.decode().split("<main", 1)[1]
    assert not re.search("/value/|>Show", main)
    refused = reader_client.post(SHOW)
    assert refused.status_code == 403
    assert not holds_it(refused)
    assert not was_seen()


def test_whoever_is_signed_out_meanwhile_sees_nothing_when_they_are_back(
    client: Client, stranger_client: Client, administrator_client: Client
) -> None:
    make()
    assert stranger_client.post(SHOW).status_code == 403
    assert client.post(SHOW)["Location"] == f"/sign-in/?next={SHOW}"
    assert not holds_it(administrator_client.get(SHOW, follow=True))
    assert not was_seen()


def test_one_that_cannot_be_opened_is_said_to_be_lost_and_can_be_replaced(
    administrator_client: Client,
) -> None:
    update_directly(NamedValue, make().key, sealed_value="damaged")
    ((kind, text),) = banners(administrator_client.post(SHOW, follow=True))
    assert kind == "error"
    assert "cannot be opened" in text
    assert "Enter it again" in text


def test_no_page_but_the_answer_to_show_holds_a_secret_value(
    administrator_client: Client, reader_client: Client
) -> None:
    row, api = make(), make_api()
    operation, subscription = make_operation(api), make_subscription()
    use_named_value("partner-key", None, api, operation)
    assert holds_it(administrator_client.post(SHOW))
    addresses = [f"/{pattern.pattern}" for pattern in urlpatterns if "admin/" not in str(pattern.pattern)]
    for old, new in {
        "<id:property_id>": row.resource_id,
        "<id:api_id>": api.resource_id,
        "<id:operation_id>": operation.resource_id,
        "<id:subscription_id>": subscription.resource_id,
    }.items():
        addresses = [address.replace(old, new) for address in addresses]
    addresses = [address for address in addresses if "<" not in address]
    assert len([address for address in addresses if address.startswith(URL)]) == 3
    for model in admin.site._registry:
        if model._meta.app_label == "gateway":
            name = f"admin:gateway_{model._meta.model_name}"
            addresses += [reverse(f"{name}_changelist"), f"{reverse(f'{name}_changelist')}?q={SECRET[:7]}"]
            addresses += [reverse(f"{name}_change", args=[one.pk]) for one in model._default_manager.all()]
    for address in addresses:
        for client in (reader_client, administrator_client):
            page = client.get(address, follow=True).content.decode()
            assert SECRET not in page, address
            assert row.sealed_value not in page, address


def test_no_log_no_audit_entry_and_no_session_holds_it(
    administrator_client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    make()
    with caplog.at_level(logging.DEBUG):
        administrator_client.post(SHOW)
        administrator_client.post(f"{URL}delete/", follow=True)
    kept = [str(session.get_decoded()) for session in Session.objects.all()]
    assert SECRET not in " ".join([*kept, caplog.text, str(list(AuditEntry.objects.values()))])
