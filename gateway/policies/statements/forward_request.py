"""<forward-request />: the call is forwarded to the back end. Without it nothing is."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

from gateway import snapshot
from gateway.policies.elements import Element
from gateway.policies.lookups import Lookups
from gateway.policies.shape import Judge
from gateway.policies.statement import Statement

MAX_TIMEOUT = 86_400

_FALSE = ("false",)


def _timeout_problem(text: str) -> str | None:
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 1 <= int(text) <= MAX_TIMEOUT:
        return f"The 'timeout' attribute must be a whole number of seconds from 1 to {MAX_TIMEOUT}."
    return None


def _only_false(name: str, why: str) -> Judge:
    """The judge of an attribute that says what this gateway does anyway."""

    def judge(text: str) -> str | None:
        return None if text in _FALSE else f"The '{name}' attribute must be 'false' or left out: {why}."

    return judge


_FIXED: Mapping[str, str] = {
    "follow-redirects": "redirects are handed on to the caller",
    "buffer-request-body": "request bodies are streamed to the back end",
    "buffer-response": "answers are streamed to the caller",
    "fail-on-error-status-code": "answers of the back end are handed on whatever their status",
}
_REFUSED: Mapping[str, str] = {
    "timeout-ms": "The 'timeout-ms' attribute is not supported here: use 'timeout', in whole seconds.",
    "http-version": "The 'http-version' attribute is not supported here: back ends are called with HTTP/1.1.",
    "continue-timeout": "The 'continue-timeout' attribute is not supported here: "
    "the gateway does not wait for 100 (Continue).",
}


@dataclass(frozen=True, slots=True)
class ForwardRequest(Statement):
    """`timeout` is the longest wait for the head of the answer in seconds; None leaves it to the settings.

    Other attributes of the original are taken where they say what this gateway does anyway: `fixed` are their
    texts, kept because a named value in one is judged when it is known.
    """

    timeout: str | None
    fixed: tuple[tuple[str, str], ...] = ()

    element: ClassVar[str] = "forward-request"
    title: ClassVar[str] = "Forward request to backend service"
    summary: ClassVar[str] = "Forwards the call to the back end. Without it nothing is forwarded."
    snippet: ClassVar[str] = '<forward-request timeout="300" />'
    sections: ClassVar[tuple[str, ...]] = ("backend",)
    optional: ClassVar[tuple[str, ...]] = ("timeout", *_FIXED)
    choices: ClassVar[Mapping[str, tuple[str, ...]]] = dict.fromkeys(_FIXED, _FALSE)
    judges: ClassVar[Mapping[str, Judge]] = {
        "timeout": _timeout_problem,
        **{name: _only_false(name, why) for name, why in _FIXED.items()},
    }
    refused: ClassVar[Mapping[str, str]] = _REFUSED
    once: ClassVar[bool] = True

    @classmethod
    def parse(cls, element: Element) -> Self:
        fixed = tuple(item for item in element.attributes.items() if item[0] in _FIXED)
        return cls(element.attributes.get("timeout"), fixed)

    def compile(self, origin: snapshot.Origin, lookups: Lookups) -> snapshot.ForwardRequest:
        for name, text in self.fixed:
            self.attribute(name, text, lookups)
        timeout = None if self.timeout is None else int(self.attribute("timeout", self.timeout, lookups))
        return snapshot.ForwardRequest(timeout, origin)
