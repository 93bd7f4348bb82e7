"""The history of a scope's policy: its versions, what each changed, and how to bring one back."""

from functools import cached_property
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery

from gateway.models import PolicyVersion
from portal.policy_difference import difference
from portal.policy_lines import shown_draft
from portal.views.base import Page
from portal.views.lists import Column, ListPage
from portal.views.missing import NotThere
from portal.views.policy_scopes import ScopeView


class _VersionsView(ScopeView):
    """What both pages share: the versions of the scope."""

    def versions(self) -> QuerySet[PolicyVersion]:
        """The versions of this scope with the text that was there before each, None for the first."""
        api = self.api if self.operation is None else None
        rows = PolicyVersion.objects.filter(api=api, operation=self.operation)
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
                "difference": difference(version.previous or "", version.xml),
                "is_in_effect": self.is_in_effect(version),
            }
            for version in page
        ]


class PolicyVersionPage(_VersionsView, Page):
    """One version: its text, what it changed, and how it differs from what is in effect now."""

    template_name = "portal/policies/version.html"

    @cached_property
    def version(self) -> PolicyVersion:
        """The version that the address names, if it is one of this scope. Raises NotThere."""
        found = self.versions().filter(pk=self.kwargs["key"]).first()
        if found is None:
            message = f"The policy of {self.scope_name} has no such version."
            raise NotThere(message, self.url("history"), "All versions")
        return found

    def get_title(self) -> str:
        """What it is a version of."""
        return f"Policy version - {self.scope_name}"

    def context(self) -> dict[str, Any]:
        """The context with both differences."""
        version, context = self.version, super().context()
        now = self.document.xml if self.document else ""
        return context | {
            "breadcrumb": (*context["breadcrumb"], ("History", self.url("history"))),
            "version": version,
            "is_in_effect": self.is_in_effect(version),
            "is_first": version.previous is None,
            "changed": difference(version.previous or "", version.xml),
            "since": difference(now, version.xml),
            "shown": shown_draft(version.xml) if version.xml else None,
            "restore_url": self.url("restore", version.key),
        }
