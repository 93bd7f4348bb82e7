"""Drafts of policies that were on their way to a review, kept in the session until they are saved or discarded.

No page may stay in a browser's memory, so going back from a review, or away from it, would lose what was entered.
Kept without secrets, see portal.policy_drafts.
"""

from typing import Any

from django.http import HttpRequest

from portal.kept_forms import MOST_CHARACTERS, Fields

_SESSION_KEY = "unsaved_policies"
_MOST = 3  # of scopes; the oldest is forgotten first


def keep(request: HttpRequest, path: str, fields: Fields) -> None:
    """Keep the draft of the policy at this address, with the revision that it was written on."""
    kept = {**{key: value for key, value in _all(request).items() if key != path}, path: fields}
    paths = list(kept)[-_MOST:]
    while paths and sum(_size(kept[each]) for each in paths) > MOST_CHARACTERS:
        paths.pop(0)
    request.session[_SESSION_KEY] = {each: kept[each] for each in paths}


def kept(request: HttpRequest, path: str) -> Fields | None:
    """The draft of the policy at this address, None if none is kept."""
    return _all(request).get(path)


def forget(request: HttpRequest, path: str) -> None:
    """Forget what was kept, if anything was."""
    if path in _all(request):
        request.session[_SESSION_KEY] = {key: value for key, value in _all(request).items() if key != path}


def _size(fields: Fields) -> int:
    return sum(len(value) for values in fields.values() for value in values)


def _all(request: HttpRequest) -> dict[str, Fields]:
    found: dict[str, Any] = request.session.get(_SESSION_KEY, {})
    return found
