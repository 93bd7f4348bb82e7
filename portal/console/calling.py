"""One call of the console: sent, its trace waited for, and its trouble put into words."""

from dataclasses import dataclass, replace
from uuid import UUID

from django.db import OperationalError
from django.urls import reverse

from gateway.models import Operation, Trace
from gateway.records_traces import wait_for
from portal.console.bodies import Body, shown
from portal.console.exchange import Answer, ConsoleRequest, NotSent
from portal.console.sending import room, send
from portal.console.trouble import Trouble, trouble_of
from portal.traces.told import Told, key_in, told

TRACE_LOCATION = "Ocp-Apim-Trace-Location"
TRACE_SECONDS = 1.5
_BUSY = "The database is busy, so nothing more can be said of this call."
_NO_TRACE = (
    "The gateway made no trace: only calls with the key of a subscription that allows tracing are traced."
)
_NOT_THERE = "The trace is not there yet."


@dataclass(frozen=True, slots=True)
class Called:
    """What came of a call: an answer, or the trouble that there is none; and what is shown of it and its trace.

    `untraced` says why the trace that was asked for is not there; `trace_url` leads to where it will be.
    """

    answer: Answer | None = None
    body: Body | None = None
    trouble: Trouble | None = None
    trace: Told | None = None
    untraced: str = ""
    trace_url: str = ""


def call(base: str, operation: Operation, request: ConsoleRequest, *, traced: bool) -> Called:
    """Send a call to the gateway at `base`."""
    try:
        with room():
            return _told(send(base, request), operation, request, traced=traced)
    except NotSent as error:
        return Called(trouble=trouble_of(None, operation.api, operation, None, request, not_sent=error))


def _told(answer: Answer, operation: Operation, request: ConsoleRequest, *, traced: bool) -> Called:
    called = Called(answer, shown(answer, operation.resource_id))
    try:
        return _explained(called, operation, request, answer, traced=traced)
    except OperationalError:  # the call was made: its answer is not to be lost
        return replace(called, untraced=_BUSY)


def _explained(
    called: Called, operation: Operation, request: ConsoleRequest, answer: Answer, *, traced: bool
) -> Called:
    addresses = answer.values(TRACE_LOCATION) if traced else []
    key = key_in(addresses[-1]) if addresses else None
    row: Trace | None = wait_for(key, TRACE_SECONDS) if key else None
    called = replace(
        called,
        trouble=trouble_of(answer, operation.api, operation, row.content if row else None, request),
        trace=told(row) if row else None,
    )
    if not traced or row:
        return called
    return replace(called, untraced=_NOT_THERE if key else _NO_TRACE, trace_url=_path_of(key))


def _path_of(key: UUID | None) -> str:
    return reverse("trace", args=[key]) if key else ""
