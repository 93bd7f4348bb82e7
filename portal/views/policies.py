"""Policies: the policy document of All APIs, of an API, of an operation, each at an address of its own."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import NoReverseMatch

from portal.views.policy_editing import PolicyPage
from portal.views.policy_scopes import BETWEEN


class Policies(PolicyPage):
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
        of_api, between, operation_id = chosen.rpartition(BETWEEN)
        if not api_id:
            return redirect("policies")
        try:
            if not operation_id or (between and of_api != api_id):
                return redirect("policy-api", api_id)
            return redirect("policy-operation", api_id, operation_id)
        except NoReverseMatch:  # no id has a slash in it, for one
            raise Http404 from None


class PolicyApi(PolicyPage):
    """The policy of an API."""


class PolicyOperation(PolicyPage):
    """The policy of an operation."""
