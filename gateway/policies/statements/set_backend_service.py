"""<set-backend-service />: the call goes to another base URL than the API's web service URL."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

from gateway import snapshot
from gateway.addresses import parse_web_service_url
from gateway.policies.elements import Element
from gateway.policies.lookups import Lookups
from gateway.policies.shape import Judge
from gateway.policies.statement import Statement


def _base_url_problem(text: str) -> str | None:
    try:
        parse_web_service_url(text)
    except ValueError as error:
        reason = str(error).replace("web service URL", "base URL")
        return f"The 'base-url' attribute is not valid: {reason}"
    return None


@dataclass(frozen=True, slots=True)
class SetBackendService(Statement):
    """The last one counts. An address that the gateway does not call is refused when it is called."""

    base_url: str

    element: ClassVar[str] = "set-backend-service"
    title: ClassVar[str] = "Set backend service"
    summary: ClassVar[str] = "Forwards the call to another base URL than the API's web service URL."
    snippet: ClassVar[str] = '<set-backend-service base-url="" />'
    sections: ClassVar[tuple[str, ...]] = ("inbound", "backend")
    required: ClassVar[tuple[str, ...]] = ("base-url",)
    judges: ClassVar[Mapping[str, Judge]] = {"base-url": _base_url_problem}
    refused: ClassVar[Mapping[str, str]] = {
        "backend-id": "The 'backend-id' attribute is not supported here, as there are no back-end entities yet: "
        "use 'base-url'."
    }

    @classmethod
    def parse(cls, element: Element) -> Self:
        return cls(element.attributes["base-url"])

    def compile(self, origin: snapshot.Origin, lookups: Lookups) -> snapshot.SetBackendService:
        return snapshot.SetBackendService(self.attribute("base-url", self.base_url, lookups), origin)
