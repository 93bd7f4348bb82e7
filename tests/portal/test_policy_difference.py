"""The difference between two documents, line by line."""

import random
import time

import pytest
from hypothesis import strategies as st

from portal import policy_difference
from portal.policy_difference import MOST_COMPARED, MOST_SHOWN, difference
from tests.properties import examples, holds


def rows(before: str, after: str) -> list[tuple[str, str, int | None, int | None]]:
    return [(row.kind, row.text, row.before, row.after) for row in difference(before, after).rows]


def test_lines_have_the_numbers_of_both_texts() -> None:
    assert rows("a\nb\nc\n", "a\nx\ny\nc\n") == [
        ("same", "a", 1, 1),
        ("removed", "b", 2, None),
        ("added", "x", None, 2),
        ("added", "y", None, 3),
        ("same", "c", 3, 4),
    ]


def test_lines_far_from_a_change_are_left_out() -> None:
    text = [str(number) for number in range(20)]
    found = rows("\n".join(text), "\n".join([*text[:10], "new", *text[10:]]))
    assert found[0] == ("gap", "7 unchanged lines", None, None)
    assert found[1] == ("same", "7", 8, 8)
    assert found[4] == ("added", "new", None, 11)
    assert found[-1] == ("gap", "7 unchanged lines", None, None)


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_line_endings_do_not_count(end: str) -> None:
    assert not difference("a\nb\n", f"a{end}b")
    assert difference("a\nb\n", f"a{end}b").rows == ()


def test_separators_that_xml_does_not_know_end_no_line() -> None:
    assert len(rows("", "a\u2028b\x85c\x0cd")) == 1


def test_from_and_to_nothing() -> None:
    assert rows("", "a\n") == [("added", "a", None, 1)]
    assert rows("a\n", "") == [("removed", "a", 1, None)]
    assert not difference("", "")


def test_changes_at_both_ends_of_a_long_document_are_told_as_two() -> None:
    inner = [line for number in range(1700) for line in ("<set-header>", f"<value>{number}", "</set-header>")]
    found = rows("\n".join(["a", *inner, "b"]), "\n".join(["x", *inner, "y"]))
    assert [row for row in found if row[0] != "same"] == [
        ("removed", "a", 1, None),
        ("added", "x", None, 1),
        ("gap", "5094 unchanged lines", None, None),
        ("removed", "b", 5102, None),
        ("added", "y", None, 5102),
    ]


@examples(100, 3000)
@pytest.mark.parametrize("at_once", [MOST_COMPARED, 4])
def test_whatever_changed_the_rows_make_both_texts(
    count: int, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy_difference, "MOST_COMPARED", at_once)

    def made(before: list[str], after: list[str]) -> None:
        found = difference("".join(f"{x}\n" for x in before), "".join(f"{x}\n" for x in after))
        assert (found.added, found.removed) == (
            sum(row.kind == "added" for row in found.rows),
            sum(row.kind == "removed" for row in found.rows),
        )
        for numbers, texts in (("before", before), ("after", after)):
            for row in found.rows:
                number = getattr(row, numbers)
                assert number is None or texts[number - 1] == row.text
        assert found.added - found.removed == len(after) - len(before)

    line = st.sampled_from("abcd" if at_once > 4 else "abcdefghijklmnop")
    holds(count, made, st.lists(line, max_size=30), st.lists(line, max_size=30))


@pytest.mark.parametrize("kinds", [3, 50, 500, 100_000])
def test_no_two_texts_take_long(kinds: int) -> None:
    chance = random.Random(kinds)
    for size in (990, 20_000):
        before, after = ("\n".join(str(chance.randrange(kinds)) for _ in range(size)) for _ in range(2))
        begun = time.process_time()
        found = difference(before, after)
        assert time.process_time() - begun < 3
        assert len(found.rows) <= MOST_SHOWN
        assert found.left_out == 0 or len(found.rows) == MOST_SHOWN
