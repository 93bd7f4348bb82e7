"""Subscriptions: the list, Add subscription, Edit, and the page of each, which shows its keys when it is asked to.

A page of one subscription: `class X(SubscriptionView, Page)` (or FormPage), with `self.subscription`. Keys are in
the answer to Show and nowhere else: no form has a field for them, no message names them.
"""

from functools import cached_property
from typing import Any, ClassVar

from django.contrib import messages
from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Coalesce, Lower
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect
from django.urls import reverse

from gateway.changes import subscriptions as changes
from gateway.errors import Invalid
from gateway.models import Api, Subscription
from gateway.models.subscriptions import STATES
from portal.api_choice import api_options
from portal.forms.base import PortalForm
from portal.forms.subscriptions import ALL_APIS, NewSubscriptionForm, SubscriptionForm
from portal.unsaved import posted
from portal.views.apis import disabled_for_readers
from portal.views.base import AdministratorRequired, Page, actor_of, announce, safe_path, uuid_or_none
from portal.views.editing import Conflict, FormPage, put_back
from portal.views.lists import Choice, Column, Filter, ListPage, anchor_of, beside
from portal.views.missing import NotThere, RowView

AREA = "subscriptions"

# --- the list -----------------------------------------------------------------------------------------------------
_STATE = Filter("state", "State", tuple(Choice(state, label, Q(state=state)) for state, label in STATES))
_SCOPE = Filter(
    "scope",
    "Scope",
    (
        Choice("all", "For all APIs", Q(api__isnull=True)),
        Choice("one", "For one API", Q(api__isnull=False)),
    ),
)


class Subscriptions(ListPage):
    """The subscriptions. With `api` in the address, those whose keys let a call of that API in."""

    area = AREA
    title = "Subscriptions"
    template_name = "portal/subscriptions/list.html"
    search_label = "Search name, owner, id or API"
    columns = (
        Column("name", "Name", Lower("display_name")),
        Column("owner", "Owner", Lower("owner")),
        Column("scope", "Scope", Coalesce(Lower("api__display_name"), Value(""))),
        Column("state", "State", "state"),
        Column("keys", "Keys"),
        Column("actions", "", css="end"),
    )
    then_by = ("display_name",)
    search_fields = ("display_name", "owner", "resource_id", "api__display_name", "api__resource_id")

    def queryset(self) -> QuerySet[Subscription]:
        """All of them, without their keys, with the APIs that they are for."""
        rows = Subscription.objects.select_related("api")
        return rows.defer("sealed_primary_key", "sealed_secondary_key")

    @cached_property
    def api(self) -> Api | None:
        """The API that the address names, if it names one."""
        return _api_named(self.request)

    def get_filters(self) -> tuple[Filter, ...]:
        """By state and scope, and by the API of the address."""
        if self.api is None:
            return _STATE, _SCOPE
        covers = Q(api=self.api) | Q(api__isnull=True)
        choice = Choice(self.request.GET["api"], str(self.api), covers)
        return _STATE, _SCOPE, Filter("api", "Lets in calls of", (choice,))

    def context(self) -> dict[str, Any]:
        """The context with the API whose subscriptions are listed."""
        return super().context() | {"api": self.api}

    def rows(self, page: list[Any]) -> list[Any]:
        """Each subscription with the ids of its row and of the one beside it."""
        return [
            {"subscription": row, "anchor": anchor_of(row), "then": anchor_of(neighbour)}
            for row, neighbour in zip(page, beside(page), strict=True)
        ]


def _api_named(request: HttpRequest) -> Api | None:
    """The API whose id is the address's parameter `api`."""
    name = request.GET.get("api", "").replace("\0", "")
    return Api.objects.filter(resource_id__iexact=name).first() if name else None


# --- what pages of one subscription share -------------------------------------------------------------------------
class SubscriptionView(RowView):
    """Mix this in first for a page of one subscription, whose address has `subscription_id`."""

    area = AREA
    all_rows = ("subscriptions", "All subscriptions")

    @cached_property
    def subscription(self) -> Subscription:
        """The subscription that the address names, without regard to case. Raises NotThere."""
        resource_id = self.kwargs["subscription_id"]
        rows = Subscription.objects.select_related("api")
        row = rows.filter(resource_id__iexact=resource_id).first()
        if row is None:
            route, label = self.all_rows
            message = f"There is no subscription with the id “{resource_id}”. Somebody may have deleted it."
            raise NotThere(message, reverse(route), label)
        return row

    def its_page(self) -> str:
        """The address of the subscription's page."""
        return reverse("subscription", args=[self.subscription.resource_id])

    def get_title(self) -> str:
        """The title of the pages of a subscription."""
        return f"Subscriptions - {self.subscription}"

    def context(self) -> dict[str, Any]:
        """The context with the subscription and the way back to the list."""
        inherited: dict[str, Any] = super().context()  # type: ignore[misc]
        breadcrumb = (("Subscriptions", reverse("subscriptions")),)
        return inherited | {"subscription": self.subscription, "breadcrumb": breadcrumb}


# --- add and edit -------------------------------------------------------------------------------------------------
class _SubscriptionForm(FormPage):
    """What the two forms share: with more APIs than a drop-down holds there is a search in them."""

    def form_options(self) -> dict[str, Any]:
        """The APIs to choose from; the one that is chosen is always among them."""
        sent = self.request.POST
        chosen = [str(self.initial().get("api", "")), sent.get("api", "")]
        return {
            "offered": api_options(sent.get("search", ""), [key for c in chosen if (key := uuid_or_none(c))])
        }

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Save; or look APIs up, without losing what was entered."""
        query = request.POST.get("search", "")
        if "find" not in request.POST and query == request.POST.get("searched", ""):
            return super().post(request, *args, **kwargs)
        form = self.build_form()
        put_back(form, posted(request, form.fields_to_keep()))
        form.initial["searched"] = query
        if "search" in form.fields:
            form.fields["search"].widget.attrs["autofocus"] = True
        return self.page(form=form)


class SubscriptionAdd(AdministratorRequired, _SubscriptionForm):
    """Add subscription."""

    area = AREA
    title = "Add subscription"
    template_name = "portal/subscriptions/add.html"
    form_class = NewSubscriptionForm

    def initial(self) -> dict[str, Any]:
        """For the API that the address names, otherwise for all of them."""
        api = _api_named(self.request)
        return {"api": str(api.pk) if api else ALL_APIS}

    def context(self) -> dict[str, Any]:
        """The context with the way back."""
        back = safe_path(self.request, reverse("subscriptions"))
        return super().context() | {
            "breadcrumb": (("Subscriptions", reverse("subscriptions")),),
            "back": back,
        }

    def save(self, form: NewSubscriptionForm) -> HttpResponse:
        """Add it and show its page, from where its keys can be shown."""
        row = changes.create_subscription(actor_of(self.request), **form.values())
        announce(self.request, f"New subscription “{row}” was successfully saved.", row.revision)
        return redirect("subscription", row.resource_id)


class SubscriptionEdit(SubscriptionView, _SubscriptionForm):
    """What is known of a subscription, except its state and its keys."""

    template_name = "portal/subscriptions/edit.html"
    form_class = SubscriptionForm

    def initial(self) -> dict[str, Any]:
        """The subscription as it is."""
        row = self.subscription
        names = ("display_name", "owner", "allow_tracing", "revision")
        return {name: getattr(row, name) for name in names} | {"api": str(row.api_id or ALL_APIS)}

    def build_form(self, data: QueryDict | None = None) -> PortalForm:
        """The form, which Readers cannot fill in."""
        return disabled_for_readers(super().build_form(data), self.request)

    def conflict(self, form: PortalForm, revision: int) -> Conflict:
        """Compare with what is there now, not with what was there when this request began."""
        self.__dict__.pop("subscription", None)
        return super().conflict(form, revision)

    def context(self) -> dict[str, Any]:
        """The context with where Cancel leads."""
        return super().context() | {"back": safe_path(self.request, self.its_page())}

    def save(self, form: SubscriptionForm) -> HttpResponse:
        """Save it and go back to where the person came from."""
        actor, revision = actor_of(self.request), form.expected_revision()
        row = changes.update_subscription(actor, self.subscription.key, revision=revision, **form.values())
        announce(self.request, f"The subscription “{row}” was saved.", row.revision)
        return redirect(safe_path(self.request, self.its_page()))


# --- one subscription ---------------------------------------------------------------------------------------------
class SubscriptionPage(SubscriptionView, Page):
    """What is known of a subscription, its keys masked, and what can be done with it."""

    template_name = "portal/subscriptions/subscription.html"


class SubscriptionKeys(SubscriptionPage):
    """The same page with both keys, in answer to a POST alone. That somebody has seen them is recorded."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show the page without them: an address that shows keys could be followed by mistake."""
        return redirect(self.its_page())

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show them."""
        try:
            keys = changes.reveal_keys(actor_of(request), self.subscription.key)
        except Invalid as error:
            messages.error(request, f"{error.message} Regenerate both keys to have some that work.")
            return redirect(self.its_page())
        return self.page(keys=keys)


class _StateChange(SubscriptionView):
    """A button that changes the state at once: nothing is lost, and it can be taken back."""

    done: ClassVar[str]

    def change(self, row: Subscription) -> Subscription:
        """Make the change. Raises Invalid and NotFound."""
        raise NotImplementedError

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show the subscription: somebody who had to sign in again comes back with GET."""
        return redirect(self.its_page())

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Make the change and show the subscription."""
        try:
            row = self.change(self.subscription)
        except Invalid as error:
            messages.warning(request, error.message)
        else:
            announce(request, f"The subscription “{row}” {self.done}", row.revision)
        return redirect(self.its_page())


class SubscriptionSuspend(_StateChange):
    """Suspend."""

    done = "was suspended: calls with its keys are refused."

    def change(self, row: Subscription) -> Subscription:
        """See _StateChange."""
        return changes.suspend_subscription(actor_of(self.request), row.key)


class SubscriptionActivate(_StateChange):
    """Activate."""

    done = "was activated: its keys let calls in again."

    def change(self, row: Subscription) -> Subscription:
        """See _StateChange."""
        return changes.activate_subscription(actor_of(self.request), row.key)
