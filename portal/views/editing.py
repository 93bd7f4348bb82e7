"""Pages with a form: show it, save it, and say what was wrong."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.template.response import TemplateResponse

from gateway.errors import EditConflict, Invalid
from portal import kept_forms
from portal.busy import BUSY_MESSAGE, RETRY_SECONDS, is_busy
from portal.forms.base import PortalForm, add_errors
from portal.roles import may_change
from portal.views.base import Page

BACK_MESSAGE = (
    "You had been signed out. What you had entered is back but not saved yet; passwords and files are not kept, "
    "so enter and choose them again."
)
_LOST_MESSAGE = "You had been signed out. What you had entered was too long to be kept: enter it again."


@dataclass(frozen=True, slots=True)
class Difference:
    """A field whose value was changed by somebody else, or differs from theirs."""

    label: str
    theirs: str
    yours: str


@dataclass(frozen=True, slots=True)
class Conflict:
    """That somebody else saved the thing meanwhile: what parts/conflict.html shows."""

    revision: int
    differences: tuple[Difference, ...]


class FormPage(Page):
    """A page with one form.

    A subclass gives `form_class`, `save(form)` (which calls gateway.changes, announces and redirects; the errors
    Invalid and EditConflict are for this class to explain, others for the subclass), and where it edits something
    `initial()` (also what "theirs" is in a conflict). The template includes parts/form.html inside
    <form method="post" novalidate>, or parts/conflict.html, parts/form_errors.html and the fields one by one.
    """

    form_class: type[PortalForm]
    error_names: dict[str, str] = {}  # names of a change's values -> names of the form's fields

    def save(self, form: Any) -> HttpResponse:
        """Make the change that a valid form asks for; the answer is usually a redirect."""
        raise NotImplementedError

    def initial(self) -> dict[str, Any]:
        """What the fields hold when the page is opened."""
        return {}

    def form_options(self) -> dict[str, Any]:
        """More arguments of the form's constructor."""
        return {}

    def build_form(self, data: QueryDict | None = None) -> PortalForm:
        """The form, bound when there is data."""
        files = self.request.FILES if data is not None else None
        return self.form_class(data, files, initial=self.initial(), **self.form_options())

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Show the form, with what was kept of it if the session had ended; to Readers for looking only."""
        form = self.build_form()
        if not (self.readers_may_post or may_change(request.user)):
            for field in form.fields.values():
                field.disabled = True
        take_back(request, form)
        return self.page(form=form)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Save, or show the form again with what is wrong."""
        form = self.build_form(request.POST)
        if not form.is_valid():
            return self.page(form=form)
        try:
            return self.save(form)
        except EditConflict as conflict:
            return self.page(form=form, conflict=self.conflict(form, conflict.revision), status=409)
        except Invalid as error:
            add_errors(form, error, self.error_names)
            return self.page(form=form)
        except OperationalError as error:
            return self._busy(form, error)

    def _busy(self, form: PortalForm, error: OperationalError) -> TemplateResponse:
        if not is_busy(error):
            raise error
        form.add_error(None, BUSY_MESSAGE)
        response = self.page(form=form, status=503)
        response["Retry-After"] = str(RETRY_SECONDS)
        return response

    def conflict(self, form: PortalForm, revision: int) -> Conflict:
        """Compare what is saved now with what was entered, field by field."""
        saved = self.initial()
        pairs = (
            (field, display(field, saved.get(name)), display(field, form.cleaned_data.get(name)))
            for name, field in form.fields.items()
            if name in saved and not isinstance(field.widget, forms.HiddenInput | forms.PasswordInput)
        )
        return Conflict(
            revision,
            tuple(Difference(str(f.label), theirs, yours) for f, theirs, yours in pairs if theirs != yours),
        )

    def fields_to_keep(self) -> frozenset[str]:
        """All fields but secrets and files, read from the class: an anonymous request must not load the thing."""
        unfit = (forms.PasswordInput, forms.FileInput)
        fields = self.form_class.base_fields
        return frozenset(name for name, field in fields.items() if not isinstance(field.widget, unfit))


def take_back(request: HttpRequest, form: PortalForm) -> kept_forms.Fields:
    """Fill a form with what was kept for it when the session ended, and say so; returns that, {} if nothing is."""
    kept = kept_forms.take(request)
    if kept is None:
        return {}
    messages.warning(request, BACK_MESSAGE if kept else _LOST_MESSAGE)
    if kept:
        put_back(form, kept)
    return kept


def put_back(form: PortalForm, kept: dict[str, list[str]]) -> None:
    """Fill an unbound form with what was posted before (a box that was not ticked was not posted)."""
    data = QueryDict(mutable=True)
    for name, values in kept.items():
        data.setlist(name, values)
    for name, field in form.fields.items():
        if name in form.fields_to_keep():
            form.initial[name] = field.widget.value_from_datadict(data, {}, form.add_prefix(name))


def display(field: forms.Field, value: Any) -> str:
    """A field's value as the person would read it on the form."""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    choices = getattr(field, "choices", None)
    if choices is not None:
        labels = {str(key): str(label) for key, label in choices}
        values = value if isinstance(value, list | tuple | set) else [value]
        return ", ".join(labels.get(str(v), str(v)) for v in values if v not in (None, "")) or "(nothing)"
    return "(nothing)" if value in (None, "") else str(value)
