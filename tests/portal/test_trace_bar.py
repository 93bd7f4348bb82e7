"""Where the time of a call went, drawn: every part within the drawing, however odd the times are."""

from typing import Any

import pytest

from portal.traces.bar import WIDTH, Bar, draw
from portal.traces.document import Part, seconds_in, share, took


def span(start: Any, seconds: Any, name: str = "gateway") -> Part:
    return Part({"name": name, "title": f"The {name}", "start": start, "seconds": seconds})


def drawn(*spans: Part, seconds: float | None = 1.0) -> Bar:
    found = draw(spans, seconds)
    assert found
    return found


def test_a_part_stands_where_and_is_as_wide_as_it_took() -> None:
    bar = drawn(span(0.5, 0.25, "back-end"), span(0, 0.5))
    assert [(each.x, each.width, each.kind) for each in bar.spans] == [
        (0, 500, "gateway"),
        (500, 250, "back-end"),
    ]
    assert (bar.longest.title, bar.longest.share, bar.took, bar.rest) == (
        "The gateway", "50 %", "1.00 s", "250 ms",
    )  # fmt: skip


@pytest.mark.parametrize(
    "spans",
    [
        [span(0, 0)],
        [span(0, 0.000001), span(1, 0)],
        [span(0.9, 7), span(3, 0.1)],
        [span(10**9, 10**9)],
        [span(n / 100, 0.01) for n in range(100)],
    ],
)
def test_every_part_is_seen_and_within_the_drawing(spans: list[Part]) -> None:
    for seconds in (None, 0.0, 1.0):
        for each in drawn(*spans, seconds=seconds).spans:
            assert each.width > 0
            assert each.x >= 0
            assert each.x + each.width <= WIDTH + 0.1


@pytest.mark.parametrize("odd", [-1, None, "1", True, float("nan"), float("inf"), 10**30])
def test_a_part_without_usable_times_is_left_out(odd: Any) -> None:
    assert draw([span(odd, 1), span(0, odd)], 1.0) is None


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0, "0.00 ms"), (0.00042, "0.42 ms"), (0.01234, "12.3 ms"), (0.0999, "99.9 ms"), (0.09996, "100 ms"),
        (0.8119, "812 ms"), (0.9996, "1.00 s"), (1.2345, "1.23 s"), (300.4, "300 s"),
    ],
)  # fmt: skip
def test_durations_have_three_digits(seconds: float, words: str) -> None:
    assert took(seconds) == words


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("00:00:00.0012345", 0.0012345),
        ("01:02:03.5", 3723.5),
        ("", None),
        ("x", None),
        ("00:00:00.1\n", None),
    ],
)
def test_elapsed_times_are_read(text: str, seconds: float | None) -> None:
    assert seconds_in(text) == seconds


def test_shares_are_told_in_whole_percents() -> None:
    assert [share(1, 3), share(0.001, 1), share(1, 1), share(0, 0)] == [
        "33 %",
        "under 1 %",
        "100 %",
        "under 1 %",
    ]
