"""Where something can be looked at and mended: links to the very place, for what is known of a call."""

from dataclasses import dataclass
from urllib.parse import urlencode
from uuid import UUID

from django.urls import reverse

from gateway.embedded.explanation import Effect, Explanation
from gateway.models import Api

SCOPES = {"global": "All APIs", "api": "API", "operation": "Operation"}


@dataclass(frozen=True, slots=True)
class Link:
    """Where something can be mended."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Where:
    """What is known of a call that failed, or of a test: ids of API and operation, the key of the client
    certificate, and the statements of the policy."""

    api: str = ""
    operation: str = ""
    certificate: str = ""
    steps: tuple[Effect, ...] = ()

    @classmethod
    def of(cls, api: Api, explanation: Explanation) -> "Where":
        """What an explanation knows."""
        forwarded, operation = explanation.forwarded, explanation.operation
        certificate = forwarded.certificate if forwarded else None
        return cls(
            api.resource_id,
            operation.id if operation else "",
            certificate.key if certificate else "",
            explanation.steps,
        )

    @classmethod
    def tested(cls, api: str, certificate: UUID | None) -> "Where":
        """What a test of a connection knows."""
        return cls(api, certificate=str(certificate or ""))

    def last(self, element: str) -> Effect | None:
        """The last statement of its kind, which is the one that counts."""
        return next((step for step in reversed(self.steps) if step.element == element), None)


def policy_url(where: Where, scope: str) -> str:
    """The policy document of a scope: "global", "api" or "operation"."""
    if scope == "global":
        return reverse("policies")
    if scope == "operation" and where.operation:
        return reverse("policy-operation", args=[where.api, where.operation])
    return reverse("policy-api", args=[where.api])


def line_url(where: Where, scope: str, line: int) -> str:
    """A line of that document."""
    return f"{policy_url(where, scope)}#line-{line}"


def statement_url(where: Where, step: Effect) -> str:
    """The line that a statement stands in."""
    return line_url(where, step.origin.scope, step.origin.line)


def effective_url(where: Where) -> str:
    """All statements together."""
    return f"{policy_url(where, 'operation')}?effective"


def of_api(where: Where, route: str, anchor: str = "") -> str:
    """One of the API's pages, at a field of it."""
    return reverse(route, args=[where.api]) + (f"#id_{anchor}" if anchor else "")


def subscriptions_url(where: Where) -> str:
    """The subscriptions that let calls of the API in."""
    return f"{reverse('subscriptions')}?{urlencode({'api': where.api, 'state': 'active'})}"
