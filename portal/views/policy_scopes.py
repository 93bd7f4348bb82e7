"""The scopes that have policies (All APIs, an API, an operation), and what all pages about one scope share."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from django.db.models import Exists, OuterRef
from django.db.models.functions import Lower
from django.urls import reverse

from gateway.changes.policies import document_of
from gateway.models import Api, Operation, PolicyDocument
from portal.views.apis import load_api
from portal.views.missing import RowView
from portal.views.operations import load_operation

MARK = "■"  # behind what has a policy of its own
BETWEEN = "/"  # between an API's id and an operation's; no id holds one


@dataclass(frozen=True, slots=True)
class Option:
    """A scope to choose."""

    value: str
    label: str
    selected: bool


@dataclass(frozen=True, slots=True)
class Scope:
    """A scope on the way from the topmost one, and the address of its policy."""

    key: str  # "global", "api" or "operation"
    kind: str  # what the trail calls it
    name: str
    url: str


class ScopeView(RowView):
    """Mix this in first for a page about the policy of one scope: that which the address names."""

    area = "policies"
    all_rows: ClassVar[tuple[str, str]] = ("policies", "All APIs")
    title = "Policies"

    @cached_property
    def api(self) -> Api | None:
        """The API that the address names, if it names one."""
        return load_api(self.kwargs["api_id"]) if "api_id" in self.kwargs else None

    @cached_property
    def operation(self) -> Operation | None:
        """The operation that the address names, if it names one."""
        if self.api is None or "operation_id" not in self.kwargs:
            return None
        return load_operation(self.api, self.kwargs["operation_id"])

    @property
    def owner(self) -> Api | Operation | None:
        """What the policy is of, as gateway.changes.policies wants it; None is All APIs."""
        return self.operation or self.api

    @property
    def scope(self) -> str:
        """The scope's name: "global", "api" or "operation"."""
        if self.operation:
            return "operation"
        return "api" if self.api else "global"

    @property
    def scope_name(self) -> str:
        """What the policy is of, as a sentence names it."""
        return f"{self.api} / {self.operation}" if self.operation else str(self.api or "All APIs")

    @cached_property
    def document(self) -> PolicyDocument | None:
        """The scope's document, None where it has no policy."""
        return document_of(self.owner)

    @cached_property
    def trail(self) -> tuple[Scope, ...]:
        """From All APIs to the scope that is shown."""
        return tuple(_trail(self.api, self.operation))

    def url(self, page: str = "", *args: object) -> str:
        """The address of the scope's policy, or of one of its pages, such as "history"."""
        ids = [row.resource_id for row in (self.api, self.operation) if row]
        if not page:
            return self.trail[-1].url
        prefix = "policy" if self.scope == "global" else f"policy-{self.scope}"
        return reverse(f"{prefix}-{page}", args=[*ids, *args])

    def instead(self) -> Scope | None:
        """The next outer scope that has a document (All APIs always has one); None for All APIs itself."""
        if self.operation is not None and document_of(self.api) is not None:
            return self.trail[1]
        return self.trail[0] if self.api else None

    def context(self) -> dict[str, Any]:
        """The context with the scope, what is around it, and the addresses of its pages."""
        inherited: dict[str, Any] = super().context()  # type: ignore[misc]
        return inherited | {
            "api": self.api,
            "operation": self.operation,
            "scope": self.scope,
            "scope_name": self.scope_name,
            "trail": self.trail,
            "outer": self.trail[-2] if len(self.trail) > 1 else None,
            "document": self.document,
            "here": self.url(),
            "history_url": self.url("history"),
            "delete_url": self.url("delete") if self.owner and self.document else None,
        }


def _trail(api: Api | None, operation: Operation | None) -> Iterator[Scope]:
    yield Scope("global", "", "All APIs", reverse("policies"))
    if api:
        yield Scope("api", "API", str(api), reverse("policy-api", args=[api.resource_id]))
    if api and operation:
        url = reverse("policy-operation", args=[api.resource_id, operation.resource_id])
        yield Scope("operation", "Operation", str(operation), url)


def scope_options(api: Api | None, operation: Operation | None) -> dict[str, Any]:
    """What the form at the top of the page chooses from: two queries, however many scopes there are."""
    return {
        "apis": _api_options(api),
        "operations": _operation_options(api, operation) if api else (),
        "mark": MARK,
    }


def _api_options(chosen: Api | None) -> list[Option]:
    marked = Exists(PolicyDocument.objects.filter(api=OuterRef("pk")))
    rows = Api.objects.annotate(marked=marked).order_by(Lower("display_name"))
    found = rows.values_list("pk", "resource_id", "display_name", "marked")
    return [
        Option(resource_id, _label(name, has_own), chosen is not None and key == chosen.pk)
        for key, resource_id, name, has_own in found
    ]


def _operation_options(api: Api, chosen: Operation | None) -> list[Option]:
    marked = Exists(PolicyDocument.objects.filter(operation=OuterRef("pk")))
    rows = api.operations.annotate(marked=marked).order_by(Lower("display_name"), "method")
    found = rows.values_list("pk", "resource_id", "display_name", "method", "url_template", "marked")
    return [
        Option(
            f"{api.resource_id}{BETWEEN}{resource_id}",
            _label(_named(name, f"{method} {template}"), has_own),
            chosen is not None and key == chosen.pk,
        )
        for key, resource_id, name, method, template, has_own in found
    ]


def _named(name: str, call: str) -> str:
    return name if name == call else f"{name} ({call})"


def _label(name: str, has_own: bool) -> str:
    return f"{name} {MARK}" if has_own else name
