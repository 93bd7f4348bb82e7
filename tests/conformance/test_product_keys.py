"""Subscription keys: where they are looked for, what they let in, and that they go no further."""

import pytest

from tests.back_end import BackEnd
from tests.conformance.apis import KEYS
from tests.conformance.back_ends import BackEnds
from tests.conformance.caller import request
from tests.conformance.configuration import TRUSTED_PROXY
from tests.conformance.marks import shows
from tests.conformance.serving import Gateway

pytestmark = pytest.mark.wire

FIELD = "Ocp-Apim-Subscription-Key"
MISSING = (
    b'{ "statusCode": 401, "message": "Access denied due to missing subscription key. '
    b'Make sure to include subscription key when making requests to an API." }'
)
INVALID = (
    b'{ "statusCode": 401, "message": "Access denied due to invalid subscription key. '
    b'Make sure to provide a valid key for an active subscription." }'
)
OWN, ALL, SIBLING = KEYS["keyed"], KEYS["all"], KEYS["sibling"]


@shows("product", "6", "A call without a key gets the recorded answer, byte for byte.")
@pytest.mark.parametrize("fields", [(), (f"{FIELD}:",), (f"{FIELD}: ", "X: y"), ("Authorization: Basic x",)])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_call_without_a_key_is_denied(
    gateway: Gateway, back_end: BackEnd, method: str, fields: tuple[str, ...]
) -> None:
    answer = gateway.call(method, "/keyed/x?a=b", *fields)
    assert (answer.status, answer.body, answer.values("content-length")) == (401, MISSING, ["152"])
    assert answer.values("content-type") == ["application/json"]
    assert answer.values("gateway-error") == ["subscription-key-missing"]
    assert not back_end.seen


@shows("product", "6", "A call with a key that lets nobody in gets the recorded answer, byte for byte.")
@pytest.mark.parametrize(
    "key", ["wrong", OWN.upper(), OWN + "x", OWN[:-1], SIBLING, "caf\xe9", "\xc3\xa9", "a b", "0" * 5000]
)
def test_a_call_with_another_key_is_denied(gateway: Gateway, back_end: BackEnd, key: str) -> None:
    answer = gateway.call("GET", "/keyed/x", f"{FIELD}: {key}")
    assert (answer.status, answer.body, answer.values("content-length")) == (401, INVALID, ["143"])
    assert answer.values("gateway-error") == ["subscription-key-invalid"]
    assert not back_end.seen


@shows("product", "6", "A denial says at which address the key is asked for, and how it is to be sent.")
@pytest.mark.parametrize("suffix", ["keyed", "keyed/sibling"])
@pytest.mark.parametrize("fields", [(), (f"{FIELD}: wrong",)])
def test_a_denial_says_where_and_how(
    gateway: Gateway, back_end: BackEnd, suffix: str, fields: tuple[str, ...]
) -> None:
    rest = f'/{suffix}",name="{FIELD}",type="header"'
    answer = gateway.call("GET", f"/{suffix}/x", *fields)
    assert answer.values("www-authenticate") == [f'AzureApiManagementKey realm="http://gateway.example{rest}']
    answer = gateway.call("GET", f"http://other.example:81/{suffix}/x", *fields)
    assert answer.values("www-authenticate") == [
        f'AzureApiManagementKey realm="http://other.example:81{rest}'
    ]
    answer = gateway.call("GET", f"/{suffix}/x", *fields, "X-Forwarded-Proto: https", source=TRUSTED_PROXY)
    assert answer.values("www-authenticate") == [
        f'AzureApiManagementKey realm="https://gateway.example{rest}'
    ]


@shows("product", "6", "Either key of a subscription to the API, or to all APIs, lets a call in.")
@pytest.mark.parametrize("key", [OWN, f"{OWN}-secondary", ALL, f"{ALL}-secondary"])
@pytest.mark.parametrize("place", ["field", "query"])
def test_a_key_lets_a_call_in(gateway: Gateway, back_end: BackEnd, key: str, place: str) -> None:
    field = (f"{FIELD.lower()}:  {key} ",) if place == "field" else ()
    query = f"?subscription-key={key}" if place == "query" else ""
    assert gateway.call("GET", f"/keyed/x{query}", *field).status == 200
    assert back_end.seen[0].target == "/base/x"


@shows("product", "6", "A key of another API lets nobody in, be it an API above or below.")
def test_a_key_is_for_its_own_api(gateway: Gateway, back_end: BackEnd) -> None:
    assert gateway.call("GET", "/keyed/sibling/x", f"{FIELD}: {SIBLING}").status == 200
    assert gateway.call("GET", "/keyed/sibling/x", f"{FIELD}: {OWN}").body == INVALID
    assert gateway.call("GET", "/keyed/x", f"{FIELD}: {SIBLING}").body == INVALID


@shows("product", "6", "The query parameter is looked at only if the field is not there.")
def test_the_field_comes_before_the_query(gateway: Gateway, back_end: BackEnd) -> None:
    right, wrong = f"?subscription-key={OWN}", "?subscription-key=wrong"
    assert gateway.call("GET", f"/keyed/x{wrong}", f"{FIELD}: {OWN}").status == 200
    assert gateway.call("GET", f"/keyed/x{right}", f"{FIELD}: wrong").body == INVALID
    assert gateway.call("GET", f"/keyed/x{right}", f"{FIELD}:").body == MISSING


@shows(
    "this product",
    "keys",
    "Of several fields none counts: who reads the first and who the last must not differ.",
)
@pytest.mark.parametrize("keys", [(OWN, OWN), (OWN, "wrong"), ("wrong", OWN), ("", OWN), (OWN, "")])
def test_several_fields_are_no_key(gateway: Gateway, back_end: BackEnd, keys: tuple[str, str]) -> None:
    answer = gateway.call("GET", "/keyed/x", *(f"{FIELD}: {key}" for key in keys))
    assert (answer.status, answer.body) == (401, INVALID)
    assert not back_end.seen


@shows("this product", "keys", "The name of the query parameter has no case, and may be spelt with escapes.")
@pytest.mark.parametrize(
    "name",
    [
        "subscription-key",
        "Subscription-Key",
        "SUBSCRIPTION-KEY",
        "%73ubscription%2dkey",
        "subscription%2DKEY",
    ],
)
def test_the_parameter_is_known_in_every_spelling(gateway: Gateway, back_end: BackEnd, name: str) -> None:
    assert gateway.call("GET", f"/keyed/x?a=b&{name}={OWN}").status == 200
    assert gateway.call("GET", f"/keyed/x?{name}={OWN.replace('-', '%2D')}&a=b").status == 200
    assert [seen.target for seen in back_end.seen] == ["/base/x?a=b"] * 2


@shows("this product", "keys", "Of several query parameters the first counts.")
def test_the_first_parameter_counts(gateway: Gateway, back_end: BackEnd) -> None:
    assert gateway.call(target=f"/keyed/x?subscription-key={OWN}&Subscription-Key=wrong").status == 200
    assert gateway.call(target=f"/keyed/x?subscription-key=wrong&subscription-key={OWN}").body == INVALID
    assert gateway.call(target=f"/keyed/x?subscription-key=&subscription-key={OWN}").body == MISSING


@shows(
    "this product", "keys", "A key never reaches a back end, and the rest of the query arrives byte for byte."
)
@pytest.mark.parametrize("api", ["keyed", "open"])
@pytest.mark.parametrize(
    ("query", "rest"),
    [
        ("a=%2f&subscription-key={key}&&b=+;c", "?a=%2f&&b=+;c"),
        ("subscription-key={key}&a", "?a"),
        ("a&subscription-key={key}", "?a"),
        ("a=1&Subscription%2DKey={key}&b=2&subscription-key=other&c", "?a=1&b=2&c"),
        ("x=subscription-key&subscription-key={key}&subscription-keys=1&asubscription-key=2",
         "?x=subscription-key&subscription-keys=1&asubscription-key=2"),
    ],
)  # fmt: skip
def test_a_key_goes_no_further(
    gateway: Gateway, listeners: BackEnds, api: str, query: str, rest: str
) -> None:
    assert gateway.call(target=f"/{api}/x?{query.format(key=ALL)}").status == 200
    assert gateway.call("GET", f"/{api}/x?{query.format(key=ALL)}", f"{FIELD}: {ALL}").status == 200
    assert [seen.target for seen in listeners.seen] == [f"/base/x{rest}"] * 2
    wire = b"".join(listeners.wire).lower()
    assert ALL.encode() not in wire
    assert FIELD.lower().encode() not in wire


@shows(
    "this product", "keys", "An API that asks for no key takes a good one, and denies calls with a bad one."
)
def test_an_open_api_denies_bad_keys(gateway: Gateway, back_end: BackEnd) -> None:
    assert gateway.call("GET", "/open/x", f"{FIELD}: {ALL}").status == 200
    assert gateway.call("GET", "/open/x", f"{FIELD}:").status == 200
    assert gateway.call("GET", "/open/x", f"{FIELD}: wrong").body == INVALID
    assert gateway.call("GET", "/open/x?subscription-key=wrong").body == INVALID
    assert gateway.call("GET", "/open/x", f"{FIELD}: {OWN}").body == INVALID
    assert len(back_end.seen) == 2


@shows("this product", "keys", "Naming the key's field in Connection does not hide it.")
def test_connection_does_not_hide_a_key(gateway: Gateway, back_end: BackEnd) -> None:
    assert gateway.call("GET", "/keyed/x", f"{FIELD}: {OWN}", f"Connection: {FIELD}").status == 200
    assert gateway.call("GET", "/keyed/x", f"{FIELD}: wrong", f"Connection: {FIELD}").status == 401
    assert not back_end.seen[0].values(FIELD)


@shows("this product", "keys", "A key in a body or in a cookie is none.")
def test_a_key_elsewhere_is_none(gateway: Gateway, back_end: BackEnd) -> None:
    with gateway.caller() as caller:
        data = f"subscription-key={OWN}".encode()
        caller.send(request("POST", "/keyed/x", f"Cookie: subscription-key={OWN}", body=data))
        assert caller.final().body == MISSING
    assert not back_end.seen


@shows(
    "this product",
    "keys",
    "Keys are asked for before anything else of the call is looked at, but for its scheme.",
)
@pytest.mark.parametrize(
    ("target", "fields", "code"),
    [
        ("/https-only/x", (f"{FIELD}: wrong", "X_Y: z"), "https-required"),
        ("/keyed/x", ("X_Y: z", "Expect: magic"), "subscription-key-missing"),
        ("/sealed/x", (f"{FIELD}: wrong", "X_Y: z"), "subscription-key-invalid"),
        ("/sealed/x", ("X_Y: z", "Expect: magic"), "field-name-underscore"),
        ("/sealed/x", ("Expect: magic", "Connection: upgrade", "Upgrade: websocket"), "expectation-failed"),
        ("/sealed/x", ("Connection: upgrade", "Upgrade: websocket"), "upgrade-unsupported"),
        ("/keyed/none", ("X_Y: z",), "subscription-key-missing"),
        ("/none/x", (f"{FIELD}: wrong", "X_Y: z", "Expect: magic"), "not-found"),
    ],
)  # fmt: skip
def test_the_order_of_what_is_asked(
    gateway: Gateway, back_end: BackEnd, target: str, fields: tuple[str, ...], code: str
) -> None:
    assert gateway.call("GET", target, *fields).values("gateway-error") == [code]
    assert not back_end.seen
