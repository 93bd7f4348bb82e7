"""<return-response>: the call is answered here and now."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Self

from gateway import snapshot
from gateway.policies.elements import Element
from gateway.policies.fields import reason_problem
from gateway.policies.lookups import Lookups
from gateway.policies.shape import Context, Shape, anything
from gateway.policies.statement import Statement
from gateway.policies.statements.set_header import SetHeader

_STATUS = re.compile(r"[2-5][0-9]{2}")
_LITERAL_ONLY = (
    "The '{}' attribute is not supported here: the body is the text between the tags, as it stands."
)


def _status_problem(text: str) -> str | None:
    if not _STATUS.fullmatch(text):
        return "The 'code' attribute must be a status from 200 to 599."
    return None


def _of_the_answer(element: Element, context: Context) -> Iterable[str]:
    return SetHeader.problems(element, replace(context, section="outbound"))


SET_STATUS = Shape(
    "set-status",
    required=("code",),
    optional=("reason",),
    judges={"code": _status_problem, "reason": reason_problem},
    once=True,
)
SET_BODY = Shape(
    "set-body",
    refused={name: _LITERAL_ONLY.format(name) for name in ("template", "xsi:nil", "parse-date")},
    text=anything,
    once=True,
)


@dataclass(frozen=True, slots=True)
class ReturnResponse(Statement):
    """`headers` are statements of their own, each with its line. All of it goes to callers: nothing is secret."""

    status: str
    reason: str
    headers: tuple[tuple[int, SetHeader], ...]
    body: str

    element: ClassVar[str] = "return-response"
    title: ClassVar[str] = "Return response"
    summary: ClassVar[str] = "Answers the call here and now; nothing behind it is executed."
    snippet: ClassVar[str] = (
        '<return-response>\n    <set-status code="200" reason="OK" />\n'
        '    <set-header name="Content-Type" exists-action="override">\n'
        "        <value>text/plain</value>\n    </set-header>\n    <set-body></set-body>\n</return-response>"
    )
    sections: ClassVar[tuple[str, ...]] = ("inbound", "backend", "outbound")
    refused: ClassVar[Mapping[str, str]] = {
        "response-variable-name": "The 'response-variable-name' attribute is not supported here, as there are no "
        "variables: write the answer inside the element."
    }
    children: ClassVar[tuple[Shape, ...]] = (
        SET_STATUS,
        replace(SetHeader.shape(), problems=_of_the_answer),
        SET_BODY,
    )

    @classmethod
    def parse(cls, element: Element) -> Self:
        named = {child.name: child for child in element.children}
        status, body = named.get("set-status"), named.get("set-body")
        headers = (child for child in element.children if child.name == "set-header")
        return cls(
            status.attributes["code"] if status else "200",
            status.attributes.get("reason", "") if status else "",
            tuple((child.line, SetHeader.parse(child)) for child in headers),
            body.raw_text if body else "",
        )

    def compile(self, origin: snapshot.Origin, lookups: Lookups) -> snapshot.ReturnResponse:
        to_callers = replace(lookups, section="outbound")
        return snapshot.ReturnResponse(
            int(lookups.text(self.status, _status_problem)),
            lookups.text_for_callers(self.reason, reason_problem),
            tuple(header.compile(replace(origin, line=line), to_callers) for line, header in self.headers),
            lookups.text_for_callers(self.body),
            origin,
        )
