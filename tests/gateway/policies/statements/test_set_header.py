"""<set-header>: every form of it, and every way in which it can be wrong."""

import pytest

from gateway.snapshot import Secret, SetHeader
from tests.gateway.policies.texts import ORIGIN, compiled, refused, unresolved


def header(*values: str | Secret, name: str = "X-Tenant", action: str = "override") -> SetHeader:
    return SetHeader(name, action, values, ORIGIN)


def written(inside: str, action: str = "", name: str = "X-Tenant") -> str:
    attribute = f' exists-action="{action}"' if action else ""
    return f'<set-header name="{name}"{attribute}>{inside}</set-header>'


A = "<value>a</value>"


@pytest.mark.parametrize("section", ["inbound", "backend", "outbound"])
@pytest.mark.parametrize("scope", ["global", "api", "operation"])
def test_it_stands_in_three_sections_at_every_scope(section: str, scope: str) -> None:
    assert compiled(written(A), section, scope) == (header("a"),)


@pytest.mark.parametrize(
    ("xml", "expected"),
    [
        (written(A), header("a")),
        (written(A, "override"), header("a")),
        (written(A, "skip"), header("a", action="skip")),
        (written(A + A, "append"), header("a", "a", action="append")),
        (written("", "delete"), header(action="delete")),
        ("<set-header name='X-Tenant' exists-action='delete' />", header(action="delete")),
        (written(A, "{{append}}"), header("a", action="append")),
        (written(A, name="X-{{plain}}"), header("a", name="X-one")),
        (written("<value/>"), header("")),
        (written("<value>{{empty}}</value>"), header("")),
        (written("<value>\n  a \t b\n</value>"), header("a \t b")),
        (written("<value><![CDATA[<a>]]> &amp; b<!-- c --></value>"), header("<a> & b")),
        (written("<value>\u00e4 \u20ac \U0001f600</value>"), header("\u00e4 \u20ac \U0001f600")),
        (written("<value>{{padded}}</value>"), header("one")),
        (written("<value>Bearer {{ secret }}</value>"), header(Secret(b"Bearer hunter2"))),
        (written("<value>{{plain}}{{secret}}</value>" + A), header(Secret(b"onehunter2"), "a")),
        (written("<value>{{}} {{a{b}}} {</value>"), header("{{}} {{a{b}}} {")),
        (written("<value>a@(b) @{{plain}}</value>"), header("a@(b) @one")),
        (written("<value>@{{plain}}</value>"), header("@one")),
        (written("<value>10.0.0.1:8080</value>", name="Host"), header("10.0.0.1:8080", name="Host")),
        (written("<value>a</value>", name="Set-Cookie"), header("a", name="Set-Cookie")),
    ],
)
def test_it_means_what_it_says(xml: str, expected: SetHeader) -> None:
    assert compiled(xml) == (expected,)


@pytest.mark.parametrize(
    ("xml", "words"),
    [
        ("<set-header><value>a</value></set-header>", ["The required attribute 'name' is missing."]),
        (written(A, "replace"), ["must be 'override', 'skip', 'append' or 'delete'"]),
        (written(A, "Append"), ["must be 'override', 'skip', 'append' or 'delete'"]),
        (written(""), ["At least one 'value' element is needed"]),
        (written(A, "delete"), ["there must be no 'value' element"]),
        (written("a"), ["At least one 'value'", "Text is not allowed inside 'set-header'."]),
        (written(f"{A}<header/>"), ["'header' element is not expected inside 'set-header', only 'value'."]),
        (written("<value>a<b/></value>"), ["'b' element is not expected inside 'value': it holds text only"]),
        (written("<value x=''>a</value>"), ["The 'x' attribute is not declared."]),
        (written("<value>a\nb</value>"), ["The value holds a line break: write it on one line."]),
        (written("<value>a&#13;b</value>"), ["The value holds a line break"]),
        (written("<value>a\x7fb</value>"), ["The value holds a control character"]),
        (written("<value>a\u0085b</value>"), ["The value holds a control character"]),
        (written("<value>@(context.Request.Url)</value>"), ["The text is a policy expression."]),
        (written("<value>\n @{ return 1; }</value>"), ["The text is a policy expression."]),
        (written(A, name="@(context.Name)"), ["The 'name' attribute is a policy expression."]),
        (written(A, "@(a)"), ["The 'exists-action' attribute is a policy expression."]),
        (written(A, name=""), ["must be the name of a header"]),
        (written(A, name="X Tenant"), ["must be the name of a header"]),
        (written(A, name="X:"), ["must be the name of a header"]),
        (written(A, name="\u00e4"), ["must be the name of a header"]),
        (written(A, name="X_Tenant"), ["holds an underscore, which back ends may drop: write a hyphen"]),
        (written(A, name="X" * 257), ["longer than 256 characters"]),
        (written(A, "skip", "Host"), ["The 'Host' header can only be replaced"]),
        (written("", "delete", "host"), ["The 'Host' header can only be replaced"]),
        (written(A + A, name="HOST"), ["The 'Host' header has one value only."]),
        (written("<value>a/b</value>", name="Host"), ["The value of the 'Host' header must be a host name"]),
    ],
)
def test_what_is_wrong_with_it_is_told_all_at_once(xml: str, words: list[str]) -> None:
    found = refused(xml)
    assert len(found) == len(words)
    assert all(any(word in text for text in found) for word in words)


@pytest.mark.parametrize(
    "name",
    [
        "Connection",
        "Content-Length",
        "content-length",
        "Keep-Alive",
        "Transfer-Encoding",
        "TE",
        "Trailer",
        "Upgrade",
        "Proxy-Connection",
        "Via",
        "Gateway-Error",
        "Expect",
        "Max-Forwards",
        "Content-Range",
    ],
)
def test_headers_that_the_gateway_writes_itself_cannot_be_changed(name: str) -> None:
    sentence = f"The '{name}' header cannot be changed by a policy: the gateway writes it itself."
    for section in ("inbound", "backend", "outbound"):
        assert refused(written(A, name=name), section) == [sentence]
    assert refused(written("", "delete", name)) == [sentence]


def test_an_answer_has_no_host() -> None:
    assert refused(written(A, name="Host"), "outbound") == [
        "The 'Host' header is one of requests: an answer has none."
    ]


@pytest.mark.parametrize(
    ("xml", "section", "words"),
    [
        (written(A, "{{plain}}"), "inbound", "must be 'override', 'skip', 'append' or 'delete'"),
        (written("", "{{append}}"), "inbound", "At least one 'value' element is needed"),
        (written(A, "{{delete}}"), "inbound", "there must be no 'value' element"),
        (written(A, "{{append}}", "{{host}}"), "inbound", "The 'Host' header can only be replaced"),
        (written(A, name="{{host}}"), "outbound", "an answer has none"),
        (written("<value>{{lines}}/b</value>", name="Host"), "inbound", "The value holds a line break"),
        (written("<value>{{plain}}/b</value>", name="Host"), "inbound", "must be a host name"),
        (written(A, name="{{length}}"), "inbound", "the gateway writes it itself"),
        (written(A, name="{{empty}}"), "inbound", "must be the name of a header"),
        (
            written(A, name="X-{{secret}}"),
            "inbound",
            "'secret' is secret and cannot be used in this attribute",
        ),
        (written("<value>{{lines}}</value>"), "inbound", "The value holds a line break"),
        (written("<value>{{lines}}{{secret}}</value>"), "backend", "The value holds a line break"),
        (written("<value>{{gone}}</value>"), "inbound", "Named value 'gone' could not be resolved."),
        (written("<value>{{secret}}</value>"), "outbound", "'secret' is secret and would be sent to callers"),
    ],
)
def test_what_a_named_value_makes_wrong_is_told_when_it_is_known(xml: str, section: str, words: str) -> None:
    found = unresolved(xml, section)
    assert len(found) == 1
    assert words in found[0]


def test_a_value_that_is_not_secret_goes_to_callers() -> None:
    assert compiled(written("<value> {{padded}} </value>"), "outbound") == (header("one"),)
