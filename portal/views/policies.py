"""Policies: the policy document of All APIs, of an API, of an operation, as it is written."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db.models import Exists, OuterRef
from django.db.models.functions import Lower
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import NoReverseMatch, reverse

from gateway.changes.policies import document_of
from gateway.models import Api, Operation, PolicyDocument
from portal.policy_lines import shown
from portal.views.apis import load_api
from portal.views.base import Page
from portal.views.missing import RowView
from portal.views.operations import load_operation

MARK = "■"  # behind what has a policy of its own
_BETWEEN = "/"  # no id holds one


@dataclass(frozen=True, slots=True)
class Option:
    """A scope to choose."""

    value: str
    label: str
    selected: bool


@dataclass(frozen=True, slots=True)
class Scope:
    """A scope on the way from the topmost one, and the address of its policy."""

    kind: str
    name: str
    url: str


class _PolicyPage(RowView, Page):
    """The policy of one scope."""

    area = "policies"
    all_rows = ("policies", "All APIs")
    title = "Policies"
    template_name = "portal/policies/policies.html"

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

    def context(self) -> dict[str, Any]:
        """The document of the scope, or what applies where there is none; and the other scopes."""
        trail = _trail(self.api, self.operation)
        document = document_of(self.operation or self.api)
        return super().context() | {
            "api": self.api,
            "operation": self.operation,
            "trail": trail,
            "outer": trail[-2] if len(trail) > 1 else None,
            "document": document,
            "shown": shown(document) if document else None,
            "instead": None if document else self._instead(trail),
            "apis": _api_options(self.api),
            "operations": _operation_options(self.api, self.operation) if self.api else (),
            "mark": MARK,
        }

    def _instead(self, trail: tuple[Scope, ...]) -> Scope:
        """The next outer scope that has a document: All APIs always has one."""
        has_own = self.operation is not None and document_of(self.api) is not None
        return trail[1] if has_own else trail[0]


class Policies(_PolicyPage):
    """The policy of All APIs, and the form that leads to the other scopes."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Show it, or go to the address of the scope that was chosen."""
        if "api" in request.GET or "operation" in request.GET:
            return self._go(request.GET.get("api", ""), request.GET.get("operation", ""))
        return super().get(request, *args, **kwargs)

    def _go(self, api_id: str, chosen: str) -> HttpResponse:
        """`chosen` is an operation's id, behind that of its API if it was chosen in the form.

        There the API may have been changed since; then the operation of the API before is not meant.
        """
        of_api, between, operation_id = chosen.rpartition(_BETWEEN)
        if not api_id:
            return redirect("policies")
        try:
            if not operation_id or (between and of_api != api_id):
                return redirect("policy-api", api_id)
            return redirect("policy-operation", api_id, operation_id)
        except NoReverseMatch:  # no id has a slash in it, for one
            raise Http404 from None


class PolicyApi(_PolicyPage):
    """The policy of an API."""


class PolicyOperation(_PolicyPage):
    """The policy of an operation."""


def _trail(api: Api | None, operation: Operation | None) -> tuple[Scope, ...]:
    """From All APIs to the scope that is shown."""
    trail = [Scope("", "All APIs", reverse("policies"))]
    if api:
        trail.append(Scope("API", str(api), reverse("policy-api", args=[api.resource_id])))
    if api and operation:
        url = reverse("policy-operation", args=[api.resource_id, operation.resource_id])
        trail.append(Scope("Operation", str(operation), url))
    return tuple(trail)


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
            f"{api.resource_id}{_BETWEEN}{resource_id}",
            _label(_named(name, f"{method} {template}"), has_own),
            chosen is not None and key == chosen.pk,
        )
        for key, resource_id, name, method, template, has_own in found
    ]


def _named(name: str, call: str) -> str:
    return name if name == call else f"{name} ({call})"


def _label(name: str, has_own: bool) -> str:
    return f"{name} {MARK}" if has_own else name
