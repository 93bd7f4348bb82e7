"""Subscriptions: whose calls are let in. Their keys are answered by listSecrets only."""

import re
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Case, QuerySet, Value, When
from django.db.models.functions import Concat

from gateway.changes import subscriptions as changes
from gateway.models import Subscription
from gateway.models.subscriptions import ACTIVE, STATES
from portal.management_api.errors import Detail, incorrect
from portal.management_api.filters import Field
from portal.management_api.resource import Action, Call, Done, Resource
from portal.management_api.resources.apis import Apis
from portal.management_api.times import time_text

_NO_DATES = (
    "Subscriptions have no dates here but that of their creation. Leave it out, and set 'state' in time."
)
_KEY = {"type": ["string", "null"], "writeOnly": True, "minLength": 16, "maxLength": 256}


def _list_secrets(call: Call, row: Subscription, given: dict[str, Any]) -> Done:
    keys = changes.reveal_keys(call.actor, row.key)
    return Done(200, {"primaryKey": keys.primary, "secondaryKey": keys.secondary}, etag=row.revision)


def _regenerate(which: changes.Which) -> Action:
    def run(call: Call, row: Subscription, given: dict[str, Any]) -> Done:
        return Done(204, revision=changes.regenerate_key(call.actor, row.key, which).revision)

    summary = f"Replace the {which} key; the former one is let in no longer."
    return Action(f"regenerate{which.capitalize()}Key", summary, run, statuses=(204,))


class Subscriptions(Resource[Subscription]):
    """Whose calls of an API, or of all, are let in."""

    segment = "subscriptions"
    label = "Subscription"
    parameter = "sid"
    schema = {
        "displayName": {"type": "string", "minLength": 1, "maxLength": 100},
        "scope": {
            "type": "string",
            "description": "/apis/{apiId}, or /apis for all of them; what comes before that is of no consequence.",
        },
        "state": {
            "enum": [state for state, _ in STATES],
            "description": "Active if it is left out for a new one. Cancelled is final.",
        },
        "ownerId": {
            "type": ["string", "null"],
            "description": "Whose it is, as text: there are no users. Answered with /users/ in front.",
        },
        "allowTracing": {"type": ["boolean", "null"], "default": False},
        "primaryKey": {**_KEY, "description": "Made if it is left out for a new one."},
        "secondaryKey": {**_KEY, "description": "Made if it is left out for a new one."},
        "createdDate": {"type": "string", "format": "date-time", "readOnly": True},
    }
    required = ("displayName", "scope")
    refused = {
        **dict.fromkeys(("startDate", "expirationDate", "endDate", "notificationDate"), _NO_DATES),
        "stateComment": "A subscription has no comment here. Leave it out.",
    }
    targets = {
        "display_name": "displayName",
        "owner": "ownerId",
        "api": "scope",
        "primary_key": "primaryKey",
        "secondary_key": "secondaryKey",
        "allow_tracing": "allowTracing",
    }
    filters = {
        "name": Field("resource_id"),
        "displayName": Field("display_name"),
        "ownerId": Field("owner_id"),
        "scope": Field("scope"),
        "state": Field("state"),
    }
    actions = (
        Action(
            "listSecrets",
            "Get both keys, which is recorded.",
            _list_secrets,
            answer={"primaryKey": {"type": "string"}, "secondaryKey": {"type": "string"}},
        ),
        _regenerate("primary"),
        _regenerate("secondary"),
    )

    def rows(self, parents: tuple[Any, ...]) -> QuerySet[Subscription]:
        return Subscription.objects.select_related("api")

    def listed(self, call: Call) -> QuerySet[Subscription]:
        """With what answers make of columns, to filter by it."""
        one = Concat(Value(f"{call.base}/apis/"), "api__resource_id")
        scope = Case(When(api=None, then=Value(f"{call.base}/apis")), default=one)
        owner = Case(When(owner="", then=None), default=Concat(Value("/users/"), "owner"))
        return self.rows(()).annotate(owner_id=owner, scope=scope)

    def properties(self, call: Call, row: Subscription) -> dict[str, Any]:
        owner = {"ownerId": f"/users/{row.owner}"} if row.owner else {}
        return {
            **owner,
            "scope": f"{call.base}/apis/{row.api.resource_id}" if row.api else f"{call.base}/apis",
            "displayName": row.display_name,
            "state": row.state,
            "createdDate": time_text(row.created_at),
            "allowTracing": row.allow_tracing,
        }

    def create(self, call: Call, name: str, given: dict[str, Any]) -> Subscription:
        values = _values({"state": ACTIVE, "ownerId": ""} | given)
        return changes.create_subscription(call.actor, resource_id=name, **values)

    def update(self, call: Call, row: Subscription, given: dict[str, Any]) -> Subscription:
        return self.patch(call, row, {"ownerId": "", "allowTracing": False} | given)

    def patch(self, call: Call, row: Subscription, given: dict[str, Any]) -> Subscription:
        values = _values(given)
        if _is_already(row, values):
            return row
        return changes.update_subscription(call.actor, row.key, revision=call.expected, **values)

    def delete(self, call: Call, row: Subscription) -> int:
        return changes.delete_subscription(call.actor, row.key, revision=call.expected)


def _values(given: dict[str, Any]) -> dict[str, Any]:
    """The members as the changes take them; a key of null stays what it is."""
    values = {
        "display_name": given.get("displayName"),
        "owner": _owner(given["ownerId"] or "") if "ownerId" in given else None,
        "allow_tracing": bool(given["allowTracing"]) if "allowTracing" in given else None,
        "state": given.get("state"),
        "primary_key": given.get("primaryKey"),
        "secondary_key": given.get("secondaryKey"),
    }
    scope = {"api": _api(given["scope"])} if "scope" in given else {}
    return {name: value for name, value in values.items() if value is not None} | scope


def _is_already(row: Subscription, values: dict[str, Any]) -> bool:
    """Whether nothing would change: then no revision is spent on it. A key is compared behind the lock."""
    now = {name: getattr(row, name, None) for name in values} | {"api": row.api_id}
    return all(now[name] == value for name, value in values.items())


# --- ids of other things --------------------------------------------------------------------------------------
_ARM = re.compile(
    r"(?:https?://[^/]+)?(?:/management)?"
    r"/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.ApiManagement/service/([^/]+)(/.*)?",
    re.IGNORECASE | re.DOTALL,
)
_SERVICE_SCOPE = "A subscription is to APIs here: use /apis for all of them, or /apis/{apiId} for one."
_PRODUCTS = "There are no products here. Use /apis/{apiId} for one API, or /apis for all of them."


def _below_service(text: str) -> str | None:
    """What an id is below the service, None if it is that of another service."""
    if (match := _ARM.fullmatch(text)) is None:
        return text
    same = match[1].lower() == settings.MANAGEMENT_SERVICE_NAME.lower()
    return (match[2] or "/") if same else None


def _owner(text: str) -> str:
    below = _below_service(text) or text
    return below[len("/users/") :] if below.lower().startswith("/users/") else text


def _api(text: str) -> UUID | None:
    """The key of the API that a scope names, None for all. Raises ApiError on "scope"."""
    below = _below_service(text.strip())
    parts = [part for part in (below or "").split("/") if part]
    match [parts[0].lower(), *parts[1:]] if parts else []:
        case ["apis"]:
            return None
        case ["apis", name]:
            api = Apis().find((), name)
            if api is None:
                raise incorrect(Detail("scope", f"There is no API with the id '{name}'."))
            return api.key
        case ["products", *_]:
            raise incorrect(Detail("scope", _PRODUCTS))
    if below is None:
        name = settings.MANAGEMENT_SERVICE_NAME
        raise incorrect(Detail("scope", f"This is an id of another service: this one is called '{name}'."))
    raise incorrect(Detail("scope", _SERVICE_SCOPE))
