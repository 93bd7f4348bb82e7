"""Which operation a call is for, and that no spelling of one reaches another."""

import re
from urllib.parse import unquote

import pytest
from hypothesis import strategies as st

from tests.back_end import BackEnd, Seen
from tests.conformance.back_ends import BackEnds
from tests.conformance.caller import request
from tests.conformance.marks import shows
from tests.conformance.serving import Gateway
from tests.properties import examples, holds

pytestmark = pytest.mark.wire

NOT_FOUND = b'{ "statusCode": 404, "message": "Resource not found" }'


@shows("product", "6", "A call that no operation is for gets the recorded answer, byte for byte.")
@pytest.mark.parametrize(
    "target", ["/elsewhere", "/", "/verbs", "/verbs/reads", "/verbs/read/x", "/keyed-", "/ope", "/opens/x"]
)
def test_a_call_without_an_operation_is_not_found(gateway: Gateway, back_end: BackEnd, target: str) -> None:
    answer = gateway.call(target=target)
    assert (answer.status, answer.body, answer.values("gateway-error")) == (404, NOT_FOUND, ["not-found"])
    assert answer.values("content-type") == ["application/json"]
    assert answer.values("date")
    assert not back_end.seen


@shows(
    "this product", "matching", "A literal comes before a parameter before a wildcard, segment by segment."
)
@pytest.mark.parametrize(
    ("path", "operation"),
    [
        ("/a/b/c", "/a/b/c"),
        ("/a/x/c", "/a/(p)/c"),
        ("/a/b/d", "/a/(p)/d"),  # the literal leads nowhere
        ("/a/b", "/a/+"),
        ("/a", "/a/+"),
        ("/a/", "/a/+"),
        ("/a//c", "/a/+"),  # nothing is no value
        ("/a/b/c/", "/a/+"),
        ("/A/b/c", "/+"),
        ("/a%2Fb/c", "/+"),
        ("/", "/"),
        ("", "/"),
        ("//", "/+"),
        ("/x", "/+"),
        ("/a/b/c/d/e/f/g/h", "/a/b/c/d/e/f/g/(h)"),
    ],
)
def test_the_order_of_literal_parameter_and_wildcard(
    gateway: Gateway, back_end: BackEnd, path: str, operation: str
) -> None:
    assert gateway.call(target=f"/matching{path}").status == 200
    assert back_end.seen[0].target == f"/base/op{operation}"


@shows("this product", "matching", "Query parameters that a template names must be there, in any order.")
@pytest.mark.parametrize(
    ("query", "operation"),
    [
        ("", "/q"),
        ("?", "/q"),
        ("?kind", "/q!kind=(kind)"),
        ("?kind=", "/q!kind=(kind)"),
        ("?kind=a", "/q!kind=(kind)"),
        ("?kind=special", "/q!kind=special"),
        ("?x=1&kind=special&y", "/q!kind=special"),
        ("?kind=special&kind=a", "/q!kind=special"),  # the first counts
        ("?kind=a&kind=special", "/q!kind=(kind)"),
        ("?Kind=special", "/q"),
        ("?kinds=special", "/q"),
        ("?x=kind=special", "/q"),
    ],
)
def test_query_parameters_of_a_template_must_be_there(
    gateway: Gateway, back_end: BackEnd, query: str, operation: str
) -> None:
    assert gateway.call(target=f"/matching/q{query}").status == 200
    assert back_end.seen[0].target == f"/base/op{operation}"


@shows("this product", "matching", "An operation is for its own method alone.")
def test_methods_are_matched(gateway: Gateway, back_end: BackEnd) -> None:
    expected = {"/verbs/read": "GET", "/verbs/write": "POST"}
    for target, own in expected.items():
        for method in ("GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"):
            assert gateway.call(method, target).status == (200 if method == own else 404)
    assert gateway.call("HEAD", "/verbs/read").status == 404
    assert [(seen.method, seen.target) for seen in back_end.seen] == [
        ("GET", "/base/read"),
        ("POST", "/base/write"),
    ]


@shows(
    "this product",
    "matching",
    "The longest suffix wins, by whole segments, even if a shorter one had an operation.",
)
@pytest.mark.parametrize(
    ("target", "operation"),
    [
        ("/nested/x", "/x"),
        ("/nested/v2/x", "/x"),
        ("/nested/v2/y", "/y"),
        ("/nested/v2/only-here", None),  # of the API without a suffix
        ("/nesting/x", "/nesting/x"),
        ("/nested/y", None),
        ("/Nested/x", None),
        ("/nested%2Fv2/y", None),
        ("/nested//v2/y", None),
        ("//nested/x", None),
    ],
)
def test_the_longest_suffix_wins(
    gateway: Gateway, back_end: BackEnd, target: str, operation: str | None
) -> None:
    answer = gateway.call(target=target)
    assert (answer.status, len(back_end.seen)) == ((200, 1) if operation else (404, 0))
    assert not operation or back_end.seen[0].target == f"/base/op{operation}"


# --- No spelling of an operation's address reaches a sibling ----------------------------------------------------


def as_a_back_end_might_read_it(target: str) -> str:
    """The path as a back end reads it that decodes, takes a backslash for a slash, joins slashes, and goes up."""
    path = re.sub(r"/+", "/", unquote(target.partition("?")[0]).replace("\\", "/"))
    segments: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            segments = segments[:-1]
        elif segment != ".":
            segments.append(segment)
    return "/".join(segments)


def passed_by(seen: Seen) -> bool:
    """Whether a request for what only "/admin/{name}" is for arrived without the credentials of its policy."""
    private = as_a_back_end_might_read_it(seen.target).startswith("/base/admin")
    return private and not seen.values("authorization")


@shows(
    "this product",
    "matching",
    "No spelling of an operation's address reaches a sibling, so no policy can be passed by.",
)
@pytest.mark.parametrize(
    "rest",
    [
        "/admin/1", "/%61dmin/1", "/admin/%31", "/admin%2F1", "/admin/1/", "//admin/1", "/./admin/1",
        "/admin/./1", "/public/../admin/1", "/public/%2e%2e/admin/1", "/public/..%2fadmin/1",
        "/public/..%5cadmin%5c1", "/public/..\\admin\\1", "/public%2f..%2fadmin%2f1", "/public\\..\\admin/1",
        "/public/%2e%2e%2fadmin/1", "/public/x/..%2f..%2fadmin%2f1/info", "/public/.%2e/admin/1",
        "/public/..%2f/admin/1", "/public/;/../admin/1", "/ADMIN/1", "/admin;x/1", "/admin/1?x", "/admin?/1",
        "/public//../../admin/1", "/public/%5c..%5c..%5cadmin/1", "/public/%2fadmin/1", "/public?/../admin/1",
        "/.%2fadmin/1",
    ],
)  # fmt: skip
def test_no_spelling_passes_a_policy_by(gateway: Gateway, listeners: BackEnds, rest: str) -> None:
    with gateway.caller() as caller:
        caller.send(request("GET", f"/siblings{rest}", "Connection: close"))
        assert caller.final().status in (200, 400, 404)
    assert not [seen.target for seen in listeners.seen if passed_by(seen)]


PIECES = st.sampled_from(
    [
        "/",
        "//",
        "\\",
        "%2f",
        "%2F",
        "%5C",
        ".",
        "..",
        "%2e",
        "admin",
        "public",
        "%61dmin",
        "info",
        "1",
        ";",
        "?",
        "x",
        "%25",
        "%00",
    ]
)


@shows("this product", "matching", "No spelling at all of an operation's address reaches a sibling.")
@examples(400, 5000)
def test_no_spelling_at_all_passes_a_policy_by(gateway: Gateway, listeners: BackEnds, count: int) -> None:
    def never_passed_by(pieces: list[str]) -> None:
        listeners.seen.clear()
        with gateway.caller() as caller:
            caller.send(request("GET", f"/siblings/{''.join(pieces)}"))
            assert caller.final().status in (200, 400, 404)
        assert not [seen.target for seen in listeners.seen if passed_by(seen)]

    holds(count, never_passed_by, st.lists(PIECES, min_size=1, max_size=10))


@shows("RFC 3986", "2.1", "Any bytes at all as a target are refused, or arrive byte for byte.")
@examples(400, 5000)
def test_any_bytes_are_refused_or_arrive_byte_for_byte(
    gateway: Gateway, listeners: BackEnds, count: int
) -> None:
    def refused_or_the_same(rest: bytes) -> None:
        listeners.seen.clear()
        with gateway.caller() as caller:
            caller.send(b"GET /open/" + rest + b" HTTP/1.1\r\nHost: gateway.example\r\n\r\n")
            status = caller.final().status
        arrived = [seen.target for seen in listeners.seen]
        same = "/base/" + rest.rstrip(b" ").decode(
            "latin-1"
        )  # spaces before the version are not of the target
        assert (status, arrived) in [(400, []), (200, [same])]

    printable = st.binary().map(lambda data: bytes(33 + byte % 94 for byte in data))
    holds(count, refused_or_the_same, st.binary() | printable | printable)
