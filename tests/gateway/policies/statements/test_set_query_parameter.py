"""<set-query-parameter>: every form of it, and every way in which it can be wrong."""

import pytest

from gateway.snapshot import Secret, SetQueryParameter
from tests.gateway.policies.texts import ORIGIN, compiled, refused, unresolved


def parameter(*values: str | Secret, name: str = "v", action: str = "override") -> SetQueryParameter:
    return SetQueryParameter(name, action, values, ORIGIN)


def written(inside: str, action: str = "override", name: str = "v") -> str:
    return f'<set-query-parameter name="{name}" exists-action="{action}">{inside}</set-query-parameter>'


A = "<value>a</value>"


@pytest.mark.parametrize("section", ["inbound", "backend"])
@pytest.mark.parametrize("scope", ["global", "api", "operation"])
def test_it_stands_in_two_sections_at_every_scope(section: str, scope: str) -> None:
    assert compiled(written(A), section, scope) == (parameter("a"),)


@pytest.mark.parametrize(
    ("xml", "expected"),
    [
        ("<set-query-parameter name='v'><value>a</value></set-query-parameter>", parameter("a")),
        (written(A + A, "append"), parameter("a", "a", action="append")),
        (written(A, "skip"), parameter("a", action="skip")),
        (written("", "{{delete}}"), parameter(action="delete")),
        (written(A, name="\u00e4 b&amp;=%?#[]{{plain}}"), parameter("a", name="\u00e4 b&=%?#[]one")),
        (written("<value> &lt;\u00e4 %2F&amp;+ </value><value />"), parameter("<\u00e4 %2F&+", "")),
        (written("<value>{{secret}}-{{plain}}</value>"), parameter(Secret(b"hunter2-one"))),
        (written("<value>{{padded}}</value>"), parameter("one")),
    ],
)
def test_it_means_what_it_says(xml: str, expected: SetQueryParameter) -> None:
    assert compiled(xml) == (expected,)


@pytest.mark.parametrize(
    ("xml", "words"),
    [
        ("<set-query-parameter>" + A + "</set-query-parameter>", "The required attribute 'name' is missing."),
        (written(A, name=""), "The 'name' attribute must not be empty."),
        (written(A, name="a&#10;"), "The 'name' attribute holds a line break"),
        (written(""), "At least one 'value' element is needed"),
        (written(A, "delete"), "there must be no 'value' element"),
        (written(A, "overwrite"), "must be 'override', 'skip', 'append' or 'delete'"),
        (written("<value>a\tb</value>"), "The value holds a line break or another control character"),
        (written("<value>@(1)</value>"), "The text is a policy expression."),
        (written(A + "<set-header/>"), "'set-header' element is not expected inside 'set-query-parameter'"),
    ],
)
def test_what_is_wrong_with_it_is_told(xml: str, words: str) -> None:
    found = refused(xml)
    assert len(found) == 1
    assert words in found[0]


@pytest.mark.parametrize(
    ("xml", "words"),
    [
        (written(A, name="{{empty}}"), "must not be empty"),
        (written(A, name="{{secret}}"), "cannot be used in this attribute"),
        (written("", "{{append}}"), "At least one 'value' element"),
        (written("<value>{{secret}}{{lines}}</value>"), "The value holds a line break"),
    ],
)
def test_what_a_named_value_makes_wrong_is_told_when_it_is_known(xml: str, words: str) -> None:
    assert words in unresolved(xml)[0]


def test_an_answer_has_no_query() -> None:
    assert "only in 'inbound', 'backend'" in refused(written(A), "outbound")[0]
