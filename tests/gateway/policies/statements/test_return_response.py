"""<return-response>: every form of it, and every way in which it can be wrong."""

import pytest

from gateway.snapshot import Origin, ReturnResponse, SetHeader
from tests.gateway.policies.texts import ORIGIN, compiled, document, faults, refused, resolved, unresolved


def written(inside: str) -> str:
    return f"<return-response>{inside}</return-response>"


def answer(
    status: int = 200, reason: str = "", headers: tuple[SetHeader, ...] = (), body: str = ""
) -> ReturnResponse:
    return ReturnResponse(status, reason, headers, body, ORIGIN)


def header(name: str, *values: str, action: str = "override") -> SetHeader:
    return SetHeader(name, action, values, ORIGIN)


def body(text: str) -> str:
    return written(f"<set-body>{text}</set-body>")


@pytest.mark.parametrize("section", ["inbound", "backend", "outbound"])
@pytest.mark.parametrize("scope", ["global", "api", "operation"])
def test_it_stands_in_three_sections_at_every_scope(section: str, scope: str) -> None:
    assert compiled("<return-response />", section, scope) == (answer(),)


@pytest.mark.parametrize(
    ("xml", "expected"),
    [
        (written('<set-status code="404" />'), answer(404)),
        (
            written('<set-status code="299" reason="Quite \u00e4 phrase" />'),
            answer(299, "Quite \u00e4 phrase"),
        ),
        (written('<set-status code="{{503}}" reason="{{plain}}" />'), answer(503, "one")),
        (
            written(
                '<set-body>b</set-body><set-header name="A"><value>a</value></set-header>'
                '<set-status code="200"/><set-header name="A" exists-action="append"><value>{{plain}}</value>'
                '</set-header><set-header name="B" exists-action="delete" />'
            ),
            answer(
                headers=(header("A", "a"), header("A", "one", action="append"), header("B", action="delete")),
                body="b",
            ),
        ),
    ],
)
def test_it_means_what_it_says(xml: str, expected: ReturnResponse) -> None:
    assert compiled(xml) == (expected,)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("  a\n\tb ", "  a\n\tb "),
        ("\r\na\rb", "\na\nb"),  # XML 1.0, 2.11
        ("&lt;&amp;&#65;&#x1f600;&#13;", "<&A\U0001f600\r"),
        ("a<![CDATA[<b>&amp;]]> c<![CDATA[ ]]>", "a<b>&amp; c "),
        ("a<!-- not sent -->b", "ab"),
        ('{ "plain": "{{plain}}", "not": "{{ }" }', '{ "plain": "one", "not": "{{ }" }'),
        (" {{ padded }} ", "   one\n "),
        ("mail @(home)", "mail @(home)"),
    ],
)
def test_a_body_is_exactly_what_stands_between_the_tags(text: str, expected: str) -> None:
    assert compiled(body(text)) == (answer(body=expected),)


def test_each_of_its_headers_knows_its_own_line() -> None:
    xml = written(
        '\n<set-header name="A">\n<value>a</value></set-header>\n\n<set-header name="B"><value/></set-header>'
    )
    (found,) = resolved(document(xml))["inbound"]
    assert isinstance(found, ReturnResponse)
    assert found.origin == Origin("api", 2)
    assert [each.origin for each in found.headers] == [Origin("api", 3), Origin("api", 6)]


@pytest.mark.parametrize(
    ("xml", "words"),
    [
        (written("<set-status />"), "The required attribute 'code' is missing."),
        (written('<set-status code="199" />'), "must be a status from 200 to 599"),
        (written('<set-status code="600" />'), "must be a status from 200 to 599"),
        (written('<set-status code="2000" />'), "must be a status from 200 to 599"),
        (written('<set-status code="200" reason="a&#10;b" />'), "The 'reason' attribute holds a line break"),
        (written('<set-status code="200" text="" />'), "The 'text' attribute is not declared."),
        (
            written('<set-status code="200"/><set-status code="200"/>'),
            "may appear only once in 'return-response'",
        ),
        (written("<set-body/><set-body/>"), "'set-body' may appear only once in 'return-response'."),
        (written('<set-body template="liquid">a</set-body>'), "the body is the text between the tags"),
        (written('<set-body xsi:nil="blank">a</set-body>'), "the body is the text between the tags"),
        (body(" @(context.Request.Body)"), "The text is a policy expression."),
        (body("@{ return 1; }"), "The text is a policy expression."),
        (body("<p>a</p>"), "it holds text only. Write markup that is a part of it as <![CDATA[...]]>."),
        (written("text"), "Text is not allowed inside 'return-response'."),
        (written("<choose><when/></choose>"), "only 'set-status', 'set-header', 'set-body'"),
        (written("<base />"), "'base' element is not expected inside 'return-response'"),
        (written('<set-header name="A" />'), "At least one 'value' element is needed"),
        (written('<set-header name="Host"><value>a</value></set-header>'), "an answer has none"),
        (
            written('<set-header name="Content-Length"><value>1</value></set-header>'),
            "the gateway writes it itself",
        ),
        (
            written('<set-header name="A"><value>@(a)</value></set-header>'),
            "The text is a policy expression.",
        ),
        ('<return-response response-variable-name="a" />', "as there are no variables"),
    ],
)
def test_what_is_wrong_with_it_is_told(xml: str, words: str) -> None:
    found = refused(xml)
    assert len(found) == 1
    assert words in found[0]


def test_each_fault_stands_at_its_own_element() -> None:
    header = '<set-header nome="A">\n<value>@(a)</value>\n</set-header>'
    xml = written(f'\n<set-status code="1" />\n{header}\n<set-body><p/></set-body>')
    assert [text.partition(", column")[0] for text in faults(document(xml))] == [
        "Error in element 'set-status' on line 3",
        "Error in element 'set-header' on line 4",  # an attribute that is not declared
        "Error in element 'set-header' on line 4",  # and one that is missing
        "Error in element 'value' on line 5",
        "Error in element 'p' on line 7",
    ]


@pytest.mark.parametrize("section", ["inbound", "backend", "outbound"])
@pytest.mark.parametrize(
    "xml",
    [
        body("{{secret}}"),
        written('<set-status code="200" reason="{{secret}}" />'),
        written('<set-header name="A"><value>a {{secret}}</value></set-header>'),
    ],
)
def test_no_secret_is_sent_to_callers(xml: str, section: str) -> None:
    assert unresolved(xml, section) == [
        "Named value 'secret' is secret and would be sent to callers: use one that is not secret."
    ]


@pytest.mark.parametrize(
    ("xml", "words"),
    [
        (written('<set-status code="{{plain}}" />'), "must be a status from 200 to 599"),
        (written('<set-status code="{{secret}}" />'), "is secret and cannot be used"),
        (written('<set-status code="200" reason="{{lines}}" />'), "holds a line break"),
        (written('<set-header name="{{host}}"><value/></set-header>'), "an answer has none"),
        (body("{{gone}}"), "Named value 'gone' could not be resolved."),
    ],
)
def test_what_a_named_value_makes_wrong_is_told_when_it_is_known(xml: str, words: str) -> None:
    assert words in unresolved(xml)[0]


@pytest.mark.parametrize("name", ["set-body", "set-status"])
def test_its_parts_are_no_statements_of_their_own(name: str) -> None:
    assert refused(f"<{name}>a</{name}>") == [f"The '{name}' statement is not supported here."]
