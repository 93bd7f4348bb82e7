"""Why a call of the console did not do what was wanted, in words, with links to the settings that mend it."""

from collections.abc import Mapping
from typing import Any

from gateway.models import Api, Operation
from portal.console import by_back_end, by_gateway, by_policy, without_answer
from portal.console.case import Case, Trouble
from portal.console.exchange import Answer, ConsoleRequest, NotSent
from portal.traces.document import Part

__all__ = ["Trouble", "trouble_of"]


def trouble_of(
    answer: Answer | None,
    api: Api,
    operation: Operation | None,
    trace: Mapping[str, Any] | None,
    request: ConsoleRequest,
    *,
    not_sent: NotSent | None = None,
) -> Trouble | None:
    """What is wrong with an answer; None if nothing is. `trace` is the document of its trace, if there is one.

    Without an answer `not_sent` says why. A failure on the way to the back end that the
    trace does not explain is looked into by a test of the connection: 15 seconds at most.
    """
    if answer is None:
        return without_answer.trouble(not_sent or NotSent(), api, operation)
    case = Case(answer, api, operation, Part(trace), request)
    if case.code:
        return by_gateway.trouble(case)
    if answer.cut == "broken":
        return by_back_end.broken(case)
    if answer.cut == "time":
        return by_back_end.too_slow(case)
    if answer.status >= 400 or by_policy.is_empty(answer):
        return by_gateway.before_routing(case) or by_policy.trouble(case) or by_back_end.trouble(case)
    return None
