"""The last request of each operation, as it was entered, in the session of whoever sent it. No secrets.

What may hold a secret by its name is left out: whole lines of headers and query parameters, values of the URL
template's parameters, and a body with such a name in it.
"""

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any
from uuid import UUID

from django.contrib.sessions.backends.base import UpdateError
from django.http import HttpRequest

from gateway.tracing.masking import is_secret_field, is_secret_parameter
from portal.forms.console import PREFIX
from portal.forms.lines import split_lines

Entered = dict[str, str]

_SESSION_KEY = "console_requests"
MOST_OPERATIONS = 20
MOST_IN_BODY = 16_000  # bytes
MOST_IN_ALL = 60_000  # characters
_KEPT = frozenset({"scheme", "remainder", "query", "headers", "content_type", "body", "key", "trace"})
_NAME = re.compile(r"(?<![\w.\-])[\w.\-]{1,100}(?![\w.\-])(?=[\"']?\s*[:=>])")


def without_secrets(posted: Mapping[str, str], most_in_body: int = MOST_IN_BODY) -> tuple[Entered, list[str]]:
    """What may be kept of the fields of the form, and the names of what was left out."""
    left_out: list[str] = []
    kept = {name: value for name, value in posted.items() if name in _KEPT or name.startswith(PREFIX)}
    for parameter in [name.removeprefix(PREFIX) for name in kept if name.startswith(PREFIX)]:
        if is_secret_parameter(parameter):
            left_out.append(parameter)
            del kept[PREFIX + parameter]
    for name, sign, is_secret in (("headers", ":", is_secret_field), ("query", "=", is_secret_parameter)):
        if name in kept:
            kept[name], secret = _parted(split_lines(kept[name]), sign, is_secret)
            left_out += secret
    if why := _why_not_kept(kept.get("body", ""), most_in_body):
        left_out.append(f"the body, which {why}")
        del kept["body"]
    return kept, left_out


def _why_not_kept(body: str, most: int) -> str:
    if len(body.encode()) > most:
        return "is too long"
    return "may hold a secret" if any(is_secret_field(name) for name in _NAME.findall(body)) else ""


def _parted(lines: list[str], sign: str, is_secret: Callable[[str], bool]) -> tuple[str, list[str]]:
    """The lines that may be kept, and the names of the others."""
    names = [line.partition(sign)[0].strip() for line in lines]
    kept = [line for line, name in zip(lines, names, strict=True) if not is_secret(name)]
    return "\n".join(kept), [name for name in names if is_secret(name)]


def remember(request: HttpRequest, operation: UUID, posted: Mapping[str, str]) -> None:
    """Keep a request in the place of the last one of this operation. Saved at once: a call may take long, and what
    other tabs save meanwhile is not to be written over.
    """
    entered, left_out = without_secrets(posted)
    if sum(map(len, entered.values())) > MOST_IN_ALL:
        entered, left_out = {}, ["the request, which is too long"]
    others = {key: value for key, value in _all(request).items() if key != str(operation)}
    others[str(operation)] = {"entered": entered, "left_out": left_out}
    request.session[_SESSION_KEY] = dict(list(others.items())[-MOST_OPERATIONS:])
    with suppress(UpdateError):  # signed out in another tab
        request.session.save()
    request.session.modified = False


def remembered(request: HttpRequest, operation: UUID) -> tuple[Entered, list[str]] | None:
    """What was entered, without secrets, and the names of what was left out; None if nothing is kept."""
    found: dict[str, Any] | None = _all(request).get(str(operation))
    return (found["entered"], found["left_out"]) if found else None


def newest(request: HttpRequest) -> list[UUID]:
    """The operations whose requests are kept, the last one first."""
    return [UUID(key) for key in reversed(_all(request))]


def forget(request: HttpRequest, operation: UUID) -> None:
    """Start afresh."""
    if str(operation) in _all(request):
        rest = {key: value for key, value in _all(request).items() if key != str(operation)}
        request.session[_SESSION_KEY] = rest


def _all(request: HttpRequest) -> dict[str, Any]:
    found: dict[str, Any] = request.session.get(_SESSION_KEY, {})
    return found
