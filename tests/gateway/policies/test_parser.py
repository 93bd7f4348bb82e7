"""Documents of the language, and every way in which they can be wrong."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.policies.documents import NEW_DOCUMENT
from gateway.policies.parser import PolicyErrors, parse
from gateway.policies.registry import NOT_SUPPORTED, STATEMENTS
from gateway.policies.statements.authentication_certificate import AuthenticationCertificate
from gateway.policies.statements.forward_request import ForwardRequest
from tests.gateway.policies.texts import GLOBAL_DOCUMENT, document, faults, refused


def inbound(statements: str) -> str:
    return f"<policies><inbound>{statements}</inbound></policies>"


def backend(statements: str) -> str:
    return f"<policies><backend>{statements}</backend></policies>"


def test_a_new_document_and_the_global_one_are_valid() -> None:
    assert list(parse(NEW_DOCUMENT, "api").sections) == ["inbound", "backend", "outbound", "on-error"]
    forward = parse(GLOBAL_DOCUMENT, "global").sections["backend"].statements[0].statement
    assert forward == ForwardRequest(None)


def test_this_release_has_these_statements() -> None:
    assert set(STATEMENTS) == {
        "base",
        "authentication-certificate",
        "authentication-basic",
        "check-header",
        "forward-request",
        "ip-filter",
        "return-response",
        "rewrite-uri",
        "set-backend-service",
        "set-header",
        "set-query-parameter",
    }
    assert not STATEMENTS.keys() & NOT_SUPPORTED


def test_elements_know_where_they_stand_in_the_text() -> None:
    prolog = '\ufeff<?xml version="1.0" encoding="utf-16"?>\r\n<!-- \u00e4\U0001f600 -->'
    xml = prolog + "<policies>\r\n<inbound ><base  /></inbound\n></policies>"
    section = parse(xml, "api").sections["inbound"].element
    assert xml[section.start : section.content_start] == "<inbound >"
    assert xml[section.content_start : section.content_end] == "<base  />"
    assert xml[section.start : section.end] == "<inbound ><base  /></inbound\n>"
    base = section.children[0]
    assert (xml[base.start : base.end], base.self_closed, base.line, base.column) == (
        "<base  />",
        True,
        3,
        12,
    )


def test_a_greater_than_sign_in_an_attribute_does_not_end_its_tag() -> None:
    xml = inbound(
        """<authentication-certificate certificate-id='a>"/>b' ></authentication-certificate><base/>"""
    )
    first, second = parse(xml, "api").sections["inbound"].element.children
    assert xml[first.start : first.end].endswith("></authentication-certificate>")
    assert xml[second.start : second.end] == "<base/>"


def test_all_faults_are_reported_at_once_in_document_order_with_line_and_column() -> None:
    xml = """<policies x="1">
    <inbound>
        <base />
        <base />
        <authentication-certificate body="AAAA" />
        <rate-limit calls="5" />
        <wibble />
    </inbound>
    <inbound />
    <backend>text<forward-request timeout="0" /><rewrite-uri /></backend>
    <base />
</policies>"""
    assert faults(xml) == [
        "Error in element 'policies' on line 1, column 2: The 'x' attribute is not declared.",
        "Error in element 'base' on line 4, column 10: 'base' may appear only once in a section.",
        "Error in element 'authentication-certificate' on line 5, column 10: "
        "The 'body' attribute is not declared.",
        "Error in element 'authentication-certificate' on line 5, column 10: "
        "Name the certificate with either the 'certificate-id' or the 'thumbprint' attribute.",
        "Error in element 'rate-limit' on line 6, column 10: The 'rate-limit' statement is not supported here.",
        "Error in element 'wibble' on line 7, column 10: The 'wibble' element is not known.",
        "Error in element 'inbound' on line 9, column 6: The 'inbound' section may appear only once.",
        "Error in element 'backend' on line 10, column 6: "
        "Text is not allowed here; a comment is written <!-- so -->.",
        "Error in element 'forward-request' on line 10, column 19: "
        "The 'timeout' attribute must be a whole number of seconds from 1 to 86400.",
        "Error in element 'rewrite-uri' on line 10, column 50: The 'rewrite-uri' statement is not allowed in "
        "the 'backend' section, only in 'inbound'.",
        "Error in element 'rewrite-uri' on line 10, column 50: The required attribute 'template' is missing.",
        "Error in element 'base' on line 11, column 6: The 'base' statement must stand in a section: "
        "'inbound', 'backend', 'outbound', 'on-error'.",
    ]


@pytest.mark.parametrize(
    ("xml", "words"),
    [
        ("<policy />", "must be one 'policies' element"),
        ("<Policies />", "must be one 'policies' element"),
        ("<policies><cors /></policies>", "'cors' statement is not supported here"),
        ("<policies><wibble /></policies>", "A section is one of"),
        ("<policies>text</policies>", "Text is not allowed here"),
        ("<policies><![CDATA[x]]></policies>", "Text is not allowed here"),
        ("<policies><inbound y='' /></policies>", "The 'y' attribute is not declared."),
        (inbound("<inbound />"), "must not stand inside a section"),
        (inbound("<BASE />"), "write 'base', in lower case"),
        (inbound("<base x='' />"), "The 'x' attribute is not declared."),
        (inbound("<base>x</base>"), "Text is not allowed inside 'base'."),
        (inbound("<base><wibble/></base>"), "'wibble' element is not expected inside 'base'"),
        (inbound("<x:base />"), "The 'x:base' element is not known."),
        (inbound("<forward-request />"), "not allowed in the 'inbound' section, only in 'backend'"),
        (
            "<policies><on-error><forward-request /></on-error></policies>",
            "not allowed in the 'on-error' section",
        ),
        (backend("<forward-request /><forward-request />"), "'forward-request' may appear only once"),
        (backend('<forward-request timeout="" />'), "whole number of seconds"),
        (backend('<forward-request timeout="1.5" />'), "whole number of seconds"),
        (backend('<forward-request timeout="\u0661" />'), "whole number of seconds"),
        (backend('<forward-request timeout="86401" />'), "whole number of seconds"),
        (
            inbound('<authentication-certificate thumbprint="A" certificate-id="b" />'),
            "either the 'certificate-id'",
        ),
        (inbound('<authentication-certificate thumbprint="\u200e " />'), "must not be empty"),
        (
            inbound('<authentication-basic username="a" password="" />'),
            "must be a reference to a named value",
        ),
        (inbound('<authentication-basic username="a" password="a&#10;b" />'), "control"),
        (
            inbound('<authentication-basic username="a" password="x{{y}}" />'),
            "must be a reference to a named value",
        ),
        (inbound('<authentication-basic username="a:b" password="{{y}}" />'), "colon"),
        (inbound('<authentication-basic username="" password="{{y}}" />'), "must not be empty"),
        (inbound('<authentication-basic username="a&#9;" password="{{y}}" />'), "control"),
        (
            inbound('<authentication-basic username="@(context.User)" password="{{y}}" />'),
            "policy expression",
        ),
        (inbound('<authentication-basic username="a" password="@{ return 1; }" />'), "policy expression"),
        (inbound('<rewrite-uri template="/a/../b" />'), "'..'"),
        (inbound('<rewrite-uri template="/a/{x}" />'), "At API scope"),
        (inbound('<rewrite-uri template="/a" copy-unmatched-params="yes" />'), "must be 'true' or 'false'"),
    ],
)
def test_a_document_that_is_wrong_is_refused_in_words(xml: str, words: str) -> None:
    assert any(words in text for text in faults(xml))


ALLOWED = {
    "authentication-basic": "inbound",
    "authentication-certificate": "inbound",
    "base": "inbound backend outbound on-error",
    "check-header": "inbound",
    "forward-request": "backend",
    "ip-filter": "inbound",
    "return-response": "inbound backend outbound",
    "rewrite-uri": "inbound",
    "set-backend-service": "inbound backend",
    "set-header": "inbound backend outbound",
    "set-query-parameter": "inbound backend",
}


@pytest.mark.parametrize("section", ["inbound", "backend", "outbound", "on-error"])
@pytest.mark.parametrize("name", ALLOWED)
def test_a_statement_stands_in_its_sections_only(name: str, section: str) -> None:
    try:
        parse(document(f"<{name} />", section), "api")
    except PolicyErrors as error:
        misplaced = f"not allowed in the '{section}' section" in str(error)
    else:
        misplaced = False
    assert misplaced == (section not in ALLOWED[name].split())


@pytest.mark.parametrize("name", sorted(NOT_SUPPORTED))
def test_a_statement_of_the_original_that_is_not_here_is_refused_by_its_name(name: str) -> None:
    assert refused(f"<{name} x=''>t</{name}>") == [f"The '{name}' statement is not supported here."]


def test_what_is_inside_a_statement_that_is_not_supported_is_not_judged() -> None:
    condition = "@(context.Response.StatusCode &gt; 200)"
    nested = (
        f'<choose><when condition="{condition}"><set-header /><wibble />text</when><otherwise /></choose>'
    )
    assert refused(nested + "<cors />") == [
        "The 'choose' statement is not supported here.",
        "The 'cors' statement is not supported here.",
    ]


def test_more_than_a_hundred_faults_are_not_reported() -> None:
    found = faults(document("<wibble />\n" * 150))
    assert len(found) == 100
    assert [f"on line {line}," in text for line, text in enumerate(found, start=2)] == [True] * 100


def test_a_password_in_a_document_is_not_repeated_in_its_fault() -> None:
    xml = inbound('<authentication-basic username="a:b" password="hunter2" />')
    assert "hunter2" not in "".join(faults(xml))


def test_a_password_in_a_document_is_read_but_shown_by_no_repr() -> None:
    document = parse(inbound('<authentication-basic username="a" password="hunter2" />'), "api")
    assert [placed.element.attributes["password"] for placed in document.statements] == ["hunter2"]
    assert "hunter2" not in repr(document)


def test_rewriting_is_for_an_api_or_an_operation() -> None:
    assert "only at API, operation" in faults(inbound('<rewrite-uri template="/a" />'), "global")[0]
    assert parse(inbound('<rewrite-uri template="/a/{x}/*" />'), "operation")


def test_a_rewrite_template_is_checked_against_the_operations_url_template() -> None:
    xml = inbound('<rewrite-uri template="/a/{X}" />')
    assert parse(xml, "operation", "/b/{x}")
    assert "{X}" in faults(xml, "operation", "/b/{y}")[0]


def test_what_holds_a_named_value_is_judged_when_its_value_is_known() -> None:
    assert parse(backend('<forward-request timeout="{{slow}}" />'), "api")
    assert parse(inbound('<rewrite-uri template="/{{version}}/x" copy-unmatched-params="{{copy}}" />'), "api")


def test_a_thumbprint_is_kept_as_it_was_written() -> None:
    xml = inbound('<authentication-certificate thumbprint="\u200eca 06" />')
    statement = parse(xml, "global").sections["inbound"].statements[0].statement
    assert statement == AuthenticationCertificate(None, "\u200eca 06")


@pytest.mark.parametrize(
    ("xml", "message"),
    [
        ("", "no element found. Line 1, position 1."),
        ("<policies>\n  <inbound>\n</policies>", "mismatched tag. Line 3, position 3."),
        ("<policies/>\n<policies/>", "junk after document element. Line 2, position 1."),
        ("<policies>&nbsp;</policies>", "undefined entity. Line 1, position 11."),
        ('<policies a="1" a="2"/>', "duplicate attribute. Line 1, position 17."),
        ("<policies>\x00</policies>", "not well-formed (invalid token). Line 1, position 11."),
    ],
)  # fmt: skip
def test_malformed_xml_is_refused_with_its_position(xml: str, message: str) -> None:
    assert faults(xml) == [f"The document is not well-formed XML: {message}"]


@pytest.mark.parametrize("line", ["\n", "\r\n", "\r"])
def test_a_document_type_is_told_where_it_begins(line: str) -> None:
    xml = f"<!-- \U0001f600 -->{line}\t<!DOCTYPE{line} policies{line} [ ]><policies/>"
    assert faults(xml)[0].endswith("Line 2, position 2.")


def test_an_expression_that_breaks_the_xml_is_explained() -> None:
    assert "expressions" in faults(inbound('<rewrite-uri template="@("a" + "b")" />'))[0]
    code = "<value>@{\n  int n = 1;\n  return n < 2;\n}</value>"
    (fault,) = faults(inbound(f'<set-header name="X">{code}</set-header>'))
    assert "Policy expressions such as @(...) are not supported here. Line 3, position 13." in fault
    assert "expressions" not in faults(inbound('<set-header name="x@{{y}}" <'))[0]


@pytest.mark.parametrize(
    ("xml", "words"),
    [
        ("<!DOCTYPE policies><policies/>", "document type declaration"),
        ('<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><policies>&a;</policies>', "document type"),
        ("<?php echo ?><policies/>", "processing instruction"),
        ("<policies><?x y?></policies>", "processing instruction"),
        ("\ud800<policies/>", "surrogate"),
    ],
)
def test_what_no_policy_needs_is_refused(xml: str, words: str) -> None:
    assert words in faults(xml)[0]


MARKUP = r"""<policies> </policies> <inbound> </inbound> <base/> <!-- --> <![CDATA[ ]]> <cors/> &#0; &lt; @(
'> <!DOCTYPE/> <?x?> </ < " <authentication-basic password='{{b}}'/> <forward-request timeout='{{ template='/{a}"""
FRAGMENTS = st.sampled_from([*re.split(r"(\s)", MARKUP), "\ufeff", "\ud83d", "\u00e4", "\r"])


@settings(deadline=None)
@given(st.lists(FRAGMENTS | st.text(max_size=5), max_size=30).map("".join))
def test_no_text_makes_the_parser_fail_in_another_way(xml: str) -> None:
    for text in (xml, inbound(xml)):
        try:
            document = parse(text, "operation")
        except PolicyErrors:
            continue
        for section in document.sections.values():
            assert text[section.element.start :].startswith(f"<{section.element.name}")
            assert text[: section.element.end].endswith(">")
