"""What is done for the calls of an operation, worked out when a snapshot is applied and not on the call."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from gateway.addresses import WebServiceUrl, parse_web_service_url
from gateway.embedded.answers import EMPTY, Given
from gateway.embedded.message import Message
from gateway.embedded.program import NOTHING, Program, compiled, for_template, rewrites
from gateway.embedded.routing import Entry
from gateway.failures import CallFailure
from gateway.outbound import Destination, Origin
from gateway.snapshot import (
    Api,
    BackEnd,
    CertificateMaterial,
    EffectivePolicy,
    ForwardRequest,
    Operation,
    SetBackendService,
    Snapshot,
    Statement,
)
from gateway.url_templates import Template, parse_template
from gateway.verification import BackEnds, Verification

logger = logging.getLogger(__name__)

_parse_template = lru_cache(maxsize=4096)(parse_template)


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What is done for one operation.

    A plan with a `failure` (code and detail) answers that and nothing else. The steps of `request` are run, then
    the call goes to `destination`, verified as `verification` says; without one nothing is asked of a back end, and
    `given` is the answer. The steps of `response` are run on what the back end answers. `host` is the Host field
    (RFC 9110, 7.2); `base` the path of the URL of the back end, without a slash at its end; `timeout` the longest
    wait for an answer in seconds, None for the default.
    """

    api: Api
    operation: Operation
    failure: tuple[str, str] | None = None
    destination: Destination | None = None
    verification: Verification | None = None
    host: bytes = b""
    base: str = ""
    timeout: float | None = None
    request: Program = NOTHING
    response: Program = NOTHING
    given: Given = EMPTY

    @property
    def back_end(self) -> BackEnd | None:
        """The back end around the URL that is called."""
        return self.verification.back_end if self.verification else None


class Planner:
    """Makes the plans of an API's operations. What is the same under one policy is worked out once, and shared."""

    def __init__(self, snapshot: Snapshot, api: Api, back_ends: BackEnds) -> None:
        self._snapshot = snapshot
        self._api = api
        self._back_ends = back_ends
        self._common: dict[str, tuple[Plan, bool]] = {}

    def entry(self, operation: Operation, known: Entry[Plan] | None = None) -> Entry[Plan] | None:
        """The operation with its plan, for the router; None, and an error log, for one that cannot be matched.

        `known` is what it was before: as long as the template is the same it need not be parsed again.
        """
        if known and known.template.text == operation.url_template:
            return Entry(operation.method, known.template, self._plan(operation, known.template))
        try:
            template = _parse_template(operation.url_template)
        except (
            ValueError
        ) as error:  # checked when it was saved; what it matches is unknown, so it matches nothing
            logger.error("operation %s of %s is disabled: %s", operation.id, self._api.id, error)
            return None
        return Entry(operation.method, template, self._plan(operation, template))

    def _plan(self, operation: Operation, template: Template) -> Plan:
        if operation.policy not in self._common:
            plan = self._planned_or_failed(operation)
            self._common[operation.policy] = plan, rewrites(plan.request)
        plan, rewriting = self._common[operation.policy]
        if not rewriting:
            return plan if plan.operation is operation else replace(plan, operation=operation)
        try:
            request = for_template(plan.request, template)
        except ValueError as error:
            return Plan(self._api, operation, ("policy-unusable", str(error)))
        return replace(plan, operation=operation, request=request)

    def _planned_or_failed(self, operation: Operation) -> Plan:
        """The plan of an operation but for its rewriting, which depends on its template."""
        try:
            policy = _usable_policy(self._api, self._snapshot.policies.get(operation.policy))
            return self._planned(operation, policy)
        except CallFailure as failure:
            return Plan(self._api, operation, (failure.code, failure.detail))

    def _planned(self, operation: Operation, policy: EffectivePolicy) -> Plan:
        api = self._api
        try:
            request, response = compiled(policy)
        except ValueError as error:
            raise CallFailure("policy-unusable", str(error)) from None
        url = _back_end_url(api, policy)
        certificate = _certificate(self._snapshot, policy)
        if certificate is not None and url.scheme != "https":
            raise CallFailure("client-certificate-needs-https", str(url))
        verification = self._verification(url)
        forward = _last(policy.backend, ForwardRequest)
        if forward is None or request.given is not None:
            return Plan(api, operation, request=request, response=response, given=_given(request, response))
        return Plan(
            api,
            operation,
            destination=Destination(Origin(url.scheme, url.host, url.port), certificate, verification.trust),
            verification=verification,
            host=url.authority.encode("ascii"),
            base=url.path,
            timeout=forward.timeout,
            request=request,
            response=response,
        )

    def _verification(self, url: WebServiceUrl) -> Verification:
        trust = self._snapshot.trusts.get(self._api.trust)
        if trust is None:
            raise CallFailure("back-end-trust-unusable", "the API has no trust settings")
        own = url.origin == _own_origin(self._api)
        return Verification(trust, own, self._back_ends.around(url))


def _last(statements: Iterable[Statement], kind: type[Any]) -> Any:
    """The last statement of a kind wins."""
    return next((s for s in reversed(tuple(statements)) if isinstance(s, kind)), None)


def _given(request: Program, response: Program) -> Given:
    """What is answered where nothing is asked of a back end: what a statement says, or nothing, and to that the
    outbound statements are done."""
    answer = request.given or response.given
    if answer is not None:
        return answer
    message = Message([])
    for step in response.steps:
        step(message)
    return replace(EMPTY, fields=tuple(message.fields))


def _usable_policy(api: Api, policy: EffectivePolicy | None) -> EffectivePolicy:
    if api.problem:
        raise CallFailure("api-unusable", api.problem)
    if policy is None:
        raise CallFailure("policy-unusable", "the policy is not there")
    if policy.problem:
        raise CallFailure("policy-unusable", policy.problem)
    return policy


def _back_end_url(api: Api, policy: EffectivePolicy) -> WebServiceUrl:
    """Where calls go: to the web service URL, unless a policy says otherwise."""
    other = _last((*policy.inbound, *policy.backend), SetBackendService)
    try:
        return parse_web_service_url(other.base_url if other else api.web_service_url)
    except ValueError as error:
        raise CallFailure("policy-unusable" if other else "api-unusable", str(error)) from None


def _own_origin(api: Api) -> str:
    try:
        return parse_web_service_url(api.web_service_url).origin
    except ValueError as error:
        raise CallFailure("api-unusable", str(error)) from None


def _certificate(snapshot: Snapshot, policy: EffectivePolicy) -> CertificateMaterial | None:
    if not policy.certificates:
        return None
    certificate = snapshot.certificates.get(policy.certificates[-1])
    if certificate is None:
        raise CallFailure("client-certificate-unusable", "the certificate is not there")
    if certificate.private_key is None or certificate.problem:
        raise CallFailure("client-certificate-unusable", certificate.problem or "there is no private key")
    return certificate
