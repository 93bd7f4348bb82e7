"""What is secret by its name, and that its value is not shown anywhere else either."""

from base64 import b64encode
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as some

from gateway.tracing.masking import HIDDEN, Masker, is_secret_field, is_secret_parameter

secrets = some.text(some.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=6, max_size=30)
WAYS = [str, quote, lambda text: quote(text, safe=""), quote_plus]
WAYS += [lambda text: "".join(f"%{byte:02x}" for byte in text.encode())]


@pytest.mark.parametrize(
    "name",
    ["Authorization", "PROXY-AUTHORIZATION", "cookie", "Set-Cookie", "Ocp-Apim-Subscription-Key", "X-Api-Key",
     "apikey", "X_API_KEY", "X-Amz-Security-Token", "client-secret", "X-Password", "passwd", "Signature"],
)  # fmt: skip
def test_a_field_is_secret_by_its_name(name: str) -> None:
    assert is_secret_field(name)
    assert is_secret_parameter(name)


@pytest.mark.parametrize(
    "name", ["accept", "Content-Type", "X-Request-Id", "via", "www-authenticate", "x-code"]
)
def test_others_are_not(name: str) -> None:
    assert not is_secret_field(name)


@pytest.mark.parametrize(
    "name", ["sig", "code", "access_token", "subscription-key", "Subscription%2DKey", "%63ode"]
)
def test_a_parameter_is_secret_by_its_name(name: str) -> None:
    assert is_secret_parameter(name)


@pytest.mark.parametrize("name", ["q", "state", "page", "decoded", "signal"])
def test_other_parameters_are_not(name: str) -> None:
    assert not is_secret_parameter(name)


def test_a_secret_parameter_is_hidden_wherever_an_address_stands() -> None:
    masker = Masker()
    assert (
        masker.text("/a?x=1&SIG=ab&y=2#access_token=q;z=3")
        == f"/a?x=1&SIG={HIDDEN}&y=2#access_token={HIDDEN};z=3"
    )
    assert (
        masker.text("see https://me:mine@host/?code=1 there")
        == f"see https://{HIDDEN}@host/?code={HIDDEN} there"
    )


def test_values_of_secret_fields_are_hidden_in_all_others() -> None:
    basic = b64encode(b"user:hunter22").decode()
    sent = [("authorization", f"Basic {basic}"), ("cookie", "a=1; session=abcdefgh"), ("x-other", "fine")]
    masker = Masker()
    masker.learn(sent)
    assert masker.fields(sent) == [("authorization", HIDDEN), ("cookie", HIDDEN), ("x-other", "fine")]
    echo = f"{basic}, user is hunter22; abcdefgh and a=1"
    assert masker.text(echo) == f"{HIDDEN}, user is {HIDDEN}; {HIDDEN} and a=1"


def test_only_the_value_of_a_cookie_that_is_set_is_secret() -> None:
    masker = Masker()
    masker.learn([("set-cookie", 'sid="abcdefgh"; Path=/; HttpOnly; Domain=example.com')])
    assert masker.text("HttpOnly example.com abcdefgh") == f"HttpOnly example.com {HIDDEN}"


def test_a_policy_makes_other_names_secret() -> None:
    masker = Masker()
    masker.hide_field("X-Partner")
    masker.hide_parameter("a b")
    assert masker.fields([("x-partner", "abc")]) == [("x-partner", HIDDEN)]
    assert masker.text("/?a+b=c&a%20b=d&ab=e") == f"/?a+b={HIDDEN}&a%20b={HIDDEN}&ab=e"


def test_what_callers_send_in_a_field_that_a_policy_makes_secret_hides_nothing_elsewhere() -> None:
    masker = Masker()
    masker.hide_field("Accept")
    masker.learn([("accept", "application/json")])
    assert masker.fields([("accept", "text/html"), ("content-type", "application/json")]) == [
        ("accept", HIDDEN), ("content-type", "application/json")
    ]  # fmt: skip


def test_short_values_hide_no_words() -> None:
    masker = Masker()
    masker.remember("the")
    assert masker.text("in the end") == "in the end"


def test_what_is_hidden_already_stays_readable() -> None:
    masker = Masker()
    masker.remember("secret")
    assert masker.text(f"{HIDDEN} or secret") == f"{HIDDEN} or {HIDDEN}"


def test_with_more_secrets_than_can_be_looked_for_nothing_is_shown() -> None:
    masker = Masker()
    masker.learn([("cookie", "; ".join(f"a{n}=abcdef{n}" for n in range(2000)))])
    assert masker.text("anything") == HIDDEN


@pytest.mark.parametrize("way", WAYS)
@given(secrets, some.text(max_size=20), some.text(max_size=20))
@settings(max_examples=60, deadline=None)
def test_a_secret_is_found_however_it_is_written(way: object, secret: str, before: str, after: str) -> None:
    assume(len(secret.strip()) >= 6)
    masker = Masker()
    masker.remember(secret)
    written = way(secret.strip())  # type: ignore[operator]
    shown = masker.text(f"{before} {written} {after}")
    assert HIDDEN in shown
    assert secret.strip() not in shown.replace(HIDDEN, "\n")


def test_a_key_from_a_query_is_found_as_it_was_sent_and_as_it_is() -> None:
    masker = Masker()
    masker.learn_address("/bank?subscription-key=abc%2Bdef%20g")
    for echo in ("abc+def g", "abc%2bdef%20g", "abc%2Bdef+g", "abc%252Bdef%2520g"):
        assert masker.text(f"[{echo}]") == f"[{HIDDEN}]"
