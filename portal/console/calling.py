"""One call of the console: sent, its trace waited for, and its trouble put into words."""

from dataclasses import dataclass, replace
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from django.db import OperationalError

from gateway.models import Operation
from portal.console.bodies import Body, shown
from portal.console.exchange import Answer, ConsoleRequest, NotSent
from portal.console.sending import send

TRACE_LOCATION = "Ocp-Apim-Trace-Location"
TRACE_SECONDS = 1.5
_BUSY = "The database is busy, so nothing more can be said of this call."
_NO_TRACE = (
    "The gateway made no trace: only calls with the key of a subscription that allows tracing are traced."
)


@dataclass(frozen=True, slots=True)
class Called:
    """What came of a call: an answer, or why there is none; what is shown of it, and of its trace."""

    not_sent: str = ""
    answer: Answer | None = None
    body: Body | None = None
    trouble: Any = None
    trace: Any = None
    untraced: str = ""


def call(base: str, operation: Operation, request: ConsoleRequest, *, traced: bool) -> Called:
    """Send a call to the gateway at `base`."""
    trouble_of = _if_there("portal.console.trouble", "trouble_of") or (lambda *call: None)
    try:
        answer = send(base, request)
    except NotSent as error:
        return Called(not_sent=str(error))
    called = Called(answer=answer, body=shown(answer))
    try:
        row, untraced = _trace_of(answer) if traced else (None, "")
        content = row.content if row else None
        trouble = trouble_of(answer, operation.api, operation, content, request)
    except OperationalError:  # the call was made: its answer is not to be lost
        return replace(called, untraced=_BUSY)
    return replace(called, trouble=trouble, trace=_told(row), untraced=untraced)


def _trace_of(answer: Answer) -> tuple[Any, str]:
    """The row of the call's trace, or why there is none to show."""
    wait_for = _if_there("gateway.records_traces", "wait_for")
    key_in = _if_there("portal.traces", "key_in")
    addresses = answer.values(TRACE_LOCATION)
    if not addresses:
        return (
            None,
            _NO_TRACE,
        )
    key = key_in(addresses[-1]) if key_in else None
    row = wait_for(key, TRACE_SECONDS) if key and wait_for else None
    return row, "" if row else "The trace is not there yet."


def _told(row: Any) -> Any:
    told = _if_there("portal.traces", "told")
    return told(row) if told and row else None


def _if_there(module: str, name: str) -> Any:
    if find_spec(module) is None:
        return None
    return getattr(import_module(module), name, None)
