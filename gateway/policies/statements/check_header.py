"""<check-header>: a call without a header, or without one of some values in it, is refused."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

from gateway import snapshot
from gateway.policies.children import value, values_of
from gateway.policies.elements import Element
from gateway.policies.fields import value_problem, visible_name_problem
from gateway.policies.lookups import Lookups
from gateway.policies.shape import Judge, Shape
from gateway.policies.statement import Statement

_STATUS = re.compile(r"[45][0-9]{2}")


def _status_problem(text: str) -> str | None:
    if not _STATUS.fullmatch(text):
        return "The 'failed-check-httpcode' attribute must be a status from 400 to 599."
    return None


@dataclass(frozen=True, slots=True)
class CheckHeader(Statement):
    """Without values the header must be there, whatever it says. A value may hold secret named values."""

    name: str
    status: str
    message: str
    ignore_case: str
    values: tuple[str, ...]

    element: ClassVar[str] = "check-header"
    title: ClassVar[str] = "Check HTTP header"
    summary: ClassVar[str] = "Refuses calls without a header, or without one of some values in it."
    snippet: ClassVar[str] = (
        '<check-header name="" failed-check-httpcode="401" failed-check-error-message="Not authorized" '
        'ignore-case="false">\n    <value></value>\n</check-header>'
    )
    sections: ClassVar[tuple[str, ...]] = ("inbound",)
    required: ClassVar[tuple[str, ...]] = (
        "name",
        "failed-check-httpcode",
        "failed-check-error-message",
        "ignore-case",
    )
    choices: ClassVar[Mapping[str, tuple[str, ...]]] = {"ignore-case": ("true", "false")}
    judges: ClassVar[Mapping[str, Judge]] = {
        "name": visible_name_problem,
        "failed-check-httpcode": _status_problem,
    }
    children: ClassVar[tuple[Shape, ...]] = (value(value_problem),)

    @classmethod
    def parse(cls, element: Element) -> Self:
        name, status, message, ignore_case = (element.attributes[attribute] for attribute in cls.required)
        return cls(name, status, message, ignore_case, values_of(element))

    def compile(self, origin: snapshot.Origin, lookups: Lookups) -> snapshot.CheckHeader:
        return snapshot.CheckHeader(
            self.attribute("name", self.name, lookups),
            int(self.attribute("failed-check-httpcode", self.status, lookups)),
            lookups.text_for_callers(self.message),
            self.attribute("ignore-case", self.ignore_case, lookups) == "true",
            tuple(lookups.secret_text(text, value_problem) for text in self.values),
            origin,
        )
