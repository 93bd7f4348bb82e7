"""The dashboard: what there is, what expires, what was changed, which gateways run."""

from datetime import datetime, timedelta

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from gateway import records, records_notices
from gateway.changes.notifications import save_notification_settings
from gateway.models import CaCertificate, Certificate, Revision
from portal.templatetags import portal as tags
from portal.views import dashboard
from tests.arrange import update_directly
from tests.builders import (
    ALICE,
    choose,
    make_api,
    make_ca_certificate,
    make_certificate,
    make_operation,
    make_subscription,
)
from tests.portal.reading import link


def page(client: Client) -> str:
    return client.get("/").content.decode()


def make_certificate_until(name: str, days: float) -> None:
    now = timezone.now()
    make_certificate(
        name, not_before=now - timedelta(days=400), not_after=now + timedelta(days=days, minutes=5)
    )


def test_everything_is_counted(administrator_client: Client) -> None:
    make_operation(make_api())
    make_api("Ledger")
    make_subscription()
    for name, days in (("fine", 400), ("soon", 12), ("last-day", 29), ("gone", -2)):
        make_certificate_until(name, days)
    response = administrator_client.get("/")
    assert response.context["counts"] == {
        "apis": 2, "operations": 1, "subscriptions": 1, "certificates": 4, "ca_certificates": 0, "expiring": 2,
        "expired": 1,
    }  # fmt: skip
    assert '<a href="/subscriptions/"><strong>1</strong> subscription</a>' in response.content.decode()


def listed(response: HttpResponse) -> list[str]:
    return [row.expiry.name for row in response.context["expiring"]]


def test_certificates_of_the_next_year_are_listed_with_the_first_to_go_first(
    administrator_client: Client,
) -> None:
    for name, days in (("fine", 400), ("later", 300), ("soon", 12), ("gone", -2)):
        make_certificate_until(name, days)
    response = administrator_client.get("/")
    assert listed(response) == ["gone", "soon", "later"]
    shown = response.content.decode()
    assert '<span class="state state-expired">expired</span>' in shown
    assert '<span class="state state-warning">expires in 12 days</span>' in shown
    assert "None: nothing depends on it" in shown


def test_ca_certificates_are_among_them(administrator_client: Client) -> None:
    ca = make_ca_certificate()
    update_directly(CaCertificate, ca.key, not_after=timezone.now() + timedelta(days=3))
    shown = page(administrator_client)
    assert f"{ca.resource_id}</a>" in shown
    assert "(CA certificate)" in shown
    assert "<rect x=" in shown


def test_what_is_in_use_is_not_hidden_behind_what_is_not(administrator_client: Client) -> None:
    for name, days in (("gone", -2), ("used", 200), ("soon", 12)):
        make_certificate_until(name, days)
    choose(make_api(), Certificate.objects.get(resource_id="used"))
    assert listed(administrator_client.get("/")) == ["used", "gone", "soon"]


def test_what_is_in_use_is_listed_however_many_are_not(
    administrator_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dashboard, "MOST_LISTED", 3)
    make_certificate_until("in-use", 300)
    choose(make_api("Partner Bank"), Certificate.objects.get())
    for number in range(4):
        make_certificate_until(f"gone-{number}", -number - 1)
    rows = administrator_client.get("/").context["expiring"]
    assert [row.expiry.name for row in rows] == ["in-use", "gone-3", "gone-2"]


def test_the_apis_at_risk_are_named_and_linked(administrator_client: Client) -> None:
    make_certificate_until("soon", 12)
    apis = [make_api(f"Bank {number}") for number in range(7)]
    for api in apis:
        choose(api, Certificate.objects.get())
    shown = page(administrator_client)
    assert '<li><a href="/apis/bank-0/security/">Bank 0</a></li>' in shown
    assert "and 2 more" in shown


def test_of_many_certificates_the_first_ten_are_in_sight_and_a_hundred_listed(
    administrator_client: Client,
) -> None:
    for number in range(12):
        make_certificate_until(f"soon-{number}", number + 1)
    response = administrator_client.get("/")
    assert listed(response) == [f"soon-{n}" for n in range(10)]
    assert [row.expiry.name for row in response.context["more_expiring"]] == ["soon-10", "soon-11"]
    assert "<summary>2 more</summary>" in response.content.decode()


def test_what_is_not_listed_is_counted(administrator_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dashboard, "MOST_LISTED", 12)
    for number in range(14):
        make_certificate_until(f"soon-{number}", number + 1)
    shown = page(administrator_client)
    assert "And 2 more: see the lists" in shown
    assert 'href="/security/client-certificates/?sort=until"' in shown


def test_the_time_line_says_in_words_what_it_shows(administrator_client: Client) -> None:
    for name, days in (("later", 300), ("gone", -2), ("gone-too", -3)):
        make_certificate_until(name, days)
    shown = page(administrator_client)
    assert "Time line: 2 certificates have expired, 1 expires within 12 months." in shown
    assert shown.count('<g class="mark ') == 2


def test_a_year_without_an_expiry_is_said_in_a_line(administrator_client: Client) -> None:
    make_certificate_until("fine", 400)
    shown = page(administrator_client)
    assert "No certificate expires within the next 12 months." in shown
    assert "time-line" not in shown.replace("time-line-", "")


def test_the_dashboard_says_when_nobody_is_told(administrator_client: Client, settings: Settings) -> None:
    make_certificate_until("soon", 12)
    assert "Nobody is told by e-mail" in page(administrator_client)
    save_notification_settings(ALICE, recipients=["ops@bank.example"], thresholds=[7])
    assert "Nobody is told by e-mail" not in page(administrator_client)
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
    assert "Nobody is told by e-mail" in page(administrator_client)


def test_the_dashboard_says_when_the_last_run_failed_or_none_is_made_any_more(
    administrator_client: Client,
) -> None:
    make_certificate_until("soon", 12)
    save_notification_settings(ALICE, recipients=["ops@bank.example"], thresholds=[7])
    now = timezone.now()
    records_notices.record_run(now - timedelta(days=3), 0)
    assert "For more than two days nothing has looked" in page(administrator_client)
    records_notices.record_run(now - timedelta(days=1), 0, "nothing listens at mail:25")
    assert "did not reach everybody" in page(administrator_client)
    records_notices.record_run(now, 1)
    assert "two days" not in page(administrator_client)
    assert "did not reach" not in page(administrator_client)


def test_the_newest_changes_say_who_did_what(administrator_client: Client) -> None:
    make_api("Partner Bank")
    shown = page(administrator_client)
    assert "created API <strong>Partner Bank</strong>" in shown
    assert "alice" in shown


def test_all_operations_of_a_new_api_are_one_line_of_the_newest_changes(administrator_client: Client) -> None:
    make_api("Partner Bank", all_operations=True)
    shown = page(administrator_client)
    assert "added all operations to API <strong>Partner Bank</strong>" in shown
    assert "created operation" not in shown


def test_an_empty_dashboard_says_what_to_do_next(administrator_client: Client) -> None:
    shown = page(administrator_client)
    assert "There is no client certificate yet." in shown
    assert "Nothing has been changed yet." in shown
    assert "No gateway is running" in shown


def test_a_reader_sees_why_an_action_is_missing(reader_client: Client) -> None:
    make_certificate()
    make_api()
    shown = page(reader_client)
    assert "only members of the group Administrators can change it" in shown
    assert "(read only)" in shown


def test_running_gateways_are_shown_and_whether_they_are_behind(administrator_client: Client) -> None:
    make_api()
    revision = Revision.objects.get().number
    records.register_gateway("up", revision)
    records.register_gateway("slow", revision - 1)
    shown = page(administrator_client)
    assert shown.index("slow") < shown.index("behind") < shown.index("<strong>up") < shown.index("up to date")


def test_what_a_name_contains_is_text(administrator_client: Client) -> None:
    make_api("<script>alert(1)</script>", suffix="x")
    assert "<script>alert" not in page(administrator_client)


def test_the_number_of_queries_does_not_grow_with_the_data(
    administrator_client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(4):
        make_certificate_until(f"soon-{number}", 5)
        choose(make_api(f"Api {number}"), Certificate.objects.get(resource_id=f"soon-{number}"))
    page(administrator_client)
    with django_assert_max_num_queries(20):
        page(administrator_client)


@pytest.mark.parametrize("role", ["administrator", "reader"])
def test_every_page_offers_help_change_password_and_sign_out(
    role: str, request: pytest.FixtureRequest
) -> None:
    shown = page(request.getfixturevalue(f"{role}_client"))
    assert '<a href="/help/">Help</a>' in shown
    assert '<a href="/change-password/">Change password</a>' in shown
    assert 'action="/sign-out/"' in shown


def test_every_entry_of_the_menu_leads_to_a_page(administrator_client: Client) -> None:
    menu = administrator_client.get("/").context["menu"]
    labels = ["Dashboard", "APIs", "Subscriptions", "Policies", "Notifications", "Security", "Properties"]
    assert [entry.label for entry in menu] == labels
    assert {administrator_client.get(entry.url).status_code for entry in menu} == {200}


def test_every_link_of_the_help_page_leads_somewhere(administrator_client: Client) -> None:
    links = administrator_client.get("/help/").context["links"]
    assert all(links.values())


def test_a_time_is_shown_in_utc_with_the_exact_one_in_its_title() -> None:
    moment = datetime.fromisoformat("2027-03-05T16:20:31+02:00")
    assert tags.utc_time(moment) == (
        '<time datetime="2027-03-05T14:20:31Z" title="2027-03-05T14:20:31Z">2027-03-05 14:20 UTC</time>'
    )


def test_the_last_four_characters_of_a_thumbprint_are_set_apart_and_it_copies_whole() -> None:
    assert tags.thumbprint("AB12CD34") == (
        '<code class="thumbprint"><span>AB12</span><strong>CD34</strong></code>'
    )


def test_what_is_in_use_and_due_leads_straight_to_its_replacement(
    administrator_client: Client, reader_client: Client
) -> None:
    for name, days in (("due", 9), ("later", 90), ("unused", 9)):
        make_certificate_until(name, days)
    due, later = Certificate.objects.exclude(resource_id="unused").order_by("resource_id")
    choose(make_api("Bank"), due)
    choose(make_api("Insurance"), later)
    shown = administrator_client.get("/")
    assert link(shown, "Replace... due") == f"/security/client-certificates/{due.pk}/replace/"
    assert shown.content.decode().count("Replace...") == 1
    assert "Replace..." not in page(reader_client)


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (-1, "expired"),
        (0.5, "expires within a day"),
        (1.5, "expires in 1 day"),
        (12.1, "expires in 12 days"),
        (31.5, "expires in 31 days"),
        (729.5, "expires in 729 days"),
        (3649.5, "expires in 9 years"),
    ],
)
def test_expiry_is_said_in_words(days: float, words: str) -> None:
    assert f">{words}<" in tags.expiry(timezone.now() + timedelta(days=days))


def test_a_certificate_that_is_not_valid_yet_says_so() -> None:
    now = timezone.now()
    assert "not valid yet" in tags.expiry(now + timedelta(days=100), now + timedelta(days=1))
