"""The page of a subscription: its keys, which only the answer to Show holds, and its states."""

import logging
import re
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse

from gateway.changes.subscriptions import (
    Keys,
    cancel_subscription,
    delete_subscription,
    reveal_keys,
    suspend_subscription,
)
from gateway.models import AuditEntry, Revision, Subscription
from portal.urls import urlpatterns
from tests.arrange import update_directly
from tests.builders import ALICE, make_api, make_subscription
from tests.portal.audit import newest_entry
from tests.portal.reading import banners, heading, link, text_of

pytestmark = pytest.mark.django_db
URL = "/subscriptions/mobile-app/"
SHOW = f"{URL}keys/"
KEYS = Keys("p" * 16 + "0123456789abcdef", "s" * 16 + "0123456789abcdef")


def make(**values: Any) -> Subscription:
    return make_subscription(primary_key=KEYS.primary, secondary_key=KEYS.secondary, **values)


def holds_a_key(text: str) -> bool:
    return any(key in text for key in KEYS)


# --- the page -----------------------------------------------------------------------------------------------------
def test_the_page_tells_everything_but_the_keys(reader_client: Client, administrator_client: Client) -> None:
    make(api=make_api(), owner="Alice Ansley", allow_tracing=True)
    for client in (reader_client, administrator_client):
        response = client.get(URL)
        assert heading(response) == "Subscriptions - Mobile app"
        page = text_of(response)
        for words in (
            "State Active", "Owner Alice Ansley", "Scope Partner Bank", "Tracing Allowed", "Id mobile-app",
            "Primary key XXXX...", "Secondary key XXXX...", "Ocp-Apim-Subscription-Key",
        ):  # fmt: skip
            assert words in page
        assert link(response, "Partner Bank") == "/apis/partner-bank/"


def test_ids_are_found_without_regard_to_case_and_an_unknown_one_has_a_page(
    administrator_client: Client,
) -> None:
    make()
    assert administrator_client.get("/subscriptions/MOBILE-App/").status_code == 200
    response = administrator_client.get("/subscriptions/nix/")
    assert response.status_code == 404
    assert "There is no subscription with the id “nix”." in text_of(response)
    assert link(response, "All subscriptions") == "/subscriptions/"


@pytest.mark.parametrize("resource_id", ["a b", "ä?#&=+;", "..", ".", "add", "{x}", "<b>", "~@"])
def test_every_id_has_an_address(administrator_client: Client, resource_id: str) -> None:
    make(resource_id=resource_id)
    response = administrator_client.get(reverse("subscription", args=[resource_id]))
    assert response.context["subscription"].resource_id == resource_id


# --- show ---------------------------------------------------------------------------------------------------------
def test_show_answers_with_both_keys_to_copy_and_records_who_saw_them(administrator_client: Client) -> None:
    make()
    number = Revision.objects.get().number
    response = administrator_client.post(SHOW)
    page = response.content.decode()
    assert response.status_code == 200
    assert f'<code class="key">{KEYS.primary}</code>' in page
    assert f'<code class="key">{KEYS.secondary}</code>' in page
    for label, key in zip(("Copy primary key", "Copy secondary key"), KEYS, strict=True):
        assert f'data-copy="{key}" aria-label="{label}"' in page
    assert response["Cache-Control"] == "no-store, private"
    assert link(response, "Hide keys") == URL
    assert newest_entry() == ("alice", "was shown the keys of", "subscription", "Mobile app")
    assert Revision.objects.get().number == number


def test_an_address_alone_shows_no_key_and_records_nothing(administrator_client: Client) -> None:
    make()
    response = administrator_client.get(SHOW, follow=True)
    assert response.redirect_chain == [(URL, 302)]
    assert not holds_a_key(response.content.decode())
    assert not AuditEntry.objects.filter(action="was shown the keys of").exists()


def test_readers_are_not_shown_the_keys_and_told_why(reader_client: Client) -> None:
    make()
    page = text_of(reader_client.get(URL))
    assert "Keys are shown to members of the group Administrators only." in page
    assert "only members of the group Administrators can change it" in page
    main = reader_client.get(URL).content.decode().split("<main", 1)[1]
    assert not re.search(r"<button|/(edit|cancel|delete|keys|suspend|regenerate-primary-key)/", main)
    response = reader_client.post(SHOW)
    assert response.status_code == 403
    assert not holds_a_key(response.content.decode())
    assert not AuditEntry.objects.filter(action="was shown the keys of").exists()


def test_whoever_is_signed_out_meanwhile_sees_no_key_when_they_are_back(
    client: Client, administrator_client: Client
) -> None:
    make()
    assert client.post(SHOW)["Location"] == f"/sign-in/?next={SHOW}"
    assert not holds_a_key(administrator_client.get(SHOW, follow=True).content.decode())


def test_keys_that_cannot_be_opened_are_said_to_be_lost_and_can_be_replaced(
    administrator_client: Client,
) -> None:
    row = make()
    update_directly(Subscription, row.key, sealed_primary_key="x")
    response = administrator_client.post(SHOW, follow=True)
    ((kind, text),) = banners(response)
    assert kind == "error"
    assert "cannot be opened" in text
    assert "Regenerate both keys" in text
    assert not holds_a_key(response.content.decode())


def test_no_page_but_the_answer_to_show_holds_a_key(
    administrator_client: Client, reader_client: Client
) -> None:
    row, api = make(), make_api()
    assert holds_a_key(administrator_client.post(SHOW).content.decode())
    values = {"<id:subscription_id>": row.resource_id, "<id:api_id>": api.resource_id}
    addresses = [str(pattern.pattern) for pattern in urlpatterns if "admin/" not in str(pattern.pattern)]
    for old, new in values.items():
        addresses = [address.replace(old, new) for address in addresses]
    addresses = [f"/{address}" for address in addresses if "<" not in address]
    assert len([address for address in addresses if address.startswith(URL)]) == 9
    for model in admin.site._registry:
        if model._meta.app_label == "gateway":
            name = f"admin:gateway_{model._meta.model_name}"
            addresses.append(reverse(f"{name}_changelist"))
            rows = model._default_manager.all()
            addresses += [reverse(f"{name}_change", args=[one.pk]) for one in rows]
    for address in addresses:
        for client in (reader_client, administrator_client):
            page = client.get(address, follow=True).content.decode()
            assert not holds_a_key(page), address
            assert row.sealed_primary_key not in page, address


def test_no_message_no_log_and_no_session_holds_a_key(
    administrator_client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    row = make()
    with caplog.at_level(logging.DEBUG):
        administrator_client.post(SHOW)
        for which in ("primary", "secondary"):
            response = administrator_client.post(f"{URL}regenerate-{which}-key/", follow=True)
            assert not set(reveal_keys(ALICE, row.key)) & set(re.findall(r"\w+", response.content.decode()))
        administrator_client.post(f"{URL}cancel/", follow=True)
    keys = [*KEYS, *reveal_keys(ALICE, row.key)]
    kept = " ".join(str(session.get_decoded()) for session in Session.objects.all())
    audited = str(list(AuditEntry.objects.values()))
    assert not [key for key in keys if key in f"{kept}{audited}{caplog.text}"]


# --- regenerate ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("which", "other"), [("primary", "secondary"), ("secondary", "primary")])
def test_regenerate_asks_first_and_replaces_one_key(
    administrator_client: Client, which: str, other: str
) -> None:
    row = make()
    url = f"{URL}regenerate-{which}-key/"
    assert link(administrator_client.get(URL), f"Regenerate {which} key") == url
    question = administrator_client.get(url)
    assert heading(question) == f"Regenerate the {which} key"
    page = text_of(question)
    assert "Callers that use the former one are refused at once." in page
    assert f"The {other} key goes on working" in page
    assert "Yes, regenerate it" in page
    assert reveal_keys(ALICE, row.key) == KEYS
    response = administrator_client.post(url, follow=True)
    assert response.redirect_chain == [(URL, 302)]
    assert f"The {which} key of “Mobile app” was regenerated: the former one is refused." in text_of(response)
    now = reveal_keys(ALICE, row.key)
    assert getattr(now, which) != getattr(KEYS, which)
    assert getattr(now, other) == getattr(KEYS, other)
    assert AuditEntry.objects.filter(action=f"regenerated the {which} key of", actor_name="alice").exists()


# --- states -------------------------------------------------------------------------------------------------------
def test_suspend_and_activate_are_one_click_each(administrator_client: Client) -> None:
    row = make()
    page = text_of(administrator_client.get(URL))
    assert "Suspend" in page
    assert "Activate" not in page
    response = administrator_client.post(f"{URL}suspend/", follow=True)
    assert response.redirect_chain == [(URL, 302)]
    assert "The subscription “Mobile app” was suspended: calls with its keys are refused." in text_of(
        response
    )
    assert "State Suspended · Its keys are refused until it is activated" in text_of(response)
    assert newest_entry() == ("alice", "suspended", "subscription", "Mobile app")
    response = administrator_client.post(f"{URL}activate/", follow=True)
    assert "was activated: its keys let calls in again." in text_of(response)
    row.refresh_from_db()
    assert row.state == "active"


def test_cancel_asks_first_and_is_final(administrator_client: Client) -> None:
    row = make(owner="Alice Ansley")
    page = text_of(administrator_client.get(f"{URL}cancel/"))
    assert "cancel the subscription Mobile app of Alice Ansley?" in page
    assert "This is final: to stop them for a while, suspend it instead." in page
    assert "Yes, cancel it" in page
    assert "No, keep it" in page
    row.refresh_from_db()
    assert row.state == "active"
    back = "/subscriptions/?q=mobile"
    response = administrator_client.post(f"{URL}cancel/", {"next": back, "then": f"subscription-{row.key}"})
    assert response["Location"] == f"{back}#subscription-{row.key}"
    response = administrator_client.get(URL)
    page = text_of(response)
    assert "The subscription “Mobile app” was cancelled: its keys never work again." in page
    assert "State Cancelled · Its keys never work again" in page
    for action in ("Activate", "Suspend", "Regenerate", "Edit"):
        assert action not in page
    assert "Delete" in page


@pytest.mark.parametrize(
    ("action", "words"),
    [
        ("activate", "is cancelled, which is final"),
        ("suspend", "is cancelled, which is final"),
        ("cancel", "is cancelled already"),
        ("regenerate-primary-key", "its keys never work again"),
    ],
)
def test_what_a_cancelled_one_cannot_do_is_said_and_not_done(
    administrator_client: Client, action: str, words: str
) -> None:
    row = make()
    cancel_subscription(ALICE, row.key)
    number = Revision.objects.get().number
    response = administrator_client.post(f"{URL}{action}/", follow=True)
    assert words in text_of(response)
    assert response.redirect_chain == [(URL, 302)]
    assert Revision.objects.get().number == number


def test_only_a_cancelled_one_is_deleted_and_only_after_asking(administrator_client: Client) -> None:
    row = make()
    suspend_subscription(ALICE, row.key)
    url, back = f"{URL}delete/", "/subscriptions/?q=mobile"
    for response in (administrator_client.get(url, follow=True), administrator_client.post(url, follow=True)):
        assert "“Mobile app” is not cancelled. Cancel it before you delete it." in text_of(response)
    cancel_subscription(ALICE, row.key)
    page = text_of(administrator_client.get(url))
    assert "Are you sure you want to delete the subscription Mobile app ?" in page
    assert "Yes, delete it" in page
    assert Subscription.objects.exists()
    response = administrator_client.post(url, {"next": back}, follow=True)
    assert response.redirect_chain == [(back, 302)]
    assert "The subscription “Mobile app” was deleted." in text_of(response)
    assert not Subscription.objects.exists()
    assert newest_entry() == ("alice", "deleted", "subscription", "Mobile app")


def test_one_that_somebody_else_has_just_deleted_gives_a_message(administrator_client: Client) -> None:
    row = make()
    delete_subscription(ALICE, row.key)
    response = administrator_client.post(f"{URL}delete/", follow=True)
    assert response.redirect_chain == [("/subscriptions/", 302)]
    assert "This subscription had been deleted already." in text_of(response)


@pytest.mark.parametrize("action", ["keys", "suspend", "activate"])
def test_somebody_who_had_to_sign_in_again_comes_back_to_the_page(
    administrator_client: Client, action: str
) -> None:
    row = make()
    assert administrator_client.get(f"{URL}{action}/")["Location"] == URL
    row.refresh_from_db()
    assert row.state == "active"


ACTIONS = ("suspend", "activate", "cancel", "delete", "regenerate-primary-key", "regenerate-secondary-key")


@pytest.mark.parametrize("action", ACTIONS)
def test_readers_and_strangers_cannot_act(
    reader_client: Client, stranger_client: Client, client: Client, action: str
) -> None:
    row = make()
    if action == "delete":
        cancel_subscription(ALICE, row.key)
    number = Revision.objects.get().number
    assert reader_client.post(f"{URL}{action}/").status_code == 403
    assert stranger_client.post(f"{URL}{action}/").status_code == 403
    assert client.post(f"{URL}{action}/").status_code == 302
    assert Revision.objects.get().number == number
