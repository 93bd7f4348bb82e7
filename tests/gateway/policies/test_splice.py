"""A change of one statement leaves every other character as its author wrote it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.policies.documents import NEW_DOCUMENT
from gateway.policies.faults import PolicyErrors
from gateway.policies.parser import parse
from gateway.policies.splice import (
    Authentication,
    authentication_of,
    basic_statement,
    certificate_statement,
    rewrite_of,
    set_authentication,
    set_rewrite,
)
from tests.gateway.policies.texts import GLOBAL_DOCUMENT

BANK = certificate_statement("bank")
BASIC = basic_statement("alice", "bank-password")


def read(xml: str) -> Authentication:
    return authentication_of(parse(xml, "api"))


def inbound(statements: str) -> str:
    return f"<policies><inbound>{statements}</inbound></policies>"


def test_a_statement_goes_on_its_own_line_after_base() -> None:
    assert set_authentication(NEW_DOCUMENT, BANK) == NEW_DOCUMENT.replace(
        "<base />", '<base />\n        <authentication-certificate certificate-id="bank" />', 1
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        # the document's own line ending and indentation
        (
            "<policies>\r\n\t<inbound>\r\n\t\t<base/>  \r\n\t</inbound>\r\n</policies>",
            f"<policies>\r\n\t<inbound>\r\n\t\t<base/>  \r\n\t\t{BANK}\r\n\t</inbound>\r\n</policies>",
        ),
        # a comment stays with the line that it comments
        (
            "<policies>\n <inbound>\n  <base /> <!-- a --> <!--b-->\n </inbound>\n</policies>",
            f"<policies>\n <inbound>\n  <base /> <!-- a --> <!--b-->\n  {BANK}\n </inbound>\n</policies>",
        ),
        # no line of its own where the author has none
        (inbound("<base/>"), inbound(f"<base/>{BANK}")),
        (
            "<policies>\n<inbound><base/>\n</inbound>\n</policies>",
            f"<policies>\n<inbound><base/>{BANK}\n</inbound>\n</policies>",
        ),
        # no base: at the beginning, also before what only looks like one
        (inbound("<!-- <base /> -->"), inbound(f"{BANK}<!-- <base /> -->")),
        (
            "<policies>\n  <inbound>\n      <!-- none -->\n  </inbound>\n</policies>",
            f"<policies>\n  <inbound>\n    {BANK}\n      <!-- none -->\n  </inbound>\n</policies>",
        ),
    ],
)
def test_a_statement_is_inserted_in_the_authors_style_and_removed_without_a_trace(
    before: str, after: str
) -> None:
    assert set_authentication(before, BANK) == after
    assert set_authentication(after, None) == before


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            GLOBAL_DOCUMENT,
            GLOBAL_DOCUMENT.replace("<inbound />", f"<inbound>\n        {BANK}\n    </inbound>"),
        ),
        ("<policies><inbound/></policies>", inbound(BANK)),
        (
            "<policies/>",
            f"<policies>\n    <inbound>\n        <base />\n        {BANK}\n    </inbound>\n</policies>",
        ),
        (
            "<policies><outbound/></policies>",
            f"<policies><inbound><base />{BANK}</inbound><outbound/></policies>",
        ),
        (
            "<policies>\r\n <backend/>\r\n</policies>",
            f"<policies>\r\n <inbound>\r\n  <base />\r\n  {BANK}\r\n </inbound>\r\n <backend/>\r\n</policies>",
        ),
    ],
)
def test_a_missing_or_closed_inbound_section_is_made_and_goes_on_inheriting(before: str, after: str) -> None:
    assert set_authentication(before, BANK) == after
    assert parse(after, "global")


def test_a_statement_that_is_there_is_replaced_in_its_place() -> None:
    before = inbound(
        "<!-- 1 --> <authentication-certificate\n thumbprint='ca06'></authentication-certificate > <base/>"
    )
    assert set_authentication(before, BASIC) == inbound(f"<!-- 1 --> {BASIC} <base/>")


def test_a_document_that_already_says_so_stays_as_it_is() -> None:
    xml = inbound("<authentication-certificate   certificate-id = 'bank'></authentication-certificate>")
    assert set_authentication(xml, BANK) == xml
    assert set_authentication(NEW_DOCUMENT, None) == NEW_DOCUMENT


def test_several_statements_become_one_and_their_lines_go() -> None:
    xml = f"<policies>\n<inbound>\n    {BASIC}\n    <base />\n    {BANK}\n  {BANK}{BASIC}\n</inbound>\n</policies>"
    one = f"<policies>\n<inbound>\n    {BANK}\n    <base />\n</inbound>\n</policies>"
    assert set_authentication(xml, BANK) == one
    assert set_authentication(xml, None) == one.replace(f"\n    {BANK}", "")


def test_statements_of_other_sections_are_left_alone() -> None:
    xml = f"<policies><outbound>{BANK}</outbound></policies>"
    assert BANK in set_authentication(xml, None)


@pytest.mark.parametrize(
    "text", ["bank", "a\"b'c", "<&>", "\u00e4\U0001f600", " two  spaces ", "tab\tand\r\nline", "]]>"]
)
def test_a_statement_says_what_it_was_made_from(text: str) -> None:
    statements = parse(inbound(certificate_statement(text)), "api").sections["inbound"].statements
    assert statements[0].element.attributes == {"certificate-id": text}


def test_a_control_character_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="control character"):
        certificate_statement("a\x00")


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ("<base />", Authentication("none")),
        (BANK, Authentication("certificate-id", "bank")),
        ('<authentication-certificate thumbprint="&#x200e;ca 06" />', Authentication("thumbprint", "CA06")),
        (BASIC, Authentication("basic", "bank-password", "alice")),
        (BANK + BASIC, Authentication("several")),
        (BANK + BANK, Authentication("several")),
    ],
)
def test_the_authentication_of_a_document_is_told(statements: str, expected: Authentication) -> None:
    assert read(inbound(statements)) == expected


def test_a_document_without_inbound_has_no_authentication_of_its_own() -> None:
    assert read("<policies />") == Authentication("none")
    assert rewrite_of(parse("<policies />", "operation")) is None


def test_of_a_rewrite_only_the_template_changes() -> None:
    xml = inbound("<rewrite-uri  copy-unmatched-params='false' x-template='' template = '/a' ></rewrite-uri>")
    changed = set_rewrite(xml, "/b/{x}?y='&'")
    assert changed == xml.replace("'/a'", "\"/b/{x}?y='&amp;'\"")
    assert set_rewrite(changed, "/b/{x}?y='&'") == changed


def test_a_rewrite_is_added_told_and_removed() -> None:
    changed = set_rewrite(NEW_DOCUMENT, "/v2/{id}")
    assert rewrite_of(parse(changed, "operation")) == "/v2/{id}"
    assert set_rewrite(changed, None) == NEW_DOCUMENT


def test_rewriting_and_authentication_do_not_touch_each_other() -> None:
    both = set_authentication(set_rewrite(NEW_DOCUMENT, "/a"), BANK)
    assert set_rewrite(both, None) == set_authentication(NEW_DOCUMENT, BANK)
    assert set_authentication(both, None) == set_rewrite(NEW_DOCUMENT, "/a")


def test_malformed_xml_is_refused() -> None:
    with pytest.raises(PolicyErrors, match="not well-formed"):
        set_authentication("<policies>", BANK)


SPACE = st.text(" \t\n", max_size=4) | st.sampled_from(["\r\n", "\r\n\t", "\n    ", "\r", "\n"])
NOISE = st.lists(
    SPACE
    | st.text("a<>\"'&\u00e4\U0001f600 /\n", max_size=6).map(lambda text: f"<!--{text}-->")
    | st.sampled_from(["<!-- <base /> -->", "<!-- <inbound> -->", "<!--\r\n-->", "<![CDATA[]]>"]),
    max_size=4,
).map("".join)
OTHER = st.sampled_from(
    [
        "<rewrite-uri template='/a>b' />",
        '<rewrite-uri\n template="/a"></rewrite-uri >',
        "<wibble a='/>'><x/></wibble>",
        "<set-header name='a'>\r\n  <value><![CDATA[<authentication-basic />]]></value></set-header>",
        "<return-response><!-- <inbound> -->\n<set-body> &lt;base />\r\n</set-body\n></return-response>",
    ]
)


@st.composite
def documents(draw: st.DrawFn, statement: str = "") -> str:
    """A well-formed document with an inbound section, comments and odd white space; perhaps with a statement."""
    base = draw(st.sampled_from(["", "<base />", "<base/>", "<base\n></base>"]))
    parts = [base, *draw(st.lists(OTHER, max_size=2)), *([statement] if statement else [])]
    statements = "".join(draw(NOISE) + part for part in draw(st.permutations(parts))) + draw(NOISE)
    before = draw(st.sampled_from(["", "<outbound/>", "<backend> <!-- x --><base /></backend>"]))
    prolog = draw(st.sampled_from(["", "\ufeff", '<?xml version="1.0"?>\r\n', "<!-- \u00e4 -->"]))
    section = f"<inbound{draw(SPACE)}>{statements}</inbound{draw(SPACE)}>"
    middle = f"{draw(NOISE)}{before}{draw(NOISE)}{section}{draw(NOISE)}"
    return f"{prolog}<policies>{middle}</policies>{draw(SPACE)}"


@settings(deadline=None)
@given(documents())
def test_set_then_remove_gives_the_original_back_byte_for_byte(xml: str) -> None:
    changed = set_authentication(xml, BANK)
    assert changed.count(BANK) == 1
    assert "".join(changed.replace(BANK, "").split()) == "".join(xml.split())
    assert set_authentication(changed, BANK) == changed
    assert set_authentication(changed, None) == xml


@settings(deadline=None)
@given(documents(statement=BASIC))
def test_replacing_changes_the_statement_and_nothing_else(xml: str) -> None:
    changed = set_authentication(xml, BANK)
    assert changed == xml.replace(BASIC, BANK)
    assert set_authentication(changed, BASIC) == xml


@settings(deadline=None)
@given(documents(statement=BASIC))
def test_removing_takes_white_space_and_nothing_else(xml: str) -> None:
    removed = set_authentication(xml, None)
    assert "".join(removed.split()) == "".join(xml.replace(BASIC, "").split())
    assert set_authentication(removed, None) == removed
