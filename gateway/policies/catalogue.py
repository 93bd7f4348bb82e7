"""All statements as data, for lists of them and for editors that complete what is typed."""

from typing import Any

from gateway.policies.registry import STATEMENTS
from gateway.policies.shape import Shape
from gateway.policies.statement import Statement


def catalogue() -> list[dict[str, Any]]:
    """The statements in the order of their titles, as JSON has it.

    Each with element, title, summary, snippet, sections and scopes, and like each of its children with the names of
    its attributes (`required`, `optional`), the values of those that have only some (`choices`), whether it holds
    text, whether it may be there only once, and its own children.
    """
    kinds = sorted(STATEMENTS.values(), key=lambda kind: kind.title.casefold())
    return [_statement(kind) for kind in kinds]


def _statement(kind: type[Statement]) -> dict[str, Any]:
    return {
        **_shape(kind.shape()),
        "title": kind.title,
        "summary": kind.summary,
        "snippet": kind.snippet,
        "sections": list(kind.sections),
        "scopes": list(kind.scopes),
        "once": kind.once,
    }


def _shape(shape: Shape) -> dict[str, Any]:
    return {
        "element": shape.element,
        "required": list(shape.required),
        "optional": list(shape.optional),
        "choices": {name: list(values) for name, values in shape.choices.items()},
        "children": [_shape(child) for child in shape.children],
        "text": shape.text is not None,
        "once": shape.once,
    }
