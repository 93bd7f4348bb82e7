"""Forms that were posted after the session's limit: kept without secrets and files until their author is back.

Kept in the (new, anonymous) session of the same browser, only when the middleware has just ended a session
whose owner is known, and given back to that owner only.
"""

from typing import Any

from django.http import HttpRequest

ENDED_KEY = "session_ended_for"
_KEPT_KEY = "kept_form"
MOST_CHARACTERS = 64_000


def keep(request: HttpRequest, names: frozenset[str]) -> None:
    """Keep the posted fields that have one of these names, unless they are too large."""
    owner = request.session.get(ENDED_KEY)
    fields = {name: request.POST.getlist(name) for name in request.POST if name in names}
    if not owner or not fields or sum(len(v) for values in fields.values() for v in values) > MOST_CHARACTERS:
        return
    request.session[_KEPT_KEY] = {"owner": owner, "path": request.get_full_path(), "fields": fields}


def take(request: HttpRequest) -> dict[str, list[str]] | None:
    """The fields that were kept for this page and this user, once; None if there are none."""
    kept: dict[str, Any] | None = request.session.get(_KEPT_KEY)
    if kept is None or kept["path"] != request.get_full_path():
        return None
    del request.session[_KEPT_KEY]
    request.session.pop(ENDED_KEY, None)
    if kept["owner"] != request.user.get_username():
        return None
    fields: dict[str, list[str]] = kept["fields"]
    return fields
