"""Nothing that lets somebody in is in the trace of a call, wherever it was and whoever repeats it."""

import base64
import json
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

import pytest

from gateway.snapshot import (
    AuthenticationBasic,
    CheckHeader,
    RewriteUri,
    Secret,
    SetHeader,
    SetQueryParameter,
)
from tests.back_end import BackEnd, Connection, Seen
from tests.snapshots import HERE
from tests.traces import KEY, TracedEngine, entries, messages, traced_engine

pytestmark = pytest.mark.wire
SECRETS = ("named/value+1 of a header", "named&value=2", "pass:word-3", "short", "checked-value-4")
CALLERS = ("bearer-token-5", "cookie-value-6", "signature-7", "api-key-8", "own-secret-9", "user-info-10")
BACK_ENDS = ("session-of-back-end-11", "location-code-12")


def echo(connection: Connection, seen: Seen) -> None:
    """Answer with all that was sent, in fields of other names, raw and encoded."""
    lines = [
        f"X-Echo-{number}: {value} [{quote(value, safe='')}]" for number, (_, value) in enumerate(seen.fields)
    ]
    lines += [f"X-Target: {seen.target}", f"X-Quoted: {quote(seen.target, safe='')}"]
    lines += [f"Set-Cookie: sid={BACK_ENDS[0]}; HttpOnly", f"X-Session: {BACK_ENDS[0]}"]
    lines += [f"Location: /login?code={BACK_ENDS[1]}#x", f"X-Code: {BACK_ENDS[1]}"]
    basic = next(value for name, value in seen.fields if name == "authorization")
    lines += [f"X-User: {base64.b64decode(basic.removeprefix('Basic ')).decode()}"]
    connection.answer(b"", *lines)


@pytest.fixture(scope="module")
def engine() -> Iterator[TracedEngine]:
    with traced_engine() as engine:
        yield engine


def is_in(document: object, secret: str) -> bool:
    text = json.dumps(document, ensure_ascii=False)
    encoded = (secret, quote(secret), quote(secret, safe=""), quote_plus(secret))
    return any(each in text or each.lower() in text.lower() for each in encoded)


POLICY = (
    CheckHeader("X-Partner", 401, "no", False, (Secret(SECRETS[4].encode()),), HERE),
    SetHeader("X-Named", "override", (Secret(SECRETS[0].encode()),), HERE),
    SetHeader("X-Short", "override", (Secret(SECRETS[3].encode()),), HERE),
    SetHeader("X-Api-Key", "override", (CALLERS[3],), HERE),
    SetHeader("Cookie", "append", ("more=1",), HERE),
    SetQueryParameter("named", "override", (Secret(SECRETS[1].encode()),), HERE),
    SetQueryParameter("sig", "append", ("x",), HERE),
    RewriteUri("/v2/{id}", True, HERE),
    AuthenticationBasic("user", Secret(SECRETS[2].encode()), HERE),
)
HEADERS = {
    "X-Partner": SECRETS[4],
    "X-Short": "before",
    "Authorization": f"Bearer {CALLERS[0]}",
    "Cookie": f"a=1; session={CALLERS[1]}",
    "X-Api-Key": CALLERS[3],
    "X-Copy": f"{CALLERS[0]} and {KEY} and {quote(KEY, safe='')}",
    "X-My-Secret": CALLERS[4],
    "Referer": f"https://me:{CALLERS[5]}@example.com/?access_token={CALLERS[0]}",
}
TARGET = f"/bank/7?sig={CALLERS[2]}&x=1"


@pytest.mark.parametrize("in_query", [False, True], ids=["key in a field", "key in the query"])
def test_no_secret_is_in_a_trace(engine: TracedEngine, in_query: bool) -> None:
    with BackEnd(behave=echo) as back_end:
        engine.apply(back_end.url, inbound=POLICY, operations=(("GET", "/{id}"),))
        target = f"{TARGET}&Subscription%2DKey=%74he%2Dkey-of%7ea.caller" if in_query else TARGET
        key = {} if in_query else {"Ocp-Apim-Subscription-Key": KEY}
        engine.gateway.call("GET", target, headers={**HEADERS, **key, "Ocp-Apim-Trace": "true"})
        document = engine.next()
        (seen,) = back_end.seen
    assert document["outcome"]["status"] == 200
    for each in (SECRETS[0], SECRETS[1]):
        assert each in repr(seen) or quote(each, safe="") in seen.target
    leaked = [each for each in (*SECRETS[:3], SECRETS[4], *CALLERS, *BACK_ENDS, KEY) if is_in(document, each)]
    assert not leaked
    assert f"'{SECRETS[3]}'" not in json.dumps(document)


def test_what_was_in_a_secret_field_before_is_not_shown_either(engine: TracedEngine) -> None:
    with BackEnd(behave=echo) as back_end:
        engine.apply(back_end.url, inbound=POLICY, operations=(("GET", "/{id}"),))
        document = engine.traced("GET", TARGET, headers=HEADERS)
    told = [message for message in messages(document, "inbound", "set-header") if "X-Short" in message]
    assert told == ["Sets X-Short to (secret) instead of (secret)."]
    headers = {field["name"]: field["value"] for field in entries(document)[0]["request"]["headers"]}
    assert {headers[name] for name in ("x-short", "x-partner", "authorization", "cookie")} == {"(secret)"}


def test_a_wrong_value_of_a_secret_that_is_checked_is_not_shown(engine: TracedEngine) -> None:
    with BackEnd() as back_end:
        engine.apply(back_end.url, inbound=POLICY, operations=(("GET", "/{id}"),))
        document = engine.traced("GET", TARGET, headers={**HEADERS, "X-Partner": "almost-the-value"})
    assert document["outcome"]["code"] == "header-check-failed"
    assert "almost" not in json.dumps(document)


def test_a_secret_that_is_cut_leaves_no_beginning(engine: TracedEngine) -> None:
    with BackEnd() as back_end:
        engine.apply(back_end.url)
        long = "begin" + "z" * 3000
        document = engine.traced(headers={"X-Token": long, "X-Copy": "y" * 2000 + long})
    assert "begin" not in json.dumps(document)


def test_a_secret_that_is_repeated_until_the_cut_leaves_no_beginning(engine: TracedEngine) -> None:
    with BackEnd() as back_end:
        back_end.behave = lambda connection, _: connection.answer(b"", f"X-Echo: {f'{KEY},' * 400}")
        engine.apply(back_end.url)
        document = engine.traced()
    assert "(secret),(secret)" in json.dumps(document)
    assert KEY[:6] not in json.dumps(document)


def test_literal_values_of_secret_fields_of_the_answer_are_hidden(engine: TracedEngine) -> None:
    outbound = (SetHeader("X-Auth-Token", "override", ("tok",), HERE),)
    with BackEnd() as back_end:
        engine.apply(back_end.url, outbound=outbound)
        document = engine.traced()
    assert messages(document, "outbound", "set-header") == ["Sets X-Auth-Token to (secret)."]
    assert "'tok'" not in json.dumps(document)
