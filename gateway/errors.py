"""What can go wrong with a change, and the one table of the statuses that say so over HTTP."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from gateway.policies.faults import Fault


@dataclass(frozen=True, slots=True)
class Use:
    """One place that refers to a thing: a policy document or an API.

    `scope` is "global", "api" or "operation" for a policy document, "trust" for an API's back end trust.
    """

    scope: str
    api_id: str = ""
    api_name: str = ""
    operation_id: str = ""
    operation_name: str = ""

    def __str__(self) -> str:
        if self.scope == "global":
            return "All APIs"
        return f"{self.api_name} / {self.operation_name}" if self.operation_name else self.api_name


class ChangeError(Exception):
    """A change was refused and nothing was written. The message is for the person who asked for it."""

    code = "ValidationError"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Invalid(ChangeError):
    """One or more values are wrong. `errors` maps the name of each value to what is wrong with it."""

    def __init__(self, errors: Mapping[str, str | list[str]]) -> None:
        self.errors = {name: [text] if isinstance(text, str) else text for name, text in errors.items()}
        super().__init__(" ".join(text for texts in self.errors.values() for text in texts))


class InvalidPolicy(Invalid):
    """A policy document is wrong; its `faults` are the errors of "xml"."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__({"xml": [str(fault) for fault in self.faults]})


class AlreadyExists(Invalid):
    """A name, suffix, template or thumbprint is taken."""

    code = "AlreadyExists"


class NotFound(ChangeError):
    """The thing is not there (any more)."""

    code = "ResourceNotFound"


class InUse(ChangeError):
    """The thing cannot be deleted because something refers to it; `uses` says what."""

    code = "InUse"

    def __init__(self, message: str, uses: tuple[Use, ...]) -> None:
        super().__init__(message)
        self.uses = uses


class EditConflict(ChangeError):
    """Somebody else changed the thing since it was read; `revision` is what it has now."""

    code = "PreconditionFailed"

    def __init__(self, revision: int) -> None:
        super().__init__("Resource was modified since last retrieval.")
        self.revision = revision


class NeedsConfirmation(ChangeError):
    """The change has a consequence that the person has to agree to first."""

    code = "NeedsConfirmation"


class Unreadable(Exception):
    """A sealed value cannot be opened with any of the keys. The message names the row, never its content."""


STATUSES: dict[type[ChangeError], HTTPStatus] = {
    Invalid: HTTPStatus.BAD_REQUEST,
    InvalidPolicy: HTTPStatus.BAD_REQUEST,
    AlreadyExists: HTTPStatus.CONFLICT,
    NotFound: HTTPStatus.NOT_FOUND,
    InUse: HTTPStatus.BAD_REQUEST,
    EditConflict: HTTPStatus.PRECONDITION_FAILED,
    NeedsConfirmation: HTTPStatus.CONFLICT,
}
