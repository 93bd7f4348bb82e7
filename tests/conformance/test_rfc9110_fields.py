"""RFC 9110, 5 to 10: fields on their way through an intermediary."""

import re
from email.utils import parsedate_to_datetime

import pytest

from tests.back_end import BackEnd
from tests.conformance.caller import chunked, request
from tests.conformance.marks import failure, refusal, shows
from tests.conformance.serving import Gateway

pytestmark = pytest.mark.wire

OURS = "1.1 publisher-portal"
HOP_BY_HOP = (
    "Keep-Alive: timeout=5",
    "Proxy-Connection: keep-alive",
    "Proxy-Authenticate: Basic",
    "TE: trailers, deflate",
    "Trailer: X-Sum",
    "Upgrade: h2c",
    "HTTP2-Settings: AAMAAABkAAQAAP__",
)


@shows("RFC 9110", "7.6.1", "Fields for one hop are not passed on to the back end.")
def test_fields_for_one_hop_do_not_reach_the_back_end(gateway: Gateway, back_end: BackEnd) -> None:
    fields = (*HOP_BY_HOP, "Proxy-Authorization: Basic x", "Connection: keep-alive, TE, Upgrade", "X-End: 1")
    assert gateway.call("GET", "/open/x", *fields).status == 200
    assert sorted(name.lower() for name, _ in back_end.seen[0].fields) == [
        *("host", "via", "x-end", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"),
    ]


@shows("RFC 9110", "7.6.1", "Fields for one hop are not passed on to the caller.")
def test_fields_for_one_hop_do_not_reach_the_caller(gateway: Gateway, back_end: BackEnd) -> None:
    hop_by_hop = [line for line in HOP_BY_HOP if not line.startswith("HTTP2")]
    back_end.behave = lambda connection, seen: connection.answer(b"ok", *hop_by_hop, "Date: x", "X-End: 1")
    answer = gateway.call()
    assert sorted(name.lower() for name, _ in answer.fields) == ["content-length", "date", "via", "x-end"]


@shows("RFC 9110", "7.6.1", "A field that Connection names is for one hop, both ways and in any case.")
@pytest.mark.parametrize(
    "connection", ["X-Mine", "x-mine, close", "close, ,X-MINE", "x-other\r\nConnection: x-mine"]
)
def test_a_field_that_connection_names_stays_here(
    gateway: Gateway, back_end: BackEnd, connection: str
) -> None:
    named = (f"Connection: {connection}", "X-Mine: 1", "X-Yours: 2")
    back_end.behave = lambda connection, seen: connection.answer(b"", *named)
    answer = gateway.call("GET", "/open/x", *named)
    for got in (answer, back_end.seen[0]):
        assert (got.values("x-mine"), got.values("x-yours")) == ([], ["2"])


@shows(
    "RFC 9110",
    "7.6.1",
    "A caller cannot take away by Connection what the gateway vouches for, or who the caller is.",
)
@pytest.mark.parametrize(
    "name",
    [
        "Host",
        "Via",
        "X-Forwarded-For",
        "X-Forwarded-Proto",
        "X-Forwarded-Host",
        "Authorization",
        "Cookie",
        "Content-Type",
    ],
)
def test_connection_does_not_take_these_away(gateway: Gateway, back_end: BackEnd, name: str) -> None:
    fields = (f"Connection: {name}", "Authorization: Bearer x", "Cookie: a=b", "Content-Type: text/plain")
    assert gateway.call("POST", "/open/x", *fields, body=b"x").status == 200
    assert back_end.seen[0].values(name)


@shows("RFC 9110", "7.6.1", "A length stays the length, even if Connection names it.")
def test_connection_does_not_take_the_framing_away(gateway: Gateway, back_end: BackEnd) -> None:
    back_end.behave = lambda connection, seen: connection.answer(
        b"ok", "Connection: content-length, set-cookie", "Set-Cookie: a=b"
    )
    smuggled = b"GET /open/smuggled HTTP/1.1\r\n\r\n"
    answer = gateway.call("POST", "/open/x", "Connection: Content-Length", body=smuggled)
    assert (answer.body, answer.values("content-length"), answer.values("set-cookie")) == (
        b"ok",
        ["2"],
        ["a=b"],
    )
    assert [seen.body for seen in back_end.seen] == [smuggled]


@shows("RFC 9110", "7.2", "Host is that of the back end.")
def test_host_is_the_back_ends(gateway: Gateway, back_end: BackEnd) -> None:
    assert gateway.call().status == 200
    assert back_end.seen[0].values("host") == [f"localhost:{back_end.port}"]
    assert back_end.seen[0].fields[0][0].lower() == "host"  # first, as 7.2 asks


@shows(
    "RFC 9110",
    "7.7",
    "Nothing is added for a client library: what a caller does not send, a back end does not get.",
)
def test_nothing_else_is_added(gateway: Gateway, back_end: BackEnd) -> None:
    assert gateway.call().status == 200
    names = sorted(name.lower() for name, _ in back_end.seen[0].fields)
    assert names == ["host", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"]


@shows("RFC 9110", "5.3", "Repeated fields stay apart and in their order, both ways.")
def test_repeated_fields_stay_apart(gateway: Gateway, back_end: BackEnd) -> None:
    lines = ("X-F: 1", "X-G: a", "X-F: 2, 3", "x-f: 4", "X-G: b")
    back_end.behave = lambda connection, seen: connection.answer(b"", *lines)
    answer = gateway.call("GET", "/open/x", *lines)
    for got in (answer, back_end.seen[0]):
        assert (got.values("x-f"), got.values("x-g")) == (["1", "2, 3", "4"], ["a", "b"])


@shows("RFC 9110", "5.3", "Set-Cookie fields stay apart: they cannot be joined.")
def test_cookies_that_are_set_stay_apart(gateway: Gateway, back_end: BackEnd) -> None:
    cookies = ["a=1; Expires=Thu, 01 Jan 2030 00:00:00 GMT", "b=2", "b=3"]
    back_end.behave = lambda connection, seen: connection.answer(b"", *(f"Set-Cookie: {c}" for c in cookies))
    assert gateway.call().values("set-cookie") == cookies


@shows("RFC 9110", "7.6.3", "The gateway adds itself to Via, on the way to the back end and back.")
def test_via_names_the_gateway(gateway: Gateway, back_end: BackEnd) -> None:
    answer = gateway.call()
    assert answer.values("via") == [OURS]
    assert back_end.seen[0].values("via") == [OURS]


@shows("RFC 9110", "7.6.3", "Whoever stands in Via already stays there, before the gateway.")
def test_via_keeps_who_was_there(gateway: Gateway, back_end: BackEnd) -> None:
    before = ("Via: 1.0 fred, 1.1 p.example (a comment)", "Via: 1.1 nearest")
    back_end.behave = lambda connection, seen: connection.answer(b"", *before)
    answer = gateway.call("GET", "/open/x", *before)
    for got in (answer, back_end.seen[0]):
        assert ", ".join(got.values("via")) == f"1.0 fred, 1.1 p.example (a comment), 1.1 nearest, {OURS}"


@shows("RFC 9110", "7.6.3", "Via tells the version that was received.")
def test_via_tells_the_version(gateway: Gateway, back_end: BackEnd) -> None:
    with gateway.caller() as caller:
        caller.send(request(version="1.0"))
        assert caller.final().values("via") == [OURS]
    assert back_end.seen[0].values("via") == ["1.0 publisher-portal"]


@shows("RFC 9110", "7.6.3", "A call that went through the gateway more than five times is a loop.")
@pytest.mark.parametrize("separate", [True, False])
def test_a_loop_is_seen(gateway: Gateway, back_end: BackEnd, separate: bool) -> None:
    def via(times: int) -> list[str]:
        return [f"Via: {OURS}"] * times if separate else ["Via: " + ", ".join([OURS] * times)]

    assert gateway.call("GET", "/open/x", *via(5)).status == 200
    assert failure(gateway.call("GET", "/open/x", *via(6))) == (508, "loop-detected")
    others = ["Via: 1.1 publisher-portal-2, 1.1 another", *["Via: 1.1 fred"] * 9]
    assert gateway.call("GET", "/open/x", *others).status == 200
    assert len(back_end.seen) == 2


@shows("RFC 9110", "7.6.2", "Max-Forwards of OPTIONS and TRACE is counted down.")
@pytest.mark.parametrize("method", ["OPTIONS", "TRACE"])
def test_max_forwards_is_counted_down(gateway: Gateway, back_end: BackEnd, method: str) -> None:
    assert gateway.call(method, "/open/x", "Max-Forwards: 10").status == 200
    assert back_end.seen[0].values("max-forwards") == ["9"]


@shows("RFC 9110", "7.6.2", "With Max-Forwards: 0 OPTIONS is answered here, and TRACE is not supported.")
def test_max_forwards_ends_here(gateway: Gateway, back_end: BackEnd) -> None:
    answer = gateway.call("OPTIONS", "/open/x", "Max-Forwards: 0")
    assert (answer.status, answer.body, answer.values("content-length")) == (200, b"", ["0"])
    assert answer.values("allow") == gateway.call("OPTIONS", "*").values("allow")
    assert failure(gateway.call("TRACE", "/open/x", "Max-Forwards: 0")) == (501, "trace-unsupported")
    assert not back_end.seen


@shows("RFC 9110", "7.6.2", "Max-Forwards of another method means nothing.")
def test_max_forwards_of_another_method_passes(gateway: Gateway, back_end: BackEnd) -> None:
    assert gateway.call("GET", "/open/x", "Max-Forwards: 0").status == 200
    assert back_end.seen[0].values("max-forwards") == ["0"]


@shows("RFC 9110", "6.6.1", "An answer without Date gets one; one with Date keeps it.")
def test_an_answer_has_a_date(gateway: Gateway, back_end: BackEnd) -> None:
    (date,) = gateway.call().values("date")
    assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", date)
    assert parsedate_to_datetime(date).year >= 2026
    theirs = "Tue, 15 Nov 1994 08:12:31 GMT"
    back_end.behave = lambda connection, seen: connection.answer(b"", f"Date: {theirs}")
    assert gateway.call().values("date") == [theirs]


# --- Expect (10.1.1) ------------------------------------------------------------------------------------------


@shows(
    "RFC 9110", "10.1.1", "A caller that waits with its body is told to go on, and the back end is not asked."
)
@pytest.mark.parametrize("framing", ["Content-Length: 4", "Transfer-Encoding: chunked"])
def test_a_caller_is_told_to_go_on(gateway: Gateway, back_end: BackEnd, framing: str) -> None:
    with gateway.caller() as caller:
        for _ in range(2):
            caller.send(request("POST", "/open/x", framing, "Expect: 100-Continue"))
            assert caller.answer().status == 100
            caller.send(chunked(b"body") if "chunked" in framing else b"body")
            assert caller.final("POST").status == 200
    assert [(seen.body, seen.values("expect")) for seen in back_end.seen] == [(b"body", [])] * 2


@shows("RFC 9110", "10.1.1", "A caller whose call is refused is not asked for its body.")
@pytest.mark.parametrize(
    ("target", "field", "status"),
    [
        ("/elsewhere", "", 404),
        ("/keyed/x", "", 401),
        ("/keyed/x", "Ocp-Apim-Subscription-Key: wrong", 401),
        ("/https-only/x", "", 403),
        ("/small/x", "", 413),
        ("/sealed/x", "", 500),
        ("/open/x", "X_Y: z", 400),
    ],
)
def test_a_refused_caller_is_not_told_to_go_on(
    gateway: Gateway, back_end: BackEnd, target: str, field: str, status: int
) -> None:
    with gateway.caller() as caller:
        fields = [line for line in (field, "Content-Length: 5000", "Expect: 100-continue") if line]
        caller.send(request("POST", target, *fields))
        answer = caller.answer("POST")
        assert (answer.status, answer.values("connection")) == (status, ["close"])
        assert caller.end() == "closed"
    assert not back_end.seen


@shows("RFC 9110", "10.1.1", "An HTTP/1.0 caller is not told to go on, whatever it expects.")
def test_http_1_0_is_not_told_to_go_on(gateway: Gateway, back_end: BackEnd) -> None:
    with gateway.caller() as caller:
        caller.send(request("POST", "/open/x", "Expect: 100-continue", body=b"body", version="1.0"))
        assert caller.answer("POST").status == 200
    assert back_end.seen[0].body == b"body"


@shows("RFC 9110", "10.1.1", "Another expectation than 100-continue cannot be met.")
@pytest.mark.parametrize("value", ["200-ok", "100-continue, more", "magic"])
def test_another_expectation_cannot_be_met(gateway: Gateway, back_end: BackEnd, value: str) -> None:
    answer = gateway.call("POST", "/open/x", f"Expect: {value}", body=b"x")
    assert failure(answer) == (417, "expectation-failed")
    assert not back_end.seen


# --- Upgrade (7.8) --------------------------------------------------------------------------------------------


@shows("RFC 9110", "7.8", "An Upgrade is dropped with Connection, and the call goes on.")
@pytest.mark.parametrize("upgrade", ["h2c", "TLS/1.0", "foo/2, bar", "HTTP/3.0"])
def test_an_upgrade_is_dropped(gateway: Gateway, back_end: BackEnd, upgrade: str) -> None:
    fields = ("Connection: Upgrade, HTTP2-Settings", f"Upgrade: {upgrade}", "HTTP2-Settings: AAMA")
    with gateway.caller() as caller:
        for method, body in (("GET", b""), ("POST", b"abc")):
            assert caller.ask(method, "/open/x", *fields, body=body).status == 200
    for seen in back_end.seen:
        assert not seen.values("upgrade") + seen.values("connection") + seen.values("http2-settings")
    assert [seen.body for seen in back_end.seen] == [b"", b"abc"]


@shows("RFC 6455", "4.2.2", "A WebSocket handshake is answered that they are not supported.")
@pytest.mark.parametrize("upgrade", ["websocket", "WebSocket", "h2c, websocket"])
def test_a_websocket_is_not_supported(gateway: Gateway, back_end: BackEnd, upgrade: str) -> None:
    fields = (
        "Connection: Upgrade",
        f"Upgrade: {upgrade}",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: x",
    )
    assert failure(gateway.call("GET", "/open/x", *fields)) == (501, "upgrade-unsupported")
    assert not back_end.seen


@shows("RFC 9113", "3.4", "The preface of HTTP/2 is refused.")
def test_the_preface_of_http_2_is_refused(gateway: Gateway, back_end: BackEnd) -> None:
    assert (
        refusal(gateway.says(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00")) == 400
    )
    assert not back_end.seen
