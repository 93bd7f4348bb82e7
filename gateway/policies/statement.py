"""What a policy statement is. Each statement is one module of gateway/policies/statements/."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from types import MappingProxyType
from typing import ClassVar, Self

from gateway import snapshot
from gateway.policies.checks import attribute_problem
from gateway.policies.elements import Element
from gateway.policies.lookups import Lookups
from gateway.policies.shape import SCOPES, Context, Judge, Shape


class Statement(ABC):
    """A statement as its author wrote it: a frozen dataclass of the texts of its attributes and children.

    Named values are replaced when it is compiled, and what holds one is judged then, as the rest was before.
    """

    __slots__ = ()

    element: ClassVar[str]
    title: ClassVar[str]  # what the list beside the editor calls it, in the words of the original
    summary: ClassVar[str]  # one sentence: what it does to a call
    snippet: ClassVar[str]  # what the list inserts; its lines are not indented
    sections: ClassVar[tuple[str, ...]]
    scopes: ClassVar[tuple[str, ...]] = SCOPES
    required: ClassVar[tuple[str, ...]] = ()
    optional: ClassVar[tuple[str, ...]] = ()
    choices: ClassVar[Mapping[str, tuple[str, ...]]] = MappingProxyType({})  # the values of attributes
    judges: ClassVar[Mapping[str, Judge]] = MappingProxyType({})  # what else judges attributes
    refused: ClassVar[Mapping[str, str]] = MappingProxyType(
        {}
    )  # attributes of the original, and why not here
    children: ClassVar[tuple[Shape, ...]] = ()  # the elements that may stand in it
    once: ClassVar[bool] = (
        False  # at most one in a section; of an effective policy's the narrowest scope's counts
    )

    @classmethod
    @cache
    def shape(cls) -> Shape:
        """What its element may hold."""
        return Shape(
            element=cls.element,
            required=cls.required,
            optional=cls.optional,
            choices=cls.choices,
            judges=cls.judges,
            refused=cls.refused,
            children=cls.children,
            problems=cls.problems,
        )

    @classmethod
    def problems(cls, element: Element, context: Context) -> Iterable[str]:
        """What is wrong with an element as a whole (see Shape)."""
        return ()

    @classmethod
    @abstractmethod
    def parse(cls, element: Element) -> Self:
        """The statement of an element without faults."""

    @abstractmethod
    def compile(self, origin: snapshot.Origin, lookups: Lookups) -> snapshot.Statement:
        """The statement as engines execute it. Raises Unresolvable."""

    def references(self) -> Iterator[tuple[str, str]]:
        """The certificates and back ends that this statement names, each as kind and text as written.

        The kinds are "certificate-id", "thumbprint" and "backend-id".
        """
        return iter(())

    def attribute(self, name: str, text: str, lookups: Lookups) -> str:
        """An attribute with its named values replaced, and then judged. Raises Unresolvable."""
        return lookups.text(text, lambda known: attribute_problem(name, known, self.shape()))
