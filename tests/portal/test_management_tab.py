"""Security > API Management REST API: the tick, the principals with their keys, and Generate Token."""

import logging
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from gateway.changes import principals as changes
from gateway.models import AuditEntry, Principal
from portal.forms.management import TimeField, classic_time
from portal.management_api import tokens
from portal.middleware import _STARTED
from tests.arrange import update_directly
from tests.builders import ALICE
from tests.portal.audit import newest_entry
from tests.portal.reading import banners, errors_beside, heading, link, rows, text_of

pytestmark = pytest.mark.django_db
TAB = "/security/management-api/"
ADD = f"{TAB}principals-add/"
TOKEN = f"{TAB}token/"
LATER = "01/02/2999 3:04 PM"


@pytest.fixture
def pipeline() -> Principal:
    """A principal with a primary key."""
    row = changes.create_principal(ALICE, identifier="pipeline", role="contributor")
    changes.regenerate_key(ALICE, row.key, "primary")
    return changes.get_principal(row.key)


def page_of(row: Principal, what: str) -> str:
    return f"{TAB}principals/{row.key}/{what}/"


def shown_key(response: Any) -> str:
    """The one key that a page shows, which can be copied."""
    (key,) = re.findall(r"<code>([A-Za-z0-9+/]{86}==)</code>", response.content.decode())
    assert f'data-copy="{key}" aria-label="Copy key"' in response.content.decode()
    return key


def asked(row: Principal, **values: str) -> dict[str, str]:
    return {"identifier": str(row.key), "which": "primary", "expires_at": LATER} | values


def test_labels_of_dialogs_are_not_those_of_the_tab(
    administrator_client: Client, pipeline: Principal
) -> None:
    """A dialog is shown within the tab: a label leads to the first element that has the id."""
    ids = re.compile(r'<(?:input|select)[^>]* id="(id_[a-z_]+)"')
    on_the_tab = {*ids.findall(administrator_client.get(TAB).content.decode())} - {"id_revision"}
    assert "id_token_expires_at" in on_the_tab
    for page in (ADD, *(page_of(pipeline, what) for what in ("edit", "regenerate-primary"))):
        assert not on_the_tab & {*ids.findall(administrator_client.get(page).content.decode())}


# --- the tab ------------------------------------------------------------------------------------------------------
def test_the_tab_is_the_first_of_security_and_tells_the_addresses(administrator_client: Client) -> None:
    for page in (TAB, "/security/client-certificates/", "/security/ca-certificates/"):
        bar = administrator_client.get(page).context["tab_bar"]
        labels = ["API Management REST API", "Client certificates", "CA certificates"]
        assert [tab.label for tab in bar] == labels
        assert bar[0].selected == (page == TAB)
    response = administrator_client.get(TAB)
    text = text_of(response)
    for label in ("Enable API Management REST API", "Credentials", "Access Token", "Expiry", "Secret Key"):
        assert label in text  # as in the original
    page = text.replace(" ", "")
    assert heading(response) == "Security"
    assert "http://testserver/management/certificates?api-version=2014-02-14" in page
    assert "/Microsoft.ApiManagement/service/portal/certificates?api-version=2024-05-01" in page
    assert link(response, "openapi.json") == "http://testserver/management/openapi.json"
    assert administrator_client.get("/security/")["Location"] == "/security/client-certificates/"


@pytest.mark.parametrize(("url", "warned"), [("http://p.example", True), ("https://p.example", False)])
def test_a_portal_without_tls_warns_of_tokens_in_the_clear(
    administrator_client: Client, settings: Settings, url: str, warned: bool
) -> None:
    settings.PORTAL_PUBLIC_URL = url
    response = administrator_client.get(TAB)
    assert f"{url}/management" in text_of(response)
    assert ("cross the network in the clear" in text_of(response)) == warned


def test_save_switches_the_api_on_and_off(administrator_client: Client) -> None:
    for enabled, said in (("on", "REST API is on."), ("", "REST API is off: every request is refused.")):
        revision = changes.read_management_api().revision
        values = {"revision": revision} | ({"enabled": enabled} if enabled else {})
        response = administrator_client.post(TAB, values, follow=True)
        assert response.redirect_chain == [(TAB, 302)]
        assert said in banners(response)[0][1]
        assert changes.read_management_api().enabled == bool(enabled)
    assert newest_entry() == ("alice", "updated", "management REST API", "management REST API")


def test_a_save_over_somebody_elses_is_asked_for(administrator_client: Client) -> None:
    before = changes.read_management_api().revision
    changes.set_management_api(ALICE, enabled=True)
    response = administrator_client.post(TAB, {"revision": before})
    assert response.status_code == 409
    assert "Somebody else saved this" in text_of(response)
    assert changes.read_management_api().enabled


def test_each_principal_is_listed_with_what_is_known_of_its_keys(
    administrator_client: Client, pipeline: Principal
) -> None:
    response = administrator_client.get(TAB)
    assert rows(response) == ["integration", "pipeline"]
    log = administrator_client.get(link(response, "audit log"))
    assert (log.status_code, log.context["cl"].params) == (200, {"actor_kind": "api"})
    assert "pipeline Contributor Made " in text_of(response)
    assert "Never expires Regenerate Revoke None Make key Edit Delete" in text_of(response)
    update_directly(Principal, pipeline.key, primary_expires_at=timezone.now() - timedelta(days=1))
    changes.regenerate_key(ALICE, pipeline.key, "secondary")
    response = administrator_client.get(TAB)
    assert "expired" in text_of(response)
    assert response.context["token_form"]["which"].value() == "secondary", "the first that signs"


def test_a_pause_is_told(administrator_client: Client, pipeline: Principal) -> None:
    changes.set_management_api(ALICE, enabled=True)
    for name in ("pipeline", "nobody"):
        token = tokens.token(name, timezone.now() + timedelta(hours=1), "guessed")
        for _ in range(5):
            Client().get("/management/", headers={"Authorization": token}, REMOTE_ADDR="203.0.113.5")
    page = text_of(administrator_client.get(TAB))
    assert re.search(
        r"Tokens of pipeline from 203.0.113.5 are refused until \S+ \S+ UTC , good ones too", page
    )
    assert "Tokens of identifiers that nobody has from 203.0.113.5 are refused" in page
    for identifier in ("pipeline", ""):
        assert f"manage.py axes_reset_username management:{identifier} ends that." in page


def test_readers_see_the_tab_without_anything_to_do(reader_client: Client, pipeline: Principal) -> None:
    main = reader_client.get(TAB).content.decode().split("<main", 1)[1]
    assert "pipeline" in main
    assert 'name="enabled"' in main
    assert re.search(r'<input[^>]*name="enabled"[^>]* disabled', main)
    assert not re.search(r"<button(?! type=\"button\")|/principals|/token/|Generate", main)
    before = Principal.objects.values().get(pk=pipeline.pk), AuditEntry.objects.count()
    for url in (
        TAB,
        ADD,
        TOKEN,
        *(page_of(pipeline, what) for what in ("edit", "delete", "revoke-primary-key")),
    ):
        assert reader_client.post(url, asked(pipeline, revision="1", role="reader")).status_code == 403
    assert before == (Principal.objects.values().get(pk=pipeline.pk), AuditEntry.objects.count())


# --- principals and their keys ------------------------------------------------------------------------------------
def test_a_principal_is_added_with_a_key_that_is_shown_once(administrator_client: Client) -> None:
    values = {"identifier": "release", "role": "reader", "expires_at": LATER}
    response = administrator_client.post(ADD, values)
    row = Principal.objects.get(resource_id="release")
    assert (response.status_code, response["Cache-Control"]) == (200, "no-store, private")
    assert "it is not shown again" in text_of(response)
    assert changes.opened_keys(row) == [("primary", shown_key(response))]
    assert (row.role, row.primary_expires_at) == ("reader", datetime(2999, 1, 2, 15, 4, tzinfo=UTC))
    assert link(response, "Generate a token") == f"{TAB}?identifier={row.key}&which=primary#token"
    again = administrator_client.post(ADD, values)  # a reload
    said = "The identifier “release” is already taken. Choose another one."
    assert errors_beside(again, "identifier") == [said]
    assert changes.opened_keys(Principal.objects.get(pk=row.pk)) == changes.opened_keys(row)


def test_without_its_key_no_principal_is_added(administrator_client: Client) -> None:
    def busy(execute: Any, sql: str, *rest: Any) -> Any:
        if sql.startswith('UPDATE "gateway_principal"'):
            raise OperationalError("database is locked")
        return execute(sql, *rest)

    with connection.execute_wrapper(busy):
        response = administrator_client.post(
            ADD, {"identifier": "release", "role": "reader", "expires_at": ""}
        )
    assert (response.status_code, "nothing was saved" in text_of(response)) == (503, True)
    assert not Principal.objects.filter(resource_id="release").exists()


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"identifier": "a&b"}, "identifier"),
        ({"identifier": ""}, "identifier"),
        ({"role": "owner"}, "role"),
        ({"expires_at": "01/02/2003 4:05 AM"}, "expires_at"),
        ({"expires_at": "soon"}, "expires_at"),
    ],
)
def test_what_is_wrong_with_a_principal_is_said_beside_the_field(
    administrator_client: Client, values: dict[str, str], field: str
) -> None:
    sent = {"identifier": "release", "role": "reader", "expires_at": "", **values}
    assert errors_beside(administrator_client.post(ADD, sent), field)
    assert Principal.objects.count() == 1


@pytest.mark.parametrize("which", changes.WHICH)
def test_a_key_is_made_after_a_question_and_a_reload_makes_no_other(
    administrator_client: Client, pipeline: Principal, which: str
) -> None:
    url = page_of(pipeline, f"regenerate-{which}-key")
    question = administrator_client.get(url)
    asks = which == "primary"
    assert heading(question) == f"{'Regenerate' if asks else 'Make'} the {which} key"
    assert ("Tokens that the former one has signed are refused at once." in text_of(question)) == asks
    values = {"revision": pipeline.revision, "expires_at": ""}
    key = shown_key(administrator_client.post(url, values))
    assert (which, key) in changes.opened_keys(changes.get_principal(pipeline.key))
    again = administrator_client.post(url, values, follow=True)
    assert banners(again) == [
        ("warning", "“pipeline” has been changed meanwhile. Nothing was done: look at it again.")
    ]
    assert (which, key) in changes.opened_keys(changes.get_principal(pipeline.key))


def test_a_key_is_revoked_after_a_question(administrator_client: Client, pipeline: Principal) -> None:
    url = page_of(pipeline, "revoke-primary-key")
    assert "refused at once" in text_of(administrator_client.get(url))
    response = administrator_client.post(url, {"revision": pipeline.revision}, follow=True)
    assert banners(response)[0][1] == "The primary key of “pipeline” was revoked: what it signed is refused."
    assert changes.opened_keys(changes.get_principal(pipeline.key)) == []
    assert "has no primary key" in text_of(administrator_client.get(url, follow=True))


def test_a_principal_is_deleted_after_a_question(administrator_client: Client, pipeline: Principal) -> None:
    url = page_of(pipeline, "delete")
    assert "Are you sure you want to delete the principal pipeline ?" in text_of(
        administrator_client.get(url)
    )
    response = administrator_client.post(url, {"revision": pipeline.revision}, follow=True)
    assert rows(response) == ["integration"]
    response = administrator_client.post(url, {"revision": pipeline.revision}, follow=True)
    assert banners(response) == [("info", "This principal had been deleted already.")]
    assert administrator_client.get(url).status_code == 404


def test_the_role_is_edited(administrator_client: Client, pipeline: Principal) -> None:
    url = page_of(pipeline, "edit")
    values = {"revision": pipeline.revision, "role": "reader"}
    assert "a reader from its next request on" in text_of(administrator_client.post(url, values, follow=True))
    assert changes.get_principal(pipeline.key).role == "reader"
    assert administrator_client.post(url, values | {"role": "contributor"}).status_code == 409


# --- tokens -------------------------------------------------------------------------------------------------------
def test_a_token_is_generated_with_a_ready_curl_line(
    administrator_client: Client, pipeline: Principal
) -> None:
    form = administrator_client.get(TAB).context["token_form"]
    tomorrow = TimeField().clean(form["expires_at"].value())
    assert timedelta(hours=23) < tomorrow - timezone.now() <= timedelta(days=1)
    assert (form["identifier"].value(), form["which"].value()) == (str(pipeline.key), "primary")
    response = administrator_client.post(TOKEN, asked(pipeline))
    ((_, key),) = changes.opened_keys(pipeline)
    token = tokens.token("pipeline", datetime(2999, 1, 2, 15, 4, tzinfo=UTC), key)
    assert response.context["token"] == token
    assert response["Cache-Control"] == "no-store, private"
    curl = (
        f"curl -H 'Authorization: {token}' 'http://testserver/management/certificates?api-version=2014-02-14'"
    )
    assert curl in text_of(response)
    assert "It works once the API is enabled above." in text_of(response)
    assert "It holds until 2999-01-02 15:04 UTC" in text_of(response)
    assert newest_entry()[:2] == ("alice", "generated a token of")


@pytest.mark.parametrize(
    ("values", "field", "said"),
    [
        ({"which": "secondary"}, "which", "“pipeline” has no secondary key. Make one first."),
        ({"expires_at": "01/02/2003 4:05 AM"}, "expires_at", "This is in the past. Enter a time to come."),
        ({"expires_at": ""}, "expires_at", "Enter when the token expires."),
        ({"expires_at": "13/13/2999 25:00 AM"}, "expires_at", "Write it as MM/DD/YYYY H:MM AM or PM"),
        ({"expires_at": LATER}, "expires_at", "The primary key expires before, at 2998-01-01 00:00 UTC."),
        ({"identifier": "x"}, "identifier", "This principal is not there any more. Choose another one."),
    ],
)
def test_why_there_is_no_token_is_said_beside_the_field(
    administrator_client: Client, pipeline: Principal, values: dict[str, str], field: str, said: str
) -> None:
    update_directly(Principal, pipeline.key, primary_expires_at=datetime(2998, 1, 1, tzinfo=UTC))
    response = administrator_client.post(TOKEN, asked(pipeline, **values))
    assert errors_beside(response, f"token_{field}")[0].startswith(said)
    assert not response.context["token"]
    assert "sn=" not in text_of(response)


@pytest.mark.parametrize(
    "text",
    [
        "11/28/2026 5:43 PM", "11/28/2026  05:43PM",
        "2026-11-28 17:43", "2026-11-28T17:43:00Z", "2026-11-28 17:43 UTC",
        "2026-11-28T18:43+01:00",
    ],
)  # fmt: skip
def test_a_time_is_read_as_the_original_writes_it_and_in_iso_8601(text: str) -> None:
    assert TimeField().clean(text) == datetime(2026, 11, 28, 17, 43, tzinfo=UTC)
    assert classic_time(datetime(2026, 11, 28, 0, 5, tzinfo=UTC)) == "11/28/2026 12:05 AM"


@pytest.mark.parametrize(
    "text", ["28/11/2026 5:43 PM", "11/28/2026 17:43 PM", "0001-01-01T00:00+23:00", "now"]
)
def test_any_other_time_is_explained(text: str) -> None:
    with pytest.raises(Exception, match="in UTC"):
        TimeField().clean(text)


def test_whoever_is_signed_out_meanwhile_finds_the_form_filled_in(
    administrator_client: Client, administrator: User, pipeline: Principal
) -> None:
    administrator_client.get(TAB)
    session = administrator_client.session
    session[_STARTED] = 0
    session.save()
    assert administrator_client.post(TOKEN, asked(pipeline)).status_code == 302
    administrator_client.force_login(administrator)
    response = administrator_client.get(TOKEN)
    assert response.context["token_form"]["expires_at"].value() == LATER
    assert "sn=" not in text_of(response)


# --- secrets ------------------------------------------------------------------------------------------------------
def test_no_message_log_session_or_other_page_holds_a_key_or_a_token(
    administrator_client: Client, pipeline: Principal, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        values = {"revision": pipeline.revision, "expires_at": ""}
        key = shown_key(administrator_client.post(page_of(pipeline, "regenerate-primary-key"), values))
        token = administrator_client.post(TOKEN, asked(pipeline)).context["token"]
        pages = [administrator_client.get(url, follow=True).content.decode() for url in (TAB, TOKEN, "/")]
    sealed = changes.get_principal(pipeline.key).sealed_primary_key
    kept = " ".join(str(session.get_decoded()) for session in Session.objects.all())
    audited = str(list(AuditEntry.objects.values()))
    everywhere = "".join([*pages, kept, audited, caplog.text])
    assert not [one for one in (key, token[-88:], sealed) if one in everywhere]
