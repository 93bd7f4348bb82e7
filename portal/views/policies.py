"""Policies: the policy document of All APIs, of an API, of an operation, and the editor that writes it."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch

from portal import kept_forms
from portal.forms.policies import PolicyForm
from portal.policy_lines import shown, shown_draft
from portal.policy_statements import NEW_POLICY, catalogue, completions, listed_statements
from portal.roles import may_change
from portal.views.editing import BACK_MESSAGE, FormPage, put_back
from portal.views.policy_scopes import BETWEEN, ScopeView, scope_options


class PolicyPage(ScopeView, FormPage):
    """The policy of one scope: to Readers as it is written, to administrators in an editor."""

    template_name = "portal/policies/policies.html"
    form_class = PolicyForm

    # --- the form ---------------------------------------------------------------------------------------------
    def initial(self) -> dict[str, Any]:
        """The document, or what a new one begins with."""
        if self.document is None:
            return {"xml": NEW_POLICY, "revision": 0}
        return {"xml": self.document.xml, "revision": self.document.revision}

    def form_options(self) -> dict[str, Any]:
        """The saved text, whose line endings the posted one gets."""
        return {"saved": self.document.xml if self.document else ""}

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Show the document, or the editor for a new one, or what was kept when the session had ended."""
        form = self.build_form()
        kept = kept_forms.take(request)
        if kept:
            messages.warning(request, BACK_MESSAGE)
            put_back(form, kept)
        return self.page(form=form, opened=bool(kept) or "add" in request.GET)

    # --- what is shown ----------------------------------------------------------------------------------------
    def page(self, *, status: int = 200, **context: Any) -> TemplateResponse:
        """The page, with an editor where there is something to edit and somebody who may."""
        opened = self.request.method == "POST" or self.document is not None or context.get("opened")
        if opened and may_change(self.request.user):
            return super().page(status=status, **self._editor(context), **context)
        seen = {
            "shown": shown(self.document) if self.document else None,
            "instead": self.instead() if self.document is None else None,
        }
        return super().page(status=status, **seen, **context)

    def _editor(self, context: dict[str, Any]) -> dict[str, Any]:
        text, known = context["form"]["xml"].value() or "", catalogue()
        saved = self.document is not None and text == self.document.xml
        lines = shown(self.document) if saved and self.document else shown_draft(text)
        return {
            "editing": True,
            "shown": lines,
            "statements": listed_statements(known, self.scope),
            "completion": completions(known),
        }

    def context(self) -> dict[str, Any]:
        """The context with the other scopes."""
        return super().context() | scope_options(self.api, self.operation)


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
