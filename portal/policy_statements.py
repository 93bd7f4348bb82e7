"""What the policy editor offers: the statements with their snippets, the words it completes, a new document."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.models import BackEnd, Certificate, NamedValue
from gateway.policies.documents import NEW_DOCUMENT

MOST_COMPLETIONS = 500  # of certificates, of named values and of back ends

_SCOPE_WORDS = {"global": "All APIs", "api": "an API", "operation": "an operation"}

NEW_POLICY = f"""\
<!--
    IMPORTANT:
    - Statements stand inside a section: <inbound>, <backend> or <outbound>.
    - <base /> is the place where the policy of the outer scopes takes effect. Without it, theirs does not apply.
    - <inbound> is for the call on its way from the caller to the web service.
    - <backend> says how the web service is called; without <forward-request /> it is not called at all.
    - <outbound> is for the answer on its way back to the caller.
    - Statements take effect in the order in which they stand.

    To ADD a policy, choose its statement in the list beside the document and put it where it is to take effect.
    To REMOVE a policy, delete its statement.
    To RE-ORDER policies, move their statements.
-->
{NEW_DOCUMENT}"""


@dataclass(frozen=True, slots=True)
class Listed:
    """A statement in the list beside the editor. `why_not` says why it is of no use at this scope, or ""."""

    title: str
    element: str
    summary: str
    snippet: str
    sections: str
    why_not: str


def listed_statements(catalogue: Iterable[Mapping[str, Any]], scope: str) -> list[Listed]:
    """The statements in their order, for a document of that scope ("global", "api" or "operation")."""
    return [
        Listed(
            entry["title"],
            entry["element"],
            entry["summary"],
            entry["snippet"],
            ", ".join(entry["sections"]),
            "" if scope in entry["scopes"] else _why_not(entry),
        )
        for entry in catalogue
    ]


def _why_not(entry: Mapping[str, Any]) -> str:
    scopes = " or ".join(_SCOPE_WORDS[scope] for scope in entry["scopes"])
    return f"Not here: only in the policy of {scopes}."


def completions(catalogue: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """What the editor completes. Three queries; no value of a named value is among it."""
    certificates = Certificate.objects.order_by("resource_id")
    named_values = NamedValue.objects.order_by("resource_id")
    found = certificates.values_list("resource_id", "current__subject", "current__thumbprint")
    return {
        "statements": list(map(_with_back_ends(), catalogue)),
        "certificates": [
            {"id": name, "subject": subject or "", "thumbprint": thumbprint or ""}
            for name, subject, thumbprint in found[:MOST_COMPLETIONS]
        ],
        "namedValues": [
            {"name": name, "secret": secret}
            for name, secret in named_values.values_list("resource_id", "secret")[:MOST_COMPLETIONS]
        ],
    }


def _with_back_ends() -> Callable[[Mapping[str, Any]], Mapping[str, Any]]:
    """What adds the ids of back ends to the statement that takes one, as the values that its attribute may have."""
    rows = BackEnd.objects.order_by("resource_id")
    choices = {"backend-id": list(rows.values_list("resource_id", flat=True)[:MOST_COMPLETIONS])}

    def added(entry: Mapping[str, Any]) -> Mapping[str, Any]:
        takes_one = "backend-id" in entry["optional"]
        return {**entry, "choices": {**entry["choices"], **choices}} if takes_one else entry

    return added
