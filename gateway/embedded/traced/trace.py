"""The trace of one call: what it goes through is noted, and made a document of when it is over."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from gateway.addresses import AddressRules
from gateway.embedded.call import Call, CallerGone
from gateway.embedded.exchange import Deadlines
from gateway.embedded.explanation import Effect
from gateway.embedded.message import Request
from gateway.embedded.plans import Plan
from gateway.embedded.program import Line
from gateway.embedded.routing import Route
from gateway.embedded.traced.bounds import Bounds
from gateway.embedded.traced.exchange import SOURCE, Text, TracedExchange
from gateway.embedded.traced.failing import NOTHING, Failing, before_forwarding
from gateway.embedded.traced.forwarding import TracedForwarding
from gateway.embedded.traced.statements import (
    RequestStatements,
    changed,
    learn_secrets,
    tell_beforehand,
)
from gateway.embedded.tracing import Ticket
from gateway.embedded.trial import as_text, not_reached
from gateway.failures import CallFailure
from gateway.headers import TRACE_LOCATION, Field, Hop
from gateway.outbound import Destination, Outbound
from gateway.probing.scene import Failure
from gateway.process_name import process_name
from gateway.snapshot import Subscription
from gateway.tracing.document import Entry, Facts, document, head_of
from gateway.tracing.masking import HIDDEN, Masker

_Noted = tuple[str, str, float, dict[str, Any]]


class CallTrace:
    """The trace of a call that has been let in by a subscription's key. Notes may come from any thread."""

    def __init__(
        self,
        ticket: Ticket,
        call: Call,
        route: Route[Plan],
        hop: Hop,
        subscription: Subscription,
        rules: AddressRules,
    ) -> None:
        self.ticket = ticket
        self._call = call
        self._plan = route.plan
        self._rules = rules
        self._subscription = subscription
        self._noted: list[_Noted] = []
        self._phases: list[tuple[float, str]] = [(call.record.started, "gateway")]
        self._lines_run = self._answer_lines_run = 0
        self._exchange: TracedExchange | None = None
        self._failure: CallFailure | None = None
        self._unfinished = ""
        self._untold = 0  # statements that ran
        self.bounds = Bounds()
        self._masker = Masker()
        learn_secrets(self._plan, self._masker)
        self._begin(route, hop)

    @property
    def broken(self) -> bool:
        """Whether something went wrong with it, which has been logged: the call goes on untraced."""
        return self.bounds.broken

    # --- notes ---------------------------------------------------------------------------------------------------
    @property
    def received(self) -> int:
        """How much of the request's body has come."""
        return self._call.record.received

    def phase(self, name: str) -> None:
        """Something else takes the time from now on."""
        if self._phases[-1][1] != name:
            self._phases.append((time.perf_counter(), name))

    def note(self, section: str, source: str, message: Text, **data: Any) -> None:
        """Something happened. What is a function is asked for when the call is over."""
        self._noted.append((section, source, time.perf_counter(), {"message": message, **data}))

    def _begin(self, route: Route[Plan], hop: Hop) -> None:
        call, plan = self._call, self._plan
        target = call.head.path if call.head.query is None else f"{call.head.path}?{call.head.query}"
        url = f"{hop.scheme}://{as_text(hop.authority)}{target}"
        request = {"method": call.method, "url": url, "headers": head_of(call.fields)}
        received = {"message": "Request received.", "request": request, "caller": call.record.client}
        self._noted.append(("inbound", "handler", call.record.started, received))
        operation, api = plan.operation, plan.api
        message = (
            f"The call is for the operation {operation.name} of the API {api.name}: "
            f"{operation.method} {operation.url_template} matches."
        )
        self.note("inbound", "mapper", message, configuration=_configuration(route, self._masker))
        message = f"The subscription key was accepted. It is one of the subscription {self._subscription.id}."
        self.note("inbound", "subscription-key", message)

    def _statement(self, effect: Effect | None, failure: CallFailure | None) -> None:
        if effect is None:
            self._untold += 1
            if self._untold == 1:
                self.note(self._noted[-1][0], "handler", self._words_of_untold)
            return
        data: dict[str, Any] = {"scope": effect.origin.scope, "line": effect.origin.line}
        if not effect.reached:
            data["reached"] = False
        if failure is not None:
            self._failure = failure
            data["failure"] = partial(self._failure_data, failure)
        self.note(effect.section, effect.element, effect.words, **data)

    def _words_of_untold(self) -> str:
        return (
            "There are too many statements, or what they are about is too long: those from here on were executed "
            f"and are not described ({self._untold} in all)."
        )

    # --- the call's way ------------------------------------------------------------------------------------------
    def run(self, request: Request) -> None:
        """Run the statements of the request. Raises CallFailure."""
        RequestStatements(self._plan, request, self._masker, self.bounds).run(self._request_statement)
        if self._plan.destination is None and self._plan.request.given is None:
            self.told_beforehand()

    def _request_statement(self, effect: Effect | None, failure: CallFailure | None) -> None:
        self._lines_run += 1
        self._statement(effect, failure)

    def told_beforehand(self) -> None:
        """The statements of the answer have given one of their own."""
        with self.bounds:
            tell_beforehand(self._plan.response.lines, self._masker, self._answer_statement, self.bounds)

    def changed_answer(self, fields: list[Field]) -> list[Field]:
        """The fields of an answer as its statements leave them."""
        return changed(fields, self._plan.response, self._masker, self._answer_statement, self.bounds)

    def _answer_statement(self, effect: Effect | None, failure: CallFailure | None) -> None:
        self._answer_lines_run += 1
        self._statement(effect, failure)

    @property
    def makers(self) -> tuple[Callable[..., TracedExchange], Callable[..., TracedForwarding]]:
        """What the engine forwards this call with."""
        return self._new_exchange, partial(TracedForwarding, self)

    def _new_exchange(
        self,
        outbound: Outbound,
        destination: Destination,
        method: str,
        target: str,
        fields: list[Field],
        deadlines: Deadlines,
    ) -> TracedExchange:
        self._exchange = TracedExchange(self, outbound, destination, method, target, fields, deadlines)
        return self._exchange

    def ended_here(self) -> None:
        """The call was to go no further than to the gateway."""
        self.note("inbound", "handler", "Max-Forwards is 0: the call goes no further than here.")

    def answers(self, status: int, fields: list[Field]) -> list[Field]:
        """The answer to the caller begins; returns its fields with where the trace will be."""
        if self.broken:
            return fields
        fields = [*fields, (TRACE_LOCATION, self.ticket.address.encode())]
        message = "Response headers have been sent to the caller. Starting to stream the response body."
        self.note("outbound", "handler", message, response={"status": status, "headers": head_of(fields)})
        self.phase("answering")
        return fields

    def failed(self, failure: CallFailure) -> None:
        """The call failed."""
        self._unfinished = "The answer was left unfinished." if self._call.answering else ""
        if failure is self._failure:  # a statement refused it
            return
        self._failure = failure
        section, source = ("inbound", "handler") if self._exchange is None else ("backend", SOURCE)
        self.note(section, source, failure.message, failure=partial(self._failure_data, failure))

    def gone(self, gone: CallerGone) -> None:
        """The caller left."""
        self._unfinished = "The caller takes nothing any more." if gone.stalled else "The caller left."
        if not self._call.answering:
            self.note("inbound" if self._exchange is None else "backend", "handler", "The caller left.")

    # --- when it is over -----------------------------------------------------------------------------------------
    def document(self) -> dict[str, Any]:
        """The document. It takes its time, so not on the event loop."""
        record, plan = self._call.record, self._plan
        self._end()
        call = {
            "traceId": str(self.ticket.key),
            "activityId": record.activity,
            "gateway": process_name(),
            "revision": record.revision,
            "api": {"id": plan.api.id, "name": plan.api.name},
            "operation": {
                "id": plan.operation.id,
                "name": plan.operation.name,
                "method": plan.operation.method,
                "uriTemplate": plan.operation.url_template,
            },
            "subscription": {"id": self._subscription.id},
        }
        entries = [self._entry(*noted) for noted in list(self._noted)]
        facts = Facts(record.at, record.seconds, call, self._outcome(), self._all_phases(), entries)
        return document(facts, self._masker)

    def close(self) -> None:
        """Let go of the call; what refers to itself is left to no collector."""
        if self._exchange is not None:
            self._exchange.error = None  # its traceback leads back to the exchange
        self._exchange = self._failure = None
        self._noted.clear()

    def _end(self) -> None:
        """The last entries: what came of the answer's body, and what was not reached."""
        record, end = self._call.record, self._call.record.started + self._call.record.seconds
        if self._call.answering:
            message = self._unfinished or "Response body streaming to the caller is complete."
            self._noted.append(("outbound", "handler", end, {"message": message, "bytes": record.sent}))
        rest: Sequence[Line] = (
            *self._plan.request.lines[self._lines_run :],
            *self._plan.response.lines[self._answer_lines_run :],
        )
        for effect in not_reached(rest):
            self._statement(effect, None)

    def _entry(self, section: str, source: str, moment: float, data: dict[str, Any]) -> Entry:
        told = {key: value() if callable(value) else value for key, value in data.items()}
        started, seconds = self._call.record.started, self._call.record.seconds
        return Entry(section, source, min(moment - started, seconds), told)

    def _all_phases(self) -> list[tuple[float, str]]:
        phases = list(self._phases)
        for attempt in self._exchange.attempts if self._exchange else ():
            making = attempt.making
            if not attempt.reused:
                moments = ((making.began, "resolving"), (making.resolved, "connecting"),
                           (making.connected, "handshake"))  # fmt: skip
                phases += [(moment, name) for moment, name in moments if moment]
        return [(moment - self._call.record.started, name) for moment, name in phases]

    def _outcome(self) -> dict[str, Any]:
        record, failure = self._call.record, self._failure
        words = self._words(failure) if failure is not None else self._words_of_answer()
        return {
            "status": record.status,
            "code": record.code,
            "failedBy": record.failed_by,
            "detail": failure.detail if failure is not None else "",
            **_told(words),
        }

    def _failure_data(self, failure: CallFailure) -> dict[str, Any]:
        return {"code": failure.code, "detail": failure.detail, **_told(self._words(failure))}

    def _words(self, failure: CallFailure) -> Failure:
        failing = self._failing()
        return failing.words(failure) if failing else before_forwarding(failure)

    def _words_of_answer(self) -> Failure:
        failing = self._failing()
        return failing.answered() if failing else NOTHING

    def _failing(self) -> Failing | None:
        if self._plan.destination is None:
            return None
        return Failing(self._plan.destination, self._rules, self._call.method, self._exchange)


def _told(words: Failure) -> dict[str, Any]:
    return {
        "verdict": words.verdict,
        "message": words.text,
        "remedy": words.remedy,
        "details": list(words.details),
    }


def _configuration(route: Route[Plan], masker: Masker) -> dict[str, Any]:
    """Where the call goes, as its operation says."""
    api, operation = route.plan.api, route.plan.operation
    values = dict(route.values)
    for name in filter(masker.hides_parameter, values):
        masker.remember(values[name])
    return {
        "api": {"from": f"/{api.suffix}", "to": api.web_service_url},
        "operation": {"method": operation.method, "uriTemplate": operation.url_template},
        "values": {name: HIDDEN if masker.hides_parameter(name) else value for name, value in values.items()},
    }
