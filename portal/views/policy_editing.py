"""The policy editor: nothing is saved before its author has seen the difference, and nothing entered is lost.

All buttons post the draft to the address of the scope; `action` says what is to be done with it.
"""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from gateway.changes.base import expect_revision
from gateway.changes.policies import faults_of, save_policy
from gateway.changes.policy_documents import parsed, scope_columns
from gateway.models import PolicyVersion
from gateway.policies.catalogue import catalogue
from portal import kept_forms, unsaved_policies
from portal.forms.base import PortalForm
from portal.forms.policies import PolicyForm, with_line_ends_of
from portal.policy_difference import difference
from portal.policy_drafts import emptied
from portal.policy_effective import Broken, documents_around, effective_lines
from portal.policy_lines import shown, shown_draft
from portal.policy_review import draft_without_secrets, moved_words, review_of
from portal.policy_statements import NEW_POLICY, completions, listed_statements
from portal.roles import may_change
from portal.views.base import actor_of, announce
from portal.views.editing import Conflict, Difference, FormPage, put_back, take_back
from portal.views.policy_scopes import ScopeView, scope_options

_NOT_WORKED_OUT = "The effective policy cannot be worked out yet. Please look at this again:"
_EMPTIED = "emptied"  # beside the fields of a kept form: the lines that secrets were left out of


class PolicyPage(ScopeView, FormPage):
    """The policy of one scope: to Readers as it is written, to administrators in an editor."""

    template_name = "portal/policies/policies.html"
    form_class = PolicyForm

    @property
    def readers_may_post(self) -> bool:  # type: ignore[override]
        """Readers may ask what a draft comes to."""
        return self.request.POST.get("action") == "effective"

    # --- the form ---------------------------------------------------------------------------------------------
    def initial(self) -> dict[str, Any]:
        """The document, or what a new one begins with."""
        if self.document is None:
            return {"xml": NEW_POLICY, "revision": 0}
        return {"xml": self.document.xml, "revision": self.document.revision}

    def form_options(self) -> dict[str, Any]:
        """The saved text, whose line endings the posted one gets."""
        return {"saved": self.document.xml if self.document else ""}

    def posted_to_keep(self) -> kept_forms.Fields:
        """The draft without the secrets that are written in it (a session holds none), and where they were."""
        fields = super().posted_to_keep()
        text, lines = emptied(self.request.POST.get("xml", ""))
        return (
            fields | {"xml": [text], _EMPTIED: [str(line) for line in lines]} if "xml" in fields else fields
        )

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Show the document, or the editor for a new one, or what was kept when the session had ended."""
        if "effective" in request.GET:
            return self._effective(None)
        form = self.build_form()
        kept = take_back(request, form)
        if not kept and "draft" in request.GET:
            put_back(form, kept := self._unsaved() or {})
        if lines := kept.get(_EMPTIED):
            messages.warning(
                request, f"Secrets were left out of the draft. Enter them again: {_named(lines)}."
            )
        return self.page(form=form, kept=bool(kept), opened=bool(kept) or "add" in request.GET)

    def _unsaved(self) -> kept_forms.Fields | None:
        """The draft that was on its way to a review, if it is not what is in effect by now."""
        draft = unsaved_policies.kept(self.request, self.url())
        saved = self.document.xml if self.document else ""
        return draft if draft and with_line_ends_of(saved, draft["xml"][0]) != saved else None

    # --- what can be done -------------------------------------------------------------------------------------
    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Keep the draft on its way through the pages; or discard it."""
        if "discard" in request.POST:
            unsaved_policies.forget(request, self.url())
            return redirect(self.url())
        fields = self.posted_to_keep()
        if may_change(request.user) and fields.keys() >= {"xml", "revision"}:
            unsaved_policies.keep(request, self.url(), fields)
        return super().post(request, *args, **kwargs)

    def save(self, form: PolicyForm) -> HttpResponse:
        """Do what the button says with the draft. Saving begins with a review."""
        action, xml = self.request.POST.get("action"), form.cleaned_data["xml"]
        if action == "edit":
            return self.page(form=form)
        faults = faults_of(self.owner, xml)
        if faults:
            heading = _NOT_WORKED_OUT if action == "effective" else ""
            return self.page(form=form, faults=faults, errors_heading=heading)
        if action == "effective":
            return self._effective(form)
        return self._write(form) if action == "save" else self._review(form)

    def _review(self, form: PolicyForm) -> HttpResponse:
        now = self.document.revision if self.document else 0
        expect_revision(now, form.expected_revision())
        review = review_of(self, form.cleaned_data["xml"])
        return self.other_page("review", form=form, review=review)

    def _write(self, form: PolicyForm) -> HttpResponse:
        saved = save_policy(
            actor_of(self.request),
            self.owner,
            form.cleaned_data["xml"],
            revision=form.expected_revision(),
            move=self.request.POST.getlist("move"),
        )
        unsaved_policies.forget(self.request, self.url())
        announce(
            self.request, f"The policy of {self.scope_name} was saved.{moved_words(saved)}", saved.revision
        )
        return redirect(self.url())

    def _effective(self, form: PolicyForm | None) -> HttpResponse:
        """The effective policy of the draft, or of what is saved."""
        try:
            documents = documents_around(self.api, self.operation)
        except Broken as broken:
            step = next(step for step in self.trail if step.key == broken.scope)
            return self.other_page("effective", form=form, broken=broken, step=step)
        if form:
            draft = draft_without_secrets(self.owner, form.cleaned_data["xml"])
            documents = (*documents[:-1], parsed(self.owner, draft))
        lines, steps = effective_lines(documents), {step.key: step for step in self.trail}
        rows = [(line, steps.get(line.scope)) for line in lines]
        return self.other_page("effective", form=form, rows=rows)

    def conflict(self, form: PortalForm, revision: int) -> Conflict:
        """Both texts: what is saved now, not when this request began, and what was entered."""
        self.__dict__.pop("document", None)
        theirs = self.document.xml if self.document else ""
        return Conflict(revision, (Difference("Policy document", theirs, form.cleaned_data["xml"]),))

    # --- what is shown ----------------------------------------------------------------------------------------
    def page(self, *, status: int = 200, **context: Any) -> TemplateResponse:
        """The page, with an editor where there is something to edit and somebody who may."""
        if "conflict" in context:
            return self.other_page("conflict", status=status, **context, **self._both(context["conflict"]))
        posted, administrator = self.request.method == "POST", may_change(self.request.user)
        if administrator and not posted and not context.get("kept"):
            context["unsaved"] = self._unsaved()
        if posted and not administrator:
            return self.other_page("effective", shown=shown_draft(_text_in(context["form"])), **context)
        if administrator and (posted or self.document is not None or context.get("opened")):
            return super().page(status=status, **self._editor(context), **context)
        seen = {
            "shown": shown(self.document) if self.document else None,
            "instead": self.instead() if self.document is None else None,
        }
        return super().page(status=status, **self._scopes(), **seen, **context)

    def other_page(self, name: str, *, status: int = 200, **context: Any) -> TemplateResponse:
        """A page between the editor and what is saved."""
        template = f"portal/policies/{name}.html"
        return TemplateResponse(self.request, template, {**self.context(), **context}, status=status)

    def _scopes(self) -> dict[str, Any]:
        return scope_options(self.api, self.operation)

    def _editor(self, context: dict[str, Any]) -> dict[str, Any]:
        form, known = context["form"], catalogue()
        text = _text_in(form)
        saved = self.document is not None and text == self.document.xml
        if context.get("faults"):
            form.fields["xml"].widget.attrs |= {"aria-invalid": "true", "aria-describedby": "policy-faults"}
        return self._scopes() | {
            "editing": True,
            "shown": shown(self.document) if saved and self.document else shown_draft(text),
            "statements": listed_statements(known, self.scope),
            "completion": completions(known),
        }

    def _both(self, conflict: Conflict) -> dict[str, Any]:
        """Theirs, who saved it, and yours; of yours as a page may show it."""
        texts = conflict.differences[0]
        yours = draft_without_secrets(self.owner, texts.yours)
        return {
            "latest": PolicyVersion.objects.filter(**scope_columns(self.owner)).order_by("-revision").first(),
            "theirs": shown_draft(texts.theirs) if texts.theirs else None,
            "yours": shown_draft(yours),
            "difference": difference(texts.theirs, yours),
            "review": review_of(self, texts.yours),
        }


def _text_in(form: PolicyForm) -> str:
    """What the editor shows, with the line endings of what is saved if it can be had so."""
    cleaned = form.cleaned_data.get("xml") if form.is_bound else None
    return cleaned or form["xml"].value() or ""


def _named(lines: list[str]) -> str:
    *others, last = lines
    return f"lines {', '.join(others)} and {last}" if others else f"line {last}"
