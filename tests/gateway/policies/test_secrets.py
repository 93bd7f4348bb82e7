"""Secrets that a document holds as they are written: which are found, and what is left when they have moved."""

from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.policies.parser import Document, parse
from gateway.policies.secrets import LiteralSecret, literal_secrets, named_secrets, with_named_values


def inbound(*statements: str) -> str:
    return f"<policies><inbound>{''.join(statements)}</inbound></policies>"


def basic(password: str, username: str = "alice") -> str:
    return f'<authentication-basic username="{username}" password="{password}" />'


def header(name: str, *values: str, element: str = "set-header") -> str:
    inner = "".join(f"<value>{value}</value>" for value in values)
    more = 'failed-check-httpcode="401" failed-check-error-message="No" ignore-case="false"'
    return f'<{element} name="{name}" {more if element == "check-header" else ""}>{inner}</{element}>'


def found(xml: str) -> tuple[LiteralSecret, ...]:
    return literal_secrets(parse(xml, "api"))


def values(xml: str) -> list[str]:
    return [secret.value.reveal().decode() for secret in found(xml)]


def moved(xml: str, name: str = "name") -> str:
    return with_named_values(xml, {secret: f"{name}-{n}" for n, secret in enumerate(found(xml))})


# --- what is found ------------------------------------------------------------------------------------------------
def test_a_password_of_http_basic_is_one_for_certain() -> None:
    (secret,) = found(f"<policies>\n<inbound>\n  {basic('hunter2')}</inbound></policies>")
    assert (secret.certain, secret.element, secret.line, secret.column) == (
        True,
        "authentication-basic",
        3,
        4,
    )
    assert (secret.id, secret.suggested_name) == ("3-4", "basic-password")
    assert secret.what == "the password of HTTP basic"


def test_no_secret_is_in_the_repr_of_one() -> None:
    secrets = found(inbound(basic("hunter2"), header("X-Api-Key", "hunter3")))
    assert len(secrets) == 2
    assert "hunter" not in repr(secrets)


@pytest.mark.parametrize(
    "name",
    [
        "Authorization",
        "Cookie",
        "X-Api-Key",
        "x-functions-key",
        "ApiKey",
        "apikey",
        "X-Auth-Token",
        "X-AuthToken",
        "Client-Secret",
        "password",
        "X-Amz-Credential",
    ],
)
@pytest.mark.parametrize("element", ["set-header", "check-header"])
def test_a_header_is_likely_to_hold_a_secret_by_its_name(name: str, element: str) -> None:
    (secret,) = found(inbound(header(name, "hunter2", element=element)))
    assert not secret.certain
    assert (secret.element, secret.value.reveal()) == ("value", b"hunter2")
    assert f"'{name}'" in secret.what


@pytest.mark.parametrize("name", ["Proxy-Authorization", "Ocp-Apim-Subscription-Key"])
def test_so_is_one_that_can_be_set_and_not_checked(name: str) -> None:
    assert found(inbound(header(name, "hunter2")))


@pytest.mark.parametrize("name", ["Accept", "X-Keyboard", "Keynote", "X-Token-Type", "Host", "Secretary"])
def test_other_headers_are_not(name: str) -> None:
    assert not found(inbound(header(name, "text")))


@pytest.mark.parametrize(
    ("name", "is_likely"),
    [
        ("code", True),
        ("sig", True),
        ("key", True),
        ("api_key", True),
        ("apiKey", True),
        ("access_token", True),
        ("client_secret", True),
        ("subscription-key", True),
        ("postcode", False),
        ("q", False),
        ("language", False),
    ],
)
def test_a_query_parameter_is_likely_to_hold_a_secret_by_its_name(name: str, is_likely: bool) -> None:
    assert bool(found(inbound(header(name, "hunter2", element="set-query-parameter")))) == is_likely


@pytest.mark.parametrize(
    ("value", "is_likely"),
    [
        ("Bearer abc", True),
        ("basic YTpi", True),
        ("eyJhbGciOi.eyJzdWIi.abc", True),
        ("bearer", False),
        ("basically", False),
        ("Bearer {{token}}", False),
    ],
)
def test_a_value_is_likely_to_be_a_secret_by_its_form(value: str, is_likely: bool) -> None:
    assert bool(found(inbound(header("X-Something", value)))) == is_likely


@pytest.mark.parametrize("text", ["{{one}}", "{{ one }}", "Basic {{one}}", "{{one}}{{two}}", ""])
def test_what_a_named_value_stands_for_is_no_literal(text: str) -> None:
    assert not found(inbound(header("Authorization", text)))
    assert not found(inbound(basic("{{one}}")))


def test_what_goes_to_callers_is_no_secret() -> None:
    answer = f"<return-response>{header('X-Api-Key', 'shown')}</return-response>"
    xml = f"<policies><inbound>{answer}</inbound><outbound>{header('Cookie', 'shown')}</outbound></policies>"
    assert not found(xml)


def test_every_value_of_a_header_is_one_of_its_own() -> None:
    secrets = found(inbound(header("Cookie", "a=1", "{{two}}", "b=2")))
    assert [secret.value.reveal() for secret in secrets] == [b"a=1", b"b=2"]
    assert len({secret.id for secret in secrets}) == 2
    assert {secret.purpose for secret in secrets} == {""}


def test_a_purpose_is_the_same_in_another_text() -> None:
    one = found(inbound(header("X-Api-Key", "one")))
    two = found(inbound("<!-- more -->", header("x-api-KEY", "two"), header("Cookie", "a=b")))
    assert one[0].purpose == two[0].purpose
    assert len({secret.purpose for secret in two}) == 2
    assert named_secrets(parse(inbound(header("X-Api-Key", "{{key}}"), basic("{{pw}}")), "api")) == {
        one[0].purpose: "key",
        found(inbound(basic("x")))[0].purpose: "pw",
    }


# --- what is left -------------------------------------------------------------------------------------------------
def test_only_the_password_is_replaced() -> None:
    xml = inbound("\t<authentication-basic\r\n password = 'a&amp;&#x26;b\"'  username='x' />")
    assert values(xml) == ['a&&b"']
    assert moved(xml) == xml.replace('a&amp;&#x26;b"', "{{name-0}}")


def test_an_attribute_that_looks_like_the_password_is_not_taken_for_it() -> None:
    xml = inbound("""<authentication-basic username=' password="x"' password="y" />""")
    assert (values(xml), moved(xml)) == (["y"], xml.replace('"y"', '"{{name-0}}"'))


@pytest.mark.parametrize(
    ("written", "value", "left"),
    [
        ("hunter2", "hunter2", "{{name-0}}"),
        ("\n    hunter2\r\n  ", "hunter2", "\n    {{name-0}}\r\n  "),
        ("a &lt;b&gt; &amp;amp; c", "a <b> &amp; c", "{{name-0}}"),
        ("<![CDATA[a&b]]>", "a&b", "{{name-0}}"),
        ("<![CDATA[a-->]]>", "a-->", "{{name-0}}"),
        ("a-->", "a-->", "{{name-0}}"),
        ("a<!-- split -->b-->", "ab-->", "{{name-0}}"),
        ("<!-- which? --><![CDATA[<!-- a -->]]>--> ", "<!-- a -->-->", "<!-- which? -->{{name-0}} "),
        (
            "<!-- which? --> hunter2 <!-- that --> <!-- one -->",
            "hunter2",
            "<!-- which? --> {{name-0}} <!-- that --> <!-- one -->",
        ),
        ("hun<!-- split -->ter2", "hunter2", "{{name-0}}"),
        ("\u00fcber\U0001f511", "\u00fcber\U0001f511", "{{name-0}}"),
    ],
)
def test_only_the_text_of_a_value_is_replaced(written: str, value: str, left: str) -> None:
    xml = inbound("<!-- \u00fc -->", header("X-Api-Key", written), header("Accept", "text"))
    assert values(xml) == [value]
    assert moved(xml) == xml.replace(written, left)


def test_several_move_at_once_whatever_their_order() -> None:
    xml = inbound(basic("one"), header("Cookie", "two", "three"), basic("four", "bob"))
    expected = inbound(
        basic("{{name-0}}"), header("Cookie", "{{name-1}}", "{{name-2}}"), basic("{{name-3}}", "bob")
    )
    assert moved(xml) == expected
    assert not found(expected)


_TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Co", "Cn"]), min_size=1)
_PASSWORDS = _TEXT.filter(lambda text: "{{" not in text and not text.lstrip().startswith(("@(", "@{")))
_SPACE = st.text(" \t\r\n", max_size=3)
_COMMENT = st.text("abc -<&>{}\u00fc\n", max_size=6).filter(lambda t: "--" not in t and not t.endswith("-"))


@settings(deadline=None)
@given(_PASSWORDS, _SPACE, _COMMENT)
def test_moving_a_password_changes_its_own_span_alone(password: str, space: str, comment: str) -> None:
    before = f"<policies><!--{comment}-->{space}<inbound><authentication-basic{space or ' '}password{space}="
    after = f"{space} username='a'{space}/>{space}<!--{comment}--></inbound></policies>"
    xml = f"{before}{space}{quoteattr(password)}{after}"
    (secret,) = found(xml)
    assert secret.value.reveal().decode() == password
    quote = quoteattr(password)[0]
    left = with_named_values(xml, {secret: "pw"})
    assert left == f"{before}{space}{quote}{{{{pw}}}}{quote}{after}"
    assert named_secrets(parse(left, "api")) == {"inbound authentication-basic password": "pw"}


@settings(deadline=None)
@given(_PASSWORDS.filter(str.strip), _SPACE, _COMMENT)
def test_moving_a_value_changes_its_own_span_alone(value: str, space: str, comment: str) -> None:
    before = f"<policies><inbound><set-header name='Cookie'><value>{space}<!--{comment}-->{space}"
    after = f"{space}<!--{comment}--></value>{space}</set-header></inbound></policies>"
    xml = f"{before}{escape(value.strip())}{after}"
    document: Document = parse(xml, "api")
    (secret,) = literal_secrets(document)
    assert secret.value.reveal().decode() == value.strip()
    assert with_named_values(xml, {secret: "pw"}) == f"{before}{{{{pw}}}}{after}"
