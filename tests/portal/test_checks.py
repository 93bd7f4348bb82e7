"""System checks: each bad setting has its own, with a hint, and good production settings have none."""

import os
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import CheckMessage, run_checks
from pytest_django import Settings

from gateway import keystore
from gateway.changes.notifications import save_notification_settings
from portal.notifying import mail_server
from tests.builders import ALICE

ROOT = Path(__file__).parent.parent.parent


def check(tmp_path: Path, *options: str, **settings: str) -> str:
    """What `manage.py check` says with these settings and otherwise good ones."""
    environment = {
        "PATH": os.environ["PATH"],
        "ENV_FILE": os.devnull,
        "DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3",
        "SECRET_KEY": secrets.token_urlsafe(50),
        "CERTIFICATE_ENCRYPTION_KEYS": keystore.new_key(),
        **settings,
    }
    command = [sys.executable, "-W", "error", "manage.py", "check", *options]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


SILENT = "System check identified no issues (0 silenced).\n"
PRODUCTION = {"ALLOWED_HOSTS": "portal.example", "GATEWAY_PUBLIC_URL": "https://api.example"}


def test_good_production_settings_behind_a_proxy_are_silent(tmp_path: Path) -> None:
    assert check(tmp_path, "--deploy", PORTAL_BEHIND_TLS_PROXY="true", **PRODUCTION) == SILENT


def test_good_production_settings_with_tls_files_are_silent(tmp_path: Path) -> None:
    file = tmp_path / "tls.pem"
    file.write_text("PEM")
    names = [f"{side}_TLS_{part}" for side in ("PORTAL", "GATEWAY") for part in ("CERTIFICATE", "KEY")]
    said = check(tmp_path, "--deploy", ALLOWED_HOSTS="portal.example", **dict.fromkeys(names, str(file)))
    assert said == SILENT


def test_settings_for_a_first_try_pass_the_plain_check(tmp_path: Path) -> None:
    assert check(tmp_path) == SILENT


FILE = os.devnull


@pytest.mark.parametrize(
    ("id_", "bad"),
    [
        ("portal.E001", {"SECRET_KEY": ""}),
        ("portal.E001", {"SECRET_KEY": "short"}),
        ("portal.E001", {"SECRET_KEY": "a" * 60}),
        ("portal.E002", {"CERTIFICATE_ENCRYPTION_KEYS": []}),
        ("portal.E002", {"CERTIFICATE_ENCRYPTION_KEYS": ["too-short"]}),
        ("portal.E003", {"PORTAL_TLS_CERTIFICATE": FILE}),
        ("portal.E003", {"GATEWAY_TLS_KEY": FILE}),
        ("portal.E004", {"GATEWAY_TLS_KEY": "/not/there", "GATEWAY_TLS_CERTIFICATE": FILE}),
        ("portal.E005", {"GATEWAY_TRUSTED_PROXIES": ["10.0.0.0/99"]}),
        ("portal.E005", {"GATEWAY_ALLOWED_BACK_END_NETWORKS": ["localhost"]}),
        ("portal.E005", {"GATEWAY_UNDERSCORES": "keep"}),
        ("portal.E005", {"GATEWAY_MAX_CALLS": 0}),
        ("portal.E005", {"GATEWAY_MAX_CALLS_PER_API": -1}),
        ("portal.E005", {"GATEWAY_EXCHANGE_THREADS": 0}),
        ("portal.E006", {"GATEWAY_ACCESS_LOG": "/not/there/access.log"}),
        ("portal.E006", {"GATEWAY_ACCESS_LOG": "/"}),
        ("portal.E007", {"PORTAL_PUBLIC_URL": "portal.example"}),
        ("portal.E008", {"CONSOLE_GATEWAY_URL": "gateway.example"}),
        ("portal.E008", {"CONSOLE_GATEWAY_URL": "ftp://gateway.example"}),
        ("portal.E008", {"CONSOLE_GATEWAY_URL": "http://:8080"}),
        ("portal.E008", {"CONSOLE_GATEWAY_URL": "http://gateway.example:x"}),
        ("portal.E008", {"CONSOLE_GATEWAY_URL": "http://gateway.example?a=b"}),
        ("portal.E009", {"GATEWAY_PUBLIC_URL": "gateway.example"}),
        ("portal.E009", {"GATEWAY_PUBLIC_URL": "https://gateway.example:x"}),
        ("portal.E010", {"MANAGEMENT_SERVICE_NAME": "a/b"}),
        ("portal.E010", {"MANAGEMENT_SERVICE_NAME": ""}),
        ("portal.E010", {"MANAGEMENT_SERVICE_NAME": "a" * 51}),
    ],
)
def test_a_setting_with_which_nothing_works_is_an_error_with_a_hint(
    settings: Settings, id_: str, bad: dict[str, Any]
) -> None:
    (message,) = problems(settings, bad, deploy=False)
    assert message.id == id_
    assert message.hint


@pytest.mark.parametrize(
    ("id_", "bad"),
    [
        ("portal.W001", {"PORTAL_USES_TLS": False}),
        ("portal.W002", {"GATEWAY_PUBLIC_URL": "http://api.example"}),
        ("portal.W003", {"ALLOWED_HOSTS": ["*"]}),
        ("portal.W004", {"GATEWAY_OPERATOR_HOST": ""}),
        ("portal.W004", {"GATEWAY_OPERATOR_HOST": "10.1.2.3"}),
        ("portal.W004", {"GATEWAY_OPERATOR_HOST": "gateway.internal"}),
        ("portal.W005", {"DEFAULT_FROM_EMAIL": "webmaster@localhost"}),
        ("portal.W006", {"PORTAL_PUBLIC_URL": "", "PORTAL_HOST": "portal.example"}),
        ("portal.W008", {"PORTAL_PUBLIC_URL": "", "EMAIL_BACKEND": "", "PORTAL_HOST": "::1"}),
    ],
)
def test_an_unsafe_setting_is_warned_of_before_deployment_with_a_hint(
    settings: Settings, id_: str, bad: dict[str, Any]
) -> None:
    good = {
        "PORTAL_USES_TLS": True,
        "GATEWAY_PUBLIC_URL": "https://api.example",
        "ALLOWED_HOSTS": ["portal.example"],
        "GATEWAY_OPERATOR_HOST": "127.0.0.1",
        "EMAIL_BACKEND": mail_server.SMTP,
        "DEFAULT_FROM_EMAIL": "portal@bank.example",
        "PORTAL_PUBLIC_URL": "https://portal.example",
    }
    (message,) = problems(settings, good | bad, deploy=True)
    assert message.id == id_
    assert message.hint
    assert problems(settings, good, deploy=True) == []


@pytest.mark.parametrize(
    "safe",
    [
        {"PORTAL_HOST": "192.0.2.1"},
        {"PORTAL_PUBLIC_URL": "https://portal.example"},
        {"GATEWAY_PUBLIC_URL": "", "GATEWAY_TLS_CERTIFICATE": FILE, "GATEWAY_TLS_KEY": FILE},
    ],
)
def test_the_address_of_a_trace_that_callers_can_reach_needs_no_warning(
    settings: Settings, safe: dict[str, Any]
) -> None:
    good = {"PORTAL_USES_TLS": True, "GATEWAY_PUBLIC_URL": "https://api.example", "ALLOWED_HOSTS": ["a"]}
    assert problems(settings, good | safe, deploy=True) == []


@pytest.mark.parametrize(
    "safe",
    [
        {"GATEWAY_OPERATOR_HOST": "127.0.0.2"},
        {"GATEWAY_OPERATOR_HOST": "::1"},
        {"GATEWAY_OPERATOR_HOST": "localhost"},
        {"GATEWAY_OPERATOR_HOST": "0.0.0.0", "GATEWAY_OPERATOR_PORT": None},
    ],
)
def test_operators_who_are_served_on_this_machine_alone_need_no_warning(
    settings: Settings, safe: dict[str, Any]
) -> None:
    good = {
        "PORTAL_USES_TLS": True,
        "GATEWAY_PUBLIC_URL": "https://api.example",
        "ALLOWED_HOSTS": ["a.example"],
        "PORTAL_PUBLIC_URL": "https://a.example",
    }
    assert problems(settings, good | safe, deploy=True) == []


@pytest.mark.parametrize("name", ["portal", "a", "Bank-2", "a" * 50])
def test_a_name_of_a_service_is_fine(settings: Settings, name: str) -> None:
    assert problems(settings, {"MANAGEMENT_SERVICE_NAME": name}, deploy=False) == []


@pytest.mark.parametrize("target", ["-", "off", FILE])
def test_an_access_log_that_can_be_written_is_fine(settings: Settings, target: str) -> None:
    assert problems(settings, {"GATEWAY_ACCESS_LOG": target}, deploy=False) == []


def problems(settings: Settings, values: dict[str, Any], *, deploy: bool) -> list[CheckMessage]:
    """The messages of our own checks with these settings."""
    for name, value in values.items():
        setattr(settings, name, value)
    messages = run_checks(tags=["security"], include_deployment_checks=deploy)
    return [message for message in messages if str(message.id).startswith("portal.")]


def test_debugging_is_warned_of_before_deployment(tmp_path: Path) -> None:
    said = check(tmp_path, "--deploy", DEBUG="true", PORTAL_BEHIND_TLS_PROXY="true", **PRODUCTION)
    assert said.count("?: (") == said.count("?: (security.W018)") == 1


def test_without_any_key_the_check_says_so_and_shows_no_value(tmp_path: Path) -> None:
    said = check(tmp_path, CERTIFICATE_ENCRYPTION_KEYS="opensesame", SECRET_KEY="")
    assert "(portal.E001) SECRET_KEY is not set" in said
    assert "(portal.E002) Key 1 of" in said
    assert "opensesame" not in said


@pytest.mark.django_db
def test_recipients_whom_no_e_mail_reaches_are_warned_of_where_the_database_is_asked(
    settings: Settings,
) -> None:
    def found() -> list[str | None]:
        return [message.id for message in run_checks(tags=["database"], databases=["default"])]

    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
    assert "portal.W007" not in found()
    save_notification_settings(ALICE, recipients=["ops@bank.example"], thresholds=[7])
    assert "portal.W007" in found()
    assert "portal.W007" not in [message.id for message in run_checks(include_deployment_checks=True)]
    settings.EMAIL_BACKEND = mail_server.SMTP
    assert "portal.W007" not in found()


@pytest.mark.parametrize("url", ["pigeon://user:sec/ret@host", "smtp://user:sec/ret@host:25"])
def test_a_mail_server_that_cannot_be_read_is_named_by_its_setting_without_the_password(
    tmp_path: Path, url: str
) -> None:
    said = check(tmp_path, EMAIL_URL=url)
    assert "EMAIL_URL is not like smtp+tls://user:password@host:587." in said
    assert "sec" not in said


def test_an_empty_mail_server_is_none(tmp_path: Path) -> None:
    assert "EMAIL_URL" not in check(tmp_path, EMAIL_URL="")


def test_a_mail_server_without_a_sender_and_an_address_for_links_is_warned_of(tmp_path: Path) -> None:
    said = check(
        tmp_path,
        "--deploy",
        EMAIL_URL="smtp+tls://user:p%40ss@mail.example",
        PORTAL_BEHIND_TLS_PROXY="1",
        **PRODUCTION,
    )
    assert "portal.W005" in said
    assert "portal.W006" in said
    assert "p@ss" not in said
