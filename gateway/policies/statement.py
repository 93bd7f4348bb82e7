"""What a policy statement is. Each statement is one module of gateway/policies/statements/."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar, Self

from gateway import snapshot
from gateway.policies.elements import Element
from gateway.policies.named_values import NamedValueLookup, Unresolvable, substituted

SECTIONS = ("inbound", "backend", "outbound", "on-error")
SCOPES = ("global", "api", "operation")

CertificateLookup = Callable[[str | None, str | None], str]


class Wrong(ValueError):
    """A statement is not written as it must be; `messages` say all that is wrong."""

    def __init__(self, *messages: str) -> None:
        super().__init__(*messages)
        self.messages = messages


@dataclass(frozen=True, slots=True)
class Context:
    """Where a statement is parsed: its scope, and the operation's URL template where that is known."""

    scope: str
    url_template: str | None = None


@dataclass(frozen=True, slots=True)
class Lookups:
    """What statements are compiled with.

    `certificate(certificate_id, thumbprint)` gets one of the two, the other is None, and returns the key of a
    certificate; `named_value(name)` returns its text, or a Secret. Both raise LookupError.
    """

    certificate: CertificateLookup
    named_value: NamedValueLookup

    def text(self, value: str) -> str:
        """An attribute with its named values replaced. Raises Unresolvable."""
        return substituted(value, self.named_value)


class Statement(ABC):
    """A statement as its author wrote it: a frozen dataclass of the texts of its attributes.

    Named values are replaced when it is compiled, so whatever holds one can be judged only then.
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
    children: ClassVar[tuple[str, ...]] = ()  # the elements that may stand in it
    once: ClassVar[bool] = (
        False  # at most one in a section; of an effective policy's the narrowest scope's counts
    )

    @classmethod
    @abstractmethod
    def parse(cls, element: Element, context: Context) -> Self:
        """The statement of an element that has the required attributes. Raises Wrong."""

    @abstractmethod
    def compile(self, origin: snapshot.Origin, lookups: Lookups) -> snapshot.Statement:
        """The statement as engines execute it. Raises Unresolvable."""

    def certificate_references(self) -> Iterator[tuple[str, str]]:
        """The certificates that this statement names: ("certificate-id" or "thumbprint", text as written)."""
        return iter(())


__all__ = [
    "SCOPES",
    "SECTIONS",
    "CertificateLookup",
    "Context",
    "Lookups",
    "NamedValueLookup",
    "Statement",
    "Unresolvable",
    "Wrong",
]
