"""Errors of the management REST API, in the form of the original: code, message, and details by target."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from gateway.errors import (
    STATUSES,
    AlreadyExists,
    ChangeError,
    InUse,
    Invalid,
    InvalidPolicy,
    NeedsConfirmation,
    Use,
)
from gateway.policies.faults import Fault

INCORRECT = "One or more fields contain incorrect values:"
VALIDATION = "ValidationError"


@dataclass(frozen=True, slots=True)
class Detail:
    """What is wrong with one member, field or parameter, which is the target."""

    target: str
    message: str
    code: str = VALIDATION

    def as_json(self) -> dict[str, str]:
        return {"code": self.code, "target": self.target, "message": self.message}


class ApiError(Exception):
    """A request is answered with an error; nothing was written."""

    def __init__(
        self,
        status: HTTPStatus,
        code: str,
        message: str,
        details: tuple[Detail, ...] = (),
        *,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.details = status, code, message, details
        self.headers = headers or {}

    def as_json(self) -> dict[str, object]:
        """The body of the answer; `details` is null where there are none."""
        details = [each.as_json() for each in self.details] or None
        return {"error": {"code": self.code, "message": self.message, "details": details}}


def incorrect(*details: Detail) -> ApiError:
    """400 for members or parameters with wrong values."""
    return ApiError(HTTPStatus.BAD_REQUEST, VALIDATION, INCORRECT, details)


def unauthorized() -> ApiError:
    """401, in the same words whatever the reason."""
    return ApiError(HTTPStatus.UNAUTHORIZED, "Unauthorized", "Unauthorized.")


def method_not_allowed(method: str | None, methods: Iterable[str]) -> ApiError:
    """405, which says what can be done (RFC 9110, 15.5.6)."""
    known = ", ".join(methods)
    message = f"{method} cannot be used here. Use {known}."
    return ApiError(HTTPStatus.METHOD_NOT_ALLOWED, "MethodNotAllowed", message, headers={"Allow": known})


def too_large(most: int) -> ApiError:
    """413 for a body of more bytes than that."""
    message = f"The body is larger than {most} bytes."
    return ApiError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "RequestEntityTooLarge", message)


def not_found(label: str) -> ApiError:
    """404 for an entity: `label` is "Certificate" for example."""
    return ApiError(HTTPStatus.NOT_FOUND, "ResourceNotFound", f"{label} not found.")


def of_change(error: ChangeError, targets: Mapping[str, str]) -> ApiError:
    """What a refused change is answered with; `targets` maps the names of its values to those of members."""
    status, code, message = STATUSES[type(error)], error.code, error.message
    details: tuple[Detail, ...] = ()
    if isinstance(error, InvalidPolicy):
        details, message = tuple(map(_fault, error.faults)), INCORRECT
    elif isinstance(error, Invalid):
        details = _details(error, targets)
        alone = isinstance(error, AlreadyExists) and len(details) == 1
        message = details[0].message if alone else INCORRECT
    elif isinstance(error, InUse):
        code, details = VALIDATION, tuple(Detail(target_of(use), f"Used by {use}.") for use in error.uses)
    elif isinstance(error, NeedsConfirmation):
        message += " If that is what you want, send the request again with confirm=true."
    return ApiError(status, code, message, details)


def _details(error: Invalid, targets: Mapping[str, str]) -> tuple[Detail, ...]:
    return tuple(
        Detail(targets.get(name, name), text) for name, texts in error.errors.items() for text in texts
    )


def _fault(fault: Fault) -> Detail:
    """A fault has its element for a target, and what is no XML "representation", as in the original."""
    return Detail(fault.element or "representation", str(fault))


def target_of(use: Use) -> str:
    """The address of what refers to something, below that of the service."""
    if use.scope == "global":
        return "/policies/policy"
    if use.scope == "trust":
        return f"/apis/{use.api_id}/trust"
    operation = f"/operations/{use.operation_id}" if use.operation_id else ""
    return f"/apis/{use.api_id}{operation}/policies/policy"
