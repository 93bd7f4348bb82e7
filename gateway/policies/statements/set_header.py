"""<set-header>: a field of the request or of the answer is set, kept, extended or deleted."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from gateway import snapshot
from gateway.policies.children import value, values_of
from gateway.policies.elements import Element
from gateway.policies.existing import ACTIONS, amount_problem
from gateway.policies.fields import settable_name_problem, value_problem
from gateway.policies.lookups import Lookups
from gateway.policies.named_values import Unresolvable
from gateway.policies.shape import Context, Judge, Shape, literal
from gateway.policies.statement import Statement
from gateway.request_head import is_host


@dataclass(frozen=True, slots=True)
class SetHeader(Statement):
    """A value may hold secret named values, except where it goes to callers."""

    name: str
    action: str
    values: tuple[str, ...]

    element: ClassVar[str] = "set-header"
    title: ClassVar[str] = "Set HTTP header"
    summary: ClassVar[str] = "Sets, extends or deletes a header of the request or of the answer."
    snippet: ClassVar[str] = (
        '<set-header name="" exists-action="override">\n    <value></value>\n</set-header>'
    )
    sections: ClassVar[tuple[str, ...]] = ("inbound", "backend", "outbound")
    required: ClassVar[tuple[str, ...]] = ("name",)
    optional: ClassVar[tuple[str, ...]] = ("exists-action",)
    choices: ClassVar[Mapping[str, tuple[str, ...]]] = {"exists-action": ACTIONS}
    judges: ClassVar[Mapping[str, Judge]] = {"name": settable_name_problem}
    children: ClassVar[tuple[Shape, ...]] = (value(value_problem),)

    @classmethod
    def problems(cls, element: Element, context: Context) -> Iterator[str]:
        action = literal(element.attributes.get("exists-action", "override"))
        name = literal(element.attributes.get("name", ""))
        yield from _problems(name, action, [literal(text) for text in values_of(element)], context.section)

    @classmethod
    def parse(cls, element: Element) -> Self:
        action = element.attributes.get("exists-action", "override")
        return cls(element.attributes["name"], action, values_of(element))

    def compile(self, origin: snapshot.Origin, lookups: Lookups) -> snapshot.SetHeader:
        name = self.attribute("name", self.name, lookups)
        action = self.attribute("exists-action", self.action, lookups)
        values = tuple(lookups.secret_text(text, value_problem) for text in self.values)
        known = [value if isinstance(value, str) else value.reveal().decode() for value in values]
        for problem in _problems(name, action, known, lookups.section):
            raise Unresolvable(problem, self.name)
        return snapshot.SetHeader(name, action, values, origin)


def _problems(
    name: str | None, action: str | None, values: Sequence[str | None], section: str
) -> Iterator[str]:
    """What is wrong with a combination; None is what is not known yet."""
    if problem := amount_problem(action, len(values)):
        yield problem
    if name is None or name.lower() != "host":
        return
    if section == "outbound":
        yield "The 'Host' header is one of requests: an answer has none."
    elif action in ACTIONS and action != "override":
        yield "The 'Host' header can only be replaced: write exists-action=\"override\"."
    elif len(values) > 1:
        yield "The 'Host' header has one value only."
    elif any(value is not None and not is_host(value.encode()) for value in values):
        yield "The value of the 'Host' header must be a host name, with or without a port."
