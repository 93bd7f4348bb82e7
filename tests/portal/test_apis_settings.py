"""An API's Settings tab."""

import re
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import User
from django.http import QueryDict
from django.test import Client, RequestFactory
from django.urls import reverse
from pytest_django import Settings

from gateway.changes.apis import MOST, Limits, delete_api, update_api
from gateway.changes.security import BasicCredentials
from gateway.models import Api, AuditEntry
from portal.views.apis import ApiSettings
from tests.builders import ALICE, choose, make_api, make_certificate
from tests.portal.audit import newest_entry
from tests.portal.reading import errors_beside, text_of

pytestmark = pytest.mark.django_db
URL = "/apis/partner-bank/settings/"


def fields(api: Api, **values: Any) -> dict[str, Any]:
    return {
        "display_name": api.display_name,
        "description": api.description,
        "web_service_url": api.web_service_url,
        "suffix": api.suffix,
        "scheme": ["http", "https"],
        "subscription_required": "on",
        "revision": api.revision,
        **values,
    }


def changed_by_somebody_else(api: Api, **values: Any) -> None:
    names = ("display_name", "description", "web_service_url", "suffix", "http", "https")
    update_api(ALICE, api.key, **{name: getattr(api, name) for name in names} | values)


def test_the_page_shows_the_settings(reader_client: Client, administrator_client: Client) -> None:
    make_api(description="What it is for")
    for client in (reader_client, administrator_client):
        response = client.get(URL)
        page = text_of(response)
        assert "APIs - Partner Bank" in page
        assert "What it is for" in page
        assert (
            "This is what the Web API URL is going to look like: http://127.0.0.1:8080/partner-bank" in page
        )
        assert 'value="https://bank.example"' in response.content.decode()


def test_saving_writes_and_says_so(administrator_client: Client) -> None:
    api = make_api()
    values = fields(api, display_name="Other", description="New", suffix="other", scheme=["https"])
    response = administrator_client.post(URL, values, follow=True)
    assert "“Other” was saved. No gateway is running" in text_of(response)
    api.refresh_from_db()
    assert (api.display_name, api.description, api.suffix, api.http, api.https) == (
        "Other", "New", "other", False, True,
    )  # fmt: skip
    assert newest_entry() == ("alice", "updated", "API", "Other")
    assert AuditEntry.objects.latest("revision").changes["suffix"] == ["partner-bank", "other"]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("display_name", "", "Enter a name for the API."),
        ("web_service_url", "https://u:p@bank.example", "user name or password"),
        ("web_service_url", "https://127.1", "not a valid IPv4 address"),
        ("suffix", "/x", "must not begin or end with a slash"),
        ("suffix", "Other", "is already taken by “Other”"),
        ("scheme", [], "Tick at least one scheme"),
        ("scheme", ["gopher"], "gopher"),
    ],
)
def test_a_bad_value_is_refused_on_its_field(
    administrator_client: Client, name: str, value: Any, message: str
) -> None:
    make_api("Other")
    api = make_api()
    response = administrator_client.post(URL, fields(api, description="typed", **{name: value}))
    assert message in " ".join(response.context["form"].errors[name])
    assert "typed" in text_of(response)
    assert Api.objects.get(pk=api.pk).revision == api.revision


def test_its_own_suffix_is_not_taken(administrator_client: Client) -> None:
    api = make_api()
    assert administrator_client.post(URL, fields(api, suffix="PARTNER-BANK")).status_code == 302
    assert "taken" not in text_of(administrator_client.get(URL))


def test_saving_over_somebody_elses_change_shows_both_values_and_asks(administrator_client: Client) -> None:
    api = make_api()
    changed_by_somebody_else(api, display_name="Theirs", description="Theirs too")
    response = administrator_client.post(URL, fields(api, display_name="Mine"))
    assert response.status_code == 409
    page = text_of(response)
    assert "Somebody else saved this while you were editing" in page
    assert "Web API name Theirs Mine" in page
    assert "Description Theirs too (nothing)" in page
    assert Api.objects.get(pk=api.pk).display_name == "Theirs"
    newest = response.context["conflict"].revision
    mine = fields(api, display_name="Mine", save_over=newest)
    assert administrator_client.post(URL, mine).status_code == 302
    assert Api.objects.get(pk=api.pk).display_name == "Mine"


def test_saving_over_a_third_change_asks_again(administrator_client: Client) -> None:
    api = make_api()
    changed_by_somebody_else(api, display_name="Theirs")
    seen = Api.objects.get(pk=api.pk).revision
    changed_by_somebody_else(api, display_name="Third")
    assert administrator_client.post(URL, fields(api, save_over=seen)).status_code == 409
    assert Api.objects.get(pk=api.pk).display_name == "Third"


def test_a_change_during_the_request_is_shown_too(rf: RequestFactory, administrator: User) -> None:
    api = make_api()
    view = ApiSettings()
    request = rf.post(URL)
    request.user = administrator
    view.setup(request, api_id=api.resource_id)
    form = view.build_form(QueryDict(urlencode(fields(api, display_name="Mine"), doseq=True)))
    assert form.is_valid(), form.errors
    changed_by_somebody_else(api, display_name="Theirs")
    differences = view.conflict(form, api.revision + 1).differences
    assert [(d.label, d.theirs, d.yours) for d in differences] == [("Web API name", "Theirs", "Mine")]


def test_sending_a_password_to_another_host_asks_first(administrator_client: Client) -> None:
    api = make_api()
    choose(api, BasicCredentials("alice", "hunter2"))
    values = fields(api, web_service_url="https://elsewhere.example")
    response = administrator_client.post(URL, values)
    assert response.status_code == 409
    assert "Yes, send it to elsewhere.example" in text_of(response)
    assert Api.objects.get(pk=api.pk).web_service_url == "https://bank.example"


def test_presenting_a_certificate_to_another_host_asks_first(administrator_client: Client) -> None:
    api = make_api()
    choose(api, make_certificate("partner-bank"))
    values = fields(api, web_service_url="https://elsewhere.example", description="kept")
    response = administrator_client.post(URL, values)
    page = text_of(response)
    assert response.status_code == 409
    assert "the client certificate “partner-bank” to https://elsewhere.example:443" in page
    assert "Yes, present it to elsewhere.example" in page
    assert Api.objects.get(pk=api.pk).web_service_url == "https://bank.example"
    hidden = dict(response.context["entered"]) | {"scheme": ["http", "https"]}
    confirmed = hidden | {"confirmed": response.context["question"]}
    assert administrator_client.post(URL, confirmed).status_code == 302
    saved = Api.objects.get(pk=api.pk)
    assert (saved.web_service_url, saved.description, saved.http) == (
        "https://elsewhere.example",
        "kept",
        True,
    )


def test_cancelling_the_question_keeps_what_was_entered_and_saves_nothing(
    administrator_client: Client,
) -> None:
    api = make_api()
    choose(api, make_certificate("partner-bank"))
    values = fields(api, web_service_url="https://elsewhere.example", keep_editing="yes", confirmed="x")
    response = administrator_client.post(URL, values)
    assert "Nothing was saved. What you entered is still here." in text_of(response)
    assert 'value="https://elsewhere.example"' in response.content.decode()
    assert Api.objects.get(pk=api.pk).web_service_url == "https://bank.example"


def test_agreeing_to_one_host_is_not_agreeing_to_another(administrator_client: Client) -> None:
    api = make_api()
    choose(api, make_certificate("partner-bank"))
    first = administrator_client.post(URL, fields(api, web_service_url="https://one.example"))
    agreed = first.context["question"]
    values = fields(api, web_service_url="https://two.example", confirmed=agreed)
    assert administrator_client.post(URL, values).status_code == 409
    assert Api.objects.get(pk=api.pk).web_service_url == "https://bank.example"


def test_another_path_at_the_same_host_needs_no_question(administrator_client: Client) -> None:
    api = make_api()
    choose(api, make_certificate("partner-bank"))
    values = fields(api, web_service_url="https://bank.example/v2")
    assert administrator_client.post(URL, values).status_code == 302


def test_http_together_with_a_client_certificate_is_refused_on_the_field(
    administrator_client: Client,
) -> None:
    api = make_api()
    choose(api, make_certificate("partner-bank"))
    response = administrator_client.post(URL, fields(api, web_service_url="http://bank.example"))
    assert "only presented over https" in " ".join(response.context["form"].errors["web_service_url"])
    assert "“partner-bank”" in text_of(response)
    assert Api.objects.get(pk=api.pk).web_service_url == "https://bank.example"


def test_a_scheme_that_is_not_offered_is_marked_but_not_lost(administrator_client: Client) -> None:
    make_api(http=True, https=True)
    boxes = {b.data["value"]: b.data for b in administrator_client.get(URL).context["form"]["scheme"]}
    assert boxes["https"]["selected"]
    assert "disabled" not in boxes["https"]["attrs"]
    assert boxes["https"]["label"] == "HTTPs (not offered)"


def test_https_only_is_explained_where_both_are_offered(
    administrator_client: Client, settings: Settings
) -> None:
    settings.GATEWAY_TLS_CERTIFICATE, settings.GATEWAY_PLAIN_PORT = "c.pem", 8081
    make_api()
    assert "With HTTPs alone the API refuses calls over plain HTTP." in text_of(administrator_client.get(URL))


def test_readers_see_disabled_fields_and_why_and_cannot_save(reader_client: Client) -> None:
    api = make_api()
    response = reader_client.get(URL)
    form = response.context["form"]
    assert all(field.disabled for field in form.fields.values())
    assert "only members of the group Administrators" in text_of(response)
    assert ">Save<" not in response.content.decode()
    assert reader_client.post(URL, fields(api, display_name="Mine")).status_code == 403
    assert Api.objects.get().display_name == "Partner Bank"


# --- subscription required ----------------------------------------------------------------------------------------
def open_notice(response: Any) -> str:
    """The attributes of the notice that warns of an API that is open to anyone."""
    (found,) = re.findall(r"<p ([^>]*)>Unticked, this API is open to anyone", response.content.decode())
    return str(found)


def test_subscription_required_is_ticked_and_warns_once_it_is_not(administrator_client: Client) -> None:
    api = make_api()
    response = administrator_client.get(URL)
    assert response.context["form"]["subscription_required"].value() is True
    assert "the API is open to anyone who reaches the gateway" in text_of(response)  # the help, at all times
    assert open_notice(response).endswith(" hidden")
    assert 'data-shows-for="subscription_required=off"' in open_notice(response)
    values = {name: value for name, value in fields(api).items() if name != "subscription_required"}
    response = administrator_client.post(URL, values, follow=True)
    assert not open_notice(response).endswith(" hidden")
    assert not Api.objects.get().subscription_required
    assert AuditEntry.objects.latest("revision").changes == {"subscription_required": [True, False]}
    administrator_client.post(URL, fields(Api.objects.get()))
    assert Api.objects.get().subscription_required


def test_a_form_with_an_error_still_warns_of_the_missing_tick(administrator_client: Client) -> None:
    api = make_api()
    values = fields(api, display_name="")
    del values["subscription_required"]
    assert not open_notice(administrator_client.post(URL, values)).endswith(" hidden")


# --- limits -------------------------------------------------------------------------------------------------------
def limits_of(api: Api) -> Limits:
    return Limits(**{name: getattr(api, name) for name in MOST})


def limits_are_open(response: Any) -> bool:
    (found,) = re.findall(r'<details class="limits"([^>]*)>', response.content.decode())
    return str(found).strip() == "open"


def test_limits_are_saved_shown_and_taken_away_again(administrator_client: Client) -> None:
    api = make_api()
    assert not limits_are_open(administrator_client.get(URL))
    limits = Limits(5, 60, 120, 1_048_576, 20)
    entered = {name: str(getattr(limits, name)) for name in MOST}
    response = administrator_client.post(URL, fields(api, **entered), follow=True)
    assert limits_are_open(response)
    assert 'value="1048576"' in response.content.decode()
    saved = Api.objects.get()
    assert limits_of(saved) == limits
    assert AuditEntry.objects.latest("revision").changes["max_calls"] == [None, 20]
    administrator_client.post(URL, fields(saved, **dict.fromkeys(MOST, "")))
    assert limits_of(Api.objects.get()) == Limits()


@pytest.mark.parametrize("name", MOST)
@pytest.mark.parametrize("value", ["0", "-1", "1.5", "ten", "too many"])
def test_a_limit_that_is_no_number_in_its_range_is_refused_beside_its_field(
    administrator_client: Client, name: str, value: str
) -> None:
    api = make_api()
    text = str(MOST[name] + 1) if value == "too many" else value
    response = administrator_client.post(URL, fields(api, **{name: text}))
    assert errors_beside(response, name) == [f"Use a whole number from 1 to {MOST[name]}, or leave it empty."]
    assert limits_are_open(response)
    assert f'value="{text}"' in response.content.decode()
    assert Api.objects.get().revision == api.revision


@pytest.mark.parametrize("name", MOST)
def test_the_largest_value_of_a_limit_is_taken(administrator_client: Client, name: str) -> None:
    administrator_client.post(URL, fields(make_api(), **{name: str(MOST[name])}))
    assert getattr(Api.objects.get(), name) == MOST[name]


def test_what_counts_for_an_empty_limit_is_said(administrator_client: Client, settings: Settings) -> None:
    make_api()
    settings.GATEWAY_CONNECT_TIMEOUT, settings.GATEWAY_MAX_BODY_BYTES = 2.5, 12_345_678
    response = administrator_client.get(URL)
    page, words = response.content.decode(), text_of(response)
    for default, setting in (
        ("2.5", "GATEWAY_CONNECT_TIMEOUT"),
        ("300", "GATEWAY_READ_TIMEOUT"),
        ("no deadline", "GATEWAY_TOTAL_TIMEOUT"),
        ("12345678", "GATEWAY_MAX_BODY_BYTES"),
        ("500", "GATEWAY_MAX_CALLS_PER_API"),
    ):
        assert f'placeholder="{default}"' in page
        assert f"Left empty: {default} ({setting})." in words
    assert page.count('inputmode="numeric"') == len(MOST)


def test_an_edit_conflict_shows_limits_and_the_tick(administrator_client: Client) -> None:
    api = make_api()
    changed_by_somebody_else(api, subscription_required=False, limits=Limits(max_calls=7))
    page = text_of(administrator_client.post(URL, fields(api, read_timeout="30")))
    assert "Subscription required No Yes" in page
    assert "Calls in flight per gateway process 7 (nothing)" in page
    assert "Read deadline in seconds (nothing) 30" in page


def test_the_question_about_another_host_carries_limits_and_the_tick(administrator_client: Client) -> None:
    api = make_api()
    choose(api, make_certificate("partner-bank"))
    values = fields(api, web_service_url="https://elsewhere.example", max_calls="7")
    asked = administrator_client.post(URL, values)
    hidden = dict(asked.context["entered"]) | {"scheme": ["http"], "confirmed": asked.context["question"]}
    assert administrator_client.post(URL, hidden).status_code == 302
    saved = Api.objects.get()
    assert (saved.max_calls, saved.subscription_required) == (7, True)


def test_an_unknown_api_has_a_page_that_leads_to_the_list(administrator_client: Client) -> None:
    for name in ("api-summary", "api-settings", "operations", "operation-add", "api-delete"):
        response = administrator_client.get(reverse(name, args=["nix"]))
        assert response.status_code == 404
        assert "There is no API with the id “nix”." in text_of(response)
        assert '<a href="/apis/">All APIs</a>' in response.content.decode()


def test_saving_an_api_that_was_deleted_meanwhile_says_so(administrator_client: Client) -> None:
    api = make_api()
    delete_api(ALICE, api.key)
    response = administrator_client.post(URL, fields(api))
    assert response.status_code == 404
    assert "Somebody may have deleted it" in text_of(response)


@pytest.mark.parametrize("resource_id", ["a b", "ä?#&=+;", "..", ".", "add", "{x}", "<b>", "~@"])
def test_every_id_has_an_address(administrator_client: Client, resource_id: str) -> None:
    make_api(resource_id=resource_id)
    for name in ("api-summary", "api-settings", "operations"):
        response = administrator_client.get(reverse(name, args=[resource_id]))
        assert response.status_code == 200
        assert response.context["api"].resource_id == resource_id
        assert not {".", ".."} & set(reverse(name, args=[resource_id]).split("/"))  # browsers resolve these


def test_ids_are_found_without_regard_to_case(administrator_client: Client) -> None:
    make_api()
    assert administrator_client.get("/apis/PARTNER-Bank/").status_code == 200
