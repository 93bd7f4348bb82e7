"""What the trace of a call says, as a page shows it, whatever version of a gateway wrote it."""

import re
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from uuid import UUID

from django.urls import reverse

from gateway.models import Trace
from gateway.records_traces import KEPT
from portal.places import Link
from portal.traces.bar import Bar, draw
from portal.traces.connection import (
    BackEndCertificate,
    Presented,
    asked_for,
    chain_in,
    connection_in,
    presented_in,
)
from portal.traces.document import FORWARDED, Part, entries_of, moment_of, told_by
from portal.traces.places import Line, Places, places_of
from portal.traces.remedies import remedies_in
from portal.traces.steps import Section, first_line, sections_of

_KEY = re.compile(r"/traces/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/?\Z")
_LONGEST_TITLE = 80
_POLICY_REFUSED = frozenset({"ip-forbidden", "header-check-failed"})
_FAILED_BY = {
    "gateway": "The gateway could not make the call",
    "back end": "The call failed at the back end",
    "policy": "The policy answered with a failure",
}


def key_in(address: str) -> UUID | None:
    """The key of the trace that an Ocp-Apim-Trace-Location leads to."""
    found = _KEY.search(address.strip())
    return UUID(found[1]) if found else None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of the call: `state` is ok, note or failed; `words` are a sentence."""

    state: str
    status: str
    words: str
    code: str
    message: str
    detail: str
    remedy: str
    details: tuple[str, ...]

    @property
    def mark(self) -> str:
        """A sign for the state, so that colour alone does not say it."""
        return {"ok": "✓", "note": "!"}.get(self.state, "✗")


@dataclass(frozen=True, slots=True)
class Told:
    """A trace as a page shows it. `secure` says whether the request went over TLS, None if it went to no back end;
    `asked_for` whether that asked for a client certificate; `security_url` leads to where one is chosen."""

    key: UUID
    url: str
    kept_until: datetime
    at: datetime | None
    call: str
    api: Link
    operation: Link
    subscription: Link
    activity: str
    gateway: str
    revision: str
    outcome: Outcome
    remedies: tuple[Link, ...]
    bar: Bar | None
    certificate: Presented | None
    secure: bool | None
    asked_for: bool | None
    security_url: str
    connection: tuple[tuple[str, str], ...]
    chain: tuple[BackEndCertificate, ...]
    sections: tuple[Section, ...]

    @property
    def at_fault(self) -> Line | None:
        """The statement that ended the call, if one did."""
        failed = (step for section in self.sections for step in section.steps if step.failed)
        return next((step.line for step in failed if step.line), None)

    @property
    def title(self) -> str:
        """What the page is called: the call without the gateway's address."""
        call = re.sub(r"^(\S+ )?https?://[^/?]*", r"\1", self.call)
        call = call if len(call) <= _LONGEST_TITLE else f"{call[:_LONGEST_TITLE]}…"
        return f"Trace of {call}" if call else "Trace of a call"


def told(row: Trace) -> Told:
    """A trace as a page shows it. Seven queries at most."""
    document = Part(row.content)
    places = places_of(document)
    entries = tuple(entry for _, entry in entries_of(document))
    api, operation, subscription = map(document.part, ("api", "operation", "subscription"))
    return Told(
        key=row.key,
        url=reverse("trace", args=[row.key]),
        kept_until=row.at + KEPT,
        at=moment_of(document.text("at")),
        call=next(filter(None, (first_line(entry.part("data").part("request")) for entry in entries)), ""),
        api=places.link_api(api.text("name") or api.text("id")),
        operation=places.link_operation(operation.text("name") or operation.text("id")),
        subscription=places.link_subscription(subscription.text("id")),
        activity=document.text("activityId"),
        gateway=document.text("gateway"),
        revision=document.text("revision"),
        outcome=_outcome(document.part("outcome"), answered=_is_answered(document)),
        remedies=remedies_in(document, places),
        bar=draw(document.parts("spans"), document.number("seconds")),
        certificate=presented_in(entries, places),
        secure=_is_secure(document),
        asked_for=asked_for(entries),
        security_url=_security_url(places),
        connection=connection_in(entries),
        chain=chain_in(entries),
        sections=sections_of(document, places),
    )


def _security_url(places: Places) -> str:
    return reverse("api-security", args=[places.api.resource_id]) if places.api else ""


def _is_answered(document: Part) -> bool:
    return any(data.part("response") for data in told_by(document, FORWARDED))


def _is_secure(document: Part) -> bool | None:
    """Whether the request went to a back end over TLS; None if it went nowhere."""
    urls = [data.part("request").text("url") for data in told_by(document, FORWARDED) if data.part("request")]
    return urls[-1].lower().startswith("https:") if urls else None


def _outcome(outcome: Part, *, answered: bool) -> Outcome:
    status = int(outcome.number("status") or 0)
    failed_by, code = outcome.text("failedBy"), outcome.text("code")
    state, words = _words(status, failed_by, code, answered=answered)
    message, detail, details = outcome.text("message"), outcome.text("detail"), outcome.texts("details")
    return Outcome(
        state,
        f"{status} {_reason(status)}".strip() if status else "",
        words,
        code,
        message or detail,
        detail if message and detail != message and not any(detail in line for line in details) else "",
        outcome.text("remedy"),
        details,
    )


def _words(status: int, failed_by: str, code: str, *, answered: bool) -> tuple[str, str]:
    if failed_by == "caller":
        return "failed", _by_caller(code)
    if failed_by:
        return "failed", _FAILED_BY.get(failed_by, f"The call failed: {failed_by}")
    if not status:
        return "note", "Nothing was answered"
    if status >= HTTPStatus.BAD_REQUEST:
        return "note", "The back end answered so" if answered else "The policy answered so"
    return "ok", "The call went through" if answered else "The policy answered, the back end was not asked"


def _by_caller(code: str) -> str:
    if not code:
        return "The caller went away before the call was over"
    if code in _POLICY_REFUSED:
        return "A statement of the policy refused the call"
    return "The call was refused because of what the caller sent"


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
