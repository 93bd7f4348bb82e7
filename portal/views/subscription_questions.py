"""What is asked before something about a subscription is lost for good: a key, its use, itself."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse

from gateway.changes import subscriptions as changes
from gateway.errors import NotFound
from gateway.models.subscriptions import CANCELLED
from portal.forms.base import PortalForm
from portal.views.base import AdministratorRequired, actor_of, announce, path_to_row, safe_path
from portal.views.editing import FormPage
from portal.views.missing import NotThere
from portal.views.subscriptions import SubscriptionView


class _Question(AdministratorRequired, SubscriptionView, FormPage):
    """Asks, and does it. What cannot be done (any more) is not asked for."""

    form_class = PortalForm

    def reason_against(self) -> str:
        """Why it cannot be done with the subscription as it is, or ""."""
        raise NotImplementedError

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Ask."""
        return self._turned_away() or super().get(request, *args, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Do it."""
        return self._turned_away() or super().post(request, *args, **kwargs)

    def _turned_away(self) -> HttpResponse | None:
        reason = self.reason_against()
        if not reason:
            return None
        messages.info(self.request, reason)
        return redirect(self.its_page())

    def get_title(self) -> str:
        """The question's title."""
        return self.title

    def back(self) -> str:
        """Where it goes on: the list as the person had left it, or the subscription's page."""
        return path_to_row(self.request, self.its_page())

    def context(self) -> dict[str, Any]:
        """The context with the way back."""
        then = self.request.GET.get("then", "")
        return super().context() | {"back": safe_path(self.request, self.its_page()), "then": then}


class SubscriptionRegenerate(_Question):
    """Regenerate beside a key."""

    template_name = "portal/subscriptions/regenerate.html"
    which: changes.Which = "primary"

    @property
    def other(self) -> str:
        """The key that goes on working."""
        return "secondary" if self.which == "primary" else "primary"

    def get_title(self) -> str:
        """The question's title."""
        return f"Regenerate the {self.which} key"

    def reason_against(self) -> str:
        """See _Question."""
        row = self.subscription
        return f"“{row}” is cancelled: its keys never work again." if row.state == CANCELLED else ""

    def save(self, form: PortalForm) -> HttpResponse:
        """Replace the key; the new one is not shown until somebody asks for it."""
        row = changes.regenerate_key(actor_of(self.request), self.subscription.key, self.which)
        text = f"The {self.which} key of “{row}” was regenerated: the former one is refused."
        announce(self.request, text, row.revision)
        return redirect(self.its_page())


class SubscriptionCancel(_Question):
    """Cancel, which is final."""

    title = "Cancel subscription"
    template_name = "portal/subscriptions/cancel.html"

    def reason_against(self) -> str:
        """See _Question."""
        row = self.subscription
        return f"“{row}” is cancelled already." if row.state == CANCELLED else ""

    def save(self, form: PortalForm) -> HttpResponse:
        """Cancel it."""
        row = changes.cancel_subscription(actor_of(self.request), self.subscription.key)
        text = f"The subscription “{row}” was cancelled: its keys never work again."
        announce(self.request, text, row.revision)
        return redirect(self.back())


class SubscriptionDelete(_Question):
    """Delete, once it is cancelled: who still calls is refused before anything is gone for good."""

    title = "Delete subscription"
    template_name = "portal/subscriptions/delete.html"

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """A subscription that somebody else has deleted meanwhile is what was wanted: say so, and go on."""
        try:
            return super().post(request, *args, **kwargs)
        except (NotThere, NotFound):
            messages.info(request, "This subscription had been deleted already.")
            return redirect(self._list())

    def _list(self) -> str:
        return path_to_row(self.request, reverse("subscriptions"))

    def reason_against(self) -> str:
        """See _Question."""
        row = self.subscription
        return "" if row.state == CANCELLED else f"“{row}” is not cancelled. Cancel it before you delete it."

    def save(self, form: PortalForm) -> HttpResponse:
        """Delete it and return to the list."""
        row = self.subscription
        revision = changes.delete_subscription(actor_of(self.request), row.key)
        announce(self.request, f"The subscription “{row}” was deleted.", revision)
        return redirect(self._list())
