"""<base />: the same section of the next broader scope's policy."""

from dataclasses import dataclass
from typing import ClassVar, Self

from gateway import snapshot
from gateway.policies.elements import Element
from gateway.policies.lookups import Lookups
from gateway.policies.shape import SECTIONS
from gateway.policies.statement import Statement


@dataclass(frozen=True, slots=True)
class Base(Statement):
    """Stands for what it is replaced by; it is gone before anything is compiled (see effective)."""

    element: ClassVar[str] = "base"
    title: ClassVar[str] = "Inherited policy"
    summary: ClassVar[str] = "What the same section of the next broader scope says."
    snippet: ClassVar[str] = "<base />"
    sections: ClassVar[tuple[str, ...]] = SECTIONS
    once: ClassVar[bool] = True

    @classmethod
    def parse(cls, element: Element) -> Self:
        return cls()

    def compile(self, origin: snapshot.Origin, lookups: Lookups) -> snapshot.Statement:
        raise NotImplementedError
