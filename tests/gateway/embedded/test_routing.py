"""Which operation a call is for."""

import time

import pytest

from gateway.embedded.routing import Entry, Operations, Router
from gateway.url_templates import parse_template


def operations(*templates: str, method: str = "GET") -> Operations[str]:
    return Operations(Entry(method, parse_template(template), template) for template in templates)


def find(router: Router[str], target: str, method: str = "GET") -> str | None:
    path, _, query = target.partition("?")
    route = router.find(method, path, query)
    return route.plan if route else None


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/a/b/c", "/a/b/c"),
        ("/a/x/c", "/a/{p}/c"),
        ("/a/b/d", "/a/{p}/d"),  # the literal leads nowhere
        ("/a/b", "/a/*"),
        ("/a", "/a/*"),
        ("/a/", "/a/*"),
        ("/a//c", "/a/*"),  # nothing is no value
        ("/A/b/c", "/*"),
        ("/%61/%62/c", "/a/b/c"),  # RFC 3986, 6.2.2.2
        ("/a%2Fb/c", "/*"),
        ("/", "/"),
        ("", "/"),
    ],
)
def test_literal_comes_before_parameter_before_wildcard(path: str, expected: str) -> None:
    api = operations("/", "/*", "/a/*", "/a/{p}/c", "/a/{p}/d", "/a/b/c")
    assert find(Router([("s", api)]), f"/s{path}") == expected


def test_a_template_with_query_parameters_needs_them() -> None:
    router = Router([("", operations("/x", "/x?kind={kind}", "/x?kind=special"))])
    assert find(router, "/x") == "/x"
    assert find(router, "/x?kind=a") == "/x?kind={kind}"


def test_verbs_are_matched_exactly() -> None:
    router = Router([("", operations("/x", method="GET"))])
    assert find(router, "/x", "GET") == "/x"
    assert find(router, "/x", "HEAD") is None
    assert find(router, "/x", "get") is None


def test_the_longest_suffix_wins_by_whole_segments() -> None:
    router = Router(
        [
            ("", operations("/*", "/bank/v2/only-here")),
            ("bank", operations("/x", "/v2/x")),
            ("bank/v2", operations("/x", "/y")),
        ]
    )
    found = {
        path: router.find("GET", path, "") for path in ("/bank/v2/y", "/banking/x", "/bank/v2/only-here")
    }
    assert found["/bank/v2/y"] is not None
    assert found["/bank/v2/y"].rest == "/y"
    assert found["/banking/x"] is not None
    assert found["/banking/x"].plan == "/*"
    assert found["/bank/v2/only-here"] is None  # an API without the operation answers 404 itself
    assert find(router, "/bank/x") == "/x"
    assert find(router, "/Bank/x") == "/*"


def test_an_api_at_the_longest_suffix_is_found_in_every_spelling_of_it() -> None:
    router = Router([("", operations("/*")), ("partner-bank", operations("/x"))])
    assert find(router, "/partner%2Dbank/x") == "/x"


def test_values_and_the_remainder_are_raw() -> None:
    route = Router([("s", operations("/a/{id}/*"))]).find("GET", "/s/a/1%2F2/b/%20c", "")
    assert route is not None
    assert route.values == {"id": "1%2F2"}
    assert route.remainder == "b/%20c"


def test_routing_takes_as_long_with_ten_thousand_apis_as_with_ten() -> None:
    templates = operations(*(f"/r{number}/{{id}}" for number in range(10)))

    def seconds(count: int) -> float:
        router = Router((f"apis/api-{number}", templates) for number in range(count))
        best = 1.0
        for _ in range(7):
            began = time.perf_counter()
            for number in range(2000):
                assert router.find("GET", f"/apis/api-{number % 10}/r7/1", "") is not None
            best = min(best, time.perf_counter() - began)
        return best

    assert seconds(10_000) < 2 * seconds(10)
