"""Where something can be looked at and mended: links to the very place, for what is known of a call."""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse

from gateway.embedded.explanation import Effect, Explanation
from gateway.models import Api

SCOPES = {"global": "All APIs", "api": "API", "operation": "Operation"}


@dataclass(frozen=True, slots=True)
class Link:
    """Where something can be looked at or mended; `url` is "" where there is nothing to be seen (any more).

    `administrators` says that it is of no use to others.
    """

    label: str
    url: str = ""
    administrators: bool = False


@dataclass(frozen=True, slots=True)
class Where:
    """What is known of a call that failed, or of a test: ids of API and operation, the key of the client
    certificate, the statements of the policy, whether one of them says how long the answer may take,
    whether it is told on the Security tab, whether the back end asked for a client certificate, and whether it had
    got the request."""

    api: str = ""
    operation: str = ""
    certificate: str = ""
    steps: tuple[Effect, ...] = ()
    own_answer_time: bool = False
    on_tab: bool = False
    asked: bool | None = None
    sent: bool = False

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
            bool(forwarded and forwarded.timeouts.answer != forwarded.timeouts.read),
        )

    def last(self, element: str) -> Effect | None:
        """The last statement of its kind, which is the one that counts."""
        return next((step for step in reversed(self.steps) if step.element == element), None)


def policy_url(where: Where, scope: str) -> str:
    """The policy document of a scope; that of the API for an operation that nobody knows."""
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
    """One of the API's pages, at a field of it. On the Security tab that does not load the tab again."""
    page = "" if where.on_tab and route == "api-security" and anchor else reverse(route, args=[where.api])
    return page + (f"#id_{anchor}" if anchor else "")


def subscriptions_url(where: Where) -> str:
    """The subscriptions that let calls of the API in."""
    return f"{reverse('subscriptions')}?{urlencode({'api': where.api, 'state': 'active'})}"


# --- the places of portal.remedies: each None where there is no such place ------------------------------------
def _field(label: str, route: str, name: str) -> Callable[[Where], Link | None]:
    """A field of one of the API's pages."""

    def place(where: Where) -> Link | None:
        return Link(label, of_api(where, route, name)) if where.api else None

    return place


settings_url = _field("Change the web service URL in Settings", "api-settings", "web_service_url")
scheme = _field("Change the Web API URL scheme in Settings", "api-settings", "scheme_0")
subscription_required = _field(
    "Whether a key is required, in Settings", "api-settings", "subscription_required"
)
connect_timeout = _field("Change the time for connecting in Settings", "api-settings", "connect_timeout")
read_timeout = _field("Change the time for an answer in Settings", "api-settings", "read_timeout")
total_timeout = _field("Change the time for the whole call in Settings", "api-settings", "total_timeout")
max_body = _field("Change the largest body in Settings", "api-settings", "max_body_bytes")
max_calls = _field("Change the most calls at a time in Settings", "api-settings", "max_calls")
trust = _field("Change back end trust", "api-security", "validate_chain")
validate_name = _field("Change whether the name is validated", "api-security", "validate_name")
trusted_cas = _field("Choose the trusted CA certificates", "api-security", "public_cas")
refuse_expired = _field("Change it on the Security tab", "api-security", "refuse_expired")
_security = _field("Choose the client certificate on the Security tab", "api-security", "credentials")
operations = _field("Operations of this API", "operations", "")


def web_service_url(where: Where) -> Link | None:
    """Where the address of the back end is written: in the last statement that sets one, or in the settings."""
    chosen = where.last("set-backend-service")
    return Link("Change the base URL", statement_url(where, chosen)) if chosen else settings_url(where)


def credentials(where: Where) -> Link | None:
    """Where the client certificate is chosen: the Security tab, or a statement that the tab does not show."""
    chosen = where.last("authentication-certificate")
    if chosen is None or chosen.origin.scope == "api":
        return _security(where)
    label = f"Choose the client certificate in the policy: {spot(chosen)}"
    return Link(label, statement_url(where, chosen))


def credentials_unless_not_asked(where: Where) -> Link | None:
    """Where the client certificate is chosen, if the back end may have looked at it."""
    return None if where.asked is False else credentials(where)


def effective_without_certificate(where: Where) -> Link | None:
    """The effective policy of an operation that names no certificate: the API's may be left out in it."""
    if not where.steps or where.last("authentication-certificate"):
        return None
    return Link("Look at the effective policy, which names none", effective_url(where))


def certificate(where: Where) -> Link | None:
    """The page of the client certificate, where it is looked at and replaced."""
    if not where.certificate:
        return None
    return Link("Show the client certificate", reverse("certificate", args=[where.certificate]))


def certificates(where: Where) -> Link | None:
    """The client certificates."""
    return Link("Client certificates", reverse("certificates"))


def upload_ca(where: Where) -> Link | None:
    """Where a CA certificate is uploaded; from there one comes back to where it is chosen."""
    after = {"next": of_api(where, "api-security")} if where.api else None
    return Link("Upload a CA certificate", reverse("ca-certificate-upload", query=after), administrators=True)


def answer_timeout(where: Where) -> Link | None:
    """The forward-request that says how long the answer may take."""
    step = where.last("forward-request") if where.own_answer_time else None
    return Link(f"Change the timeout: {spot(step)}", statement_url(where, step)) if step else None


def effective(where: Where) -> Link | None:
    """All statements together."""
    return Link("Look at the policy", effective_url(where)) if where.api else None


def subscriptions(where: Where) -> Link | None:
    """The active subscriptions that let calls of the API in."""
    return Link("Active subscriptions to this API", subscriptions_url(where)) if where.api else None


def dashboard(where: Where) -> Link | None:
    """Which gateways run."""
    return Link("Look at the gateways on the Dashboard", reverse("dashboard"))


def line_words(scope: str, line: int) -> str:
    """A line of a policy document, in words."""
    return f"{SCOPES[scope]}, line {line}"


def spot(step: Effect) -> str:
    """Where a statement stands, in words."""
    return line_words(step.origin.scope, step.origin.line)
