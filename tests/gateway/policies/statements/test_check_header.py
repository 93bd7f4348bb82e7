"""<check-header>: every form of it, and every way in which it can be wrong."""

import pytest

from gateway.snapshot import CheckHeader, Secret
from tests.gateway.policies.texts import ORIGIN, compiled, refused, unresolved

ATTRIBUTES = {
    "name": "X-Key",
    "failed-check-httpcode": "401",
    "failed-check-error-message": "Not authorized",
    "ignore-case": "false",
}


def written(changed: dict[str, str], inside: str = "") -> str:
    attributes = " ".join(f'{name}="{text}"' for name, text in (ATTRIBUTES | changed).items())
    return f"<check-header {attributes}>{inside}</check-header>"


def check(*values: str | Secret, status: int = 401, message: str = "Not authorized") -> CheckHeader:
    return CheckHeader("X-Key", status, message, False, values, ORIGIN)


@pytest.mark.parametrize(
    ("xml", "expected"),
    [
        (written({}), check()),
        (written({}, "<value> a </value><value>b</value>"), check("a", "b")),
        (written({}, "<value>{{secret}}</value><value>{{plain}}</value>"), check(Secret(b"hunter2"), "one")),
        (
            written({"failed-check-httpcode": "{{503}}", "failed-check-error-message": "{{plain}} &lt;"}),
            check(status=503, message="one <"),
        ),
        (written({"failed-check-error-message": ""}), check(message="")),
        (
            written({"ignore-case": "{{true}}", "name": "Host"}),
            CheckHeader("Host", 401, "Not authorized", True, (), ORIGIN),
        ),
    ],
)
@pytest.mark.parametrize("scope", ["global", "api", "operation"])
def test_it_means_what_it_says(xml: str, expected: CheckHeader, scope: str) -> None:
    assert compiled(xml, scope=scope) == (expected,)


@pytest.mark.parametrize(
    ("xml", "words"),
    [
        (written({"name": "X Key"}), "must be the name of a header"),
        (written({"name": "Connection"}), "'Connection' header cannot be checked by a policy"),
        (written({"name": "Ocp-Apim-Subscription-Key"}), "cannot be checked by a policy"),
        (written({"name": "content-length"}), "cannot be checked by a policy"),
        (written({"name": "X_Key"}), "holds an underscore, with which the gateway lets no header in"),
        (written({"failed-check-httpcode": "399"}), "must be a status from 400 to 599"),
        (written({"failed-check-httpcode": "600"}), "must be a status from 400 to 599"),
        (written({"failed-check-httpcode": "401 "}), "must be a status from 400 to 599"),
        (written({"failed-check-httpcode": "\u0664\u0660\u0661"}), "must be a status from 400 to 599"),
        (written({"failed-check-error-message": "@(a)"}), "is a policy expression"),
        (written({"ignore-case": "True"}), "The 'ignore-case' attribute must be 'true' or 'false'."),
        (written({"exists-action": "skip"}), "The 'exists-action' attribute is not declared."),
        (written({}, "<value>a\nb</value>"), "The value holds a line break"),
        (written({}, "<value>@(a)</value>"), "The text is a policy expression."),
        (written({}, "a"), "Text is not allowed inside 'check-header'."),
    ],
)
def test_what_is_wrong_with_it_is_told(xml: str, words: str) -> None:
    found = refused(xml)
    assert len(found) == 1
    assert words in found[0]


def test_all_of_its_attributes_are_required() -> None:
    assert refused("<check-header />") == [
        f"The required attribute '{name}' is missing." for name in ATTRIBUTES
    ]


@pytest.mark.parametrize("section", ["backend", "outbound"])
def test_it_checks_what_comes_in(section: str) -> None:
    assert "only in 'inbound'" in refused(written({}), section)[0]


@pytest.mark.parametrize(
    ("xml", "words"),
    [
        (written({"failed-check-httpcode": "{{plain}}"}), "must be a status from 400 to 599"),
        (written({"failed-check-error-message": "{{secret}}"}), "is secret and would be sent to callers"),
        (written({"ignore-case": "{{plain}}"}), "must be 'true' or 'false'"),
        (written({"name": "{{empty}}"}), "must be the name of a header"),
        (written({}, "<value>{{lines}}</value>"), "The value holds a line break"),
    ],
)
def test_what_a_named_value_makes_wrong_is_told_when_it_is_known(xml: str, words: str) -> None:
    assert words in unresolved(xml)[0]
