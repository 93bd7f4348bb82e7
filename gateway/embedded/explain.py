"""What would happen to a call: worked out by running the plan of its operation on a request that is never sent.

explain(state, "GET", "/bank/accounts/1?x=y", fields=[("Accept", "*/*")], address="192.0.2.1")

Nothing is asked of a back end, and no secret is in what is told.
"""

from collections.abc import Sequence
from dataclasses import replace

from gateway.embedded.admission import checked_fields, counted_down, most_bytes
from gateway.embedded.asgi import ALLOW, EngineSettings
from gateway.embedded.explanation import Answered, Explanation, Refused
from gateway.embedded.message import Request
from gateway.embedded.plans import Plan
from gateway.embedded.state import State
from gateway.embedded.trial import Trial, refusal
from gateway.failures import CallFailure
from gateway.headers import Field, Hop, request_fields
from gateway.request_head import BadHead, RequestHead, read_head
from gateway.snapshot import Api
from gateway.subscription_keys import taken_key

# What stands in fields for what a call would bring, where nobody says it.
CALLER, GATEWAY = "(caller)", b"gateway"
_DEFAULTS = EngineSettings()
_LAST = Answered(
    200, "", ((ALLOW[0].decode(), ALLOW[1].decode()),), "", "Max-Forwards is 0: it goes no further than here."
)


def explain(
    state: State,
    method: str,
    target: str,
    fields: Sequence[tuple[str, str]] = (),
    address: str = "",
    settings: EngineSettings = _DEFAULTS,
) -> Explanation:
    """Explain a call: `target` as it stands in a request line, `fields` what the caller sends, `address` where it
    comes from, `settings` those of the gateways.

    Without an address no filter of addresses is judged. A subscription key is judged if there is one in the call,
    and the explanation goes on whatever comes of it.
    """
    nothing = Explanation(method, target)
    sent = [(name.lower().encode(), value.encode()) for name, value in fields]
    try:
        head = _head(method, target, sent)
    except (BadHead, UnicodeEncodeError) as error:
        return replace(
            nothing, refused=Refused("", 400, "", f"A call with this address is refused: {error}.")
        )
    return _found(state, nothing, sent, head, address, settings)


def _found(
    state: State,
    nothing: Explanation,
    sent: list[Field],
    head: RequestHead,
    address: str,
    settings: EngineSettings,
) -> Explanation:
    """What becomes of a call whose head is in order."""
    method = nothing.method
    key, query = taken_key(sent, head.query)
    route = state.router.find(method, head.path, query or "")
    if route is None:
        return _unmatched(state, nothing, head, query or "")
    plan = route.plan
    scheme = "https" if "https" in plan.api.schemes else "http"
    hop = Hop(address or CALLER, scheme, head.authority)
    found = replace(
        nothing,
        api=plan.api,
        operation=plan.operation,
        values=tuple(route.values.items()),
        subscription=_subscription(state, plan.api, key),
    )
    try:
        counted = _admitted(plan, method, sent, head.length, settings)
    except CallFailure as failure:
        return replace(found, refused=refusal(failure))
    if counted is None:
        return replace(found, answered=_LAST)
    forwarded = request_fields(counted, hop, private_cookies=settings.private_cookies)
    return Trial(plan, Request(route, query, forwarded, address, hop.authority)).explained(found)


def _admitted(
    plan: Plan, method: str, fields: Sequence[Field], length: int | None, settings: EngineSettings
) -> Sequence[Field] | None:
    """The fields as statements get to see them; None if the gateway answers before. Raises CallFailure."""
    checked = checked_fields(fields, settings.drops_underscores)
    if plan.failure:
        raise CallFailure(*plan.failure)
    most_bytes(plan.api, length, settings.max_body_bytes)
    return counted_down(method, checked)


def _head(method: str, target: str, fields: list[Field]) -> RequestHead:
    given = fields if any(name == b"host" for name, _ in fields) else [*fields, (b"host", GATEWAY)]
    return read_head(method, "1.1", target.encode("ascii"), given)


def _unmatched(state: State, nothing: Explanation, head: RequestHead, query: str) -> Explanation:
    operations = state.router.api(head.path)
    key = next((key for key, served in state.apis.items() if served.operations is operations), None)
    if operations is None or key is None:
        detail = "No API is at this path."
        return replace(nothing, refused=refusal(CallFailure("not-found", detail)))
    entries = [entry for entry in state.apis[key].entries.values() if entry]
    verbs = {entry.method for entry in entries}
    matching = {
        route.plan.operation.key
        for route in (state.router.find(verb, head.path, query) for verb in verbs)
        if route
    }
    found = sorted((entry.plan.operation for entry in entries), key=lambda one: one.key not in matching)
    detail = "No operation of the API has this verb and a URL template that matches."
    return replace(
        nothing,
        api=state.snapshot.apis[key],
        refused=refusal(CallFailure("not-found", detail)),
        operations=tuple(found),
        matching=len(matching),
    )


def _subscription(state: State, api: Api, key: bytes | None) -> str:
    if key is not None:
        found = state.keys.find(key, api.key)
        if found is None:
            return "The subscription key of this call lets nobody in: it is answered 401."
        return f"The subscription key of this call is that of the subscription {found.id}."
    if api.subscription_required:
        return "A subscription key is needed: of a subscription to this API, or to all APIs."
    return "No subscription key is needed."
