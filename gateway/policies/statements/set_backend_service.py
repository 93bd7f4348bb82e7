"""<set-backend-service />: the call goes to another base URL than the API's web service URL."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

from gateway import snapshot
from gateway.addresses import parse_web_service_url
from gateway.policies.elements import Element
from gateway.policies.faults import shown
from gateway.policies.lookups import Lookups
from gateway.policies.named_values import Unresolvable
from gateway.policies.shape import Context, Judge
from gateway.policies.statement import Statement

_MOST = 500  # characters of an attribute that names something: a named value may stand in it


def _base_url_problem(text: str) -> str | None:
    try:
        parse_web_service_url(text)
    except ValueError as error:
        reason = str(error).replace("web service URL", "base URL")
        return f"The 'base-url' attribute is not valid: {reason}"
    return None


def _back_end_problem(text: str) -> str | None:
    if not text.strip():
        return "The 'backend-id' attribute must not be empty."
    return f"The 'backend-id' attribute is longer than {_MOST} characters." if len(text) > _MOST else None


@dataclass(frozen=True, slots=True)
class SetBackendService(Statement):
    """Says a URL, or names a back end whose URL it follows. The last one counts.

    An address that the gateway does not call is refused when it is called.
    """

    base_url: str | None
    backend_id: str | None = None

    element: ClassVar[str] = "set-backend-service"
    title: ClassVar[str] = "Set backend service"
    summary: ClassVar[str] = (
        "Forwards the call to another base URL than the API's web service URL, or to a back end by its id."
    )
    snippet: ClassVar[str] = '<set-backend-service base-url="" />'
    sections: ClassVar[tuple[str, ...]] = ("inbound", "backend")
    optional: ClassVar[tuple[str, ...]] = ("base-url", "backend-id")
    judges: ClassVar[Mapping[str, Judge]] = {"base-url": _base_url_problem, "backend-id": _back_end_problem}

    @classmethod
    def problems(cls, element: Element, context: Context) -> Iterator[str]:
        if len([name for name in cls.optional if name in element.attributes]) != 1:
            yield "Say where calls go with either the 'base-url' or the 'backend-id' attribute."

    @classmethod
    def parse(cls, element: Element) -> Self:
        return cls(element.attributes.get("base-url"), element.attributes.get("backend-id"))

    def compile(self, origin: snapshot.Origin, lookups: Lookups) -> snapshot.SetBackendService:
        if self.backend_id is None:
            return snapshot.SetBackendService(
                self.attribute("base-url", self.base_url or "", lookups), origin
            )
        name = self.attribute("backend-id", self.backend_id, lookups).strip()
        try:
            return snapshot.SetBackendService(lookups.back_end(name), origin, name)
        except LookupError:
            raise Unresolvable(f"Backend with id '{shown(name)}' could not be resolved.") from None

    def references(self) -> Iterator[tuple[str, str]]:
        if self.backend_id is not None:
            yield "backend-id", self.backend_id
