"""What lists of statements and editors are told about them."""

import json
from typing import Any

import pytest

from gateway.policies.catalogue import catalogue
from gateway.policies.elements import read_xml
from gateway.policies.registry import STATEMENTS

ENTRIES = {entry["element"]: entry for entry in catalogue()}


def test_all_statements_are_in_it_in_the_order_of_their_titles() -> None:
    titles = [entry["title"] for entry in catalogue()]
    assert titles == sorted(titles, key=str.casefold)
    assert ENTRIES.keys() == STATEMENTS.keys()


def test_it_is_what_json_holds() -> None:
    assert json.loads(json.dumps(catalogue())) == catalogue()


def test_it_tells_where_a_statement_may_stand_and_what_it_holds() -> None:
    assert {
        name: value
        for name, value in ENTRIES["set-header"].items()
        if name not in ("title", "summary", "snippet")
    } == {
        "element": "set-header",
        "sections": ["inbound", "backend", "outbound"],
        "scopes": ["global", "api", "operation"],
        "required": ["name"],
        "optional": ["exists-action"],
        "choices": {"exists-action": ["override", "skip", "append", "delete"]},
        "children": [
            {
                "element": "value",
                "required": [],
                "optional": [],
                "choices": {},
                "children": [],
                "text": True,
                "once": False,
            }
        ],
        "text": False,
        "once": False,
    }


def test_a_header_inside_an_answer_holds_what_it_holds_elsewhere() -> None:
    inside = {child["element"]: child for child in ENTRIES["return-response"]["children"]}
    assert list(inside) == ["set-status", "set-header", "set-body"]
    assert inside["set-header"].items() <= ENTRIES["set-header"].items()
    assert (inside["set-body"]["text"], inside["set-status"]["once"]) == (True, True)


@pytest.mark.parametrize("entry", catalogue(), ids=lambda entry: entry["element"])
def test_a_snippet_has_what_is_required_and_is_indented_by_four_spaces(entry: dict[str, Any]) -> None:
    snippet = read_xml(entry["snippet"])
    assert snippet.name == entry["element"]
    assert set(entry["required"]) <= snippet.attributes.keys() <= {*entry["required"], *entry["optional"]}
    assert {child.name for child in snippet.children} <= {child["element"] for child in entry["children"]}
    indents = [len(line) - len(line.lstrip()) for line in entry["snippet"].splitlines()]
    assert all(indent % 4 == 0 for indent in indents)
    assert indents[0] == indents[-1] == 0
