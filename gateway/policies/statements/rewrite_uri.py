"""<rewrite-uri />: another path and query for the back end than the caller's."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Self

from gateway import snapshot
from gateway.policies.elements import Element
from gateway.policies.lookups import Lookups
from gateway.policies.named_values import Unresolvable
from gateway.policies.shape import Context, literal
from gateway.policies.statement import Statement
from gateway.url_templates import parse_rewrite_template, parse_template

_parse_url_template = lru_cache(maxsize=64)(parse_template)


@dataclass(frozen=True, slots=True)
class RewriteUri(Statement):
    """The parameters of the template are those of the operation's URL template (gateway.url_templates)."""

    template: str
    copy_unmatched_params: str = "true"

    element: ClassVar[str] = "rewrite-uri"
    title: ClassVar[str] = "Rewrite URL"
    summary: ClassVar[str] = "Asks the back end for another path and query than the caller did."
    snippet: ClassVar[str] = '<rewrite-uri template="" />'
    sections: ClassVar[tuple[str, ...]] = ("inbound",)
    scopes: ClassVar[tuple[str, ...]] = ("api", "operation")
    required: ClassVar[tuple[str, ...]] = ("template",)
    optional: ClassVar[tuple[str, ...]] = ("copy-unmatched-params",)
    choices: ClassVar[Mapping[str, tuple[str, ...]]] = {"copy-unmatched-params": ("true", "false")}

    @classmethod
    def problems(cls, element: Element, context: Context) -> Iterator[str]:
        template = literal(element.attributes.get("template"))
        if template is not None and (problem := _template_problem(template, context)):
            yield problem

    @classmethod
    def parse(cls, element: Element) -> Self:
        return cls(element.attributes["template"], element.attributes.get("copy-unmatched-params", "true"))

    def compile(self, origin: snapshot.Origin, lookups: Lookups) -> snapshot.RewriteUri:
        template = lookups.text(self.template)
        copy = self.attribute("copy-unmatched-params", self.copy_unmatched_params, lookups)
        url_template = lookups.url_template if origin.scope == "operation" else None
        if problem := _template_problem(template, Context(origin.scope, url_template=url_template)):
            raise Unresolvable(problem)
        return snapshot.RewriteUri(template, copy == "true", origin)


def _template_problem(text: str, context: Context) -> str | None:
    try:
        of_operation = _parse_url_template(context.url_template) if context.url_template is not None else None
        template = parse_rewrite_template(text, of_operation)
    except ValueError as error:
        return f"The 'template' attribute is not valid: {error}"
    if context.scope == "api" and (template.parameters or template.wildcard):
        return "At API scope the template must hold no {parameters} and no /*: each operation has its own."
    return None
