"""The portal's addresses with a few pages more, on which the frame is tested."""

from typing import Any

from django import forms
from django.contrib.messages import info
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path

from gateway.errors import EditConflict, Invalid
from portal.forms.base import RevisionForm, SecretInput
from portal.urls import handler400, handler403, handler404, handler500
from portal.urls import urlpatterns as portal_patterns
from portal.views.base import AdministratorRequired, Page
from portal.views.editing import FormPage

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]

REVISION = 7


class NoteForm(RevisionForm):
    title = forms.CharField(label="Title")
    urgent = forms.BooleanField(label="Urgent", required=False)
    password = forms.CharField(label="Password", required=False, widget=SecretInput)
    file = forms.FileField(label="File", required=False)


class Note(FormPage):
    """Stands for any form. What the title says is what happens."""

    title = "Note"
    template_name = "portal/account/change_password.html"
    form_class = NoteForm

    def initial(self) -> dict[str, Any]:
        return {"title": "theirs", "urgent": True, "revision": REVISION}

    def save(self, form: NoteForm) -> HttpResponse:
        title = form.cleaned_data["title"]
        if title == "busy":
            raise OperationalError("database is locked")
        if title == "gone":
            raise OperationalError("disk I/O error")
        if title == "measured":
            file = form.cleaned_data["file"]
            raise Invalid({"file": f"{len(file.read())} of {file.size} bytes in {type(file).__name__}"})
        if title == "refused":
            raise Invalid({"title": "Choose another title.", "elsewhere": "Something else is wrong."})
        if form.expected_revision() != REVISION:
            raise EditConflict(REVISION)
        info(self.request, f"saved {title}")
        return redirect("dashboard")


class ForAdministrators(AdministratorRequired, Page):
    title = "For administrators"
    template_name = "portal/account/change_password.html"


def busy(request: HttpRequest) -> HttpResponse:
    raise OperationalError("database is locked")


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("secret detail")


urlpatterns = [
    *portal_patterns,
    path("test/note/", Note.as_view(), name="test-note"),
    path("test/administrators/", ForAdministrators.as_view()),
    path("test/busy/", busy),
    path("test/broken/", broken),
]
