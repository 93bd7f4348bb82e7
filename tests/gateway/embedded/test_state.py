"""What the engine runs: changed in part, swapped whole."""

from dataclasses import replace

from gateway.embedded.state import State, build
from gateway.snapshot import Snapshot
from gateway.snapshot_difference import Changed, Difference, apply, between
from tests.snapshots import merged, snapshot


def an_api(key: str, suffix: str = "") -> Snapshot:
    """An API of that key with one operation, everything of its own."""
    made = snapshot(f"https://{key}.example", operations=(("GET", "/x"),), suffix=suffix or key)
    (operation,) = made.operations.values()
    return Snapshot(
        1,
        apis={key: replace(made.apis["bank"], key=key, trust=key, policy=key)},
        operations={f"{key} x": replace(operation, key=f"{key} x", api=key, policy=key)},
        policies={key: replace(made.policies["bank"], key=key)},
        trusts={key: replace(made.trusts["bank"], key=key)},
    )


def host(state: State, path: str) -> bytes | None:
    """The back end of a call."""
    route = state.router.find("GET", path, "")
    return route.plan.host if route else None


def test_a_change_to_one_api_leaves_all_others_as_they_are() -> None:
    whole = merged(an_api("one"), an_api("two"))
    before = build(whole)
    changed = replace(whole.apis["one"], revision=2, web_service_url="https://moved.example")
    difference = Difference(1, 2, apis=Changed({"one": changed}))
    after = build(apply(whole, difference), before, difference)
    assert after.affected == {"one"}
    assert after.apis["two"] is before.apis["two"]
    assert after.keys is before.keys
    assert (host(before, "/one/x"), host(after, "/one/x")) == (b"one.example", b"moved.example")


def test_two_apis_can_swap_their_suffixes() -> None:
    before = merged(an_api("one"), an_api("two"))
    one, two = before.apis["one"], before.apis["two"]
    after = replace(
        before, revision=2, apis={"one": replace(one, suffix="two"), "two": replace(two, suffix="one")}
    )
    state = build(after, build(before))
    assert (host(state, "/one/x"), host(state, "/two/x")) == (b"two.example", b"one.example")


def test_whose_suffix_it_is_does_not_depend_on_who_came_first() -> None:
    one, two = an_api("one", "same"), an_api("two", "s%61me")
    together = replace(merged(one, two), revision=2)
    for first in (one, two):
        state = build(together, build(first))
        assert host(state, "/same/x") == host(build(together), "/same/x") == b"one.example"
        assert host(build(two, state), "/same/x") == b"two.example"


def test_a_difference_from_another_state_is_not_believed() -> None:
    one, both = an_api("one"), replace(merged(an_api("one"), an_api("two")), revision=2)
    stale = between(replace(both, revision=1), both)  # which says that nothing came
    state = build(both, build(replace(one, revision=0)), stale)
    assert host(state, "/two/x") == b"two.example"


def test_where_calls_may_go_is_told_for_what_changed_alone() -> None:
    whole = merged(an_api("one"), an_api("two"))
    before = build(whole)
    gone = {
        name: {k: v for k, v in getattr(whole, name).items() if k[:3] != "one"}
        for name in ("apis", "operations")
    }
    after = build(replace(whole, revision=2, **gone), before)
    assert [d.origin.host for d in before.destinations(after.affected)] == ["one.example"]
    assert list(after.destinations(after.affected)) == []
