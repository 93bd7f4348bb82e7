"""RFC 3986 for the characters; the original's documented examples for templates and rewriting."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.url_templates import (
    QueryParameter,
    Segment,
    has_dot_segment,
    normalise,
    parse_rewrite_template,
    parse_template,
)
from tests.properties import examples, holds

PCHARS = "abcXYZ019-._~!$&'()*+,;=:@"


def test_the_originals_example_is_read() -> None:
    template = parse_template("customers/{cid}/orders/{oid}/?date={date}")
    assert template.text == "/customers/{cid}/orders/{oid}/?date={date}"
    assert template.segments == (
        Segment("customers", False),
        Segment("cid", True),
        Segment("orders", False),
        Segment("oid", True),
        Segment("", False),
    )
    assert template.query == (QueryParameter("date", "date", True),)
    assert template.parameters == ("cid", "oid", "date")


def test_a_wildcard_stands_for_the_rest() -> None:
    assert (parse_template("/*").segments, parse_template("/*").wildcard) == ((), True)
    assert parse_template("/a/*").segments == (Segment("a", False),)
    assert parse_template("/").segments == (Segment("", False),)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("/a/{x}", "/a/{y}"),
        ("a", "/a"),
        ("/%61/%7E", "/a/~"),
        ("/a%2fb", "/a%2Fb"),
        ("/s?a={x}&b={y}", "/s?b={p}&a={q}"),
    ],
)
def test_templates_that_a_call_cannot_tell_apart_clash(one: str, other: str) -> None:
    assert parse_template(one).shape == parse_template(other).shape


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("/a", "/A"),
        ("/a", "/a/"),
        ("/a/{x}", "/a/*"),
        ("/a%2Fb", "/a/b"),
        ("/s?a={x}", "/s"),
        ("/s?a={x}", "/s?b={x}"),
        ("/s?a=1", "/s?a={x}"),
    ],
)
def test_templates_that_differ_do_not_clash(one: str, other: str) -> None:
    assert parse_template(one).shape != parse_template(other).shape


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "Enter the URL template"),
        ("  ", "Enter the URL template"),
        ("/a#b", "'#'"),
        ("/a//b", "two slashes"),
        ("//a", "two slashes"),
        ("/a/./b", "segments"),
        ("/a/%2e%2E", "segments"),
        ("/a b", "' '"),
        ("/\u00e4", "'\u00e4'"),
        ("/a\\b", "percent-encoded"),
        ("/a\n", "percent-encoded"),
        ("/%2", "two hexadecimal digits"),
        ("/a?b={c}%", "two hexadecimal digits"),
        ("/{a", "without its"),
        ("/a}", "without its"),
        ("/{{a}}", "without its"),
        ("/{}", "not a parameter"),
        ("/{a b}", "not a parameter"),
        ("/x{a}", "a whole segment"),
        ("/{a}.json", "a whole segment"),
        ("/{a}{b}", "a whole segment"),
        ("/*/a", "only at the end"),
        ("/a*", "only at the end"),
        ("/{a}/{A}", "twice"),
        ("/{a}?x={a}", "twice"),
        ("/a?x={b}&%78={c}", "twice"),
        ("/a?x", "name={name}"),
        ("/a?x=v{y}", "the whole value"),
        ("/" + "a" * 1000, "longer than 1000"),
    ],
)
def test_a_template_that_is_wrong_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011 (the words are looked at below)
        parse_template(text)
    assert words in str(refused.value)


@given(st.lists(st.text(PCHARS.replace("*", "").replace(".", ""), min_size=1, max_size=8), max_size=6))
def test_every_path_of_allowed_characters_is_a_template_of_itself(segments: list[str]) -> None:
    template = parse_template("/" + "/".join(segments))
    assert [segment.text for segment in template.segments] == (segments or [""])
    assert parse_template(template.text) == template


def test_only_unreserved_characters_are_decoded_for_comparing() -> None:
    assert normalise("%41%2d%7e%2f%3a%20") == "A-~%2F%3A%20"


@pytest.mark.parametrize(
    "path",
    [
        "/.",
        "/..",
        "/a/../b",
        "/%2e",
        "/.%2E/",
        "/a%2f..%2fb",
        "/..%5Cb",
        "/a\\..\\b",
        "/a/%2e%2e",
        "/..;/b",
        "/a/..;x=1/b",
        "/%2e%2e%3bx",
        "/.;",
    ],
)
def test_dot_segments_are_seen_in_every_spelling(path: str) -> None:
    assert has_dot_segment(path)


@pytest.mark.parametrize(
    "path", ["/", "/a.b", "/...", "/.a", "/a..", "/%2e%2e%2e", "/%252e", "/%20", "/a;..", "/a..;x", "/...;x"]
)
def test_other_dots_are_no_dot_segments(path: str) -> None:
    assert not has_dot_segment(path)


def test_a_query_must_have_the_parameters_of_the_template() -> None:
    template = parse_template("/s?date={d}&v=1")
    assert template.match_query("date=2020") is None
    assert template.match_query("date=2020&v=2") is None
    assert template.match_query("DATE=2020&v=1") is None
    found = template.match_query("x=1&d%61te=a%2Fb&v=%31&y&date=other")
    assert found is not None
    assert found.values == {"d": "a%2Fb"}
    assert found.unmatched == "x=1&y"


def test_a_query_without_expectations_stays_byte_for_byte() -> None:
    found = parse_template("/s").match_query("&&a=%2f&=&")
    assert found is not None
    assert found.unmatched == "&&a=%2f&=&"


def rewritten(template: str, rewrite: str, query: str = "", remainder: str = "", **values: str) -> str:
    parsed = parse_template(template)
    match = parsed.match_query(query)
    assert match is not None
    return parse_rewrite_template(rewrite, parsed).expand(
        {**values, **match.values}, match.unmatched, remainder
    )


def test_the_originals_examples_of_rewriting_give_the_documented_results() -> None:
    assert rewritten("/get?a={b}", "/put", "a=b&c=d") == "/put?c=d"
    assert (
        rewritten("/customers?customerid={customerid}", "Customers('{CustomerID}')", "customerid=7")
        == "/Customers('7')"
    )
    parsed = parse_template("/get?a={b}")
    assert parse_rewrite_template("/put", parsed).expand({"b": "b"}) == "/put"


def test_values_are_inserted_exactly_as_they_came() -> None:
    assert rewritten("/a/{x}", "/b/{X}/c?q={x}", "z=%2f", x="%e4%2F'~") == "/b/%e4%2F'~/c?q=%e4%2F'~&z=%2f"


def test_a_wildcards_remainder_is_appended() -> None:
    assert rewritten("/a/*", "/b/*", "q=1", remainder="c/%2F/d/") == "/b/c/%2F/d/?q=1"
    assert rewritten("/a/*", "/b", remainder="c") == "/b"


def test_a_value_of_the_query_brings_no_separator_into_the_path() -> None:
    assert rewritten("/s?a={a}", "/x/{a}/y", "a=b/c?d") == "/x/b%2Fc%3Fd/y"


def test_a_value_of_the_path_brings_no_parameter_into_the_query() -> None:
    assert (
        rewritten("/s/{a}", "/x?a={a}&role=user", a="1&role=admin+;x")
        == "/x?a=1%26role=admin%2B%3Bx&role=user"
    )


@pytest.mark.parametrize("value", ["..", ".", "%2e%2E", "../z", "a/../z", "..\\z", "..%2Fz"])
def test_a_value_that_would_leave_its_place_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="segment"):
        rewritten("/s?a={a}", "/x/{a}", f"a={value}")


def test_a_value_that_would_make_another_authority_of_the_path_is_refused() -> None:
    with pytest.raises(ValueError, match="two slashes"):
        rewritten("/s?a={a}", "/{a}/evil.example", "a=")


VALUES = st.text(PCHARS + "/?%#\\&", max_size=12) | st.lists(
    st.sampled_from(["/", "\\", "..", ".", "%2e", "%2F", "?", "#", "&", "=", "x"]), max_size=6
).map("".join)


@examples(300, 5000)
def test_no_value_adds_a_segment_a_query_a_parameter_or_a_fragment(count: int) -> None:
    parsed = parse_template("/s/{p}?q={q}")
    rewrite = parse_rewrite_template("/one/{q}/two/{p}?p={p}&q={q}&end=1", parsed)

    def in_its_place(in_query: str, in_path: str) -> None:
        # what a call can bring: a value of the path has no slash, one of the query no ampersand
        values = {"q": in_query.replace("&", ""), "p": in_path.replace("/", "").replace("?", "")}
        try:
            target = rewrite.expand(values)
        except ValueError:
            return
        path, _, query = target.partition("?")
        segments = path.split("/")
        assert (segments[1], segments[3], len(segments)) == ("one", "two", 5)
        assert [pair.partition("=")[0] for pair in query.split("&")] == ["p", "q", "end"]
        assert "#" not in target
        assert not has_dot_segment(path)

    holds(count, in_its_place, VALUES, VALUES)


SEGMENTS = st.lists(st.text("abcXYZ01-_~$!'()+,;=:@", min_size=1, max_size=5), min_size=1, max_size=5)


@examples(300, 5000)
def test_what_a_template_was_expanded_to_is_matched_with_the_same_values(count: int) -> None:
    def round_trip(segments: list[str], which: list[bool], values: list[str]) -> None:
        names = {
            place: f"p{place}" for place, is_parameter in enumerate(which[: len(segments)]) if is_parameter
        }
        text = "/" + "/".join(f"{{{names[i]}}}" if i in names else part for i, part in enumerate(segments))
        template = parse_template(text)
        given_values = {name: values[place] for place, name in names.items()}
        path = parse_rewrite_template(text, template).expand(given_values)
        raw = path[1:].split("/")
        assert len(raw) == len(template.segments)
        for part, found in zip(template.segments, raw, strict=True):
            assert (given_values[part.text] if part.is_parameter else part.text) == normalise(found)

    plain = st.text("abcXYZ01-_~", min_size=1, max_size=5)
    flags = st.lists(st.booleans(), min_size=5, max_size=5)
    holds(count, round_trip, SEGMENTS, flags, st.lists(plain, min_size=5, max_size=5))


@examples(300, 5000)
def test_any_text_is_a_template_or_refused(count: int) -> None:
    def parsed_or_refused(text: str) -> None:
        try:
            template = parse_template(text)
        except ValueError:
            return
        assert parse_template(template.text) == template
        assert template.text.startswith("/")

    pieces = st.sampled_from(
        ["/", "{", "}", "a", "{a}", "{b}", "*", "?", "=", "&", "%41", "%", "#", ".", "..", " "]
    )
    holds(count, parsed_or_refused, st.lists(pieces, max_size=8).map("".join) | st.text(max_size=20))


@pytest.mark.parametrize(
    ("template", "rewrite", "words"),
    [
        ("/a", "", "Enter the rewrite URL template"),
        ("/a/{x}", "/b/{y}", "{y}"),
        ("/a", "/b/*", "ends with /*"),
        ("/a", "/b/../c", "segments"),
        ("/a", "/b//c", "two slashes"),
        ("/a", "/b#c", "'#'"),
        ("/a", "https://evil.example/", "two slashes"),
        ("/a/{x}", "/b/{x", "without its"),
        ("/a", "/" + "b" * 1000, "longer than 1000"),
    ],
)
def test_a_rewrite_template_that_is_wrong_is_refused_in_words(
    template: str, rewrite: str, words: str
) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011
        parse_rewrite_template(rewrite, template)
    assert words in str(refused.value)
