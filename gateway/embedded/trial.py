"""One request on its way through a plan, statement by statement, with what each of them does in words."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from urllib.parse import unquote_plus

from gateway.embedded.expired import expired_certificate
from gateway.embedded.expired import refusal as expiry_refusal
from gateway.embedded.explanation import (
    Answered,
    Effect,
    Explanation,
    Forwarded,
    Presented,
    Refused,
    Timeouts,
)
from gateway.embedded.message import Message, Request
from gateway.embedded.plans import Plan
from gateway.embedded.program import Line
from gateway.embedded.words import (
    HIDDEN,
    Change,
    Seen,
    done_to_answer,
    done_to_request,
    element_of,
    refused_by_address,
    refused_by_header,
)
from gateway.failures import CallFailure
from gateway.headers import Field
from gateway.snapshot import (
    AuthenticationBasic,
    AuthenticationCertificate,
    CertificateMaterial,
    CheckHeader,
    ForwardRequest,
    IpFilter,
    Secret,
    SetBackendService,
    SetHeader,
    SetQueryParameter,
    Statement,
)


def refusal(failure: CallFailure) -> Refused:
    """What is told of a failure."""
    return Refused(failure.code, failure.status, failure.message, failure.detail)


def as_text(value: bytes) -> str:
    """Bytes of a message as text."""
    return value.decode("utf-8", "replace")


def fields_of(message: Message, statement: Statement) -> list[Field]:
    """The fields of a message that a statement is about."""
    name = statement.name.lower().encode() if isinstance(statement, SetHeader) else b""
    return [field for field in message.fields if field[0] == name]


class Trial:
    """One request on its way through a plan. It remembers which fields and parameters a secret went into: those are
    shown without their values, whatever these are."""

    def __init__(self, plan: Plan, request: Request) -> None:
        self._plan = plan
        self._request = request
        self._secret_fields: set[str] = set()
        self._secret_parameters: set[str] = set()

    def explained(self, found: Explanation) -> Explanation:
        """The explanation with all that comes after the operation was found."""
        steps: list[Effect] = []
        lines = iter(self._plan.request.lines)
        for line in lines:
            try:
                steps.append(self._effect(line))
            except CallFailure as failure:
                steps.append(self._refusal(line, failure))
                steps += not_reached((*lines, *self._plan.response.lines))
                return replace(found, steps=tuple(steps), refused=refusal(failure))
            if line.given is not None:
                steps += not_reached((*lines, *self._plan.response.lines))
                return replace(found, steps=tuple(steps), answered=self._answered(found.method))
        if expired := _refused_for_expiry(self._plan):
            steps += not_reached(self._plan.response.lines)
            return replace(found, steps=tuple(steps), refused=refusal(expired))
        steps += self._answer_effects()
        if self._plan.destination is None:
            return replace(found, steps=tuple(steps), answered=self._answered(found.method))
        return replace(found, steps=tuple(steps), forwarded=self._forwarded(found.method))

    def _effect(self, line: Line) -> Effect:
        """Run the step of one statement. Raises CallFailure."""
        before = self._seen(line.statement)
        self._run(line)
        return self._told(line, before)

    def _told(self, line: Line, before: Seen) -> Effect:
        """What is told of a statement that has run, and of what there was before it."""
        self._remember_secrets(line)
        words = self._whole(line)
        if words is None:
            change = Change(before, self._seen(line.statement), self._request.caller)
            words = done_to_request(self._shown(line.statement), change)
        return told_of(line, words)

    def _run(self, line: Line) -> None:
        unjudged = isinstance(line.statement, IpFilter) and not self._request.caller
        if line.step is not None and not unjudged:
            line.step(self._request)

    def _shown(self, statement: Statement) -> Statement:
        """A statement as it is told of."""
        return statement

    def _hides(self, field: str) -> bool:
        """Whether a field is shown without its value."""
        return field in self._secret_fields

    def _refusal(self, line: Line, failure: CallFailure) -> Effect:
        statement, words = self._shown(line.statement), failure.detail
        if isinstance(statement, CheckHeader):
            words = refused_by_header(statement)
        elif isinstance(statement, IpFilter):
            words = refused_by_address(statement, self._request.caller)
        return replace(told_of(line, words), ends=True)

    def _answer_effects(self) -> Iterable[Effect]:
        lines = iter(self._plan.response.lines)
        for line in lines:
            yield told_of(line, done_to_answer(line.statement))
            if line.given is not None:
                yield from not_reached(lines)

    def _remember_secrets(self, line: Line) -> None:
        statement = line.statement
        if isinstance(statement, AuthenticationBasic):
            self._secret_fields.add("authorization")
        elif isinstance(statement, SetHeader):
            _remember(self._secret_fields, statement.name.lower(), statement)
        elif isinstance(statement, SetQueryParameter):
            _remember(self._secret_parameters, statement.name, statement)

    def _seen(self, statement: Statement | None = None) -> Seen:
        """The request as it may be shown; for a statement only what it is about: there may be many of both."""
        about = self._request.fields if statement is None else fields_of(self._request, statement)
        fields = ((as_text(name), as_text(value)) for name, value in about)
        host = HIDDEN if self._hides("host") else as_text(self._request.host)
        shown = tuple((name, HIDDEN if self._hides(name) else value) for name, value in fields)
        no_target = isinstance(statement, SetHeader)
        return Seen("" if no_target else self._target(), shown, host)

    def _target(self) -> str:
        """The path and query, with secrets hidden."""
        path, mark, query = self._request.target(self._plan.base).partition("?")
        if not self._secret_parameters:
            return path + mark + query
        pairs = (pair.partition("=") for pair in query.split("&"))
        shown = (
            f"{name}={HIDDEN}"
            if equals and unquote_plus(name) in self._secret_parameters
            else f"{name}{equals}{value}"
            for name, equals, value in pairs
        )
        return path + mark + "&".join(shown)

    def _whole(self, line: Line) -> str | None:
        """In words what comes of a statement that holds for the call as a whole; None for any other."""
        statement, plan = line.statement, self._plan
        words = _WHOLE.get(type(statement))
        if words is None:
            return None
        if plan.destination is None:
            return "Nothing comes of it, because the call is not forwarded."
        lines = reversed(plan.request.lines)
        if statement is not next(each.statement for each in lines if type(each.statement) is type(statement)):
            return "Nothing comes of it, because a later one counts."
        return words(plan)

    def _answered(self, method: str) -> Answered:
        given = self._plan.given
        body = b"" if method == "HEAD" else given.body
        fields = tuple((as_text(name), as_text(value)) for name, value in given.fields)
        return Answered(given.status, given.reason, fields, as_text(body))

    def _forwarded(self, method: str) -> Forwarded:
        plan = self._plan
        assert plan.destination is not None  # noqa: S101
        assert plan.verification is not None  # noqa: S101
        seen, api = self._seen(), plan.api
        host = seen.host or as_text(plan.host)
        timeouts = Timeouts(
            api.connect_timeout,
            api.read_timeout if plan.timeout is None else plan.timeout,
            api.read_timeout,
            api.total_timeout,
        )
        return Forwarded(
            method,
            _base_url(plan) + seen.target,
            (("host", host), *seen.fields),
            _presented(plan.destination.certificate),
            plan.verification,
            timeouts,
        )


def told_of(line: Line, words: str) -> Effect:
    """What is told of a statement."""
    statement, ends = line.statement, line.given is not None
    return Effect(line.section, element_of(statement), statement.origin, words, ends=ends)


def not_reached(lines: Iterable[Line]) -> Iterator[Effect]:
    """What is told of statements behind the end of a call."""
    for line in lines:
        yield replace(told_of(line, "Not reached."), reached=False, ends=False)


def _remember(secret: set[str], name: str, statement: SetHeader | SetQueryParameter) -> None:
    if any(isinstance(value, Secret) for value in statement.values):
        secret.add(name)
    elif statement.action in ("override", "delete"):
        secret.discard(name)


def _base_url(plan: Plan) -> str:
    """The origin of the back end, as a URL begins."""
    scheme = plan.destination.origin.scheme if plan.destination else ""
    return f"{scheme}://{as_text(plan.host)}"


def _goes_to(plan: Plan) -> str:
    found = (line.statement for line in reversed(plan.request.lines))
    name = next(each.back_end for each in found if isinstance(each, SetBackendService))
    which = f"“{name}”, " if name else ""
    return f"The back end is {which}{_base_url(plan)}{plan.base}."


def _presented(certificate: CertificateMaterial | None) -> Presented | None:
    if certificate is None:
        return None
    names = ("key", "id", "subject", "thumbprint", "not_before", "not_after")
    return Presented(*(getattr(certificate, name) for name in names))


def _presents(plan: Plan) -> str:
    certificate = plan.destination.certificate if plan.destination else None
    if certificate is None:
        return ""
    which = f"the client certificate {certificate.id} ({certificate.subject})"
    if not _expired(plan):
        return f"Presents {which} to the back end."
    since = f"it expired on {certificate.not_after:%Y-%m-%d at %H:%M} UTC"
    if _refused_for_expiry(plan):
        return f"Does not present {which}: {since}, and this API refuses calls then."
    return f"Presents {which} to the back end, although {since}: the back end decides whether it takes that."


def _expired(plan: Plan) -> CertificateMaterial | None:
    """The client certificate of a plan, if it has expired by now."""
    return expired_certificate(plan.destination, time.time()) if plan.destination else None


def _refused_for_expiry(plan: Plan) -> CallFailure | None:
    """Why a call is not forwarded although no statement refuses it."""
    certificate = _expired(plan)
    return expiry_refusal(plan.destination, certificate) if plan.destination and certificate else None


def _forwards(plan: Plan) -> str:
    if _refused_for_expiry(plan):
        return f"Does not forward the call to {_base_url(plan)}, because its client certificate has expired."
    wait = "" if plan.timeout is None else f" and waits at most {plan.timeout} s for the answer to begin"
    return f"Forwards the call to {_base_url(plan)}{wait}."


_WHOLE: Mapping[type, Callable[[Plan], str]] = {
    AuthenticationCertificate: _presents,
    ForwardRequest: _forwards,
    SetBackendService: _goes_to,
}
