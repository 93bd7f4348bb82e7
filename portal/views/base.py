"""What every page shares: who may see it, the frame around it, and what is said after a change.

How to write a page:

* It only shows: subclass `Page` (template and context) or `portal.views.lists.ListPage` (a list).
* It has a form: subclass `portal.views.editing.FormPage` and write `save(form)`.
* `area` selects the entry of the left menu; `title` is the heading and the window's title.
* A Page answers GET to everybody with a role. Whatever is sent with another method is for administrators only,
  unless the class says `readers_may_post`. `administrators_only` keeps Readers from the page itself.
"""

import re
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views import View

from gateway.changes.base import Actor
from gateway.records import Effect, wait_in_effect
from portal import kept_forms
from portal.roles import WHY_NOT, may_change, role_of

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
ANCHOR = r"[a-z]+(-[0-9a-f-]{36})?"  # the id of a list's row, or of the page's main part
FETCH_HEADER = "X-Portal-Fetch"  # sent by static/js/dialog.js and submit.js


def actor_of(request: HttpRequest) -> Actor:
    """Who makes a change, as the audit log names them."""
    return Actor("user", request.user.get_username())


def safe_path(request: HttpRequest, default: str, name: str = "next") -> str:
    """Where to go next: a path of this portal from the form or the address, otherwise `default`."""
    path = request.POST.get(name) or request.GET.get(name) or ""
    return path if is_own_path(request, path) else default


def path_to_row(request: HttpRequest, default: str) -> str:
    """Back to a list after a deletion: `next`, with the row `then` to get the focus."""
    path, row = safe_path(request, default), request.POST.get("then", "")
    return f"{urlsplit(path)._replace(fragment='').geturl()}#{row}" if re.fullmatch(ANCHOR, row) else path


def uuid_or_none(text: str) -> UUID | None:
    """A key that came with a request; None for what is no key."""
    try:
        return UUID(text)
    except ValueError:
        return None


def is_own_path(request: HttpRequest, path: str) -> bool:
    """Whether it is a path of this portal and not somebody else's address (an open redirect)."""
    return (
        path.startswith("/")
        and not urlsplit(path).netloc
        and url_has_allowed_host_and_scheme(path, {request.get_host()}, request.is_secure())
    )


def announce(request: HttpRequest, message: str, revision: int) -> Effect:
    """Tell the person that a change was made and where it is in effect.

    `message` is a sentence such as "Partner Bank was saved."; `revision` the change's. Waits for the running
    gateways, at most 2 s.
    """
    effect = wait_in_effect(revision)
    level = messages.SUCCESS if effect.complete else messages.WARNING
    messages.add_message(request, level, f"{message} {in_effect_words(effect)}")
    return effect


def in_effect_words(effect: Effect) -> str:
    """Where a change is in effect, as a sentence."""
    running, total = len(effect.running), len(effect.running) + len(effect.lagging)
    if not total:
        return "No gateway is running; it takes effect when one starts."
    words = f"In effect on {running} of {total} gateway{'s' if total > 1 else ''}."
    if effect.lagging:
        names = ", ".join(effect.lagging)
        words += f" Not yet on {names}: look at the Dashboard to see whether it is still running."
    return words


class PortalView(View):
    """A view for people with a role. What comes back to a fetch of ours names a redirect in X-Location."""

    administrators_only = False
    readers_may_post = False

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer people who may, send the others where they can help themselves."""
        refused = self._refuse(request)
        return _for_fetch(request, refused or super().dispatch(request, *args, **kwargs))

    def _refuse(self, request: HttpRequest) -> HttpResponse | None:
        if not request.user.is_authenticated:
            if request.method == "POST":
                kept_forms.keep(request, self.posted_to_keep())
            path = request.get_full_path() if request.method in {"GET", "POST"} else "/"
            return redirect_to_login(path)
        if role_of(request.user) is None:
            return refuse(request, no_role=True)
        changes = request.method not in SAFE_METHODS and not self.readers_may_post
        if (changes or self.administrators_only) and not may_change(request.user):
            return refuse(request)
        return None

    def fields_to_keep(self) -> frozenset[str]:
        """The names of the posted fields that may be kept when the session has ended. Never a secret's."""
        return frozenset()

    def posted_to_keep(self) -> kept_forms.Fields:
        """What was posted in these fields, for pages where a secret may stand in one of them."""
        names = self.fields_to_keep()
        return {name: self.request.POST.getlist(name) for name in self.request.POST if name in names}


def refuse(request: HttpRequest, *, no_role: bool = False) -> HttpResponse:
    """The 403 page that says why and whom to ask."""
    context = {"title": "You may not do this", "no_role": no_role, "why_not": WHY_NOT}
    return render(request, "403.html", context, status=403)


def _for_fetch(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    # fetch() cannot read where a redirect goes without following it, which would use up the messages.
    if FETCH_HEADER in request.headers and response.status_code in {301, 302, 303, 307}:
        return HttpResponse(status=204, headers={"X-Location": response.headers["Location"]})
    return response


class Page(PortalView):
    """A page of the portal: a template, its title and its entry in the menu."""

    area = ""
    title = ""
    template_name = ""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Show the page."""
        return self.page()

    def page(self, *, status: int = 200, **context: Any) -> TemplateResponse:
        """The page as a response; `context` is added to what `context()` gives."""
        return TemplateResponse(
            self.request, self.template_name, {**self.context(), **context}, status=status
        )

    def context(self) -> dict[str, Any]:
        """What the template needs. Extend it with `super().context() | {...}`."""
        return {"title": self.get_title(), "area": self.area, "why_not": WHY_NOT, "view": self}

    def get_title(self) -> str:
        """The page's title, for those whose title names a thing."""
        return self.title


class AdministratorRequired(PortalView):
    """Mix this in first for a page that is of no use to Readers, such as a confirmation."""

    administrators_only = True
