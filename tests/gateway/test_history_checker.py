"""The checker of histories accepts every good one, and finds what is wrong with each bad one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.history import LONG_AGO, Save, violations
from tests.load import Call

FIRST = Save(LONG_AGO, LONG_AGO, "one")
SAVES = [FIRST, Save(10, 11, "two"), Save(20, 21, "three")]


def call(start: float, end: float, seen: str, connection: int = 1) -> Call:
    return Call("accounts", start, end, seen, connection, port=0)


@pytest.mark.parametrize(
    ("start", "end", "allowed"),
    [
        (1, 2, {"one"}),
        (1, 10, {"one"}),
        (1, 10.5, {"one", "two"}),
        (10.5, 12, {"one", "two"}),
        (11, 12, {"two"}),
        (12, 13, {"two"}),
        (1, 20.5, {"one", "two", "three"}),
        (10.9, 30, {"one", "two", "three"}),
        (21, 22, {"three"}),
        (30, 31, {"three"}),
    ],
)
def test_a_call_sees_what_was_in_effect_at_some_moment_of_it(
    start: float, end: float, allowed: set[str]
) -> None:
    values = ("one", "two", "three", "what nobody saved")
    assert {seen for seen in values if not violations(SAVES, [call(start, end, seen)])} == allowed


def test_a_call_that_begins_after_a_save_and_runs_under_the_older_configuration_is_named() -> None:
    (found,) = violations(SAVES, [call(1, 2, "one"), call(11.25, 12, "one"), call(13, 14, "two")])
    assert found == ("accounts ran under an older one and not two, 0.250 s after that save had returned")


def test_what_comes_later_is_not_seen_earlier() -> None:
    (found,) = violations(SAVES, [call(12, 13, "three")])
    assert "saw what was never in effect: three and not two" in found


def test_a_connection_never_goes_back_but_another_one_may_still_be_behind() -> None:
    assert violations(SAVES, [call(10.1, 10.3, "two", 1), call(10.4, 10.6, "one", 2)]) == []
    (found,) = violations(SAVES, [call(10.4, 10.6, "one"), call(10.1, 10.3, "two")])
    assert "went back to one" in found


def test_a_value_that_returns_is_told_from_its_first_time() -> None:
    saves = [FIRST, Save(10, 11, "two"), Save(20, 21, "one")]
    assert violations(saves, [call(10, 20.5, "two"), call(20.5, 20.6, "one"), call(22, 23, "one")]) == []
    assert violations(saves, [call(10.5, 30, "one"), call(31, 32, "one")]) == []
    assert len(violations(saves, [call(11, 20, "one")])) == 1


def test_a_save_without_end_holds_for_no_call_for_sure() -> None:
    saves = [FIRST, Save(10, float("inf"), "two")]
    assert violations(saves, [call(20, 21, "one", 1), call(20, 21, "two", 2)]) == []


def test_saves_at_once_and_calls_before_the_first_are_no_history() -> None:
    with pytest.raises(ValueError, match="follow each other"):
        violations([FIRST, Save(10, 12, "two"), Save(11, 13, "three")], [])
    with pytest.raises(ValueError, match="before the first save"):
        violations([Save(1, 2, "one")], [call(1.5, 3, "one")])


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Save], list[Call]]:
    """What a gateway that keeps the promise could have done, with values that come again."""
    lengths = st.floats(0.001, 10)
    saves, now = [FIRST], 0.0
    for value in draw(st.lists(st.sampled_from(["one", "two", "three"]), max_size=8)):
        start = now + draw(lengths)
        now = start + draw(lengths)
        saves.append(Save(start, now, value))
    calls, now, reached = [], -10.0, 0
    for _ in range(draw(st.integers(0, 8))):
        start = now + draw(lengths)
        now = start + draw(lengths)
        first = max(n for n, save in enumerate(saves) if save.returned <= start)
        last = max(n for n, save in enumerate(saves) if save.start < now)
        reached = draw(st.integers(max(first, reached), last))
        calls.append(call(start, now, saves[reached].value))
    return saves, calls


@given(histories())
def test_what_keeps_the_promise_is_accepted(history: tuple[list[Save], list[Call]]) -> None:
    assert violations(*history) == []


@given(histories(), st.data())
def test_one_value_that_nobody_saved_is_found(
    history: tuple[list[Save], list[Call]], data: st.DataObject
) -> None:
    saves, calls = history
    if calls:
        number = data.draw(st.integers(0, len(calls) - 1))
        calls[number] = calls[number]._replace(seen="four")
        assert len(violations(saves, calls)) == 1
