"""What is worked out when a snapshot is applied, and what of it is taken over."""

from dataclasses import replace

from gateway.embedded.state import State, build
from gateway.outbound import Destination
from gateway.snapshot import (
    AuthenticationBasic,
    AuthenticationCertificate,
    EffectivePolicy,
    RewriteUri,
    Secret,
)
from tests.pki import issue
from tests.snapshots import FORWARD, HERE, material, merged, snapshot


def destination(state: State) -> Destination:
    """The only one."""
    (found,) = state.destinations(state.apis)
    return found


def test_the_last_certificate_of_the_inbound_section_wins() -> None:
    first, second = (
        material(issue(common_name="first"), "first"),
        material(issue(common_name="second"), "second"),
    )
    whole = replace(snapshot("https://x.example"), certificates={"first": first, "second": second})
    inbound = tuple(AuthenticationCertificate(key, HERE) for key in ("first", "second"))
    whole = replace(whole, policies={"bank": EffectivePolicy("bank", 1, inbound, (FORWARD,))})
    assert destination(build(whole)).certificate is second


def test_what_is_made_of_unchanged_parts_is_taken_over() -> None:
    one = snapshot("https://one.example")
    before = build(one)
    after = build(replace(one, revision=2), before)
    assert after.revision == 2
    assert after.apis["bank"] is before.apis["bank"]


def test_another_version_of_a_certificate_gives_another_pool() -> None:
    part = material(issue(common_name="first"))
    whole = snapshot("https://x.example", certificate=part)
    before = build(whole)
    renewed = material(issue(common_name="renewed"), revision=2)
    after = build(replace(whole, revision=2, certificates={part.key: renewed}), before)
    assert destination(before).key != destination(after).key


def test_a_changed_policy_is_worked_out_anew_even_at_the_same_revision() -> None:
    whole = snapshot("https://x.example")
    before = build(whole)
    basic = AuthenticationBasic("user", Secret(b"password"), HERE)
    policy = replace(whole.policies["bank"], inbound=(basic,))
    after = build(replace(whole, policies={"bank": policy}), before)
    route = after.router.find("GET", "/bank/x", "")
    assert route is not None
    assert [line.statement for line in route.plan.request.lines] == [basic, FORWARD]


def test_only_a_certificate_that_calls_present_is_told_with_its_expiry() -> None:
    part = material(issue(common_name="partner"), "partner")
    whole = snapshot("https://x.example", certificate=part)
    assert build(whole).expiries() == {("partner", "bank"): part.not_after}
    for unused in (
        snapshot("https://x.example", certificate=part, backend=()),  # nothing is asked of the back end
        snapshot("http://x.example", certificate=part),  # every call is refused
        replace(whole, operations={}),
        replace(whole, policies={"bank": EffectivePolicy("bank", 1, (), (FORWARD,))}),
    ):
        assert build(unused).expiries() == {}


def test_an_operation_that_went_is_not_found_any_more() -> None:
    whole = snapshot("https://x.example", operations=(("GET", "/a"), ("GET", "/b")))
    before = build(whole)
    after = build(replace(whole, revision=2, operations=dict(list(whole.operations.items())[:1])), before)
    assert after.router.find("GET", "/bank/a", "") is not None
    assert after.router.find("GET", "/bank/b", "") is None


def test_a_rewrite_that_does_not_fit_its_template_disables_the_operation_only() -> None:
    rewrite = RewriteUri("/x/{missing}", True, HERE)
    broken = snapshot("https://x.example", operations=(("GET", "/a"),), inbound=(rewrite,))
    route = build(broken).router.find("GET", "/bank/a", "")
    assert route is not None
    assert route.plan.failure is not None
    assert route.plan.failure[0] == "policy-unusable"


def test_a_template_that_cannot_be_read_takes_nothing_else_down() -> None:
    good = snapshot("https://x.example", operations=(("GET", "/a"),))
    bad = snapshot("https://x.example", operations=(("GET", "/{broken"),))
    state = build(merged(good, bad))
    assert state.router.find("GET", "/bank/a", "") is not None


def test_a_secret_shows_up_in_no_repr_of_a_plan() -> None:
    part = material(issue(common_name="first"))
    state = build(snapshot("https://x.example", certificate=part))
    assert part.private_key is not None
    assert part.private_key.reveal() not in repr(state).encode()
