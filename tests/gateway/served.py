"""What an engine's state does for calls, in a form that can be compared, and which plans have to be new in it."""

from typing import Any

from gateway.embedded.plans import Plan
from gateway.embedded.state import State
from gateway.snapshot import (
    Api,
    BackEnd,
    EffectivePolicy,
    Operation,
    SetBackendService,
    Snapshot,
    Subscription,
)


def served(state: State) -> dict[str, Any]:
    """Everything that a call may meet: plans, routes, destinations, subscriptions."""
    plans = {
        key: entry and _plain(entry.plan) for api in state.apis.values() for key, entry in api.entries.items()
    }
    routes = {key: _route(state, operation) for key, operation in state.snapshot.operations.items()}
    return {
        "plans": plans,
        "routes": routes,
        "destinations": sorted(str(d.key) for d in state.destinations(state.apis)),
        "users": {need: set(keys) for need, keys in state.users.items()},
        "subscriptions": {key: _found(state, each) for key, each in state.snapshot.subscriptions.items()},
    }


def _plain(plan: Plan) -> tuple[object, ...]:
    destination = plan.destination and plan.destination.key
    lines = tuple(line.statement for program in (plan.request, plan.response) for line in program.lines)
    made = (plan.host, plan.base, lines, len(plan.request.steps), plan.given)
    return plan.api, plan.operation, plan.failure, destination, plan.verification, *made, plan.timeout


def _route(state: State, operation: Operation) -> str | None:
    suffix = state.snapshot.apis[operation.api].suffix
    template = operation.url_template.replace("{id}", "1").replace("*", "x/y")
    route = state.router.find(operation.method, f"/{suffix}{template}", "")
    return route.plan.operation.key if route else None


def _found(state: State, subscription: Subscription) -> list[str | None]:
    keys = (subscription.primary_key, subscription.secondary_key)
    found = [key and state.keys.find(key.reveal(), subscription.api) for key in keys]
    return [each.key if each else None for each in found]


def check_taken_over(before: State, after: State) -> None:
    """Exactly those plans are new of whose parts one is."""
    for api, now in after.apis.items():
        was = before.apis[api].entries if api in before.apis else {}
        for key, entry in now.entries.items():
            parts = [_parts(state, key) for state in (before, after)]
            assert (key in was and was[key] is entry) == (parts[0] == parts[1])
    for api in after.apis.keys() - after.affected:
        assert after.apis[api] is before.apis[api]


def _parts(state: State, key: str) -> list[object]:
    snapshot = state.snapshot
    operation = snapshot.operations.get(key)
    if operation is None:
        return []
    api, policy = snapshot.apis[operation.api], snapshot.policies.get(operation.policy)
    named = policy.certificates if policy else ()
    certificates = [snapshot.certificates.get(certificate) for certificate in named]
    entry = state.apis[operation.api].entries[key]
    calls = entry and entry.plan.destination  # one that fails asks nothing of a back end
    back_end = _back_end(snapshot, api, policy) if policy and calls else None
    return [operation, api, policy, snapshot.trusts.get(api.trust), certificates, back_end]


def _back_end(snapshot: Snapshot, api: Api, policy: EffectivePolicy) -> BackEnd | None:
    """The back end around the URL that calls go to, by its URL as it is written."""
    set_ones = [s.base_url for s in (*policy.inbound, *policy.backend) if isinstance(s, SetBackendService)]
    url = f"{(set_ones or [api.web_service_url])[-1]}/"
    found = (each for each in snapshot.back_ends.values() if url.startswith(f"{each.url}/"))
    return max(found, key=lambda each: len(each.url), default=None)
