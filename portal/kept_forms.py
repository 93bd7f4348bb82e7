"""Forms that were posted after the session's limit: kept without secrets and files until their author is back.

Kept in the (new, anonymous) session of the same browser, only when the middleware has just ended a session
whose owner is known, and given back to that owner only.
"""

from typing import Any

from django.http import HttpRequest

Fields = dict[str, list[str]]

ENDED_KEY = "session_ended_for"
_KEPT_KEY = "kept_form"
MOST_CHARACTERS = 1_100_000  # a policy document has 1 MB at most


def keep(request: HttpRequest, fields: Fields) -> None:
    """Keep these of the posted fields; of fields that are too large only that there were some."""
    owner = request.session.get(ENDED_KEY)
    if not owner or not fields:
        return
    if sum(len(v) for values in fields.values() for v in values) > MOST_CHARACTERS:
        fields = {}
    request.session[_KEPT_KEY] = {"owner": owner, "path": request.get_full_path(), "fields": fields}


def take(request: HttpRequest) -> Fields | None:
    """The fields kept for this page and this user, once: {} if they were too large, None if there are none."""
    kept: dict[str, Any] | None = request.session.get(_KEPT_KEY)
    if kept is None or kept["path"] != request.get_full_path():
        return None
    del request.session[_KEPT_KEY]
    request.session.pop(ENDED_KEY, None)
    if kept["owner"] != request.user.get_username():
        return None
    fields: Fields = kept["fields"]
    return fields
