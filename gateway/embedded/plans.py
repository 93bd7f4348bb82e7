"""What is done for the calls of an operation, worked out when a snapshot is applied and not on the call."""

import logging
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from gateway.addresses import WebServiceUrl, parse_web_service_url
from gateway.embedded.keys import KeyRing
from gateway.embedded.routing import Entry, Operations, Router
from gateway.failures import CallFailure
from gateway.outbound import Destination, Origin
from gateway.snapshot import (
    Api,
    AuthenticationBasic,
    AuthenticationCertificate,
    CertificateMaterial,
    EffectivePolicy,
    ForwardRequest,
    Operation,
    RewriteUri,
    Snapshot,
    Statement,
    Trust,
)
from gateway.url_templates import RewriteTemplate, Template, parse_rewrite_template, parse_template

logger = logging.getLogger(__name__)

_parse_template = lru_cache(maxsize=4096)(parse_template)


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What is done for one operation.

    A plan with a `failure` (code and detail) answers that and nothing else. Without `forwards` nothing is asked
    of the back end. `host` is the Host field (RFC 9110, 7.2); `base` the path of the web service URL, without a
    slash at its end; `timeout` the longest wait for an answer in seconds, None for the default.
    """

    api: Api
    operation: Operation
    failure: tuple[str, str] | None = None
    destination: Destination | None = None
    host: bytes = b""
    base: str = ""
    forwards: bool = False
    authorization: bytes = b""
    rewrite: RewriteTemplate | None = None
    copies_query: bool = True
    timeout: float | None = None


@dataclass(frozen=True, slots=True)
class _Inputs:
    """All parts of a snapshot that a plan is made of."""

    api: Api
    operation: Operation
    policy: EffectivePolicy | None
    trust: Trust | None
    certificates: tuple[CertificateMaterial | None, ...]


def _last(statements: Iterable[Statement], kind: type[Any]) -> Any:
    """The last statement of a kind wins."""
    return next((s for s in reversed(tuple(statements)) if isinstance(s, kind)), None)


def _plan(inputs: _Inputs, template: Template) -> Plan:
    try:
        return _planned(inputs, template)
    except CallFailure as failure:
        return Plan(inputs.api, inputs.operation, (failure.code, failure.detail))


def _planned(inputs: _Inputs, template: Template) -> Plan:
    api, policy = inputs.api, _usable_policy(inputs)
    certificate = _certificate(inputs, policy)
    url = _web_service_url(api)
    if certificate is not None and url.scheme != "https":
        raise CallFailure("client-certificate-needs-https", api.web_service_url)
    if inputs.trust is None:
        raise CallFailure("back-end-trust-unusable", "the API has no trust settings")
    basic, rewrite = _last(policy.inbound, AuthenticationBasic), _last(policy.inbound, RewriteUri)
    forward = _last(policy.backend, ForwardRequest)
    return Plan(
        api,
        inputs.operation,
        destination=Destination(Origin(url.scheme, url.host, url.port), certificate, inputs.trust),
        host=url.authority.encode("ascii"),
        base=url.path,
        forwards=forward is not None,
        authorization=_basic(basic) if basic else b"",
        rewrite=_rewrite(rewrite, template) if rewrite else None,
        copies_query=rewrite.copy_unmatched_params if rewrite else True,
        timeout=forward.timeout if forward else None,
    )


def _usable_policy(inputs: _Inputs) -> EffectivePolicy:
    """The policy, if every statement of it is one that this engine executes. It is never executed in part."""
    policy = inputs.policy
    if inputs.api.problem:
        raise CallFailure("api-unusable", inputs.api.problem)
    if policy is None:
        raise CallFailure("policy-unusable", "the policy is not there")
    if policy.problem:
        raise CallFailure("policy-unusable", policy.problem)
    known = (
        (policy.inbound, (AuthenticationCertificate, AuthenticationBasic, RewriteUri)),
        (policy.backend, (ForwardRequest,)),
        (policy.outbound, ()),
    )
    for statements, kinds in known:
        for statement in statements:
            if not isinstance(statement, kinds):
                raise CallFailure("policy-unusable", f"{type(statement).__name__} is unknown here")
    return policy


def _certificate(inputs: _Inputs, policy: EffectivePolicy) -> CertificateMaterial | None:
    if _last(policy.inbound, AuthenticationCertificate) is None:
        return None
    certificate = inputs.certificates[-1]
    if certificate is None:
        raise CallFailure("client-certificate-unusable", "the certificate is not there")
    if certificate.private_key is None or certificate.problem:
        raise CallFailure("client-certificate-unusable", certificate.problem or "there is no private key")
    return certificate


def _web_service_url(api: Api) -> WebServiceUrl:
    try:
        return parse_web_service_url(api.web_service_url)
    except ValueError as error:
        raise CallFailure("api-unusable", str(error)) from None


def _basic(statement: AuthenticationBasic) -> bytes:
    """RFC 7617, in UTF-8."""
    return b"Basic " + b64encode(statement.username.encode() + b":" + statement.password.reveal())


def _rewrite(statement: RewriteUri, template: Template) -> RewriteTemplate:
    try:
        return parse_rewrite_template(statement.template, template)
    except ValueError as error:
        raise CallFailure("policy-unusable", str(error)) from None


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """What the engine runs: immutable, and swapped whole. A call keeps the one that it began with."""

    revision: int
    router: Router[Plan]
    apis: dict[str, Operations[Plan]]
    entries: dict[str, tuple[_Inputs, Entry[Plan]]]
    keys: KeyRing

    def destinations(self) -> list[Destination]:
        """Every destination that a call may go to."""
        plans = {id(entry.plan): entry.plan for _, entry in self.entries.values()}
        return [plan.destination for plan in plans.values() if plan.destination]

    def expiries(self) -> dict[tuple[str, str], datetime]:
        """When the client certificates that are presented expire, by certificate and API."""
        plans = (entry.plan for _, entry in self.entries.values() if entry.plan.forwards)
        shown = ((plan.destination.certificate, plan.api) for plan in plans if plan.destination)
        return {(shown.id, api.id): shown.not_after for shown, api in shown if shown}


NOTHING = State(-1, Router(()), {}, {}, KeyRing())


def build(snapshot: Snapshot, previous: State = NOTHING) -> State:
    """Work out a state; what is made of unchanged parts is taken over from the previous one."""
    entries: dict[str, tuple[_Inputs, Entry[Plan]]] = {}
    by_api: dict[str, list[Entry[Plan]]] = {key: [] for key in snapshot.apis}
    for key, operation in snapshot.operations.items():
        inputs = _inputs(snapshot, operation)
        known = previous.entries.get(key)
        if known is None or not _same(known[0], inputs):
            if (entry := _entry(inputs)) is None:
                continue
            known = (inputs, entry)
        entries[key] = known
        by_api[operation.api].append(known[1])
    apis = {key: _operations(previous.apis.get(key), by_api[key]) for key in snapshot.apis}
    router = Router((api.suffix, apis[key]) for key, api in snapshot.apis.items())
    return State(snapshot.revision, router, apis, entries, previous.keys.updated(snapshot.subscriptions))


def _inputs(snapshot: Snapshot, operation: Operation) -> _Inputs:
    api = snapshot.apis[operation.api]
    policy = snapshot.policies.get(operation.policy)
    named = (
        [s.certificate for s in policy.inbound if isinstance(s, AuthenticationCertificate)] if policy else ()
    )
    certificates = tuple(snapshot.certificates.get(key) for key in named)
    return _Inputs(api, operation, policy, snapshot.trusts.get(api.trust), certificates)


def _same(known: _Inputs, now: _Inputs) -> bool:
    """Whether nothing changed. Publishing shares the objects of unchanged parts, which == sees at once."""
    return (
        (known.operation is now.operation or known.operation == now.operation)
        and (known.api is now.api or known.api == now.api)
        and (known.policy is now.policy or known.policy == now.policy)
        and (known.trust is now.trust or known.trust == now.trust)
        and known.certificates == now.certificates
    )


def _entry(inputs: _Inputs) -> Entry[Plan] | None:
    try:
        template = _parse_template(inputs.operation.url_template)
    except (
        ValueError
    ) as error:  # checked when it was saved; what it matches is unknown, so it matches nothing
        logger.error("operation %s of %s is disabled: %s", inputs.operation.id, inputs.api.id, error)
        return None
    return Entry(inputs.operation.method, template, _plan(inputs, template))


def _operations(known: Operations[Plan] | None, entries: list[Entry[Plan]]) -> Operations[Plan]:
    unchanged = known is not None and len(known.entries) == len(entries)
    if known is not None and unchanged and all(map(_is, known.entries, entries)):
        return known
    return Operations(entries)


def _is(one: object, other: object) -> bool:
    return one is other
