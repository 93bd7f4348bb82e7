"""What a document says is what is executed, however it is written; and what is written survives every change."""

import re
from xml.parsers import expat

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.policies.effective import composed_text
from gateway.policies.elements import read_xml
from gateway.policies.parser import parse
from gateway.policies.references import references_of
from gateway.policies.splice import certificate_statement, rewrite_statement, set_authentication, set_rewrite
from tests.gateway.policies.texts import placeless, resolved
from tests.gateway.policies.writing import SEEDS, Pen, documents, return_with_named_values

BANK = certificate_statement("bank")
unhurried = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
REWRITE = rewrite_statement("/v2/{id}")


@unhurried
@given(documents())
def test_a_document_means_what_was_written_however_it_was(
    written: tuple[str, dict[str, list[object]]],
) -> None:
    xml, meaning = written
    found = resolved(xml)
    assert {section: [placeless(each) for each in found[section]] for section in found} == meaning


def comments(xml: str) -> list[str]:
    found: list[str] = []
    reader = expat.ParserCreate("utf-8")
    reader.CommentHandler = found.append
    reader.Parse(xml.encode(), True)
    return found


def statements(xml: str, without: str) -> list[str]:
    """The statements of all sections as they are written, but for those whose element begins so."""
    sections = read_xml(xml).children
    found = [
        child for section in sections for child in section.children if not child.name.startswith(without)
    ]
    return [xml[child.start : child.end] for child in found]


def solid(xml: str, without: str = "") -> str:
    """A text without white space, and without one statement; an empty inbound section is written in one way."""
    return "".join(re.sub(r"<inbound\s*/>", "<inbound></inbound>", xml.replace(without, "", 1)).split())


@unhurried
@given(documents())
def test_a_rewrite_comes_and_goes_and_every_other_character_stays(written: tuple[str, object]) -> None:
    xml, _ = written
    changed = set_rewrite(xml, "/v2/{id}")
    assert parse(changed, "operation")
    assert solid(changed, REWRITE).replace("<inbound></inbound>", "") == solid(xml).replace(
        "<inbound></inbound>", ""
    )
    assert comments(changed) == comments(xml)
    assert set_rewrite(changed, "/v2/{id}") == changed
    again = set_rewrite(changed, None)
    assert again == xml or re.search(r"<inbound\s*/>", xml)
    assert statements(again, "-") == statements(changed, "rewrite-uri") == statements(xml, "-")


@unhurried
@given(documents(), st.sampled_from([BANK, None]))
def test_authentication_changes_and_every_other_statement_and_comment_stays(
    written: tuple[str, object], statement: str | None
) -> None:
    xml, _ = written
    changed = set_authentication(xml, statement)
    assert parse(changed, "api")
    assert statements(changed, "authentication-") == statements(xml, "authentication-")
    assert comments(changed) == comments(xml)
    assert set_authentication(changed, statement) == changed


@unhurried
@given(documents())
def test_an_effective_policy_shows_each_statement_as_it_was_written(
    written: tuple[str, dict[str, list[object]]],
) -> None:
    xml, meaning = written
    document = parse(xml, "api")
    lines = composed_text((None, document, None))
    source = re.split(r"\r\n|\n|\r", xml)
    for line in lines:
        assert (line.scope, bool(line.line)) in (("", False), ("api", True))
        if line.line:
            assert line.text.strip() in source[line.line - 1]
    shown = resolved("\n".join(line.text for line in lines))
    assert {section: [placeless(each) for each in shown[section]] for section in shown} == meaning


@unhurried
@given(SEEDS)
def test_named_values_are_found_wherever_they_stand_and_on_their_own_line(seed: int) -> None:
    written = return_with_named_values(Pen(seed))
    xml = f"<policies>\n<inbound>\n{written.xml}</inbound></policies>"
    found = list(references_of(parse(xml, "api")))
    assert [(each.name, each.element.name) for each in found] == written.means
    lines = re.split(r"\r\n|\n|\r", xml)
    for each in found:
        assert lines[each.element.line - 1].startswith(f"<{each.element.name}", each.element.column - 2)
