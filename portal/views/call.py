"""What happens to a call: what a gateway would do with it, worked out by what gateways run."""

from functools import cached_property
from typing import Any

from django.db.models import Q
from django.urls import reverse

from gateway import publish
from gateway.embedded.explain import explain
from gateway.embedded.state import build
from gateway.engine_settings import engine_settings
from gateway.models import Api, Operation, Subscription
from gateway.models.subscriptions import ACTIVE
from portal.explained import Told, told
from portal.forms.call import CallForm
from portal.gateway_urls import api_at, example_target, gateway_bases, public_urls
from portal.views.apis import ApiView
from portal.views.base import Page
from portal.views.operations import load_operation


class ApiCall(ApiView, Page):
    """A call of an API, to begin with one of its first GET operation."""

    tab = "What happens to a call"
    template_name = "portal/call/call.html"

    def context(self) -> dict[str, Any]:
        """The form, and the explanation if the form is in order."""
        form = CallForm(self._data(), suffix=self.api.suffix)
        urls = public_urls(self.api, gateway_bases(self.request))
        elsewhere = self._elsewhere(form.request_target) if form.is_valid() else None
        return super().context() | {
            "form": form,
            "operation": self.operation,
            "base_url": urls[0] if urls else f"/{self.api.suffix}",
            "elsewhere": elsewhere,
            "told": self._told(form) if form.is_valid() and not elsewhere else None,
            "subscriptions_count": self._subscriptions_count(),
        }

    @cached_property
    def operation(self) -> Operation | None:
        """The operation that the page belongs to."""
        return None

    def _data(self) -> dict[str, str]:
        """What the address says of the call; what it does not say is taken from an operation."""
        first = self.operation or first_operation(self.api)
        method, target = (first.method, example_target(first.url_template)) if first else ("GET", "/")
        return {"method": method, "target": target, **self.request.GET.dict()}

    def _elsewhere(self, target: str) -> Api | None:
        """Another API whose suffix is longer, and which therefore gets the call."""
        found = api_at(target)
        return None if found is None or found == self.api else found

    def _told(self, form: CallForm) -> Told:
        values = form.cleaned_data
        state = build(publish.around("default", str(self.api.key)))
        explanation = explain(
            state,
            values["method"],
            form.request_target,
            values["headers"],
            values["address"],
            engine_settings(),
        )
        return told(explanation, self.api)

    def _subscriptions_count(self) -> int:
        covers = Q(api=self.api) | Q(api__isnull=True)
        return Subscription.objects.filter(covers, state=ACTIVE).count()


def first_operation(api: Api) -> Operation | None:
    """An operation to begin with: a GET if there is one."""
    operations = api.operations.order_by("url_template", "display_name")
    return operations.filter(method="GET").first() or operations.first()


class OperationCall(ApiCall):
    """A call of an operation, to begin with one that its URL template fits."""

    @cached_property
    def operation(self) -> Operation | None:
        """The operation that the address names."""
        return load_operation(self.api, self.kwargs["operation_id"])

    def context(self) -> dict[str, Any]:
        """The context with the way back to the operation."""
        context = super().context()
        api, operation = self.api.resource_id, self.operation
        assert operation is not None  # noqa: S101 (load_operation raises)
        edit = (str(operation), reverse("operation-edit", args=[api, operation.resource_id]))
        return context | {"breadcrumb": (*context["breadcrumb"], edit)}
