"""<forward-request />: the call is forwarded to the back end. Without it nothing is."""

import re
from dataclasses import dataclass
from typing import ClassVar, Self

from gateway import snapshot
from gateway.policies.elements import Element
from gateway.policies.named_values import has_reference
from gateway.policies.statement import Context, Lookups, Statement, Unresolvable, Wrong

MAX_TIMEOUT = 86_400

_TIMEOUT = f"The 'timeout' attribute must be a whole number of seconds from 1 to {MAX_TIMEOUT}."


@dataclass(frozen=True, slots=True)
class ForwardRequest(Statement):
    """`timeout` is the longest wait for the head of the answer in seconds; None leaves it to the settings."""

    timeout: str | None

    element: ClassVar[str] = "forward-request"
    title: ClassVar[str] = "Forward request to backend service"
    summary: ClassVar[str] = "Forwards the call to the back end. Without it nothing is forwarded."
    snippet: ClassVar[str] = '<forward-request timeout="300" />'
    sections: ClassVar[tuple[str, ...]] = ("backend",)
    optional: ClassVar[tuple[str, ...]] = ("timeout",)
    once: ClassVar[bool] = True

    @classmethod
    def parse(cls, element: Element, context: Context) -> Self:
        timeout = element.attributes.get("timeout")
        if timeout is not None and not has_reference(timeout) and _seconds(timeout) is None:
            raise Wrong(_TIMEOUT)
        return cls(timeout)

    def compile(self, origin: snapshot.Origin, lookups: Lookups) -> snapshot.ForwardRequest:
        if self.timeout is None:
            return snapshot.ForwardRequest(None, origin)
        seconds = _seconds(lookups.text(self.timeout))
        if seconds is None:
            raise Unresolvable(_TIMEOUT)
        return snapshot.ForwardRequest(seconds, origin)


def _seconds(text: str) -> int | None:
    if not re.fullmatch(r"[0-9]{1,5}", text):
        return None
    return int(text) if 1 <= int(text) <= MAX_TIMEOUT else None
