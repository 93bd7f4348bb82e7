"""Where certificates stand on the time line: a drawing of 200 has to stay readable."""

import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from gateway.expiry_notices import Expiry
from portal.time_line import WIDTH, Mark, TimeLine, draw

NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)


def expiry(name: str, days: float, kind: str = "client") -> Expiry:
    until = NOW + timedelta(days=days)
    return Expiry(kind, name, name, f"CN={name}", name.upper(), until, until)


def line(*days: float) -> TimeLine:
    return draw([expiry(f"certificate-{number}", each) for number, each in enumerate(days)], NOW)


def label_end(mark: Mark) -> float:
    return mark.x + 5 + 6.7 * len(mark.label)


def test_today_is_at_the_start_and_a_year_at_the_end() -> None:
    drawn = line(0.0001, 365)
    assert [mark.x for mark in drawn.marks] == [drawn.start, drawn.end]
    assert line(182.5).marks[0].x == (drawn.start + drawn.end) / 2


def test_what_has_expired_is_one_mark_at_the_left_edge_and_what_expires_later_is_not_drawn() -> None:
    drawn = line(-1, -400, 0, 366)
    (mark,) = drawn.marks
    assert (mark.count, mark.state) == (3, "expired")
    assert mark.x < drawn.start - mark.radius
    assert mark.label == "certificate-1 +2"


@pytest.mark.parametrize(
    ("days", "state"), [(0, "expired"), (1, "soon"), (30, "soon"), (31, "next"), (90, "next"), (91, "later")]
)
def test_the_state_is_that_of_the_first_to_expire(days: float, state: str) -> None:
    assert line(days).marks[0].state == state


def test_what_is_close_together_becomes_one_mark_that_names_its_certificates() -> None:
    drawn = line(100, 104, 160)
    assert [mark.count for mark in drawn.marks] == [2, 1]
    assert drawn.marks[0].title == "certificate-0, 2027-03-07; certificate-1, 2027-03-11"
    many = line(*(100 + number / 10 for number in range(15)))
    assert many.marks[0].title.endswith("; and 5 more")


def test_a_mark_of_ca_certificates_alone_is_theirs() -> None:
    drawn = draw([expiry("a", 10, "CA"), expiry("b", 100, "CA"), expiry("c", 101)], NOW)
    assert [mark.kind for mark in drawn.marks] == ["CA", "client"]


def test_a_few_certificates_have_one_line_of_labels() -> None:
    assert {mark.label_y for mark in line(30, 150, 300).marks} == {line(200).marks[0].label_y}


@pytest.mark.parametrize("seed", range(5))
def test_two_hundred_certificates_stay_readable(seed: int) -> None:
    dice = random.Random(seed)
    drawn = line(*(dice.uniform(-30, 365) for _ in range(200)))
    marks = drawn.marks
    assert sum(mark.count for mark in marks) == 200
    assert len(marks) <= 32
    assert all(right.x - right.radius >= left.x + left.radius for left, right in pairwise(marks))
    labelled = [mark for mark in marks if mark.label_y is not None]
    assert len(labelled) > len(marks) / 2
    for one in labelled:
        for other in labelled:
            if one.x < other.x < label_end(one):  # neither text over text, nor a stem through a text
                assert other.label_y is not None
                assert one.label_y is not None
                assert other.label_y > one.label_y
    assert drawn.height <= 220


def test_labels_stay_within_the_drawing() -> None:
    drawn = draw([expiry("x" * 80, days) for days in range(0, 366, 5)], NOW)
    assert all(label_end(mark) <= WIDTH for mark in drawn.marks)
    assert max(len(mark.label) for mark in drawn.marks) <= 26


def test_each_month_has_its_tick_and_january_its_year() -> None:
    ticks = line(1).ticks
    assert [tick.label for tick in ticks][:2] == ["Jan 2027", "Feb"]  # today stands where December would
    assert len(ticks) == 11
    assert ticks[-1].label == "Nov"
    gaps = [right.x - left.x for left, right in pairwise(ticks)]
    assert min(gaps) > 55
