"""The elements that stand inside several statements."""

from gateway.policies.elements import Element
from gateway.policies.shape import Judge, Shape


def value(judge: Judge) -> Shape:
    """<value>: one of the values that its parent sets or looks for, without white space around it."""
    return Shape("value", text=judge)


def values_of(element: Element) -> tuple[str, ...]:
    """The texts of the <value> elements inside an element."""
    return tuple(child.text for child in element.children if child.name == "value")
