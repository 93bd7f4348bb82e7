"""<set-query-parameter>: a parameter of the query that the back end is asked with."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

from gateway import snapshot
from gateway.policies.children import value, values_of
from gateway.policies.elements import Element
from gateway.policies.existing import ACTIONS, amount_problem
from gateway.policies.lookups import Lookups
from gateway.policies.named_values import Unresolvable
from gateway.policies.shape import Context, Judge, Shape, literal
from gateway.policies.statement import Statement

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def _name_problem(name: str) -> str | None:
    if not name:
        return "The 'name' attribute must not be empty."
    if _CONTROL.search(name):
        return "The 'name' attribute holds a line break or another control character: remove it."
    return None


def _value_problem(text: str) -> str | None:
    if _CONTROL.search(text):
        return "The value holds a line break or another control character: remove it."
    return None


@dataclass(frozen=True, slots=True)
class SetQueryParameter(Statement):
    """Name and values are plain text: engines percent-encode them. A value may hold secret named values."""

    name: str
    action: str
    values: tuple[str, ...]

    element: ClassVar[str] = "set-query-parameter"
    title: ClassVar[str] = "Set query string parameter"
    summary: ClassVar[str] = "Sets, extends or deletes a parameter of the query that the back end gets."
    snippet: ClassVar[str] = (
        '<set-query-parameter name="" exists-action="override">\n    <value></value>\n</set-query-parameter>'
    )
    sections: ClassVar[tuple[str, ...]] = ("inbound", "backend")
    required: ClassVar[tuple[str, ...]] = ("name",)
    optional: ClassVar[tuple[str, ...]] = ("exists-action",)
    choices: ClassVar[Mapping[str, tuple[str, ...]]] = {"exists-action": ACTIONS}
    judges: ClassVar[Mapping[str, Judge]] = {"name": _name_problem}
    children: ClassVar[tuple[Shape, ...]] = (value(_value_problem),)

    @classmethod
    def problems(cls, element: Element, context: Context) -> Iterator[str]:
        action = literal(element.attributes.get("exists-action", "override"))
        if problem := amount_problem(action, len(values_of(element))):
            yield problem

    @classmethod
    def parse(cls, element: Element) -> Self:
        action = element.attributes.get("exists-action", "override")
        return cls(element.attributes["name"], action, values_of(element))

    def compile(self, origin: snapshot.Origin, lookups: Lookups) -> snapshot.SetQueryParameter:
        name = self.attribute("name", self.name, lookups)
        action = self.attribute("exists-action", self.action, lookups)
        if problem := amount_problem(action, len(self.values)):
            raise Unresolvable(problem)
        values = tuple(lookups.secret_text(text, _value_problem) for text in self.values)
        return snapshot.SetQueryParameter(name, action, values, origin)
