"""A call of the console that is looked into: what came back, what its trace says, what is worked out about it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from urllib.parse import urlsplit

from django.utils import timezone

from gateway import publish
from gateway.embedded.explain import explain
from gateway.embedded.explanation import Effect, Explanation
from gateway.embedded.state import build
from gateway.engine_settings import engine_settings
from gateway.models import Api, Operation
from gateway.x509 import time_text
from portal.connection import Tested
from portal.console.exchange import Answer, ConsoleRequest
from portal.places import SCOPES, Link, Where
from portal.traces.connection import asked_for
from portal.traces.document import FORWARDED, Part, entries_of, told_by

_ENOUGH = 64_000  # of a body, to find in it what servers say about certificates


@dataclass(frozen=True, slots=True)
class Trouble:
    """What happened (`title`, `text`, technical `details`), what to do (`remedy`, `links`), and what a test of the
    connection said that was made because of it (`report`), with a `note` on how that fits the call."""

    title: str
    text: str
    remedy: str = ""
    links: tuple[Link, ...] = ()
    report: Tested | None = None
    details: tuple[str, ...] = ()
    note: str = ""

    @property
    def report_told(self) -> bool:
        """Whether the text is what the test found."""
        return bool(self.report and self.report.report and not self.report.report.succeeded)


@dataclass(frozen=True, slots=True)
class ChosenCertificate:
    """The client certificate of a call. `asked` is whether the back end asked for it, None if that is not known."""

    id: str
    subject: str
    key: str = ""
    asked: bool | None = None
    not_after: datetime | None = None

    @property
    def expired(self) -> str:
        """When it expired, "" if it did not."""
        return time_text(self.not_after) if self.not_after and self.not_after < timezone.now() else ""


@dataclass(frozen=True)
class Case:
    """A call. `operation` is the one that the console was open on; `trace` may be empty."""

    answer: Answer
    api: Api
    operation: Operation | None
    trace: Part
    request: ConsoleRequest

    @cached_property
    def explanation(self) -> Explanation:
        """What happens to such a call by what is saved now. The address that it comes from is not known here."""
        state = build(publish.around("default", str(self.api.key)))
        request = self.request
        return explain(state, request.method, request.target, request.fields, settings=engine_settings())

    @cached_property
    def where(self) -> Where:
        """Where the things that it depends on are."""
        where = Where.of(self.api, self.explanation)
        asked = False if self.origin.startswith("http:") else self.asked
        sent = any(data.part("request") for data in told_by(self.trace, FORWARDED))
        return replace(where, asked=asked, sent=sent)

    # --- the answer -----------------------------------------------------------------------------------------------
    @property
    def code(self) -> str:
        """The code of the gateway's own answer, or of what ended an answer that broke off; "" for none."""
        own = next(iter(self.answer.values("Gateway-Error")), "")
        return own or (self.told("code") if self.answer.cut == "broken" else "")

    @property
    def body(self) -> bytes:
        """The beginning of the answer's body."""
        return self.answer.body[:_ENOUGH]

    # --- the trace ------------------------------------------------------------------------------------------------
    def told(self, name: str) -> str:
        """What the trace says of how the call ended."""
        return self.trace.part("outcome").text(name)

    @property
    def details(self) -> tuple[str, ...]:
        """The technical side of it."""
        texts = self.trace.part("outcome").texts("details")
        detail = self.told("detail")
        return texts if not detail or any(detail in line for line in texts) else (detail, *texts)

    @property
    def reached(self) -> bool:
        """Whether the trace knows that a connection to the back end was there."""
        return any(entry.part("data").part("connection") for _, entry in entries_of(self.trace))

    # --- both -----------------------------------------------------------------------------------------------------
    @cached_property
    def certificate(self) -> ChosenCertificate | None:
        """The client certificate of the call: by its trace, else by what is saved now."""
        for data in reversed(told_by(self.trace, "authentication-certificate")):
            if found := data.part("certificate"):
                name, subject = found.text("id"), found.text("subject")
                return ChosenCertificate(name, subject, self.where.certificate, found.flag("asked"))
        forwarded = self.explanation.forwarded
        own = forwarded.certificate if forwarded else None
        if own is None:
            return None
        return ChosenCertificate(own.id, own.subject, own.key, not_after=own.not_after)

    @property
    def asked(self) -> bool | None:
        """Whether the back end asked for a client certificate, as far as the trace knows."""
        return asked_for(tuple(entry for _, entry in entries_of(self.trace)))

    @property
    def origin(self) -> str:
        """Scheme, host and port of the back end; "" if the call is not forwarded."""
        forwarded = self.explanation.forwarded
        if forwarded is None:
            return ""
        url = urlsplit(forwarded.url)
        return f"{url.scheme}://{url.netloc}"

    @property
    def asked_for(self) -> str:
        """What the back end was asked for, without the query: that may hold what is nobody's business."""
        forwarded = self.explanation.forwarded
        return f"{forwarded.method} {forwarded.url.partition('?')[0]}" if forwarded else ""

    def refusing(self, element: str) -> tuple[str, int, str] | None:
        """Scope and line of the statement that refused the call, and what it did in words."""
        for data in reversed(told_by(self.trace, element)):
            scope, line = data.text("scope"), data.number("line")
            reached = data.flag("reached") is not False  # those behind it stand there, too
            if scope in SCOPES and line is not None and reached:
                return scope, int(line), data.text("message")
        steps = [step for step in self.explanation.steps if step.element == element]
        if found := _only(step for step in steps if step.ends):
            return found.origin.scope, found.origin.line, found.words
        only = _only(iter(steps))
        return (only.origin.scope, only.origin.line, "") if only else None


def _only(steps: Iterator[Effect]) -> Effect | None:
    found = list(steps)
    return found[0] if len(found) == 1 else None
