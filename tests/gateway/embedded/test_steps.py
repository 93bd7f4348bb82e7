"""What the step of each statement makes of a request: the documented examples, and what they leave open."""

import time
from base64 import b64encode
from dataclasses import replace
from typing import Any

import pytest

from gateway.embedded import steps
from gateway.embedded.message import Message, Request
from gateway.embedded.routing import Entry, Operations, Router
from gateway.failures import CallFailure
from gateway.headers import UNTOUCHABLE, Field
from gateway.snapshot import (
    AuthenticationBasic,
    CheckHeader,
    IpFilter,
    RewriteUri,
    Secret,
    SetHeader,
    SetQueryParameter,
    Text,
)
from gateway.url_templates import parse_template
from tests.snapshots import HERE


def request(
    target: str = "/a",
    *fields: Field,
    template: str = "/*",
    caller: str = "192.0.2.1",
    authority: bytes = b"",
) -> Request:
    """A request for /a or whatever comes behind a base URL, matched by a template."""
    path, mark, query = target.partition("?")
    entry = Entry("GET", parse_template(template), None)
    route = Router((("", Operations([entry])),)).find("GET", path, query)
    assert route is not None
    return Request(route, query if mark else None, list(fields), caller, authority)


def header(name: str, action: str = "override", *values: Text) -> SetHeader:
    return SetHeader(name, action, values, HERE)


A, B = (b"x-a", b"1"), (b"x-b", b"2")


@pytest.mark.parametrize(
    ("statement", "before", "after"),
    [
        (header("X-A", "override", "9"), [A, B, A], [B, (b"x-a", b"9")]),
        (header("X-A", "override", "9"), [B], [B, (b"x-a", b"9")]),
        (header("X-A", "override", "8", "9"), [A], [(b"x-a", b"8, 9")]),
        (header("X-A", "override", ""), [A], [(b"x-a", b"")]),
        (header("X-A", "override", "ä"), [], [(b"x-a", "ä".encode())]),
        (header("X-A", "override", Secret(b"9")), [A], [(b"x-a", b"9")]),
        (header("X-A", "override", " 9\t"), [], [(b"x-a", b"9")]),
        (header("X-A", "skip", "9"), [A, B], [A, B]),
        (header("X-A", "skip", "8", "9"), [B], [B, (b"x-a", b"8, 9")]),
        (header("X-A", "append", "9"), [A, B], [B, (b"x-a", b"1, 9")]),
        (header("X-A", "append", "8", "9"), [A, B, (b"x-a", b"3")], [B, (b"x-a", b"1, 3, 8, 9")]),
        (header("X-A", "append", "9"), [B], [B, (b"x-a", b"9")]),
        (header("X-A", "append", "9"), [(b"x-a", b"")], [(b"x-a", b"9")]),
        (header("X-A", "override", "8", "", "9", ""), [], [(b"x-a", b"8, 9")]),
        (header("X-A", "delete"), [A, B, A], [B]),
        (header("X-A", "delete"), [B], [B]),
        (header("X-Forwarded-For", "delete"), [(b"x-forwarded-for", b"192.0.2.1")], []),
    ],
)
def test_set_header(statement: SetHeader, before: list[Field], after: list[Field]) -> None:
    for message in (request("/a", *before), Message(list(before))):
        steps.set_header(statement)(message)
        assert message.fields == after


@pytest.mark.parametrize(
    "name", ["Set-Cookie", "Cookie", "WWW-Authenticate", "User-Agent", "Warning", "Expires"]
)
def test_values_that_must_not_be_joined_stay_fields_of_their_own(name: str) -> None:
    key, message = name.lower().encode(), Message([(name.lower().encode(), b"0")])
    steps.set_header(header(name, "append", "1", "2"))(message)
    assert message.fields == [(key, b"0"), (key, b"1"), (key, b"2")]


def test_host_is_that_of_the_message_to_the_back_end() -> None:
    asked = request(authority=b"gateway.example")
    assert asked.whole(b"back-end.example", None)[0] == (b"host", b"back-end.example")
    steps.set_header(header("HOST", "override", "other.example:81"))(asked)
    assert asked.whole(b"back-end.example", None) == [(b"host", b"other.example:81")]


@pytest.mark.parametrize(
    "statement",
    [
        *(header(name.decode(), "delete") for name in sorted(UNTOUCHABLE)),
        *(header(name.decode(), "override", "1") for name in sorted(UNTOUCHABLE)),
        header("X A", "override", "1"),
        header("X_A", "override", "1"),
        header("", "override", "1"),
        header("X-A", "override", "1\r\nX-B: 2"),
        header("X-A", "override", "1\n"),
        header("X-A", "append", Secret(b"1\x00")),
        header("X-A", "override"),
        header("X-A", "replace", "1"),
        header("Host", "delete"),
        header("Host", "append", "a"),
        header("Host", "override", "a", "b"),
        header("Host", "override", ""),
        header("Host", "override", "a/b"),
        header("Host", "override", "user@a"),
    ],
    ids=repr,
)
def test_a_field_that_must_not_be_set_so_is_no_step(statement: SetHeader) -> None:
    with pytest.raises(ValueError, match=r"."):
        steps.set_header(statement)


@pytest.mark.parametrize(
    "statement", [header("Host", "override", "a"), header("X-A", "override", "1", Secret(b"2"))], ids=repr
)
def test_an_answer_has_no_host_and_no_secret(statement: SetHeader) -> None:
    steps.set_header(replace(statement, values=statement.values[:1]))
    with pytest.raises(ValueError, match=r"."):
        steps.set_answer_header(statement)


def test_basic_credentials_replace_every_authorization_field() -> None:
    sent = request("/a", (b"authorization", b"one"), A, (b"authorization", b"two"))
    steps.authentication_basic(AuthenticationBasic("Ä", Secret(b"open:sesame"), HERE))(sent)
    assert sent.fields == [A, (b"authorization", b"Basic " + b64encode("Ä:open:sesame".encode()))]


def parameter(action: str, *values: Text, name: str = "p") -> SetQueryParameter:
    return SetQueryParameter(name, action, values, HERE)


@pytest.mark.parametrize(
    ("statement", "before", "after"),
    [
        (parameter("override", "9"), "a=1&p=2&b=3&p=4", "a=1&p=9&b=3"),
        (parameter("override", "8", "9"), "p=1&b=3", "p=8&p=9&b=3"),
        (parameter("override", "9"), "a=1", "a=1&p=9"),
        (parameter("override", "9"), None, "p=9"),
        (parameter("override", "9"), "", "p=9"),
        (parameter("override", "9"), "%70=1", "p=9"),
        (parameter("override", "9"), "p", "p=9"),
        (parameter("override", "9"), "P=1", "P=1&p=9"),
        (parameter("override", "9"), "pp=1&p2=2", "pp=1&p2=2&p=9"),
        (parameter("override", "a b&c=d/é~"), None, "p=a%20b%26c%3Dd%2F%C3%A9~"),
        (parameter("override", Secret("ß".encode())), None, "p=%C3%9F"),
        (parameter("override", ""), "p=1", "p="),
        (parameter("override", "9", name="$top x"), "%24top%20x=1", "%24top%20x=9"),
        (parameter("override", "9", name="$top x"), "$top+x=1", "%24top%20x=9"),
        (parameter("override", "9", name="a+b"), "a+b=1&a%2Bb=2", "a%2Bb=9"),
        (parameter("skip", "9"), "a=1&p=2", "a=1&p=2"),
        (parameter("skip", "9"), "a=1", "a=1&p=9"),
        (parameter("skip", "9"), "%70", "%70"),
        (parameter("skip", "9"), None, "p=9"),
        (parameter("append", "8", "9"), "p=1&a=2", "p=1&a=2&p=8&p=9"),
        (parameter("append", "9"), None, "p=9"),
        (parameter("delete"), "p=1&a=%7E&p", "a=%7E"),
        (parameter("delete"), "p=1", None),
        (parameter("delete"), "a=1&&b", "a=1&&b"),
        (parameter("delete"), "", ""),
        (parameter("delete"), None, None),
    ],
)
def test_set_query_parameter(statement: SetQueryParameter, before: str | None, after: str | None) -> None:
    asked = request("/a" if before is None else f"/a?{before}")
    steps.set_query_parameter(statement)(asked)
    assert asked.query == after
    assert asked.path == "/a"


@pytest.mark.parametrize("action", ["override", "skip", "append", "delete"])
def test_a_query_full_of_one_parameter_is_changed_in_a_moment(action: str) -> None:
    asked = request("/a?" + "&".join(["p"] * 30_000))
    step = steps.set_query_parameter(parameter(action, *([] if action == "delete" else ["9"])))
    began = time.process_time()
    step(asked)
    assert time.process_time() - began < 0.5


@pytest.mark.parametrize("statement", [parameter("override"), parameter("replace", "1")], ids=repr)
def test_a_parameter_without_values_or_with_an_unknown_action_is_no_step(
    statement: SetQueryParameter,
) -> None:
    with pytest.raises(ValueError, match=r"."):
        steps.set_query_parameter(statement)


REWRITES = [
    # the original's own example: parameters that are not in the template are copied, or are not
    ("/get?a={b}", "/put", True, "/get?a=b&c=d", "/put?c=d"),
    ("/get?a={b}", "/put", False, "/get?a=b&c=d", "/put"),
    ("/a/{x}", "/z/{x}", True, "/a/1%2F2?q", "/z/1%2F2?q"),
    ("/a", "/z?v=1", True, "/a?q=2", "/z?v=1&q=2"),
    ("/a", "/z?v=1", False, "/a?q=2", "/z?v=1"),
    ("/a", "/z", True, "/a?", "/z"),
    ("/a/*", "/z/*", True, "/a/b/c?q", "/z/b/c?q"),
    ("/customers?customerid={customerid}", "/C('{CustomerID}')", True, "/customers?customerid=7", "/C('7')"),
]


@pytest.mark.parametrize(("template", "rewrite", "copies", "target", "expected"), REWRITES)
def test_rewrite_uri(template: str, rewrite: str, copies: bool, target: str, expected: str) -> None:
    asked = request(target, template=template)
    steps.rewrite_uri(RewriteUri(rewrite, copies, HERE), parse_template(template))(asked)
    assert asked.target("") == expected
    assert asked.target("/base") == "/base" + expected


def test_a_later_rewriting_copies_the_query_as_it_stands() -> None:
    template = parse_template("/a?own={x}")
    asked = request("/a?own=1&q=2", template=template.text)
    for step in (
        steps.set_query_parameter(parameter("override", "3")),
        steps.rewrite_uri(RewriteUri("/b?first=1", True, HERE), template),
        steps.rewrite_uri(RewriteUri("/c?x={x}", True, HERE), template),
        steps.set_query_parameter(parameter("delete", name="first")),
    ):
        step(asked)
    assert asked.target("") == "/c?x=1&q=2&p=3"


def test_a_value_that_would_make_a_dot_segment_is_refused() -> None:
    asked = request("/a/x?v=..", template="/a/{p}?v={v}")
    step = steps.rewrite_uri(RewriteUri("/z/{v}/y", True, HERE), parse_template("/a/{p}?v={v}"))
    with pytest.raises(CallFailure, match="bad-target"):
        step(asked)


def check(*values: Text, ignore_case: bool = False, name: str = "X-Key") -> CheckHeader:
    return CheckHeader(name, 418, "No tea.", ignore_case, values, HERE)


def key(*values: bytes) -> list[Field]:
    return [(b"x-key", value) for value in values]


@pytest.mark.parametrize(
    ("statement", "fields", "passes"),
    [
        (check(), key(b""), True),
        (check(), [(b"x-other", b"1")], False),
        (check("a", "b"), key(b"b"), True),
        (check("a"), key(b"x", b"a"), True),
        (check("a"), key(b"x, a ,y"), True),
        (check("x, a"), key(b"x, a"), True),
        (check("a"), key(b"A"), False),
        (check("a"), key(b"aa"), False),
        (check("a"), [], False),
        (check("Ab", ignore_case=True), key(b"aB"), True),
        (check("Ab", ignore_case=True), key(b"x,AB"), True),
        (check(Secret(b"s")), key(b"s"), True),
        (check(Secret(b"s")), key(b"S"), False),
        (check(" a "), key(b"a"), True),
    ],
)
def test_check_header(statement: CheckHeader, fields: list[Field], passes: bool) -> None:
    step, asked = steps.check_header(statement), request("/a", *fields)
    if passes:
        step(asked)
        return
    with pytest.raises(CallFailure) as refused:
        step(asked)
    failure = refused.value
    assert (failure.code, failure.status, failure.message) == ("header-check-failed", 418, "No tea.")
    assert failure.failed_by == "caller"


def test_a_check_of_host_is_of_whom_the_caller_called() -> None:
    step = steps.check_header(check("gateway.example", name="Host"))
    step(request(authority=b"gateway.example"))
    for authority in (b"", b"other.example"):
        with pytest.raises(CallFailure):
            step(request(authority=authority))


def addresses(action: str, *networks: str, ranges: tuple[tuple[str, str], ...] = ()) -> IpFilter:
    return IpFilter(action, networks, ranges, HERE)


PAIR = (("192.0.2.10", "192.0.2.20"),)


@pytest.mark.parametrize(
    ("statement", "caller", "passes"),
    [
        (addresses("allow", "10.0.0.0/8"), "10.255.0.1", True),
        (addresses("allow", "10.0.0.0/8"), "11.0.0.1", False),
        (addresses("forbid", "10.0.0.0/8"), "10.255.0.1", False),
        (addresses("forbid", "10.0.0.0/8"), "11.0.0.1", True),
        (addresses("allow", "192.0.2.7"), "192.0.2.7", True),
        (addresses("allow", ranges=PAIR), "192.0.2.10", True),
        (addresses("allow", ranges=PAIR), "192.0.2.20", True),
        (addresses("allow", ranges=PAIR), "192.0.2.21", False),
        (addresses("allow", ranges=PAIR), "192.0.2.9", False),
        (addresses("allow", "2001:db8::/32", "10.0.0.0/8"), "2001:db8::1", True),
        (addresses("allow", "10.0.0.0/8"), "::ffff:10.0.0.1", True),
        (addresses("forbid", "::ffff:10.0.0.0/104"), "10.0.0.1", False),
        (addresses("allow", "::/0"), "10.0.0.1", False),
        (addresses("allow", "::/80"), "::1", True),
        (addresses("allow", "::/80"), "::ffff:10.0.0.1", False),
        (addresses("allow", "10.0.0.0/8"), "::a00:1", False),
        (addresses("allow", "10.0.0.0/8", "10.0.0.0/16", "10.9.0.0/16"), "10.200.0.1", True),
        (addresses("allow", "fe80::/10"), "fe80::1%eth0", True),
        (addresses("allow", "10.0.0.0/8"), "10.0.0.1:5432", True),
        (addresses("allow", "2001:db8::/32"), "[2001:db8::1]:5432", True),
        (addresses("forbid", "10.0.0.0/8"), "unknown", False),
        (addresses("allow", "0.0.0.0/0", "::/0"), "", False),
    ],
)
def test_ip_filter(statement: IpFilter, caller: str, passes: bool) -> None:
    step, asked = steps.ip_filter(statement), request(caller=caller)
    if passes:
        step(asked)
        return
    with pytest.raises(CallFailure) as refused:
        step(asked)
    assert (refused.value.code, refused.value.status) == ("ip-forbidden", 403)


@pytest.mark.parametrize(
    "statement",
    [
        addresses("permit", "10.0.0.0/8"),
        addresses("allow", "somewhere"),
        addresses("allow", ranges=(("192.0.2.2", "192.0.2.1"),)),
        addresses("allow", ranges=(("192.0.2.2", "::1"),)),
    ],
    ids=repr,
)
def test_a_filter_that_cannot_be_understood_is_no_step(statement: IpFilter) -> None:
    with pytest.raises(ValueError, match=r"."):
        steps.ip_filter(statement)


SECRET = Secret(b"hunter2")


@pytest.mark.parametrize(
    "step",
    [
        steps.set_header(header("X-A", "override", SECRET)),
        steps.set_header(header("X-A", "append", SECRET)),
        steps.set_header(header("Host", "override", SECRET)),
        steps.set_query_parameter(parameter("override", SECRET)),
        steps.check_header(check(SECRET)),
        steps.authentication_basic(AuthenticationBasic("u", SECRET, HERE)),
    ],
)
def test_no_repr_of_a_step_shows_a_secret(step: Any) -> None:
    assert "hunter2" not in repr(step)
