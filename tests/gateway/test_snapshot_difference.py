"""Differences of snapshots, made by hand."""

from dataclasses import replace

import pytest

from gateway.snapshot import EffectivePolicy
from gateway.snapshot_difference import Changed, Difference, apply, between
from tests.snapshots import FORWARD, snapshot


def test_nothing_changed_is_the_same_snapshot() -> None:
    whole = snapshot("https://x.example")
    assert apply(whole, Difference(whole.revision, whole.revision)) is whole


def test_a_revision_without_changes_shares_everything() -> None:
    whole = snapshot("https://x.example")
    after = apply(whole, Difference(1, 2))
    assert after.revision == 2
    assert after.apis is whole.apis
    assert after.operations is whole.operations


def test_parts_come_change_and_go_and_all_others_are_the_same_objects() -> None:
    before = snapshot("https://x.example", operations=(("GET", "/a"), ("GET", "/b"), ("GET", "/c")))
    changed = replace(before.operations["GET /a"], revision=2, url_template="/other")
    new = replace(before.operations["GET /a"], key="new")
    after = apply(
        before,
        Difference(1, 2, operations=Changed({"GET /a": changed, "new": new}, frozenset({"GET /b"}))),
    )
    assert dict(after.operations) == {"GET /a": changed, "GET /c": before.operations["GET /c"], "new": new}
    assert after.operations["GET /c"] is before.operations["GET /c"]
    assert after.policies is before.policies
    assert "GET /b" in before.operations


def test_a_difference_from_another_revision_is_refused() -> None:
    with pytest.raises(ValueError, match="since 5"):
        apply(snapshot("https://x.example"), Difference(5, 6))


def test_what_differs_between_two_snapshots_makes_one_of_the_other() -> None:
    before = snapshot("https://x.example", operations=(("GET", "/a"), ("GET", "/b")))
    after = snapshot("https://y.example", operations=(("GET", "/a"), ("GET", "/c")), revision=2)
    difference = between(before, replace(after, trusts=before.trusts))
    assert apply(before, difference) == replace(after, trusts=before.trusts)
    assert not difference.trusts
    assert difference.operations.removed == {"GET /b"}


def test_equal_parts_do_not_differ_though_they_are_other_objects() -> None:
    assert between(snapshot("https://x.example"), snapshot("https://x.example")) == Difference(1, 1)


def test_the_keys_of_parts_with_a_problem_are_kept() -> None:
    whole = snapshot("https://x.example")
    bad = EffectivePolicy("bank", 2, problem="It cannot be opened.")
    troubled = apply(whole, Difference(1, 2, policies=Changed({"bank": bad})))
    assert troubled.troubled == {"policies": {"bank"}}
    mended = apply(
        troubled, Difference(2, 3, policies=Changed({"bank": EffectivePolicy("bank", 3, (), (FORWARD,))}))
    )
    assert mended.troubled == {"policies": frozenset()}
    assert apply(troubled, Difference(2, 3, policies=Changed({}, frozenset({"bank"})))).troubled == {
        "policies": frozenset()
    }
