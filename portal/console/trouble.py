"""Why a call of the console did not do what was wanted, in words, with links to the settings that mend it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from gateway.models import Api, Operation
from portal.connection import Tested
from portal.console.exchange import Answer, ConsoleRequest
from portal.places import Link

_DASHBOARD = "Look whether a gateway is running"


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


def trouble_of(
    answer: Answer | None,
    api: Api,
    operation: Operation | None,
    trace: Mapping[str, Any] | None,
    request: ConsoleRequest,
    *,
    not_sent: str = "",
) -> Trouble | None:
    """What is wrong with an answer; None if nothing is. `trace` is the document of its trace, if there is one.

    Without an answer `not_sent` says why (the message of NotSent).
    """
    if answer is None:
        return Trouble("No answer", not_sent, links=(Link(_DASHBOARD, reverse("dashboard")),))
    if code := next(iter(answer.values("Gateway-Error")), ""):
        return Trouble("The gateway answered this itself", f"Its code is {code}.")
    if answer.status >= 500:
        return Trouble("The back end answered this itself", f"The answer {answer.status} is the back end's.")
    return None
