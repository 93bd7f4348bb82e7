"""Policy documents: of all APIs, of an API, of an operation.

Policy expressions are not supported here, so a document is XML in both formats, "xml" and "rawxml", and the same
text: the one that its author wrote, without the indentation of the original.
"""

from http import HTTPStatus
from typing import Any, cast

from django.db.models import Max, QuerySet

from gateway.changes.policies import delete_policy, save_policy
from gateway.changes.policy_documents import Scope, document_of, scope_columns
from gateway.errors import NotFound
from gateway.models import PolicyDocument
from gateway.policies.documents import GLOBAL_DOCUMENT
from portal.management_api.bodies import json_body
from portal.management_api.errors import ApiError, Detail, incorrect, not_found
from portal.management_api.resource import Call, Resource

ID = "policy"
FORMATS = ("xml", "rawxml")


class Policies(Resource[PolicyDocument]):
    """The policy of a scope, which is what its parent is; the id is always "policy"."""

    segment = "policies"
    label = "PoliciesConfiguration"
    parameter = "policyId"
    schema = {
        "value": {
            "type": "string",
            "description": (
                "The document as its author wrote it. A password in it moves into a secret named value, "
                "to which the answer refers instead."
            ),
        },
        "format": {
            "type": "string",
            "enum": list(FORMATS),
            "description": "Without policy expressions, which are not supported, both are the same text.",
        },
    }
    required = ("value",)
    targets = {"xml": "value"}
    methods = frozenset({"PUT", "DELETE"})
    queries = {"format": {"type": "string", "enum": list(FORMATS)}}
    order = "key"

    def rows(self, parents: tuple[Any, ...]) -> QuerySet[PolicyDocument]:
        return PolicyDocument.objects.filter(**scope_columns(_scope(parents)))

    def find(self, parents: tuple[Any, ...], name: str) -> PolicyDocument | None:
        return self.rows(parents).first() if name.lower() == ID else None

    def id_of(self, row: PolicyDocument) -> str:
        return ID

    def in_effect_from(self, row: PolicyDocument) -> int:
        """Also what its named values say: a password that was in the text may be all that is new."""
        of_values = row.references.aggregate(last=Max("named_value__revision"))["last"]
        return max(row.revision, of_values or 0)

    def properties(self, call: Call, row: PolicyDocument) -> dict[str, Any]:
        return {"format": _format(call), "value": row.xml}

    def create(self, call: Call, name: str, given: dict[str, Any]) -> PolicyDocument:
        if name.lower() != ID:
            raise _not_the_id(self.label)
        # None of two that only create (If-None-Match: *) writes over the other.
        only = call.request.headers.get("If-None-Match", "").strip() == "*"
        return self._save(call, given, 0 if only else None)

    def update(self, call: Call, row: PolicyDocument, given: dict[str, Any]) -> PolicyDocument:
        return self._save(call, given, call.expected)

    def _save(self, call: Call, given: dict[str, Any], revision: int | None) -> PolicyDocument:
        scope = _scope(call.parents)
        save_policy(call.actor, scope, given["value"], revision=revision)
        row = document_of(scope)
        if row is None:
            raise NotFound(f"{self.label} not found.")
        return row

    def delete(self, call: Call, row: PolicyDocument) -> int:
        """That of All APIs is always there: deleted, it becomes the one that it began with, as in the original."""
        scope = _scope(call.parents)
        if scope is None:
            return save_policy(call.actor, None, GLOBAL_DOCUMENT, revision=call.expected).revision
        return delete_policy(call.actor, scope, revision=call.expected)


def _scope(parents: tuple[Any, ...]) -> Scope:
    return cast(Scope, parents[-1]) if parents else None


def _format(call: Call) -> str:
    """The format of an answer: what PUT had, or what another request asks for."""
    if call.request.method == "PUT":
        return str(json_body(call.request)["properties"].get("format", FORMATS[0]))
    asked = call.query("format").lower() or FORMATS[0]
    if asked not in FORMATS:
        raise incorrect(Detail("format", f"Use one of: {', '.join(FORMATS)}."))
    return asked


def _not_the_id(label: str) -> ApiError:
    error = not_found(label)
    detail = Detail("policyId", f"The policy of a scope has the id '{ID}'.", error.code)
    return ApiError(HTTPStatus.NOT_FOUND, error.code, error.message, (detail,))
