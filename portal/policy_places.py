"""Where a statement stands, as a link: the page of its scope's policy document, and the line there."""

from django.urls import reverse

SCOPES = {"global": "All APIs", "api": "API", "operation": "Operation"}


def policy_url(scope: str, api_id: str, operation_id: str = "") -> str:
    """The page of a scope's document; that of the API for an operation that nobody knows."""
    if scope == "global":
        return reverse("policies")
    if scope == "operation" and operation_id:
        return reverse("policy-operation", args=[api_id, operation_id])
    return reverse("policy-api", args=[api_id])


def line_url(scope: str, line: int, api_id: str, operation_id: str = "") -> str:
    """A line of that document."""
    return f"{policy_url(scope, api_id, operation_id)}#line-{line}"
