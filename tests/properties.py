"""Properties that must hold for whatever comes: checked for some examples in every run, for many under `long`."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import SearchStrategy


def examples(few: int, many: int) -> pytest.MarkDecorator:
    """Gives a test `count`: `few`, and `many` if tests that take minutes are asked for."""
    return pytest.mark.parametrize("count", [few, pytest.param(many, marks=pytest.mark.long)])


def holds(count: int, prop: Callable[..., None], *strategies: SearchStrategy[Any]) -> None:
    """Check a property for that many examples of its arguments."""
    checked = settings(max_examples=count, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    checked(given(*strategies)(prop))()
