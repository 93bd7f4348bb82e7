"""Sealing: what is sealed for one place opens there and nowhere else, with any of the keys."""

import json
import os
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.exceptions import ImproperlyConfigured

from gateway import keystore
from gateway.errors import Unreadable

ROW = uuid.UUID("5f0c3a52-5b1e-4a36-8f6e-0d9e2c1b7a44")
PLACE = ("gateway_certificateversion", "sealed_private_key", ROW)
SECRET = b"the private key"


@pytest.fixture(autouse=True)
def key(settings: LazySettings) -> str:
    settings.CERTIFICATE_ENCRYPTION_KEYS = [keystore.new_key()]
    return settings.CERTIFICATE_ENCRYPTION_KEYS[0]


def test_a_sealed_secret_opens_in_its_place() -> None:
    sealed = keystore.seal(*PLACE, SECRET)

    assert keystore.open_sealed(*PLACE, sealed) == SECRET
    assert "private" not in sealed


def test_an_empty_secret_can_be_sealed() -> None:
    assert keystore.open_sealed(*PLACE, keystore.seal(*PLACE, b"")) == b""


def test_sealing_twice_gives_two_texts() -> None:
    assert keystore.seal(*PLACE, SECRET) != keystore.seal(*PLACE, SECRET)


@pytest.mark.parametrize(
    "place",
    [
        ("gateway_namedvalue", PLACE[1], ROW),
        (PLACE[0], "sealed_value", ROW),
        (PLACE[0], PLACE[1], uuid.UUID(int=7)),
        (PLACE[0] + "\0" + PLACE[1], "", ROW),
    ],
    ids=["table", "column", "row", "joined"],
)
def test_a_sealed_secret_does_not_open_in_another_place(place: tuple[str, str, uuid.UUID]) -> None:
    sealed = keystore.seal(*PLACE, SECRET)

    with pytest.raises(Unreadable, match="moved from another place"):
        keystore.open_sealed(*place, sealed)


def test_every_changed_character_is_noticed() -> None:
    sealed = keystore.seal(*PLACE, b"17 bytes: no bits")  # none that base64 would not use

    for at, character in enumerate(sealed):
        changed = sealed[:at] + ("A" if character != "A" else "B") + sealed[at + 1 :]
        with pytest.raises(Unreadable):
            keystore.open_sealed(*PLACE, changed)


@pytest.mark.parametrize("text", ["", "1", "1.2", "1..", "nonsense", "1.abc.é", "2.abcd.AAAA", "1.2.3.4"])
def test_a_text_that_was_never_sealed_is_unreadable(text: str) -> None:
    with pytest.raises(Unreadable, match="not a sealed value"):
        keystore.open_sealed(*PLACE, text)


def test_the_error_names_table_and_row_and_no_secret(settings: LazySettings, key: str) -> None:
    sealed = keystore.seal(*PLACE, SECRET)
    settings.CERTIFICATE_ENCRYPTION_KEYS = [keystore.new_key()]

    with pytest.raises(Unreadable) as caught:
        keystore.open_sealed(*PLACE, sealed)

    message = str(caught.value)
    assert "gateway_certificateversion" in message
    assert str(ROW) in message
    assert "CERTIFICATE_ENCRYPTION_KEYS" in message
    assert not any(secret in message for secret in (key, sealed, sealed.split(".")[2], "private key"))
    assert caught.value.__context__ is None


def test_the_first_key_seals_and_all_keys_open(settings: LazySettings, key: str) -> None:
    old = keystore.seal(*PLACE, SECRET)
    settings.CERTIFICATE_ENCRYPTION_KEYS = [keystore.new_key(), key]
    new = keystore.seal(*PLACE, SECRET)

    assert keystore.open_sealed(*PLACE, old) == keystore.open_sealed(*PLACE, new) == SECRET
    assert keystore.needs_reseal(old)
    assert not keystore.needs_reseal(new)

    settings.CERTIFICATE_ENCRYPTION_KEYS = settings.CERTIFICATE_ENCRYPTION_KEYS[:1]
    assert keystore.open_sealed(*PLACE, new) == SECRET
    with pytest.raises(Unreadable):
        keystore.open_sealed(*PLACE, old)


def test_an_invalid_second_key_does_not_keep_the_first_from_working(settings: LazySettings, key: str) -> None:
    settings.CERTIFICATE_ENCRYPTION_KEYS = [key, "nonsense"]

    assert keystore.open_sealed(*PLACE, keystore.seal(*PLACE, SECRET)) == SECRET
    assert len(keystore.problems()) == 1


@pytest.mark.parametrize("keys", [[], [""], ["nonsense"]])
def test_without_a_first_key_nothing_is_sealed(settings: LazySettings, keys: list[str]) -> None:
    sealed = keystore.seal(*PLACE, SECRET)
    settings.CERTIFICATE_ENCRYPTION_KEYS = keys

    with pytest.raises(ImproperlyConfigured, match="CERTIFICATE_ENCRYPTION_KEYS"):
        keystore.seal(*PLACE, SECRET)
    with pytest.raises(ImproperlyConfigured):
        keystore.needs_reseal(sealed)
    with pytest.raises(Unreadable):
        keystore.open_sealed(*PLACE, sealed)


def test_a_valid_key_is_no_problem() -> None:
    assert keystore.problems() == []


def test_a_missing_key_is_a_problem_that_says_how_to_make_one(settings: LazySettings) -> None:
    settings.CERTIFICATE_ENCRYPTION_KEYS = []
    (problem,) = keystore.problems()
    command = problem.partition("Make a key with: ")[2].removeprefix("python")

    made = subprocess.run(
        f"{sys.executable}{command}", shell=True, capture_output=True, text=True, check=True
    )

    settings.CERTIFICATE_ENCRYPTION_KEYS = [made.stdout.strip()]
    assert keystore.problems() == []


@pytest.mark.parametrize("bad", ["short", "ä" * 44, "A" * 43, "A" * 88, "!" * 44])
def test_an_invalid_key_is_named_by_its_place_and_not_shown(
    settings: LazySettings, key: str, bad: str
) -> None:
    settings.CERTIFICATE_ENCRYPTION_KEYS = [key, bad]

    (problem,) = keystore.problems()

    assert problem.startswith("Key 2 of CERTIFICATE_ENCRYPTION_KEYS")
    assert bad not in problem
    assert key not in problem


def test_a_key_that_is_given_twice_is_a_problem(settings: LazySettings, key: str) -> None:
    settings.CERTIFICATE_ENCRYPTION_KEYS = [key, key]

    (problem,) = keystore.problems()

    assert "more than once" in problem
    assert key not in problem


@pytest.mark.parametrize("text", ["{0},{1}", "{0},{1}\n", "{0}\n{1}\n", "{0},\n{1}\n"])
def test_the_keys_can_come_from_a_file(tmp_path: Path, key: str, text: str) -> None:
    other = keystore.new_key()
    sealed = keystore.seal(*PLACE, SECRET)
    (tmp_path / "keys").write_text(text.format(other, key))
    program = (
        "import json, sys, uuid, django; django.setup(); from gateway import keystore\n"
        "table, column, row, sealed = json.load(sys.stdin)\n"
        "secret = keystore.open_sealed(table, column, uuid.UUID(row), sealed)\n"
        "print(json.dumps([keystore.problems(), secret.decode(), keystore.needs_reseal(sealed)]))"
    )
    environment = {
        **{name: value for name, value in os.environ.items() if name != "CERTIFICATE_ENCRYPTION_KEYS"},
        "CERTIFICATE_ENCRYPTION_KEYS_FILE": str(tmp_path / "keys"),
        "DJANGO_SETTINGS_MODULE": "portal.settings",
    }

    run = subprocess.run(
        [sys.executable, "-c", program],
        input=json.dumps([PLACE[0], PLACE[1], str(ROW), sealed]),
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )

    assert json.loads(run.stdout) == [[], SECRET.decode(), True]
