"""Notifications: the page, the e-mails through real mail servers, and the command."""

import re
import socket
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from gateway import records_notices
from gateway.changes.certificate_versions import use_version
from gateway.changes.certificates import delete_certificate
from gateway.changes.notifications import read_notification_settings, save_notification_settings
from gateway.models import ExpiryNotice, NotificationRun
from gateway.portal_url import portal_url
from portal.notifying.run import Outcome, due_now, is_time, tell
from tests.builders import ALICE, choose, make_api, make_ca_certificate, make_certificate, make_version, renew
from tests.mail_server import MailServer, mail_server

pytestmark = pytest.mark.django_db

SMTP = "django.core.mail.backends.smtp.EmailBackend"
OPS, ANNA = "ops@bank.example", "anna@bank.example"


def until(name: str, days: float) -> Any:
    """A certificate that expires in so many days, and a moment."""
    now = timezone.now()
    return make_certificate(
        name, name, not_before=now - timedelta(days=500), not_after=now + timedelta(days=days, minutes=5)
    )


def recipients(*addresses: str, thresholds: tuple[int, ...] = (60, 30, 7, 1, 0)) -> None:
    save_notification_settings(ALICE, recipients=addresses, thresholds=thresholds)


@pytest.fixture
def through(settings: Settings) -> Callable[[MailServer], MailServer]:
    """E-mail goes through a mail server of this test's own."""

    def use(server: MailServer) -> MailServer:
        settings.EMAIL_BACKEND, settings.EMAIL_HOST, settings.EMAIL_PORT = SMTP, "127.0.0.1", server.port
        settings.EMAIL_TIMEOUT = 0.5
        return server

    return use


def run(*options: str) -> tuple[str, str]:
    """What the command prints, and why it failed."""
    printed = StringIO()
    try:
        call_command("send_expiry_notifications", *options, stdout=printed)
    except CommandError as error:
        return printed.getvalue(), str(error)
    return printed.getvalue(), ""


# --- One e-mail about all ---------------------------------------------------------------------------------------


def test_one_e_mail_tells_of_all_and_of_those_first_that_apis_depend_on(settings: Settings) -> None:
    settings.PORTAL_PUBLIC_URL = "https://portal.example"
    recipients(OPS)
    bank, ca = until("bank", 5), make_ca_certificate("Bank CA")
    until("fine", 400)
    gone = until("gone", -3)
    choose(make_api("Partner Bank"), bank)
    outcome = tell(timezone.now())
    assert [notice.expiry.name for notice in outcome.notices] == ["gone", "bank"]
    assert ca.not_after > timezone.now() + timedelta(days=60)
    (message,) = mail.outbox
    assert message.subject == (
        "[Publisher portal] Client certificate bank expires in 5 days (Partner Bank), and 1 more"
    )
    assert message.to == [OPS]
    text = str(message.body)
    assert text.index("bank expires in 5 days") < text.index("Client certificate gone expired 2 days ago")
    assert f"ends in {bank.current.thumbprint[-4:]}" in text
    assert "Issued by:    CN=bank" in text
    assert "APIs at risk: Partner Bank" in text
    assert "choose Replace..." in text
    assert "CA certificate:" not in text
    assert "APIs at risk: none, nothing depends on it" in text
    assert f"https://portal.example/security/client-certificates/?q={gone.current.thumbprint}" in text or (
        f"https://portal.example/security/client-certificates/{gone.key}/" in text
    )
    assert "https://portal.example/notifications/" in text
    (html, kind) = message.alternatives[0]
    assert kind == "text/html"
    assert "<strong>Partner Bank</strong>" in str(html)


def test_ca_certificates_are_told_of_with_the_apis_that_trust_them() -> None:
    recipients(OPS, thresholds=(3650,))
    make_ca_certificate("Bank CA")
    assert [notice.expiry.kind for notice in tell(timezone.now()).notices] == ["CA"]
    (message,) = mail.outbox
    assert "CA certificate bank-ca expires in" in message.subject
    assert "CA certificate: ask the owner of the back end" in str(message.body)
    assert "Client certificate:" not in str(message.body)


def test_of_very_many_the_first_are_listed_and_all_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.notifying.message._MOST_LINES", 2)
    recipients(OPS)
    for number in range(5):
        until(f"bank-{number}", number + 1)
    assert len(tell(timezone.now()).notices) == 5
    (message,) = mail.outbox
    assert message.subject.endswith("bank-0 expires in 1 day, and 4 more")
    assert message.extra_headers["Auto-Submitted"] == "auto-generated"
    for text in (str(message.body), str(message.alternatives[0][0])):
        assert "5 certificates need to be renewed" in text
        assert "bank-1" in text
        assert "bank-2" not in text
        assert "3 more" in text


def test_nothing_due_sends_nothing_and_is_a_run_all_the_same() -> None:
    recipients(OPS)
    until("fine", 400)
    assert tell(timezone.now()).notices == ()
    assert mail.outbox == []
    assert NotificationRun.objects.get().told == 0


def test_each_day_is_told_once_and_a_missed_one_by_the_most_urgent_alone() -> None:
    recipients(OPS)
    until("bank", 59)
    now = timezone.now()
    told = [len(tell(now + timedelta(days=days)).notices) for days in (0, 0.1, 1, 28, 29.1, 58.5, 59.1, 80)]
    assert told == [1, 0, 0, 0, 1, 1, 1, 0]  # 60; 30; then 1, for 7 was missed; then 0
    assert sorted(ExpiryNotice.objects.values_list("days", flat=True)) == [0, 1, 30, 60]


def test_a_replaced_certificate_is_told_of_no_more_and_a_rolled_back_one_starts_where_it_was() -> None:
    recipients(OPS)
    bank = until("bank", 5)
    assert len(tell(timezone.now()).notices) == 1
    old = bank.current
    assert old
    successor = make_version(bank, not_after=old.not_after)  # told as one of its own
    use_version(ALICE, bank.key, successor.key)
    assert len(tell(timezone.now()).notices) == 1
    bank.current = old
    with_writer(bank)
    assert tell(timezone.now()).notices == ()


def with_writer(certificate: Any) -> None:
    from tests.arrange import update_directly

    update_directly(type(certificate), certificate.key, current=certificate.current)


def test_what_people_have_named_cannot_forge_lines_or_headers() -> None:
    recipients(OPS)
    choose(make_api("Bank\nAPIs at risk: none <b>", suffix="bank"), until("bank", 5))
    tell(timezone.now())
    assert "APIs at risk: Bank APIs at risk: none <b>\n" in str(mail.outbox[0].body)
    assert "none &lt;b&gt;" in str(mail.outbox[0].alternatives[0][0])


# --- Through a real mail server ---------------------------------------------------------------------------------


def test_a_mail_server_takes_a_message_for_each_recipient(through: Callable[..., MailServer]) -> None:
    recipients(OPS, ANNA)
    until("bänk", 5)
    with mail_server() as server:
        through(server)
        assert tell(timezone.now()).problem == ""
        assert tell(timezone.now()).notices == ()
    assert server.recipients == [OPS, ANNA]
    _, message = server.taken[0]
    assert "bänk expires in 5 days" in message["Subject"]
    assert message.get_body(("plain",)).get_content().count("bänk") >= 2  # type: ignore[union-attr]
    assert ExpiryNotice.objects.exclude(sent_at=None).count() == 1


def test_a_refused_address_keeps_the_e_mail_from_nobody_else(through: Callable[..., MailServer]) -> None:
    recipients("wrong@bank.example", OPS)
    until("bank", 5)
    with mail_server(**{"rcpt TO:<wrong": "550 5.1.1 No such user"}) as server:
        through(server)
        outcome = tell(timezone.now())
    assert server.recipients == [OPS]
    assert outcome.told == (OPS,)
    problem = "Not sent to wrong@bank.example: the mail server refused the address: 550 5.1.1 No such user."
    assert outcome.problem == NotificationRun.objects.get().problem == problem
    assert tell(timezone.now()).notices == ()


GREYLISTED = {"rcpt TO:<anna": "451 4.7.1 Greylisted, come back later"}


def test_who_was_refused_for_now_is_told_by_a_later_run_and_nobody_twice(
    through: Callable[..., MailServer],
) -> None:
    recipients(OPS, ANNA)
    bank, now = until("bank", 5), timezone.now()
    with mail_server(**GREYLISTED) as server:
        through(server)
        assert tell(now).told == (OPS,)
        assert is_time(now + timedelta(hours=1))
        again = tell(now + timedelta(hours=1))
        assert (again.told, "Greylisted" in again.problem) == ((), True)
        server.answers.clear()
        assert [len(notices) for notices in due_now((60, 7), now + timedelta(hours=2))] == [0, 1]
        assert tell(now + timedelta(hours=2)).told == (ANNA,)
        assert not is_time(now + timedelta(hours=3))
        assert tell(now + timedelta(hours=3)) == Outcome()
    assert server.recipients == [OPS, ANNA]
    assert ExpiryNotice.objects.get().thumbprint == bank.current.thumbprint


def test_who_comes_after_a_connection_that_broke_is_told_by_the_next_run(
    through: Callable[..., MailServer],
) -> None:
    recipients(OPS, ANNA, "third@bank.example")
    until("bank", 5)
    with mail_server(**{"rcpt TO:<anna": ""}) as server:
        through(server)
        assert tell(timezone.now()).told == (OPS,)
        server.answers.clear()
        tell(timezone.now())
    assert server.recipients == [OPS, ANNA, "third@bank.example"]


@pytest.mark.parametrize("change", ["renewed", "no recipient any more", "three days"])
def test_it_is_not_tried_again_when_it_concerns_nobody_any_more(
    change: str, through: Callable[..., MailServer]
) -> None:
    recipients(OPS, ANNA)
    bank, now = until("bank", 100), timezone.now() + timedelta(days=50)
    with mail_server(**GREYLISTED) as server:
        through(server)
        tell(now)
        server.answers.clear()
        if change == "renewed":
            renew(bank)
        elif change == "no recipient any more":
            recipients(OPS)
        assert tell(now + timedelta(days=4) if change == "three days" else now).told == ()
    assert server.recipients == [OPS]


def test_what_two_runs_try_again_is_sent_by_one() -> None:
    now, bank = timezone.now(), until("bank", 5).current
    (claim,) = records_notices.claim_notices([(bank.thumbprint, 7)], now)
    records_notices.mark_sent([claim], now, [ANNA])
    assert records_notices.to_try_again(now) == {claim.id: (ANNA,)}
    assert records_notices.claim_again([claim.id], now) == {claim: (ANNA,)}
    assert records_notices.claim_again([claim.id], now) == {}
    assert (
        len(records_notices.claim_again([claim.id], now + records_notices.CLAIM_HOLDS)) == 1
    )  # it was killed


def test_what_a_slow_mail_server_left_is_sent_by_the_next_run(
    monkeypatch: pytest.MonkeyPatch, through: Callable[..., MailServer]
) -> None:
    recipients(OPS, ANNA)
    until("bank", 5)
    now = timezone.now()
    with mail_server(**GREYLISTED) as server:
        through(server)
        tell(now)
        server.answers.clear()
        until("other", 3)
        monkeypatch.setattr("portal.notifying.mail_server._MOST_SECONDS", -1)
        outcome = tell(now)
        assert outcome.told == ()
        assert (
            outcome.problem.count("the mail server is too slow") == 2
        )  # what is due, and what is tried again
        monkeypatch.undo()
        through(server)
        assert len(tell(now).notices) == 2
    assert server.recipients == [OPS, OPS, ANNA, ANNA]


def test_serve_tells_of_an_expiry_within_the_hour(now: datetime) -> None:
    recipients(OPS)
    until("bank", 0)  # five minutes from now
    records_notices.record_run(now, 1)
    assert not is_time(now + timedelta(minutes=4))
    assert is_time(now + timedelta(minutes=6))
    recipients(OPS, thresholds=(7,))
    assert not is_time(now + timedelta(minutes=6))


BANK_REFUSED = {
    "mail FROM": (
        "550 Sender unknown",
        "refused the sender webmaster@localhost (DEFAULT_FROM_EMAIL): 550 Send",
    ),
    "END": ("554 Looks like spam", "the mail server answered: 554 Looks like spam."),
    "ehlo": ("", "ended the connection"),
    "CONNECT": ("421 Too busy", "the mail server answered: 421 Too busy."),
    "data": (None, "did not answer within 0.5 seconds"),
}


@pytest.mark.parametrize("command", BANK_REFUSED)
def test_what_failed_is_said_and_sent_by_the_next_run(
    command: str, through: Callable[..., MailServer]
) -> None:
    recipients(OPS)
    until("bank", 5)
    answer, words = BANK_REFUSED[command]
    with mail_server(**{command: answer}) as server:
        through(server)
        outcome = tell(timezone.now())
        assert words in outcome.problem
        assert server.taken == []
        server.answers.clear()
        assert is_time(timezone.now())
        assert tell(timezone.now()).told == (OPS,)
    assert server.recipients == [OPS]


def test_a_mail_server_that_is_not_there_is_named(through: Callable[..., MailServer]) -> None:
    recipients(OPS, ANNA)
    until("bank", 5)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    through(MailServer(port))
    refused = f"nothing listens at 127.0.0.1:{port}: the connection was refused."
    assert tell(timezone.now()).problem == f"Not sent to {OPS}, {ANNA}: {refused}"


@pytest.mark.parametrize(
    ("tls", "words"),
    [
        ("EMAIL_USE_TLS", "cannot do what EMAIL_URL asks for: STARTTLS extension not supported"),
        ("EMAIL_USE_SSL", "TLS with the mail server 127.0.0.1:"),
    ],
)
def test_a_mail_server_without_tls_is_told_from_one_with(
    tls: str, words: str, settings: Settings, through: Callable[..., MailServer]
) -> None:
    recipients(OPS)
    until("bank", 5)
    setattr(settings, tls, True)
    with mail_server() as server:
        through(server)
        assert words in tell(timezone.now()).problem
    assert server.taken == []


def test_the_password_is_in_no_answer(settings: Settings, through: Callable[..., MailServer]) -> None:
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "portal", "hunter2hunter2"
    recipients(OPS)
    until("bank", 5)
    with mail_server(AUTH="535 hunter2hunter2 and AHBvcnRhbABodW50ZXIyaHVudGVyMg== are wrong") as server:
        through(server)
        problem = tell(timezone.now()).problem
    assert (
        "did not take the user name and password of EMAIL_URL: 535 (secret) and (secret) are wrong" in problem
    )


# --- When a run is made -----------------------------------------------------------------------------------------


@pytest.fixture
def now() -> datetime:
    return timezone.now()


def test_without_recipients_serve_makes_no_run(now: datetime) -> None:
    assert not is_time(now)
    recipients(OPS)
    assert is_time(now)


@pytest.mark.parametrize(
    ("hours", "told", "problem", "expected"),
    [
        (1, 0, "", False),
        (23.6, 0, "", True),
        (1, 0, "a problem", True),
        (1, 2, "one address was refused", False),
    ],
)
def test_a_run_is_made_once_a_day_and_again_when_it_told_nobody(
    hours: float, told: int, problem: str, expected: bool, now: datetime
) -> None:
    recipients(OPS)
    records_notices.record_run(now - timedelta(hours=hours), told, problem)
    assert is_time(now) is expected


def test_a_run_that_was_killed_is_made_good_for(now: datetime) -> None:
    recipients(OPS)
    until("bank", 5)
    records_notices.claim_notices([(make_certificate().current.thumbprint, 7)], now)
    records_notices.record_run(now, 0)
    times = [now + timedelta(minutes=minutes) for minutes in (14, 15, 170, 181)]
    assert [is_time(time) for time in times] == [False, True, True, False]


# --- The command ------------------------------------------------------------------------------------------------


def test_a_dry_run_says_what_would_be_sent_and_sends_nothing() -> None:
    recipients(OPS)
    until("bank", 5)
    printed, problem = run("--dry-run")
    assert printed == f"client certificate bank expires in 5 days\nNothing was sent. Recipients: {OPS}.\n"
    assert (problem, mail.outbox, ExpiryNotice.objects.count(), NotificationRun.objects.count()) == (
        "",
        [],
        0,
        0,
    )


def test_the_command_says_what_it_did() -> None:
    recipients(OPS, ANNA)
    until("bank", 5)
    assert run() == (f"client certificate bank expires in 5 days\nSent to {OPS}, {ANNA}.\n", "")
    assert run() == ("Nothing is due.\n", "")


def test_what_is_due_and_reaches_nobody_is_a_failure(settings: Settings) -> None:
    assert run() == ("Nothing is due.\n", "")
    until("bank", 5)
    assert run()[1] == "Nobody is told: there are no recipients."
    recipients(OPS)
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    assert run()[1] == "E-mail is not set up: EMAIL_URL only prints messages."
    assert (
        NotificationRun.objects.latest("at").problem
        == "E-mail is not set up: EMAIL_URL only prints messages."
    )


def test_daily_it_is_silent_when_there_is_nothing_to_do() -> None:
    until("bank", 5)
    assert run("--daily") == ("", "")
    recipients(OPS)
    assert "Sent to" in run("--daily")[0]
    assert run("--daily") == ("", "")
    assert NotificationRun.objects.count() == 1


# --- The page ---------------------------------------------------------------------------------------------------


def page(client: Client) -> str:
    return client.get("/notifications/").content.decode()


def entered(**values: str) -> dict[str, str]:
    revision = str(read_notification_settings().revision)
    return {"revision": revision, "recipients": OPS, "thresholds": "30, 7", **values}


def test_recipients_and_thresholds_are_saved(administrator_client: Client) -> None:
    values = entered(recipients=f"{OPS}\r\n\r\n{ANNA}, {OPS}", thresholds="7 30,0")
    answer = administrator_client.post("/notifications/", values, follow=True).content.decode()
    assert "Notifications were saved." in answer
    row = read_notification_settings()
    assert (row.recipients, row.thresholds) == ([OPS, ANNA], [30, 7, 0])
    assert f"{OPS}\n{ANNA}</textarea>" in answer
    assert 'value="30, 7, 0"' in answer


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("recipients", "ops", "“ops” is not an e-mail address."),
        ("thresholds", "30, soon", "“soon” is not a whole number of days."),
        ("thresholds", "-1", "“-1” is not a whole number of days."),
        ("thresholds", "4000", "4000 is not between 0 and 3650 days."),
        ("thresholds", "", "Enter at least one number of days"),
        ("thresholds", ",", "Enter at least one number of days"),
        ("thresholds", "9" * 400, "is not a whole number of days."),
    ],
)
def test_what_is_wrong_is_said_at_its_field(
    administrator_client: Client, field: str, value: str, said: str
) -> None:
    answer = administrator_client.post("/notifications/", entered(**{field: value}))
    assert any(said in error for error in answer.context["form"].errors[field])
    assert read_notification_settings().recipients == []


def test_somebody_elses_change_is_shown_before_it_is_written_over(administrator_client: Client) -> None:
    values = entered(recipients=ANNA)
    recipients(OPS)
    answer = administrator_client.post("/notifications/", values)
    assert answer.status_code == 409
    (difference,) = [d for d in answer.context["conflict"].differences if d.label == "Recipients"]
    assert (difference.theirs, difference.yours) == (OPS, ANNA)
    values["save_over"] = str(answer.context["conflict"].revision)
    administrator_client.post("/notifications/", values)
    assert read_notification_settings().recipients == [ANNA]


def test_a_test_e_mail_goes_to_who_is_entered_and_saves_nothing(administrator_client: Client) -> None:
    answer = administrator_client.post("/notifications/", entered(recipients=ANNA, test="1")).content.decode()
    assert [message.to for message in mail.outbox] == [[ANNA]]
    assert "This is a test, which alice asked for." in str(mail.outbox[0].body)
    assert f"The mail server took a test e-mail for {ANNA}." in answer
    assert f"{ANNA}</textarea>" in answer
    assert read_notification_settings().recipients == []


def test_a_failed_test_says_what_the_mail_server_answered(
    administrator_client: Client, through: Callable[..., MailServer]
) -> None:
    with mail_server(**{"rcpt": "550 <b>No such user</b>"}) as server:
        through(server)
        answer = administrator_client.post("/notifications/", entered(test="1")).content.decode()
    assert "the mail server refused the address: 550 &lt;b&gt;No such user&lt;/b&gt;." in answer
    assert "took a test e-mail" not in answer


@pytest.mark.parametrize("values", [{"recipients": ""}, {"recipients": "ops"}, {"thresholds": "soon"}])
def test_a_test_with_wrong_entries_sends_nothing(
    administrator_client: Client, values: dict[str, str]
) -> None:
    answer = administrator_client.post("/notifications/", entered(test="1", **values))
    assert answer.context["form"].errors
    assert mail.outbox == []


def test_a_page_without_e_mail_or_recipients_says_so(
    administrator_client: Client, settings: Settings
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
    shown = page(administrator_client)
    assert "E-mail is not set up: EMAIL_URL is not set." in shown
    assert "Nobody is told: there are no recipients." in shown
    answer = administrator_client.post("/notifications/", entered(test="1")).content.decode()
    assert f"Not sent to {OPS}: E-mail is not set up" in answer


def test_what_was_sent_and_what_is_due_next_are_shown(administrator_client: Client) -> None:
    recipients(OPS)
    bank = until("bank", 5)
    until("later", 100)
    shown = page(administrator_client)
    assert "The next run tells of these:" in shown
    assert "There was no run yet." in shown
    tell(timezone.now())
    shown = page(administrator_client)
    assert "Nothing is due now." in shown
    assert re.search(r"Next: <a [^>]*>bank</a>.*?, 1 day before it expires", shown, re.DOTALL)
    assert "it told of 1 certificate." in shown
    assert bank.current.thumbprint[-4:] in shown
    assert "expires within 7 days" in shown


def test_what_was_sent_leads_to_the_certificate_as_long_as_that_is_there(
    administrator_client: Client,
) -> None:
    recipients(OPS)
    bank, gone = until("bank", 5), until("gone", 5)
    tell(timezone.now())
    delete_certificate(ALICE, gone.pk)
    shown = page(administrator_client)
    assert (
        f'<td data-label="Certificate"><a href="/security/client-certificates/{bank.pk}/">bank</a></td>'
        in shown
    )
    assert '<td data-label="Certificate">(deleted)</td>' in shown


def test_the_last_runs_problem_is_shown_and_a_run_that_is_overdue(administrator_client: Client) -> None:
    recipients(OPS)
    records_notices.record_run(timezone.now() - timedelta(days=3), 0, "the <b>server</b> is away")
    shown = page(administrator_client)
    assert "the &lt;b&gt;server&lt;/b&gt; is away" in shown
    assert "more than two days ago" in shown


def test_readers_look_and_change_nothing(reader_client: Client) -> None:
    shown = page(reader_client)
    assert "Send a test e-mail" not in shown
    assert reader_client.post("/notifications/", entered(test="1")).status_code == 403
    assert mail.outbox == []


def test_the_page_asks_as_much_for_many_certificates(
    administrator_client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    recipients(OPS)
    for number in range(5):
        until(f"bank-{number}", 5)
    tell(timezone.now())
    for number in range(5, 12):  # of these nobody was told yet
        until(f"bank-{number}", 5)
    page(administrator_client)
    with django_assert_max_num_queries(17):
        page(administrator_client)


# --- Where links lead -------------------------------------------------------------------------------------------


@pytest.fixture
def addresses(settings: Settings) -> Iterator[Settings]:
    settings.PORTAL_PUBLIC_URL, settings.PORTAL_TLS_CERTIFICATE = "", ""
    settings.PORTAL_BEHIND_TLS_PROXY = False
    settings.PORTAL_HOST, settings.PORTAL_PORT = "127.0.0.1", 8000
    settings.ALLOWED_HOSTS = [".example.org", "portal.example.org"]
    return settings


@pytest.mark.parametrize(
    ("values", "url"),
    [
        ({}, "http://127.0.0.1:8000"),
        ({"PORTAL_PUBLIC_URL": "https://p.example"}, "https://p.example"),
        ({"PORTAL_BEHIND_TLS_PROXY": True}, "https://portal.example.org"),
        ({"PORTAL_TLS_CERTIFICATE": "x", "PORTAL_PORT": 443, "PORTAL_HOST": "::1"}, "https://[::1]"),
        ({"PORTAL_HOST": "0.0.0.0"}, "http://portal.example.org:8000"),
    ],
)
def test_the_portals_address_is_the_stated_one_or_guessed(
    values: dict[str, Any], url: str, addresses: Settings
) -> None:
    for name, value in values.items():
        setattr(addresses, name, value)
    assert portal_url() == url
