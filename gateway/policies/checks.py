"""Everything that is wrong with an element and with what is in it, judged by its shape."""

from collections.abc import Iterable, Iterator
from itertools import islice

from gateway.policies.elements import Element
from gateway.policies.faults import MAX_FAULTS, Fault, shown
from gateway.policies.named_values import is_expression
from gateway.policies.shape import Context, Shape, listed, literal

_NO_EXPRESSION = (
    "is a policy expression. Policy expressions such as @(...) are not supported here: "
    "write the value itself, or a named value as {{name}}."
)


def faults_in(element: Element, shape: Shape, context: Context) -> Iterator[Fault]:
    """All faults of an element and of those in it, each at its own place."""
    yield from map(element.fault, _own(element, shape, context))
    seen: set[str] = set()
    for child in element.children:
        inner = next((inner for inner in shape.children if inner.element == child.name), None)
        if inner is None:
            yield child.fault(_unexpected(child, element, shape))
            continue
        if inner.once and child.name in seen:
            yield child.fault(f"'{child.name}' may appear only once in '{element.name}'.")
        seen.add(child.name)
        yield from faults_in(child, inner, context)


def _own(element: Element, shape: Shape, context: Context) -> Iterator[str]:
    yield from undeclared(element, shape)
    yield from (
        f"The required attribute '{name}' is missing."
        for name in shape.required
        if name not in element.attributes
    )
    for name in (*shape.required, *shape.optional):
        if name in element.attributes:
            yield from _attribute(name, element.attributes[name], shape)
    yield from _text(element, shape)
    yield from shape.problems(element, context)


def undeclared(element: Element, shape: Shape) -> Iterable[str]:
    """The sentences about attributes that an element does not have."""
    names = (name for name in element.attributes if name not in shape.required and name not in shape.optional)
    for name in islice(names, MAX_FAULTS):
        yield shape.refused.get(name) or f"The '{shown(name)}' attribute is not declared."


def _attribute(name: str, text: str, shape: Shape) -> Iterator[str]:
    if is_expression(text):
        yield f"The '{name}' attribute {_NO_EXPRESSION}"
    elif literal(text) is not None and (problem := attribute_problem(name, text, shape)):
        yield problem


def attribute_problem(name: str, text: str, shape: Shape) -> str | None:
    """What is wrong with the text of an attribute whose named values are replaced, if there are any."""
    if judge := shape.judges.get(name):
        return judge(text)
    choices = shape.choices.get(name)
    if choices and text not in choices:
        return f"The '{name}' attribute must be {listed(choices, ' or ')}."
    return None


def _text(element: Element, shape: Shape) -> Iterator[str]:
    if shape.text is None:
        if element.text:
            yield f"Text is not allowed inside '{element.name}'."
    elif is_expression(element.text):
        yield f"The text {_NO_EXPRESSION}"
    elif literal(element.text) is not None and (problem := shape.text(element.text)):
        yield problem


def _unexpected(child: Element, parent: Element, shape: Shape) -> str:
    sentence = f"The '{shown(child.name)}' element is not expected inside '{parent.name}'"
    if shape.children:
        return f"{sentence}, only {listed(inner.element for inner in shape.children)}."
    if shape.text:
        return f"{sentence}: it holds text only. Write markup that is a part of it as <![CDATA[...]]>."
    return f"{sentence}."
