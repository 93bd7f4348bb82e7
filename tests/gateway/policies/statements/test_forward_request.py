"""<forward-request />: the attributes that say what this gateway does, and those that say something else."""

import pytest

from gateway.snapshot import ForwardRequest
from tests.gateway.policies.texts import ORIGIN, compiled, refused, unresolved

AS_IT_IS = ["follow-redirects", "buffer-request-body", "buffer-response", "fail-on-error-status-code"]


@pytest.mark.parametrize(("timeout", "seconds"), [("1", 1), ("86400", 86_400), ("{{503}}", 503)])
def test_a_timeout_is_a_number_of_seconds(timeout: str, seconds: int) -> None:
    xml = f'<forward-request timeout="{timeout}" />'
    assert compiled(xml, "backend") == (ForwardRequest(seconds, ORIGIN),)


@pytest.mark.parametrize("name", AS_IT_IS)
def test_what_the_gateway_does_anyway_may_be_said_and_nothing_else(name: str) -> None:
    assert compiled(f'<forward-request {name}="false" />', "backend") == (ForwardRequest(None, ORIGIN),)
    for text in ("true", "False", ""):
        (found,) = refused(f'<forward-request {name}="{text}" />', "backend")
        assert f"The '{name}' attribute must be 'false' or left out: " in found
    assert (
        "must be 'false' or left out"
        in unresolved(f'<forward-request {name}="{{{{true}}}}" />', "backend")[0]
    )


def test_an_answer_is_streamed() -> None:
    assert "answers are streamed" in refused('<forward-request buffer-response="true" />', "backend")[0]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("timeout-ms", "in whole seconds"),
        ("http-version", "HTTP/1.1"),
        ("continue-timeout", "100 (Continue)"),
    ],
)
def test_what_else_the_original_has_is_refused_by_name(name: str, words: str) -> None:
    (found,) = refused(f'<forward-request {name}="2" />', "backend")
    assert f"The '{name}' attribute is not supported here" in found
    assert words in found


def test_an_attribute_that_nobody_has_is_not_declared() -> None:
    assert refused('<forward-request tiemout="2" />', "backend") == [
        "The 'tiemout' attribute is not declared."
    ]


def test_a_timeout_that_a_named_value_makes_wrong_is_told() -> None:
    assert "whole number of seconds" in unresolved('<forward-request timeout="{{plain}}" />', "backend")[0]
