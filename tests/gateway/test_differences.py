"""What is read and worked out step by step is what a gateway has that starts now, with all unchanged shared."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.apps import apps
from django.db import transaction
from django.test import override_settings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway import publish
from gateway.embedded.state import State, build
from gateway.models import Deletion, PolicyVersion
from gateway.models.base import ConfigurationRow
from gateway.snapshot_difference import KINDS, apply, between
from tests.gateway.random_changes import KEYS, NAMES, Changes
from tests.gateway.served import check_taken_over, served

pytestmark = pytest.mark.django_db

# What to change, two numbers that choose how, and whether the gateway looks after it.
Step = tuple[str, int, int, bool]


def steps(most: int) -> st.SearchStrategy[list[Step]]:
    """Changes of a few kinds, which meet more often than those of all kinds would."""

    def of(names: set[str]) -> st.SearchStrategy[list[Step]]:
        numbers = st.integers(0, 5)
        one = st.tuples(st.sampled_from(sorted(names)), numbers, numbers, st.booleans())
        return st.lists(one, min_size=3, max_size=most)

    return st.sets(st.sampled_from(NAMES), min_size=3, max_size=8).flatmap(of)


@contextmanager
def rolled_back() -> Iterator[None]:
    with transaction.atomic(), override_settings(CERTIFICATE_ENCRYPTION_KEYS=KEYS):
        yield
        transaction.set_rollback(True)


def part_keys() -> set[tuple[str, object]]:
    """Every row of configuration there is; what documents were is in no snapshot, and goes with its scope."""
    kept = (PolicyVersion,)
    models = [m for m in apps.get_models() if issubclass(m, ConfigurationRow) and m not in kept]
    return {(model._meta.db_table, row.part_key) for model in models for row in model._default_manager.all()}


def look(running: State) -> State:
    """What a gateway does after changes, checked against what one does that starts now."""
    before = running.snapshot
    difference = publish.read_difference(before, using="default")
    after = apply(before, difference)
    whole = publish.load(using="default")
    assert after == whole
    assert difference == between(before, whole)
    assert {k: v for k, v in after.troubled.items() if v} == {k: v for k, v in whole.troubled.items() if v}
    for kind in KINDS:
        _check_shared(getattr(before, kind), getattr(after, kind), getattr(difference, kind))
    state = build(after, running, difference)
    assert served(state) == served(build(whole))
    check_taken_over(running, state)
    return state


def _check_shared(before: dict[str, Any], after: dict[str, Any], changed: Any) -> None:
    if not changed:
        assert after is before
    assert all(after[key] is part for key, part in before.items() if key not in set(changed))


def run(before: State, drawn: list[Step]) -> None:
    changes, state, rows = Changes(), before, part_keys()
    for name, one, two, looks in drawn:
        revision = publish.current_revision("default")
        changes.make(name, one, two)
        left, deleted = part_keys(), Deletion.objects.filter(revision__gt=revision)
        assert rows - left <= set(deleted.values_list("table", "row"))
        rows = left
        if looks:
            state = look(state)
    look(state)


def check(examples: int, most: int) -> None:
    """Many times from the same beginning."""
    with rolled_back():
        Changes().begin()
        before = build(publish.load(using="default"))
        slow = [HealthCheck.too_slow, HealthCheck.data_too_large]

        @settings(deadline=None, suppress_health_check=slow, max_examples=examples)
        @given(steps(most))
        def changes(drawn: list[Step]) -> None:
            with rolled_back():
                run(before, drawn)

        changes()


def test_changes_applied_step_by_step_equal_a_whole_reading() -> None:
    check(40, 12)


@pytest.mark.long
def test_many_more_changes_applied_step_by_step_equal_a_whole_reading() -> None:
    check(1000, 30)
