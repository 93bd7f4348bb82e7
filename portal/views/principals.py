"""Principals of the management REST API: Add, Edit, Delete, and their keys, each shown once when it is made."""

from functools import cached_property
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse

from gateway.changes import principals as changes
from gateway.errors import Invalid, NotFound
from gateway.models import Principal
from portal.forms.base import PortalForm, RevisionForm
from portal.forms.management import KeyForm, NewPrincipalForm, PrincipalForm
from portal.views.base import AdministratorRequired, actor_of
from portal.views.certificate_pages import AREA
from portal.views.editing import Conflict, FormPage
from portal.views.management_api import TAB
from portal.views.missing import NotThere, RowView


class _OnTheTab(AdministratorRequired, FormPage):
    """A page that leads back to the tab."""

    area = AREA

    def context(self) -> dict[str, Any]:
        """The context with the way back."""
        return super().context() | {"back": reverse("management-api")}

    def key_page(self, row: Principal, which: changes.Which, key: str) -> HttpResponse:
        """The answer that shows a key, the only one that ever does."""
        query = urlencode({"identifier": row.key, "which": which})
        self.template_name = "portal/management/key.html"
        return self.page(
            title=f"The {which} key of {row}",
            principal=row,
            made_key=key,
            token_url=f"{reverse('management-api')}?{query}#token",
        )


class PrincipalAdd(_OnTheTab):
    """Add principal, with its primary key."""

    title = "Add principal"
    template_name = "portal/management/add.html"
    form_class = NewPrincipalForm

    def save(self, form: NewPrincipalForm) -> HttpResponse:
        """Add it, make its key and show that."""
        row, key = changes.create_principal_with_key(actor_of(self.request), **form.values())
        return self.key_page(row, "primary", key)


class PrincipalView(RowView):
    """Mix this in first for a page of one principal."""

    area = AREA
    all_rows: ClassVar[tuple[str, str]] = ("management-api", TAB)

    @cached_property
    def principal(self) -> Principal:
        """The principal that the address names. Raises NotThere."""
        try:
            return changes.get_principal(self.kwargs["key"])
        except NotFound:
            message = "There is no such principal. Somebody may have deleted it."
            raise NotThere(message, reverse("management-api"), TAB) from None

    def context(self) -> dict[str, Any]:
        """The context with the principal."""
        inherited: dict[str, Any] = super().context()  # type: ignore[misc]
        return inherited | {"principal": self.principal}

    def initial(self) -> dict[str, Any]:
        """What the question is about."""
        return {"role": self.principal.role, "revision": self.principal.revision}


class PrincipalEdit(PrincipalView, _OnTheTab):
    """Edit: the role."""

    title = "Edit principal"
    template_name = "portal/management/edit.html"
    form_class = PrincipalForm

    def conflict(self, form: PortalForm, revision: int) -> Conflict:
        """Compare with what is there now."""
        self.__dict__.pop("principal", None)
        return super().conflict(form, revision)

    def save(self, form: PrincipalForm) -> HttpResponse:
        """Save it."""
        actor, revision = actor_of(self.request), form.expected_revision()
        row = changes.set_role(actor, self.principal.key, revision=revision, **form.values())
        messages.success(self.request, f"“{row}” is a {row.role} from its next request on.")
        return redirect("management-api")


class _Question(PrincipalView, _OnTheTab):
    """Asks, and does it, unless the principal was changed since it was asked."""

    form_class: type[PortalForm] = RevisionForm
    which: changes.Which = "primary"

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Do it."""
        try:
            return super().post(request, *args, **kwargs)
        except Invalid as error:
            messages.warning(request, error.message)
        return redirect("management-api")

    def conflict(self, form: PortalForm, revision: int) -> Conflict:
        """Nothing is saved over: whoever sees what it has become may ask again."""
        raise Invalid(
            {
                "revision": f"“{self.principal}” has been changed meanwhile. Nothing was done: look at it again."
            }
        )


class PrincipalRegenerate(_Question):
    """Make, or Regenerate, beside a key."""

    template_name = "portal/management/regenerate.html"
    form_class = KeyForm

    def get_title(self) -> str:
        """The question's title."""
        return f"{'Regenerate' if self.is_made else 'Make'} the {self.which} key"

    @property
    def is_made(self) -> bool:
        """Whether there is such a key, which it takes the place of."""
        return getattr(self.principal, f"{self.which}_made_at") is not None

    def save(self, form: KeyForm) -> HttpResponse:
        """Make the key and show it."""
        actor, expires_at = actor_of(self.request), form.values()["expires_at"]
        key = changes.regenerate_key(
            actor, self.principal.key, self.which, expires_at=expires_at, revision=form.expected_revision()
        )
        return self.key_page(self.principal, self.which, key)


class PrincipalRevoke(_Question):
    """Revoke, beside a key."""

    template_name = "portal/management/revoke.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Ask, if there is such a key."""
        if getattr(self.principal, f"{self.which}_made_at"):
            return super().get(request, *args, **kwargs)
        messages.info(request, f"“{self.principal}” has no {self.which} key.")
        return redirect("management-api")

    def get_title(self) -> str:
        """The question's title."""
        return f"Revoke the {self.which} key"

    def save(self, form: RevisionForm) -> HttpResponse:
        """Revoke it."""
        actor, revision = actor_of(self.request), form.expected_revision()
        row = changes.revoke_key(actor, self.principal.key, self.which, revision=revision)
        messages.success(
            self.request, f"The {self.which} key of “{row}” was revoked: what it signed is refused."
        )
        return redirect("management-api")


class PrincipalDelete(_Question):
    """Delete, beside a principal."""

    title = "Delete principal"
    template_name = "portal/management/delete.html"

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """A principal that somebody else has deleted meanwhile is what was wanted: say so, and go on."""
        try:
            return super().post(request, *args, **kwargs)
        except (NotThere, NotFound):
            messages.info(request, "This principal had been deleted already.")
            return redirect("management-api")

    def save(self, form: RevisionForm) -> HttpResponse:
        """Delete it."""
        row = self.principal
        changes.delete_principal(actor_of(self.request), row.key, revision=form.expected_revision())
        messages.success(self.request, f"The principal “{row}” was deleted: its tokens are refused.")
        return redirect("management-api")
