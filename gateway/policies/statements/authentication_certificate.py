"""<authentication-certificate />: the client certificate that is presented to the back end."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Self

from gateway import snapshot
from gateway.policies.elements import Element
from gateway.policies.faults import shown
from gateway.policies.lookups import Lookups
from gateway.policies.named_values import Unresolvable
from gateway.policies.shape import Context
from gateway.policies.statement import Statement
from gateway.thumbprints import as_written, normalise_thumbprint

_MAX_NAME = 500


@dataclass(frozen=True, slots=True)
class AuthenticationCertificate(Statement):
    """Names a certificate by its id, which survives a renewal, or by its current thumbprint."""

    certificate_id: str | None
    thumbprint: str | None

    element: ClassVar[str] = "authentication-certificate"
    title: ClassVar[str] = "Authenticate with client certificate"
    summary: ClassVar[str] = "Presents a client certificate to the back end."
    snippet: ClassVar[str] = '<authentication-certificate certificate-id="" />'
    sections: ClassVar[tuple[str, ...]] = ("inbound",)
    optional: ClassVar[tuple[str, ...]] = ("thumbprint", "certificate-id")

    @classmethod
    def problems(cls, element: Element, context: Context) -> Iterator[str]:
        named = [name for name in cls.optional if name in element.attributes]
        if len(named) != 1:
            yield "Name the certificate with either the 'certificate-id' or the 'thumbprint' attribute."
        for name in named:
            if len(element.attributes[name]) > _MAX_NAME:
                yield f"The '{name}' attribute is longer than {_MAX_NAME} characters."
            elif not normalise_thumbprint(element.attributes[name]):
                yield f"The '{name}' attribute must not be empty."

    @classmethod
    def parse(cls, element: Element) -> Self:
        return cls(element.attributes.get("certificate-id"), element.attributes.get("thumbprint"))

    def compile(self, origin: snapshot.Origin, lookups: Lookups) -> snapshot.AuthenticationCertificate:
        if self.certificate_id is not None:
            name = lookups.text(self.certificate_id).strip()
            key = _found(f"id '{shown(name)}'", name, None, lookups)
        else:
            text = lookups.text(self.thumbprint or "")
            key = _found(f"thumbprint '{shown(as_written(text))}'", None, normalise_thumbprint(text), lookups)
        return snapshot.AuthenticationCertificate(key, origin)

    def references(self) -> Iterator[tuple[str, str]]:
        if self.certificate_id is not None:
            yield "certificate-id", self.certificate_id
        if self.thumbprint is not None:
            yield "thumbprint", self.thumbprint


def _found(words: str, certificate_id: str | None, thumbprint: str | None, lookups: Lookups) -> str:
    try:
        return lookups.certificate(certificate_id, thumbprint)
    except LookupError:
        raise Unresolvable(f"Certificate with {words} could not be resolved.") from None
