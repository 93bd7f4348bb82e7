"""Choices that are not saved yet, kept in the session while their author looks something up on another page.

Only values of fields that a form names as fit to be kept (`PortalForm.fields_to_keep`): no secrets, no files.
"""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.http import HttpRequest

Fields = dict[str, list[str]]

_SESSION_KEY = "unsaved_choices"
_MOST = 10  # forms; the oldest is forgotten first


def posted(request: HttpRequest, names: Iterable[str]) -> Fields:
    """The posted fields that have one of these names."""
    return {name: request.POST.getlist(name) for name in names if name in request.POST}


def keep(request: HttpRequest, key: UUID, fields: Fields) -> None:
    """Keep the fields of the form about the row with this key."""
    kept = {name: value for name, value in _all(request).items() if name != str(key)}
    kept[str(key)] = fields
    request.session[_SESSION_KEY] = dict(list(kept.items())[-_MOST:])


def kept(request: HttpRequest, key: UUID) -> Fields | None:
    """The fields that were kept of the form about the row with this key, None if there are none."""
    fields: Fields | None = _all(request).get(str(key))
    return fields


def forget(request: HttpRequest, key: UUID) -> None:
    """Forget what was kept, if anything was."""
    if str(key) in _all(request):
        request.session[_SESSION_KEY] = {n: v for n, v in _all(request).items() if n != str(key)}


def _all(request: HttpRequest) -> dict[str, Any]:
    found: dict[str, Any] = request.session.get(_SESSION_KEY, {})
    return found
