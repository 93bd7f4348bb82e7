"""Which operation a call is for."""

import time
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.embedded.routing import Entry, Operations, Router
from gateway.url_templates import Template, parse_template


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
    routers = [Router((f"apis/api-{n}", templates) for n in range(count)) for count in (10, 10_000)]
    best = [1.0, 1.0]
    for _ in range(20):  # in turns, because other programs run on this machine
        for which, router in enumerate(routers):
            began = time.perf_counter()
            for number in range(500):
                assert router.find("GET", f"/apis/api-{number % 10}/r7/1", "") is not None
            best[which] = min(best[which], time.perf_counter() - began)
    assert best[1] < 1.5 * best[0]


SEGMENTS = st.sampled_from(("a", "b", "{p}"))
TEMPLATES = st.builds(
    lambda path, wildcard, query: "/" + "/".join((*unique(path), *wildcard)) + query,
    st.lists(SEGMENTS, max_size=3),
    st.sampled_from(((), ("*",))),
    st.sampled_from(("", "?q={q}", "?q=1")),
)


def unique(path: list[str]) -> list[str]:
    """A path whose parameters have names of their own."""
    return [f"{{p{place}}}" if part == "{p}" else part for place, part in enumerate(path)]


def expected(templates: list[Template], segments: list[str], query: str, place: int = 0) -> str | None:
    """The rule, said the slow way: of the templates that fit so far, literal before parameter before wildcard."""
    found = None
    if place == len(segments):
        found = first([each for each in templates if fits(each, place) and not each.wildcard], query)
    else:
        text = segments[place]
        at = {each: each.segments[place] for each in templates if len(each.segments) > place}
        literal = [each for each, segment in at.items() if not segment.is_parameter and segment.text == text]
        parameter = [each for each, segment in at.items() if segment.is_parameter and text]
        for some in (literal, parameter):
            found = found or (expected(some, segments, query, place + 1) if some else None)
    return found or first([each for each in templates if fits(each, place) and each.wildcard], query)


def fits(template: Template, place: int) -> bool:
    """Whether a template has no more segments."""
    return len(template.segments) == place


def first(templates: list[Template], query: str) -> str | None:
    """The one that demands most of the query, a value before any value."""
    order = ("?q=1", "?q={q}", "")
    ranked = sorted(
        templates, key=lambda each: order.index(each.text[each.text.find("?") :] if each.query else "")
    )
    return next((each.text for each in ranked if each.match_query(query) is not None), None)


@settings(deadline=None)
@given(
    st.sets(TEMPLATES, max_size=8),
    st.lists(st.sampled_from(("a", "b", "c", "")), min_size=1, max_size=4),
    st.sampled_from(("", "q=1", "q=2")),
)
def test_any_templates_are_matched_segment_by_segment(texts: set[str], path: list[str], query: str) -> None:
    templates = [parse_template(text) for text in texts]
    route = Router([("s", operations(*texts))]).find("GET", "/s/" + "/".join(path), query)
    assert (route.template.text if route else None) == expected(templates, path, query)


def test_the_order_in_which_operations_come_decides_nothing() -> None:
    texts = ("/x?kind={kind}", "/x?kind=special", "/x")
    for order in permutations(texts):
        assert find(Router([("", operations(*order))]), "/x?kind=special") == "/x?kind=special"


def test_templates_of_very_many_segments_are_no_danger() -> None:
    long = "/a" * 490
    router = Router([("", operations(f"{long}/b", f"{long}/c"))])
    assert find(router, f"{long}/c") == f"{long}/c"


SUFFIXES = st.sampled_from(("", "a", "b", "a/b", "a/b/c", "b/b"))


@settings(deadline=None)
@given(st.lists(st.dictionaries(SUFFIXES, st.sampled_from((None, "1", "2")), max_size=3), max_size=6))
def test_a_router_changed_step_by_step_is_the_one_made_anew(steps: list[dict[str, str | None]]) -> None:
    router, apis = Router[str](), dict[str, str]()
    for step in steps:
        router = router.replaced({s: operations(f"/{name}/*") if name else None for s, name in step.items()})
        apis = {s: name for s, name in (apis | step).items() if name}
    fresh = Router((suffix, operations(f"/{name}/*")) for suffix, name in apis.items())
    for suffix in ("", "a", "b", "a/b", "a/b/c", "b/b", "a/x"):
        for rest in ("/1/x", "/2/x", ""):
            assert router.find("GET", f"/{suffix}{rest}", "") == fresh.find("GET", f"/{suffix}{rest}", "")


def test_a_router_shares_what_is_not_on_the_way_to_a_change() -> None:
    one = operations("/x")
    before = Router([("a/b", one), ("c/d", one)])
    after = before.replaced({"a/b": None})
    assert find(before, "/a/b/x") == "/x"
    assert find(after, "/a/b/x") is None
    assert after._root.children["c"] is before._root.children["c"]
    assert list(after._root.children) == ["c"]
