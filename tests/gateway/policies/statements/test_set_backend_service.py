"""<set-backend-service />: where else a call may be forwarded to, and what is refused."""

import pytest

from gateway.snapshot import SetBackendService
from tests.gateway.policies.texts import BACK_ENDS, ORIGIN, compiled, refused, unresolved


def written(url: str) -> str:
    return f'<set-backend-service base-url="{url}" />'


def named(back_end: str) -> str:
    return f'<set-backend-service backend-id="{back_end}" />'


@pytest.mark.parametrize("section", ["inbound", "backend"])
@pytest.mark.parametrize(
    ("written_url", "url"),
    [
        ("https://orders.example.com", "https://orders.example.com"),
        ("http://10.1.2.3:8080/v2/", "http://10.1.2.3:8080/v2/"),
        ("https://[2001:db8::1]/a%20b", "https://[2001:db8::1]/a%20b"),
        ("https://{{plain}}.example.com/{{plain}}", "https://one.example.com/one"),
    ],
)
def test_a_base_url_is_that_of_a_web_service(section: str, written_url: str, url: str) -> None:
    for scope in ("global", "api", "operation"):
        assert compiled(written(written_url), section, scope) == (SetBackendService(url, ORIGIN),)


@pytest.mark.parametrize(
    ("xml", "words"),
    [
        ("<set-backend-service />", "with either the 'base-url' or the 'backend-id' attribute"),
        (
            '<set-backend-service base-url="https://a.example" backend-id="orders" />',
            "with either the 'base-url'",
        ),
        (named(" "), "The 'backend-id' attribute must not be empty"),
        (named("x" * 501), "The 'backend-id' attribute is longer than 500 characters"),
        (named("@(context.Api.Id)"), "The 'backend-id' attribute is a policy expression."),
        (written(""), "Enter the base URL"),
        (written("orders.example.com"), "Begin the base URL with https:// or http://"),
        (written("ftp://orders.example.com"), "must begin with https:// or http://"),
        (written("https://alice:hunter2@orders.example.com"), "must not hold a user name or password"),
        (written("https://orders.example.com/?a=b"), "must not hold a query (?) or a fragment (#)"),
        (written("https://orders.example.com/../a"), "'.' or '..' segments"),
        (written("https://orders.example.com:0"), "number from 1 to 65535"),
        (written("@(context.Url)"), "The 'base-url' attribute is a policy expression."),
        (written("https://a.example.com")[:-2] + ">x</set-backend-service>", "Text is not allowed inside"),
    ],
)
def test_what_is_wrong_with_it_is_told(xml: str, words: str) -> None:
    found = refused(xml)
    assert len(found) == 1
    assert words in found[0]
    assert "web service URL" not in found[0]
    assert "hunter2" not in found[0]


@pytest.mark.parametrize("name", ["orders", " orders ", "{{plain}}"])
def test_a_back_end_is_called_at_its_url(name: str) -> None:
    known = "one" if "{{" in name else "orders"
    assert compiled(named(name)) == (SetBackendService(BACK_ENDS[known], ORIGIN, known),)


def test_a_back_end_that_is_not_there_is_told_by_its_name() -> None:
    assert unresolved(named("bank")) == ["Backend with id 'bank' could not be resolved."]
    assert unresolved(named("{{host}}")) == ["Backend with id 'Host' could not be resolved."]
    assert "cannot be used in this attribute" in unresolved(named("{{secret}}"))[0]
    assert "must not be empty" in unresolved(named("{{empty}}"))[0]


def test_a_named_value_is_judged_when_it_is_known_and_must_not_be_secret() -> None:
    assert "Begin the base URL with" in unresolved(written("{{plain}}"))[0]
    assert "cannot be used in this attribute" in unresolved(written("https://{{secret}}.example.com"))[0]


def test_after_the_answer_there_is_nothing_to_forward() -> None:
    assert "only in 'inbound', 'backend'" in refused(written("https://a.example.com"), "outbound")[0]
