"""What several policy documents come to: the effective policy of a scope with the origin of each line, and in plain
words what a change of one document changes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.utils.safestring import SafeString

from gateway.changes.policies import document_of
from gateway.changes.policy_documents import parsed
from gateway.models import Api, Operation
from gateway.policies.effective import Composed, EffectiveLine, compose, composed_text
from gateway.policies.faults import Fault, PolicyErrors
from gateway.policies.parser import SECTIONS, Document
from portal.highlight import xml_lines

Documents = tuple[
    Document | None, ...
]  # those of All APIs, the API, the operation; as many as there are scopes


class Broken(Exception):
    """The saved document of a scope ("global", "api" or "operation") cannot be read."""

    def __init__(self, scope: str, faults: Sequence[Fault]) -> None:
        super().__init__(scope)
        self.scope, self.faults = scope, tuple(faults)


@dataclass(frozen=True, slots=True)
class OriginLine:
    """A line of an effective policy; `scope` and `line` say where it stands, "" and 0 for the frame around."""

    html: SafeString
    scope: str
    line: int


def documents_around(api: Api | None, operation: Operation | None) -> Documents:
    """The saved documents that apply at a scope, the broadest first. Raises Broken."""
    owners = [None, *(row for row in (api, operation) if row)]
    return tuple(_read(owner) for owner in owners)


def _read(owner: Api | Operation | None) -> Document | None:
    document = document_of(owner)
    try:
        return parsed(owner, document.xml) if document else None
    except PolicyErrors as error:
        raise Broken(document.scope if document else "", error.faults) from None


def effective_lines(documents: Documents) -> tuple[OriginLine, ...]:
    """The composed document, line by line."""
    lines: list[EffectiveLine] = list(composed_text((*documents, None, None)[:3]))
    html = xml_lines("\n".join(line.text for line in lines))
    return tuple(OriginLine(markup, line.scope, line.line) for markup, line in zip(html, lines, strict=True))


# --- in words -----------------------------------------------------------------------------------------------------
def meanings(before: Documents, after: Documents, names: dict[str, str]) -> tuple[str, ...]:
    """What calls will notice of a change, in sentences; `names` are the names of the scopes."""
    return (
        *_certificate(
            _last(before, "authentication-certificate"), _last(after, "authentication-certificate")
        ),
        *_basic(_last(before, "authentication-basic"), _last(after, "authentication-basic")),
        *_back_end(_last(before, "set-backend-service"), _last(after, "set-backend-service")),
        *_forwarding(_composed(before), _composed(after)),
        *_inheritance(before, after, names),
    )


def _composed(documents: Documents) -> set[str]:
    """The names of the statements of an effective policy."""
    return {item.placed.element.name for section in SECTIONS for item in compose(documents, section)}


def _last(documents: Documents, element: str) -> dict[str, str] | None:
    """The attributes of the statement of that name that counts: the last one."""
    found: list[Composed] = [
        item
        for section in ("inbound", "backend")
        for item in compose(documents, section)
        if item.placed.element.name == element
    ]
    return dict(found[-1].placed.element.attributes) if found else None


def _certificate(before: dict[str, str] | None, after: dict[str, str] | None) -> Iterator[str]:
    old, new = (_certificate_name(found) for found in (before, after))
    if old == new:
        return
    if not new:
        yield f"Certificate {old} will no longer be presented to the back end."
    elif old:
        yield f"Certificate {new} will be presented to the back end instead of {old}."
    else:
        yield f"Certificate {new} will be presented to the back end."


def _certificate_name(found: dict[str, str] | None) -> str:
    if found is None:
        return ""
    name = found.get("certificate-id")
    return f"“{name}”" if name is not None else f"with thumbprint {found.get('thumbprint', '')}"


def _basic(before: dict[str, str] | None, after: dict[str, str] | None) -> Iterator[str]:
    old, new = (found and found["username"] for found in (before, after))
    if old is not None and new is None:
        yield f"User name “{old}” and its password will no longer be sent to the back end."
    elif new is not None and old != new:
        yield f"User name “{new}” and its password will be sent to the back end."


def _back_end(before: dict[str, str] | None, after: dict[str, str] | None) -> Iterator[str]:
    old, new = (found and _address(found) for found in (before, after))
    if old is not None and new is None:
        yield f"Calls go to the web service URL again, no longer to {old}."
    elif new is not None and old != new:
        yield f"Calls go to {new} instead of {old or 'the web service URL'}."


def _address(found: dict[str, str]) -> str:
    name = found.get("backend-id")
    return found.get("base-url", "") if name is None else f"the back end “{name.strip()}”"


def _forwarding(before: set[str], after: set[str]) -> Iterator[str]:
    if "return-response" in after - before:
        yield "The gateway answers calls itself from now on: there is a return-response."
    if "return-response" in before - after:
        yield "The gateway no longer answers calls itself: there is no return-response any more."
    if "forward-request" in before - after:
        yield "Calls are no longer forwarded: there is no forward-request."
    if "forward-request" in after - before:
        yield "Calls are forwarded to the back end."
    for element, what in (("ip-filter", "addresses"), ("check-header", "headers")):
        if element in after - before:
            yield f"Callers are refused by their {what}, as {element} says."
        if element in before - after:
            yield f"Callers are no longer refused by their {what}: there is no {element} any more."


def _inheritance(before: Documents, after: Documents, names: dict[str, str]) -> Iterator[str]:
    """Where the statements of outer scopes are let go, or let in again."""
    for section in SECTIONS:
        old, new = ({item.scope for item in compose(documents, section)} for documents in (before, after))
        outer = list(names)[:-1]
        for scope in outer:
            if scope in old - new:
                yield f"What {names[scope]} says in {section} no longer applies here."
            if scope in new - old:
                yield f"What {names[scope]} says in {section} applies here."
