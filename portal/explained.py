"""What is explained of a call, as a page shows it: with names and addresses of what can be looked at and mended."""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings
from django.urls import reverse

from gateway.changes.policies import faults_of
from gateway.changes.policy_documents import Scope, document_of
from gateway.embedded.explanation import Effect, Explanation, Forwarded
from gateway.models import Api, CaCertificate
from portal import places
from portal.places import SCOPES, Link, Where
from portal.remedies import links_for_code

_SECTIONS = (
    ("inbound", "Inbound: on the way to the back end"),
    ("backend", "Backend: the call itself"),
    ("outbound", "Outbound: on the way back to the caller"),
)


@dataclass(frozen=True, slots=True)
class Step:
    """A statement, the line that it stands in, and what it does."""

    effect: Effect
    scope: str
    url: str


@dataclass(frozen=True, slots=True)
class Section:
    """The statements of a section."""

    name: str
    title: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Limit:
    """A time that a back end has; `own` says that it is the API's or a statement's, not the gateway's setting."""

    what: str
    seconds: float
    own: bool


@dataclass(frozen=True, slots=True)
class Told:
    """An explanation with what a page adds to it.

    `authorities` are the CA certificates that the API trusts; `back_end` leads to where its address is written.
    """

    explanation: Explanation
    request: tuple[Section, ...]
    answer: tuple[Section, ...]
    operation_url: str
    policy_url: str
    remedy: Link | None
    back_end: Link | None
    limits: tuple[Limit, ...] = ()
    authorities: tuple[CaCertificate, ...] = ()

    @property
    def detail(self) -> str:
        """Why the call is refused, where no statement says so."""
        refused = self.explanation.refused
        return refused.detail if refused and not self._ends_at_a_statement else ""

    @property
    def nothing_forwards(self) -> bool:
        """Whether the gateway answers only because no statement forwards the call."""
        answered = self.explanation.answered
        return answered is not None and not answered.detail and not self._ends_at_a_statement

    @property
    def _ends_at_a_statement(self) -> bool:
        return any(effect.ends for effect in self.explanation.steps)

    @property
    def over_tls(self) -> bool:
        """Whether the back end is reached over TLS."""
        forwarded = self.explanation.forwarded
        return forwarded is not None and forwarded.url.startswith("https:")

    @property
    def trusts_nobody(self) -> bool:
        """Whether no CA is trusted at all."""
        forwarded = self.explanation.forwarded
        return forwarded is not None and not (forwarded.trust.public_cas or forwarded.trust.authorities_pem)

    @property
    def host(self) -> str | None:
        """The name that the back end's certificate must be for."""
        forwarded = self.explanation.forwarded
        return urlsplit(forwarded.url).hostname if forwarded else None


def told(explanation: Explanation, api: Api) -> Told:
    """An explanation as a page shows it. One query, if the call is forwarded over https."""
    forwarded, operation = explanation.forwarded, explanation.operation
    where = Where.of(api, explanation)
    sections = tuple(_sections(explanation, where))
    return Told(
        explanation,
        request=tuple(section for section in sections if section.name != "outbound"),
        answer=tuple(section for section in sections if section.name == "outbound"),
        operation_url=reverse("operation-edit", args=[api.resource_id, operation.id]) if operation else "",
        policy_url=places.effective_url(where),
        remedy=_remedy(explanation, api),
        back_end=places.web_service_url(where),
        limits=tuple(_limits(forwarded)) if forwarded else (),
        authorities=tuple(_authorities(forwarded, api)) if forwarded else (),
    )


def _sections(explanation: Explanation, where: Where) -> Iterator[Section]:
    for name, title in _SECTIONS:
        effects = [effect for effect in explanation.steps if effect.section == name]
        yield Section(name, title, tuple(_step(effect, where) for effect in effects))


def _step(effect: Effect, where: Where) -> Step:
    return Step(effect, SCOPES[effect.origin.scope], places.statement_url(where, effect))


def remedies_of(code: str, explanation: Explanation, api: Api) -> tuple[Link, ...]:
    """The places where a refusal is mended, the likeliest first; `explanation` is of the call that was refused."""
    where = Where.of(api, explanation)
    refused = explanation.refused is not None and explanation.refused.code == code
    for effect in explanation.steps:
        if refused and effect.ends:
            label = f"Look at the statement: {places.spot(effect)}"
            return (Link(label, places.statement_url(where, effect)),)
    if code == "policy-unusable":
        return (Link("Look at the policy", places.policy_url(where, _faulty_scope(explanation, api))),)
    if code == "client-certificate-needs-https" and api.web_service_url.lower().startswith("https:"):
        return (Link("Look at the policy", places.effective_url(where)),)  # which says another base URL
    return links_for_code(code, where)


def _remedy(explanation: Explanation, api: Api) -> Link | None:
    """The page with the setting that a refusal comes from."""
    code = explanation.refused.code if explanation.refused else ""
    return next(iter(remedies_of(code, explanation, api)), None)


def _faulty_scope(explanation: Explanation, api: Api) -> str:
    """The broadest scope whose document is at fault; where none is, what each refers to is (a key, for one)."""
    found = explanation.operation
    operation = api.operations.select_related("api").filter(resource_id=found.id).first() if found else None
    owners: dict[str, Scope] = {"global": None, "api": api} | ({"operation": operation} if operation else {})
    documents = {scope: document_of(owner) for scope, owner in owners.items()}
    there = {scope: document for scope, document in documents.items() if document}
    faulty = (scope for scope, document in there.items() if faults_of(owners[scope], document.xml))
    return next(faulty, list(there)[-1])


def _limits(forwarded: Forwarded) -> Iterator[Limit]:
    times = forwarded.timeouts
    for what, own, setting in (
        ("until a connection is made", times.connect, settings.GATEWAY_CONNECT_TIMEOUT),
        ("until the answer begins", times.answer, times.read or settings.GATEWAY_READ_TIMEOUT),
        ("between two pieces of the answer", times.read, settings.GATEWAY_READ_TIMEOUT),
        ("for the whole call", times.total, settings.GATEWAY_TOTAL_TIMEOUT),
    ):
        if seconds := own or setting:
            yield Limit(what, seconds, own is not None)


def _authorities(forwarded: Forwarded, api: Api) -> Iterator[CaCertificate]:
    if forwarded.url.startswith("https:"):
        yield from (
            CaCertificate.objects.filter(trusted_by__trust__api=api).defer("pem").order_by("resource_id")
        )
