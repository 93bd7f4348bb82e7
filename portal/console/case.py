"""A call of the console that is looked into: what came back, what its trace says, what is worked out about it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any
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
from portal.places import Link, Where

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
class Shown:
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
    """A call. A trace comes from another process, perhaps of another version: nothing in it is taken for granted.

    `operation` is the one that the console was open on.
    """

    answer: Answer
    api: Api
    operation: Operation | None
    trace: Mapping[str, Any] | None
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
        return replace(where, asked=asked, sent=any(data.get("request") for data in self._forwarding))

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
        value = _mapping((self.trace or {}).get("outcome")).get(name)
        return value if isinstance(value, str) else ""

    @property
    def details(self) -> tuple[str, ...]:
        """The technical side of it."""
        more = _mapping((self.trace or {}).get("outcome")).get("details")
        lines = more if isinstance(more, list | tuple) else ()
        texts = tuple(line for line in lines if isinstance(line, str))
        detail = self.told("detail")
        return texts if not detail or any(detail in line for line in texts) else (detail, *texts)

    def entries(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Source and data of each entry of the trace, in order."""
        sections = _mapping((self.trace or {}).get("traceEntries"))
        for name in ("inbound", "backend", "outbound"):
            found = sections.get(name)
            for entry in found if isinstance(found, list) else ():
                yield str(_mapping(entry).get("source", "")), _mapping(_mapping(entry).get("data"))

    @property
    def reached(self) -> bool:
        """Whether the trace knows that a connection to the back end was there."""
        return any(data.get("connection") for _, data in self.entries())

    # --- both -----------------------------------------------------------------------------------------------------
    @cached_property
    def certificate(self) -> Shown | None:
        """The client certificate of the call: by its trace, else by what is saved now."""
        for source, data in self.entries():
            found = _mapping(data.get("certificate"))
            if source == "authentication-certificate" and found:
                asked = found.get("asked")
                return Shown(
                    str(found.get("id", "")),
                    str(found.get("subject", "")),
                    self.where.certificate,
                    asked if isinstance(asked, bool) else None,
                )
        forwarded = self.explanation.forwarded
        own = forwarded.certificate if forwarded else None
        return Shown(own.id, own.subject, own.key, not_after=own.not_after) if own else None

    @property
    def _forwarding(self) -> Sequence[Mapping[str, Any]]:
        return [data for source, data in self.entries() if source == "forward-request"]

    @property
    def asked(self) -> bool | None:
        """Whether the back end asked for a client certificate, as far as the trace knows."""
        found = [_mapping(data.get("connection")).get("certificateAsked") for data in self._forwarding]
        return next((each for each in reversed(found) if isinstance(each, bool)), None)

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
        for source, data in reversed(list(self.entries())):
            scope, line, words = data.get("scope"), data.get("line"), data.get("message")
            is_one = source == element and scope in ("global", "api", "operation") and isinstance(line, int)
            if is_one and data.get("reached") is not False:  # those behind it stand there, too
                return str(scope), int(line or 0), words if isinstance(words, str) else ""
        steps = [step for step in self.explanation.steps if step.element == element]
        if found := _only(step for step in steps if step.ends):
            return found.origin.scope, found.origin.line, found.words
        only = _only(iter(steps))
        return (only.origin.scope, only.origin.line, "") if only else None


def _only(steps: Iterator[Effect]) -> Effect | None:
    found = list(steps)
    return found[0] if len(found) == 1 else None


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
