"""What every page shares that uploads a certificate with its key: Check shows what is in it, and stores nothing."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase

from gateway.findings import Finding, Severity
from portal.forms.certificates import MaterialForm
from portal.views.editing import FormPage

CHECK = "check"  # the name of the button

_LEVELS = {
    Severity.PROBLEM: messages.WARNING,
    Severity.WARNING: messages.WARNING,
    Severity.NOTE: messages.INFO,
}


class MaterialPage(FormPage):
    """A page with a MaterialForm, whose template includes portal/certificates/material.html.

    Its form element has the attributes enctype="multipart/form-data" and data-submit: with the latter the script
    keeps the chosen file and the password over an answer that shows the form again. After the change `say_remark`
    says each of `form.remarks()`.
    """

    form_class: type[MaterialForm]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Check, or save as any form."""
        if CHECK not in request.POST:
            return super().post(request, *args, **kwargs)
        form = self.build_form(request.POST)
        return self.page(form=form, checked=form.is_valid())

    def fields_to_keep(self) -> frozenset[str]:
        """Not the choice of a key: the file that it is in is not kept."""
        return super().fields_to_keep() - {"key"}


def say_remark(request: HttpRequest, name: str, remark: Finding) -> None:
    """Tell the person after an upload, in a message of the next page, what was found about the thing `name`."""
    text = f"{name}: {remark.text} {remark.remedy}".strip()
    messages.add_message(request, _LEVELS[remark.severity], text)
