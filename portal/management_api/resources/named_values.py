"""Named values: what the pages call properties."""

from http import HTTPStatus
from typing import Any

from django.db.models import QuerySet

from gateway.changes import named_values as changes
from gateway.models import NamedValue
from portal.management_api.errors import VALIDATION, ApiError, Detail, incorrect
from portal.management_api.filters import Field
from portal.management_api.key_vault import REFRESH_FAILED, asks_for_failed
from portal.management_api.resource import Action, Call, Done, Resource

_NO_KEY_VAULT = "Key Vault is not supported. Send the value itself in 'value', with 'secret' true."
_VALUE = {"type": ["string", "null"], "maxLength": changes.MOST_CHARACTERS}


def _list_value(call: Call, row: NamedValue, given: dict[str, Any]) -> Done:
    return Done(200, {"value": changes.reveal_named_value(call.actor, row.key)}, etag=row.revision)


def _refresh_secret(call: Call, row: NamedValue, given: dict[str, Any]) -> Done:
    message = "The value does not come from a Key Vault: there is nothing to refresh it from."
    raise ApiError(HTTPStatus.BAD_REQUEST, VALIDATION, message)


class NamedValues(Resource[NamedValue]):
    """Text that policies refer to as {{displayName}}. A secret one is answered by listValue only."""

    segment = "namedValues"
    label = "Property"
    parameter = "namedValueId"
    schema = {
        "displayName": {
            "type": "string",
            "maxLength": 80,
            "description": "The name that policies write between doubled braces. It cannot be changed.",
        },
        "value": {
            **_VALUE,
            "description": "Not answered where it is secret. Left out, a value that is there stays.",
        },
        "secret": {"type": ["boolean", "null"], "default": False},
        "tags": {"type": ["array", "null"], "items": {"type": "string"}, "maxItems": changes.MOST_TAGS},
        "provisioningState": {"type": "string", "readOnly": True},
    }
    required = ("displayName",)
    refused = {"keyVault": _NO_KEY_VAULT}
    targets = {"name": "displayName", "entity_id": "id"}
    filters = {
        "name": Field("known_as"),
        "displayName": Field("resource_id"),
        "tags": Field("tag_text", "words"),
    }
    queries = REFRESH_FAILED
    actions = (
        Action(
            "listValue",
            "Get the value, which is recorded.",
            _list_value,
            answer={"value": {"type": "string"}},
        ),
        Action(
            "refreshSecret",
            "Refused: values do not come from a Key Vault.",
            _refresh_secret,
            statuses=(400,),
        ),
    )

    def rows(self, parents: tuple[Any, ...]) -> QuerySet[NamedValue]:
        return NamedValue.objects.with_known_as()

    def listed(self, call: Call) -> QuerySet[NamedValue]:
        rows = NamedValue.objects.with_known_as().with_tag_text()
        return rows.none() if asks_for_failed(call) else rows

    def find(self, parents: tuple[Any, ...], name: str) -> NamedValue | None:
        return NamedValue.objects.known_as(name).first()

    def id_of(self, row: NamedValue) -> str:
        return row.rest_id

    def properties(self, call: Call, row: NamedValue) -> dict[str, Any]:
        value = {} if row.secret else {"value": row.value}
        return {
            "displayName": row.resource_id,
            **value,
            "secret": row.secret,
            "tags": row.tags,
            "provisioningState": "Succeeded",
        }

    def create(self, call: Call, name: str, given: dict[str, Any]) -> NamedValue:
        if given.get("value") is None:
            raise incorrect(Detail("value", "'value' is missing."))
        return changes.create_named_value(
            call.actor,
            name=given["displayName"],
            value=given["value"],
            secret=bool(given.get("secret")),
            tags=given.get("tags") or (),
            entity_id=name,
        )

    def update(self, call: Call, row: NamedValue, given: dict[str, Any]) -> NamedValue:
        secret = bool(given.get("secret"))
        if given.get("value") is None and not (row.secret or secret):
            raise incorrect(Detail("value", "'value' is missing."))
        return self._change(call, row, given | {"secret": secret, "tags": given.get("tags") or []})

    def patch(self, call: Call, row: NamedValue, given: dict[str, Any]) -> NamedValue:
        if "tags" in given:  # null is the default (RFC 7396)
            given = given | {"tags": given["tags"] or []}
        if "secret" in given:
            given = given | {"secret": bool(given["secret"])}
        return self._change(call, row, given)

    def _change(self, call: Call, row: NamedValue, given: dict[str, Any]) -> NamedValue:
        if given.get("displayName", row.resource_id).strip() != row.resource_id:
            raise incorrect(Detail("displayName", _FOR_GOOD.format(row)))
        value, secret, tags = (given.get(name) for name in ("value", "secret", "tags"))
        if _is_already(row, value, secret, tags):
            return row
        changes.update_named_value(
            call.actor, row.key, value=value, secret=secret, tags=tags, revision=call.expected
        )
        return changes.get_named_value(row.key, uses=False)

    def delete(self, call: Call, row: NamedValue) -> int:
        return changes.delete_named_value(call.actor, row.key, revision=call.expected)


_FOR_GOOD = (
    "Policies refer to this one as {{{{{}}}}}, so its name cannot be changed. Leave it as it is, or add another "
    "named value, have the policies name that one, and delete this one."
)


def _is_already(row: NamedValue, value: str | None, secret: bool | None, tags: list[str] | None) -> bool:
    """Whether nothing would change: then no revision is spent on it, and no gateway looks at it."""
    same_value = value is None or (not row.secret and value == row.value)
    return same_value and secret in (None, row.secret) and tags in (None, row.tags)
