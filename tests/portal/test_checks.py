"""System checks: each bad setting has its own, with a hint, and good production settings have none."""

import os
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

from gateway import keystore

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


@pytest.mark.parametrize(
    ("id_", "settings"),
    [
        ("portal.E001", {"SECRET_KEY": ""}),
        ("portal.E001", {"SECRET_KEY": "short"}),
        ("portal.E001", {"SECRET_KEY": "a" * 60}),
        ("portal.E002", {"CERTIFICATE_ENCRYPTION_KEYS": ""}),
        ("portal.E002", {"CERTIFICATE_ENCRYPTION_KEYS": "too-short"}),
        ("portal.E003", {"PORTAL_TLS_CERTIFICATE": "/dev/null"}),
        ("portal.E003", {"GATEWAY_TLS_KEY": "/dev/null"}),
        ("portal.E004", {"GATEWAY_TLS_KEY": "/not/there", "GATEWAY_TLS_CERTIFICATE": "/dev/null"}),
    ],
)
def test_a_setting_with_which_nothing_works_is_an_error_with_a_hint(
    tmp_path: Path, id_: str, settings: dict[str, str]
) -> None:
    said = check(tmp_path, **settings)
    assert f"({id_})" in said
    assert "HINT:" in said


@pytest.mark.parametrize(
    ("id_", "settings"),
    [
        ("portal.W001", {"PORTAL_BEHIND_TLS_PROXY": "false"}),
        ("portal.W002", {"GATEWAY_PUBLIC_URL": "http://api.example"}),
        ("portal.W003", {"ALLOWED_HOSTS": "*"}),
        ("security.W018", {"DEBUG": "true"}),
    ],
)
def test_an_unsafe_setting_is_warned_of_before_deployment(
    tmp_path: Path, id_: str, settings: dict[str, str]
) -> None:
    good = {"PORTAL_BEHIND_TLS_PROXY": "true", **PRODUCTION}
    said = check(tmp_path, "--deploy", **(good | settings))
    assert f"({id_})" in said
    assert said.count("?: (portal") + said.count("?: (security.W018)") == 1


def test_no_key_is_shown(tmp_path: Path) -> None:
    assert "opensesame" not in check(
        tmp_path, CERTIFICATE_ENCRYPTION_KEYS="opensesame", SECRET_KEY="opensesame"
    )
