"""The history of a scope's policy: its versions, what each changed, and how to bring one back."""

from functools import cached_property
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpResponse
from django.shortcuts import redirect

from gateway.changes.policies import faults_of, restore_policy
from gateway.changes.policy_documents import scope_columns
from gateway.errors import EditConflict
from gateway.models import PolicyVersion
from portal.forms.base import RevisionForm
from portal.policy_difference import difference
from portal.policy_lines import shown_draft
from portal.policy_review import moved_words, review_of
from portal.views.base import AdministratorRequired, Page, actor_of, announce
from portal.views.editing import FormPage
from portal.views.lists import Column, ListPage
from portal.views.missing import NotThere
from portal.views.policy_scopes import ScopeView


class _VersionsView(ScopeView):
    """What both pages share: the versions of the scope."""

    def versions(self) -> QuerySet[PolicyVersion]:
        """The versions of this scope with the text that was there before each, None for the first."""
        rows = PolicyVersion.objects.filter(**scope_columns(self.owner))
        earlier = rows.filter(revision__lt=OuterRef("revision")).order_by("-revision")
        return rows.annotate(previous=Subquery(earlier.values("xml")[:1]))

    def is_in_effect(self, version: PolicyVersion) -> bool:
        """Whether this is the version that calls meet now."""
        return self.document is not None and version.revision == self.document.revision

    def context(self) -> dict[str, Any]:
        """The context with the way back."""
        policy = (f"Policy of {self.scope_name}", self.url())
        return super().context() | {"breadcrumb": (("Policies", self.trail[0].url), policy)}


class PolicyHistory(_VersionsView, ListPage):
    """The versions, the newest first."""

    template_name = "portal/policies/history.html"
    search_label = "Search who and what"
    columns = (
        Column("when", "When", "revision"),
        Column("who", "Who", "actor_name"),
        Column("what", "What", "action"),
        Column("difference", "Difference"),
    )
    default_sort = "-when"
    then_by = ("-revision",)
    search_fields = ("actor_name", "action")

    def queryset(self) -> QuerySet[PolicyVersion]:
        """The versions of this scope."""
        return self.versions()

    def get_title(self) -> str:
        """What the history is of."""
        return f"Policy history - {self.scope_name}"

    def rows(self, page: list[Any]) -> list[Any]:
        """Each version with the size of its difference to the one before."""
        return [
            {
                "version": version,
                "url": self.url("version", version.key),
                "difference": difference(_previous(version) or "", version.xml),
                "is_in_effect": self.is_in_effect(version),
            }
            for version in page
        ]


class _OneVersion(_VersionsView):
    """What is about one version."""

    @cached_property
    def version(self) -> PolicyVersion:
        """The version that the address names, if it is one of this scope. Raises NotThere."""
        found = self.versions().filter(pk=self.kwargs["key"]).first()
        if found is None:
            message = f"The policy of {self.scope_name} has no such version."
            raise NotThere(message, self.url("history"), "All versions")
        return found

    def context(self) -> dict[str, Any]:
        """The context with the version."""
        context = super().context()
        return context | {
            "breadcrumb": (*context["breadcrumb"], ("History", self.url("history"))),
            "version": self.version,
            "is_in_effect": self.is_in_effect(self.version),
        }


class PolicyVersionPage(_OneVersion, Page):
    """One version: its text, what it changed, and how it differs from what is in effect now."""

    template_name = "portal/policies/version.html"

    def get_title(self) -> str:
        """What it is a version of."""
        return f"Policy version - {self.scope_name}"

    def context(self) -> dict[str, Any]:
        """The context with both differences."""
        version = self.version
        previous = _previous(version)
        now = self.document.xml if self.document else ""
        return super().context() | {
            "is_first": previous is None,
            "changed": difference(previous or "", version.xml),
            "since": difference(now, version.xml),
            "shown": shown_draft(version.xml) if version.xml else None,
            "restore_url": self.url("restore", version.key),
        }


class PolicyRestore(AdministratorRequired, _OneVersion, FormPage):
    """Asks before a version takes the place of what is in effect, and restores it."""

    template_name = "portal/policies/restore.html"
    form_class = RevisionForm

    def get_title(self) -> str:
        """The question's title."""
        return f"Restore policy - {self.scope_name}"

    def initial(self) -> dict[str, Any]:
        """The revision of what the version takes the place of."""
        return {"revision": self.document.revision if self.document else 0}

    def context(self) -> dict[str, Any]:
        """The context with the difference, or with why this version cannot be restored."""
        faults = faults_of(self.owner, self.version.xml)
        return super().context() | {
            "faults": faults,
            "review": None if faults else review_of(self, self.version.xml, moves_likely=False),
        }

    def save(self, form: RevisionForm) -> HttpResponse:
        """Restore it; ask again if somebody has changed the policy meanwhile."""
        revision = form.expected_revision()
        try:
            saved = restore_policy(actor_of(self.request), self.owner, self.version.key, revision=revision)
        except EditConflict:
            self.__dict__.pop("document", None)
            return self.page(form=self.build_form(), changed=True, status=409)
        message = f"The policy of {self.scope_name} was restored.{moved_words(saved)}"
        announce(self.request, message, saved.revision)
        return redirect(self.url())


def _previous(version: PolicyVersion) -> str | None:
    """The text before a version that `versions` found; None for the first one."""
    previous: str | None = version.previous  # type: ignore[attr-defined]
    return previous
