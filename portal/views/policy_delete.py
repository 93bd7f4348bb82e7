"""DELETE POLICY of an API or an operation, which then inherits."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect

from gateway.changes.policies import delete_policy
from gateway.errors import EditConflict, NotFound
from portal.forms.base import RevisionForm
from portal.policy_review import meanings_of_deletion
from portal.views.base import AdministratorRequired, actor_of, announce
from portal.views.editing import FormPage
from portal.views.policy_scopes import ScopeView


class PolicyDelete(AdministratorRequired, ScopeView, FormPage):
    """Asks before a policy is deleted, says what applies then, and deletes it."""

    template_name = "portal/policies/delete.html"
    form_class = RevisionForm

    def get_title(self) -> str:
        """The question's title."""
        return "Delete policy"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Ask, if there is anything to delete."""
        return super().get(request, *args, **kwargs) if self.document else self._gone()

    def _gone(self) -> HttpResponse:
        messages.info(self.request, f"There is no policy of {self.scope_name} (any more).")
        return redirect(self.url())

    def initial(self) -> dict[str, Any]:
        """The revision that the person is asked about."""
        return {"revision": self.document.revision if self.document else 0}

    def context(self) -> dict[str, Any]:
        """The context with what applies instead and what calls notice."""
        return super().context() | {
            "instead": self.instead(),
            "meanings": meanings_of_deletion(self) if self.document else (),
        }

    def save(self, form: RevisionForm) -> HttpResponse:
        """Delete it and show what applies instead; ask again if somebody has changed it meanwhile."""
        try:
            revision = delete_policy(actor_of(self.request), self.owner, revision=form.expected_revision())
        except EditConflict:
            self.__dict__.pop("document", None)
            return self.page(form=self.build_form(), changed=True, status=409)
        except NotFound:
            return self._gone()
        announce(self.request, f"The policy of {self.scope_name} was deleted.", revision)
        return redirect(self.url())
