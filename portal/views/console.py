"""The console: a call of an operation, put together in a form and sent through the gateway.

Nothing of it needs a role beyond looking: it is what any caller may do. Only the keys of subscriptions do; see
gateway.changes.subscriptions.use_key.
"""

from functools import cached_property
from typing import Any

from csp.decorators import csp_update
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.decorators import method_decorator

from gateway.changes.subscriptions import NO_LONGER_IN, reveal_keys, use_key
from gateway.errors import Invalid, NotFound
from gateway.models import Api, Operation
from gateway.records import live_gateways
from portal import kept_forms
from portal.console import memory
from portal.console.calling import Called, call
from portal.console.exchange import WITH_BODY
from portal.console.keys import KeyChoice, key_choice
from portal.console.request import Shown, shown_request
from portal.forms.console import NO_KEY, OWN_KEY, ConsoleForm
from portal.gateway_urls import LABELS, SCHEMES, gateway_bases, why_not_offered
from portal.operation_choice import operation_options
from portal.roles import may_change
from portal.views.apis import ApiView
from portal.views.base import Page, actor_of
from portal.views.call import first_operation
from portal.views.editing import FormPage, take_back
from portal.views.operations import load_operation

_LEFT_OUT = "left out"  # beside the fields of a form that was kept


class ConsoleView(ApiView, FormPage):
    """What the pages of the console share. `operation` is the one to call."""

    tab = "Console"
    template_name = "portal/console/console.html"
    form_class = ConsoleForm
    readers_may_post = True
    error_names = {"keys": "key"}

    @cached_property
    def operation(self) -> Operation:
        """The operation that the address names."""
        operation = load_operation(self.api, self.kwargs["operation_id"])
        operation.api = self.api
        return operation

    @cached_property
    def keys(self) -> KeyChoice:
        """The subscriptions to choose from."""
        return key_choice(self.api)

    @cached_property
    def bases(self) -> dict[str, str]:
        """The gateway's addresses for the schemes that the API takes; https first."""
        takes = {"http": self.api.http, "https": self.api.https}
        found = gateway_bases(self.request)
        return {scheme: found[scheme] for scheme in SCHEMES if takes[scheme] and scheme in found}

    def form_options(self) -> dict[str, Any]:
        """What there is to choose."""
        may_use = may_change(self.request.user)
        schemes = tuple(self.bases)
        return {"operation": self.operation, "schemes": schemes, "keys": self.keys, "may_use": may_use}

    def initial(self) -> dict[str, Any]:
        """What was sent last, or a call to begin with."""
        kept = memory.remembered(self.request, self.operation.key)
        start = {"content_type": "application/json", "scheme": next(iter(self.bases), ""), **self._key()}
        return {**start, "trace": False, **self._offered_still(kept[0])} if kept else start

    def _offered_still(self, entered: memory.Entered) -> memory.Entered:
        """Without a subscription that is gone, or that this person may not use any more."""
        rows = self.keys.shown if may_change(self.request.user) else ()
        offered = {NO_KEY, OWN_KEY, *(str(row.key) for row in rows)}
        return {name: value for name, value in entered.items() if name != "key" or value in offered}

    def _key(self) -> dict[str, Any]:
        """The subscription to begin with, and whether to trace."""
        if may_change(self.request.user) and self.keys.shown:
            first = self.keys.shown[0]
            return {"key": str(first.key), "trace": first.allow_tracing}
        return {"key": OWN_KEY if self.api.subscription_required else NO_KEY, "trace": False}

    def context(self) -> dict[str, Any]:
        """The context with the subscriptions to choose from."""
        return super().context() | {"keys": self.keys}

    def shown(self, form: ConsoleForm, *, key: str = "") -> Shown:
        """A checked form as text, with a key if it is given."""
        base = self.bases.get(form.cleaned_data.get("scheme", ""), next(iter(self.bases.values()), ""))
        return shown_request(base, form.request(key), keyed=form.carries_key and not key)

    def checked(self, form: ConsoleForm) -> ConsoleForm:
        """A form that was filled in by ourselves, as if it had been sent."""
        if not form.is_bound:
            data = QueryDict(mutable=True)
            for name, field in form.fields.items():
                if (value := form.get_initial_for_field(field, name)) not in (None, False, ""):
                    data[name] = str(value)
            form = ConsoleForm(data, **self.form_options())
        form.is_valid()
        return form


# For the image that an answer may be. On the page of the form, too: with scripts the answer is put into that.
@method_decorator(csp_update({"img-src": ["data:"]}), name="dispatch")
class OperationConsole(ConsoleView):
    """The console of an operation: the form, and in answer to a POST what came of the call."""

    def context(self) -> dict[str, Any]:
        """What is the same whatever was entered."""
        offered = operation_options(self.api)
        return super().context() | console_context(self) | {"offered": offered}

    def page(self, *, status: int = 200, **context: Any) -> TemplateResponse:
        """The page with the text of the call that the form holds."""
        checked = self.checked(context["form"])
        text = {"shown": self.shown(checked), "missing": labels_of_errors(checked)}
        return super().page(status=status, **{**text, **context})

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Show the form, as it was sent last."""
        form = self.build_form()
        back = take_back(request, form)
        return self.page(form=form, kept=None if back else self._kept(), not_back=back.get(_LEFT_OUT, []))

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Send; or start afresh, or show the key."""
        if "afresh" in request.POST:
            memory.forget(request, self.operation.key)
            return redirect("operation-console", self.api.resource_id, self.operation.resource_id)
        return super().post(request, *args, **kwargs)

    def save(self, form: ConsoleForm) -> HttpResponse:
        """Send the call and show what came of it; nothing is saved but the request, in the session."""
        if "show_key" in self.request.POST:
            return self._with_key(form)
        called = self._called(form)
        chosen = self.keys.get(form.subscription_key) if form.subscription_key else None
        silent = chosen if chosen and not chosen.allow_tracing else None
        return self.page(form=form, called=called, kept=self._kept(), silent=silent)

    def _kept(self) -> tuple[memory.Entered, list[str]] | None:
        return memory.remembered(self.request, self.operation.key)

    def _with_key(self, form: ConsoleForm) -> HttpResponse:
        chosen = form.subscription_key
        if chosen is None:
            raise Invalid({"key": "Choose the subscription whose key is to be shown."})
        try:
            key = reveal_keys(actor_of(self.request), chosen).primary
        except NotFound:
            raise Invalid({"key": NO_LONGER_IN}) from None
        return self.page(form=form, shown=self.shown(form, key=key), key_shown=True)

    def _called(self, form: ConsoleForm) -> Called:
        chosen = form.subscription_key
        actor = actor_of(self.request)
        key = use_key(actor, chosen, self.operation) if chosen else form.cleaned_data["own_key"]
        memory.remember(self.request, self.operation.key, self.request.POST.dict())
        traced = bool(form.cleaned_data["trace"])
        base = self.bases[form.cleaned_data["scheme"]]
        return call(base, self.operation, form.request(key if form.carries_key else ""), traced=traced)

    def posted_to_keep(self) -> kept_forms.Fields:
        """All but what may be a secret; and what that was, by name."""
        kept, left_out = memory.without_secrets(self.request.POST.dict(), kept_forms.MOST_CHARACTERS)
        return {_LEFT_OUT: left_out, **{name: [value] for name, value in kept.items()}}


class ConsolePreview(ConsoleView):
    """The text of a call while it is typed. Nothing is sent anywhere."""

    template_name = "portal/console/request.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """The page of the form: somebody who had to sign in again comes back with GET."""
        return redirect("operation-console", self.api.resource_id, self.operation.resource_id)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """The text of what is in order."""
        form: Any = self.build_form(request.POST)
        form.is_valid()
        return self.page(shown=self.shown(form), missing=labels_of_errors(form))

    def posted_to_keep(self) -> kept_forms.Fields:
        """Nothing: nobody sent it."""
        return {}


class ApiConsole(ApiView, Page):
    """The Console tab: the operation that was called last, or the first GET; of many one is chosen first."""

    tab = "Console"
    template_name = "portal/console/choose.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Lead to an operation, or offer what there is."""
        if chosen := request.GET.get("operation", "").replace("\0", ""):
            operation = load_operation(self.api, chosen)
        else:
            first = self._called_last() or (None if self.offered.searchable else first_operation(self.api))
            if first is None:
                return self.page()
            operation = first
        return redirect("operation-console", self.api.resource_id, operation.resource_id)

    def _called_last(self) -> Operation | None:
        """Where somebody goes on who comes back from mending what a call failed of."""
        keys = [] if "q" in self.request.GET else memory.newest(self.request)
        found = {row.key: row for row in self.api.operations.filter(key__in=keys)} if keys else {}
        return next((found[key] for key in keys if key in found), None)

    @cached_property
    def offered(self) -> Any:
        """The operations to choose from, or those that a search found."""
        return operation_options(self.api, self.request.GET.get("q", ""))

    def context(self) -> dict[str, Any]:
        """The operations, each with the address of its console."""
        api = self.api.resource_id
        found = [
            (option.label, reverse("operation-console", args=[api, option.key]))
            for option in self.offered.options
        ]
        return super().context() | {"offered": self.offered, "found": found}


def console_context(view: ConsoleView) -> dict[str, Any]:
    """What the page of a console says beside the form."""
    return {
        "operation": view.operation,
        "body_expected": view.operation.method in WITH_BODY,
        "unreachable": "" if view.bases else _unreachable(view.api, gateway_bases(view.request)),
        "no_gateway": not live_gateways(),
        "tracing_of": view.keys.shown[0] if view.keys.shown and not view.keys.traceable else None,
    }


def labels_of_errors(form: ConsoleForm) -> list[str]:
    """The fields that keep the text from being complete: it does without a key."""
    names = [name for name in form.errors if name in form.fields and name != "own_key"]
    return [str(form.fields[name].label) for name in names]


def _unreachable(api: Api, bases: dict[str, str]) -> str:
    missing = next(scheme for scheme in SCHEMES if scheme not in bases)
    return f"This API cannot be called: it takes {LABELS[missing]} only, and {why_not_offered(missing)}."
