"""<rewrite-uri />: another path and query for the back end than the caller's."""

from dataclasses import dataclass
from typing import ClassVar, Self

from gateway import snapshot
from gateway.policies.elements import Element
from gateway.policies.named_values import has_reference
from gateway.policies.statement import Context, Lookups, Statement, Unresolvable, Wrong
from gateway.url_templates import parse_rewrite_template

_BOOLEANS = {"true": True, "false": False}
_COPY = "The 'copy-unmatched-params' attribute must be 'true' or 'false'."


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

    @classmethod
    def parse(cls, element: Element, context: Context) -> Self:
        template = element.attributes["template"]
        copy = element.attributes.get("copy-unmatched-params", "true")
        messages = [] if has_reference(copy) or copy in _BOOLEANS else [_COPY]
        if not has_reference(template):
            messages += _template_problems(template, context)
        if messages:
            raise Wrong(*messages)
        return cls(template, copy)

    def compile(self, origin: snapshot.Origin, lookups: Lookups) -> snapshot.RewriteUri:
        template, copy = lookups.text(self.template), lookups.text(self.copy_unmatched_params)
        if copy not in _BOOLEANS:
            raise Unresolvable(_COPY)
        problems = _template_problems(template, Context(origin.scope))
        if problems:
            raise Unresolvable(problems[0])
        return snapshot.RewriteUri(template, _BOOLEANS[copy], origin)


def _template_problems(text: str, context: Context) -> list[str]:
    try:
        template = parse_rewrite_template(text, context.url_template)
    except ValueError as error:
        return [f"The 'template' attribute is not valid: {error}"]
    if context.scope == "api" and (template.parameters or template.wildcard):
        return ["At API scope the template must hold no {parameters} and no /*: each operation has its own."]
    return []
