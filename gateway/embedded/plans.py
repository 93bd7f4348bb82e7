"""What is done for the calls of an operation, worked out when a snapshot is applied and not on the call."""

import logging
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from gateway.addresses import WebServiceUrl, parse_web_service_url
from gateway.embedded.routing import Entry
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


class Planner:
    """Makes the plans of an API's operations. What is the same under one policy is worked out once, and shared."""

    def __init__(self, snapshot: Snapshot, api: Api) -> None:
        self._snapshot = snapshot
        self._api = api
        self._common: dict[str, tuple[Plan, RewriteUri | None]] = {}

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
            self._common[operation.policy] = self._under(operation)
        plan, rewrite = self._common[operation.policy]
        if rewrite is None:
            return plan if plan.operation is operation else replace(plan, operation=operation)
        try:
            parsed = parse_rewrite_template(rewrite.template, template)
        except ValueError as error:
            return Plan(self._api, operation, ("policy-unusable", str(error)))
        return replace(plan, operation=operation, rewrite=parsed, copies_query=rewrite.copy_unmatched_params)

    def _under(self, operation: Operation) -> tuple[Plan, RewriteUri | None]:
        """The plan of an operation but for its rewriting, which depends on its template; and that."""
        snapshot, api = self._snapshot, self._api
        try:
            policy = _usable_policy(api, snapshot.policies.get(operation.policy))
            plan = _planned(snapshot, api, operation, policy)
        except CallFailure as failure:
            return Plan(api, operation, (failure.code, failure.detail)), None
        return plan, _last(policy.inbound, RewriteUri)


def named_certificates(policy: EffectivePolicy | None) -> list[str]:
    """The keys of the certificates that a policy names, in order; the last one is presented."""
    inbound = policy.inbound if policy else ()
    return [s.certificate for s in inbound if isinstance(s, AuthenticationCertificate)]


def _last(statements: Iterable[Statement], kind: type[Any]) -> Any:
    """The last statement of a kind wins."""
    return next((s for s in reversed(tuple(statements)) if isinstance(s, kind)), None)


def _planned(snapshot: Snapshot, api: Api, operation: Operation, policy: EffectivePolicy) -> Plan:
    certificate = _certificate(snapshot, policy)
    url = _web_service_url(api)
    trust = snapshot.trusts.get(api.trust)
    if certificate is not None and url.scheme != "https":
        raise CallFailure("client-certificate-needs-https", api.web_service_url)
    if trust is None:
        raise CallFailure("back-end-trust-unusable", "the API has no trust settings")
    basic, forward = _last(policy.inbound, AuthenticationBasic), _last(policy.backend, ForwardRequest)
    return Plan(
        api,
        operation,
        destination=Destination(Origin(url.scheme, url.host, url.port), certificate, trust),
        host=url.authority.encode("ascii"),
        base=url.path,
        forwards=forward is not None,
        authorization=_basic(basic) if basic else b"",
        timeout=forward.timeout if forward else None,
    )


def _usable_policy(api: Api, policy: EffectivePolicy | None) -> EffectivePolicy:
    """The policy, if every statement of it is one that this engine executes. It is never executed in part."""
    if api.problem:
        raise CallFailure("api-unusable", api.problem)
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


def _certificate(snapshot: Snapshot, policy: EffectivePolicy) -> CertificateMaterial | None:
    named = named_certificates(policy)
    if not named:
        return None
    certificate = snapshot.certificates.get(named[-1])
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
