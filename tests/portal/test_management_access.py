"""Access to the management REST API: tokens, who is let in with one, and how guessing is slowed."""

import logging
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import connection
from django.db.models import F
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from gateway.changes import principals as changes
from gateway.changes.base import Actor
from gateway.models import Principal
from portal.attempts import pauses
from portal.management_api import tokens
from portal.management_api.access import Caller, caller_of
from tests.arrange import update_directly
from tests.builders import ALICE
from tests.conftest import PASSWORD

# From the original's documentation, and the signature that its sample code makes of them
IDENTIFIER = "53d7e14aee681a0034030003"
KEY = "pXeTVcmdbU9XxH6fPcPlq8Y9D9G3Cdo5Eh2nMSgKj/DWqeSFFXDdmpz5Trv+L2hQNM+nGa704Rf8Z22W9O1jdQ=="
EXPIRY = "2014-08-04T22:03:00.0000000Z"
SIGNATURE = "jZpVO0S0oAy7QEiuefPUia9l2ijdkFjs2WvnbH68V6LSVEcjwBfyeG/YHdWQyT00LExwhkIrgXWIm3Sj2oYzzw=="
PARTS = f"uid={IDENTIFIER}&ex={EXPIRY}&sn={SIGNATURE}"


# --- tokens -------------------------------------------------------------------------------------------------------
def test_the_documented_token_is_made() -> None:
    expires_at = datetime(2014, 8, 4, 22, 3, tzinfo=UTC)
    assert tokens.expiry_text(expires_at) == EXPIRY
    assert tokens.sign(IDENTIFIER, EXPIRY, KEY) == SIGNATURE
    assert tokens.token(IDENTIFIER, expires_at, KEY) == f"SharedAccessSignature {PARTS}"


@pytest.mark.parametrize(
    "authorization",
    [
        f"SharedAccessSignature {PARTS}",
        f"sharedaccesssignature {PARTS}",
        f"SharedAccessSignature   {PARTS} ",
        f"Bearer {PARTS}",
        f"bearer SharedAccessSignature {PARTS}",
        f"SharedAccessSignature sn={SIGNATURE}&ex={EXPIRY}&uid={IDENTIFIER}",
        f"SharedAccessSignature {IDENTIFIER}&{EXPIRY}&{SIGNATURE}",
    ],
)
def test_the_documented_token_is_read_in_each_of_its_forms(authorization: str) -> None:
    token = tokens.parse(authorization)
    assert token is not None
    assert (token.identifier, token.expiry, token.signature) == (IDENTIFIER, EXPIRY, SIGNATURE)
    assert token.is_signed_with(KEY)
    assert not token.is_signed_with(KEY[:-4] + "QQ==")
    assert SIGNATURE not in repr(token)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("201808020500", datetime(2018, 8, 2, 5, 0, tzinfo=UTC)),
        ("2018-08-02T05:00:00", datetime(2018, 8, 2, 5, 0, tzinfo=UTC)),
        ("2018-08-02T05:00:00.25Z", datetime(2018, 8, 2, 5, 0, tzinfo=UTC)),
        ("2018-08-02T05:00:00.0000000+02:00", datetime(2018, 8, 2, 3, 0, tzinfo=UTC)),
        ("2018-08-02T05:00:00-00:30", datetime(2018, 8, 2, 5, 30, tzinfo=UTC)),
    ],
)
def test_an_expiry_is_signed_as_it_is_written(text: str, expected: datetime) -> None:
    token = tokens.parse(f"SharedAccessSignature integration&{text}&{tokens.sign('integration', text, KEY)}")
    assert token is not None
    assert token.expires_at == expected
    assert token.is_signed_with(KEY)


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "SharedAccessSignature",
        "SharedAccessSignature ",
        PARTS,
        f"Basic {PARTS}",
        f"Bearer Basic {PARTS}",
        f"SharedAccessSignature uid={IDENTIFIER}&ex={EXPIRY}",
        f"SharedAccessSignature {PARTS}&uid=other",
        f"SharedAccessSignature uid={IDENTIFIER}&uid={IDENTIFIER}&sn={SIGNATURE}",
        f"SharedAccessSignature UID={IDENTIFIER}&ex={EXPIRY}&sn={SIGNATURE}",
        f"SharedAccessSignature uid=&ex={EXPIRY}&sn={SIGNATURE}",
        f"SharedAccessSignature uid={'a' * 81}&ex={EXPIRY}&sn={SIGNATURE}",
        f"SharedAccessSignature uid=ärger&ex={EXPIRY}&sn={SIGNATURE}",
        f"SharedAccessSignature uid=a%00&ex={EXPIRY}&sn={SIGNATURE}",
        f"SharedAccessSignature uid={IDENTIFIER}&ex={EXPIRY}&sn=",
        f"SharedAccessSignature uid={IDENTIFIER}&ex={EXPIRY}&sn={SIGNATURE.replace('+', ' ')}x",
        f"SharedAccessSignature uid={IDENTIFIER}&ex={EXPIRY}&sn={'ß' * 88}",
        f"SharedAccessSignature uid={IDENTIFIER}&ex={EXPIRY}&sn={SIGNATURE}" + "=" * 1_000_000,
        f"SharedAccessSignature uid={IDENTIFIER}&ex=tomorrow&sn={SIGNATURE}",
        f"SharedAccessSignature uid={IDENTIFIER}&ex=2014-13-04T22:03:00Z&sn={SIGNATURE}",
        f"SharedAccessSignature uid={IDENTIFIER}&ex=2014-08-04T22:03:00+99:99&sn={SIGNATURE}",
        f"SharedAccessSignature uid={IDENTIFIER}&ex=\u0662\u0660\u0661\u066408042203&sn={SIGNATURE}",
        f"SharedAccessSignature uid={IDENTIFIER}&ex=999913990000&sn={SIGNATURE}",
    ],
)
def test_anything_else_is_no_token(authorization: str) -> None:
    assert tokens.parse(authorization) is None


# --- who is let in ------------------------------------------------------------------------------------------------
@pytest.fixture
def keys(db: None) -> dict[str, str]:
    """Both keys of the principal "pipeline"; the API is switched on."""
    changes.set_management_api(ALICE, enabled=True)
    row = changes.create_principal(ALICE, identifier="pipeline", role="contributor")
    return {which: changes.regenerate_key(ALICE, row.key, which) for which in changes.WHICH}


def tomorrow() -> datetime:
    return timezone.now() + timedelta(days=1)


def ask(
    key: str, identifier: str = "pipeline", until: datetime | None = None, address: str = "203.0.113.5"
) -> Caller | None:
    authorization = tokens.token(identifier, until or tomorrow(), key)
    request = RequestFactory().post(
        "/management/x?password=hush", {"data": "hush"}, REMOTE_ADDR=address,
        headers={"Authorization": authorization, "User-Agent": "hush"},
    )  # fmt: skip
    return caller_of(request)


def guess(times: int = 1, **values: str) -> None:
    assert [ask(KEY, **values) for _ in range(times)] == [None] * times


@pytest.mark.parametrize("which", changes.WHICH)
def test_a_token_of_either_key_is_let_in_with_the_role_of_its_principal(
    keys: dict[str, str], which: str
) -> None:
    caller = ask(keys[which])
    assert caller == Caller("pipeline", "contributor")
    assert (caller.actor, caller.may_change) == (Actor("api", "pipeline"), True)
    changes.set_role(ALICE, Principal.objects.get(resource_id="pipeline").key, role="reader")
    caller = ask(keys[which], "Pipeline")
    assert caller == Caller("pipeline", "reader")
    assert not caller.may_change


def test_the_door_lets_a_principal_in_without_a_session(keys: dict[str, str], client: Client) -> None:
    path = "/management/certificates?api-version=2014-02-14"
    good = client.get(path, headers={"Authorization": tokens.token("pipeline", tomorrow(), keys["primary"])})
    assert (good.status_code, good.json()["count"]) == (200, 0)
    refused = [
        client.get(path, headers=fields)
        for fields in (
            {},
            *({"Authorization": tokens.token(name, tomorrow(), KEY)} for name in ("pipeline", "x")),
        )
    ]
    assert {(each.status_code, each.content) for each in refused} == {(401, refused[0].content)}
    assert refused[0]["WWW-Authenticate"] == "SharedAccessSignature"
    assert not client.cookies
    assert not Session.objects.exists()


def test_a_good_token_leaves_nothing_behind(keys: dict[str, str]) -> None:
    with CaptureQueriesContext(
        connection,
    ) as asked:
        assert ask(keys["primary"])
    assert len(asked) <= 3
    assert all(query["sql"].startswith("SELECT") for query in asked)


def test_nothing_is_let_in_while_the_api_is_off(keys: dict[str, str]) -> None:
    changes.set_management_api(ALICE, enabled=False)
    assert ask(keys["primary"]) is None
    guess(9)
    assert not AccessAttempt.objects.exists()


def test_what_a_revoked_or_regenerated_key_signed_is_refused(keys: dict[str, str]) -> None:
    row = Principal.objects.get(resource_id="pipeline")
    changes.revoke_key(ALICE, row.key, "primary")
    changes.regenerate_key(ALICE, row.key, "secondary")
    assert [ask(key) for key in keys.values()] == [None, None]


def test_an_expired_token_or_key_is_refused_and_no_guess(
    keys: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    past = timezone.now() - timedelta(seconds=1)
    assert ask(keys["primary"], until=past) is None
    row = Principal.objects.get(resource_id="pipeline")
    update_directly(Principal, row.key, primary_expires_at=past)
    assert ask(keys["primary"]) is None
    assert not AccessAttempt.objects.exists()
    assert [record.message.split(" ")[1] for record in caplog.records] == ["token", "key"]
    assert ask(keys["secondary"])


def test_the_log_has_why_else_somebody_was_refused(
    keys: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    guess(5)
    caplog.set_level(logging.INFO)
    caplog.clear()
    request = RequestFactory().get("/management/", headers={"Authorization": "SharedAccessSignature hush"})
    assert caller_of(request) is None
    assert ask(keys["primary"]) is None
    changes.set_management_api(ALICE, enabled=False)
    assert ask(keys["primary"]) is None
    ours = [each.message for each in caplog.records if each.name == "portal.management_api.access"]
    assert ours == [
        "A request from 127.0.0.1 was refused: it brings no token that can be read.",
        "A token of pipeline from 203.0.113.5 was refused: a pause.",
        "A token of pipeline was refused: the management REST API is not enabled.",
    ]


# --- guessing -----------------------------------------------------------------------------------------------------
def test_after_five_guesses_a_good_token_is_refused_too_until_the_pause_is_over(keys: dict[str, str]) -> None:
    guess(4)
    assert ask(keys["primary"])
    guess()
    assert ask(keys["primary"]) is None
    update = AccessAttempt.objects.update
    update(attempt_time=F("attempt_time") - timedelta(minutes=9))
    guess()  # which makes the pause no longer
    assert ask(keys["primary"]) is None
    update(attempt_time=F("attempt_time") - timedelta(minutes=2))
    assert ask(keys["primary"])


def test_guesses_pause_that_identifier_at_that_address_alone(keys: dict[str, str]) -> None:
    guess(5)
    other = changes.create_principal(ALICE, identifier="other", role="reader")
    others = changes.regenerate_key(ALICE, other.key, "primary")
    assert ask(keys["primary"], address="203.0.113.6")
    assert ask(others, "other")


def test_guesses_and_failed_sign_ins_do_not_count_for_each_other(
    keys: dict[str, str], client: Client, administrator: User
) -> None:
    guess(5)
    good = {"username": "alice", "password": PASSWORD}
    assert client.post("/sign-in/", good, REMOTE_ADDR="203.0.113.5").status_code == 302
    for _ in range(5):
        Client().post("/sign-in/", {"username": "pipeline", "password": "x"}, REMOTE_ADDR="203.0.113.9")
    assert ask(keys["primary"], address="203.0.113.9")


def test_names_that_nobody_has_count_together_and_make_one_row(keys: dict[str, str]) -> None:
    for number in range(9):
        guess(identifier=f"nobody-{number}")
    attempt = AccessAttempt.objects.get()
    assert (attempt.username, attempt.failures_since_start) == ("management:", 5)


def test_a_pause_is_known_until_it_is_over(keys: dict[str, str]) -> None:
    guess(4)
    assert pauses() == []
    guess()
    (pause,) = pauses()
    assert (pause.identifier, pause.address) == ("pipeline", "203.0.113.5")
    assert timedelta(minutes=9) < pause.until - timezone.now() <= timedelta(minutes=10)
    call_command("axes_reset_username", "management:pipeline", stdout=StringIO())
    assert pauses() == []
    assert ask(keys["primary"])
    guess(5)
    AccessAttempt.objects.update(attempt_time=F("attempt_time") - timedelta(minutes=11))
    assert pauses() == []


def test_behind_a_proxy_guesses_count_by_what_the_proxy_saw(keys: dict[str, str], settings: Settings) -> None:
    settings.PORTAL_PROXY_COUNT = 1
    request = RequestFactory().get(
        "/management/", headers={
            "Authorization": tokens.token("pipeline", tomorrow(), KEY), "X-Forwarded-For": "203.0.113.77"
        }
    )  # fmt: skip
    assert caller_of(request) is None
    assert AccessAttempt.objects.get().ip_address == "203.0.113.77"


def test_a_guess_is_logged_without_the_token_and_stored_without_the_request(
    keys: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    guess(9)
    ours = [record for record in caplog.records if record.name == "portal.management_api.access"]
    said = "A token of pipeline from 203.0.113.5 was refused: none of its keys has signed it."
    assert [each.message for each in ours] == [
        *[said] * 4,
        f"{said} All of them are for 0:10:00 from now on.",
        *["A token of pipeline from 203.0.113.5 was refused: a pause."] * 4,
    ]
    assert [each.levelname for each in ours] == ["WARNING"] * 5 + ["INFO"] * 4
    assert "sn=" not in caplog.text
    assert "hush" not in str(AccessAttempt.objects.values().get())
