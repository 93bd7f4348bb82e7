"""What the forms share: secret inputs, the revision that a form was opened at, errors of a change."""

from collections.abc import Mapping
from typing import Any

from django import forms

from gateway.errors import Invalid

_KEEP_OUT = {
    "autocomplete": "new-password",
    "data-1p-ignore": "true",
    "data-lpignore": "true",
    "data-bwignore": "true",
    "spellcheck": "false",
}


class SecretInput(forms.PasswordInput):
    """For a secret that is not the person's own password: browsers and password managers must not fill it in."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__({**_KEEP_OUT, **(attrs or {})}, render_value=False)


class PortalForm(forms.Form):
    """A form whose values go to a function of gateway.changes."""

    def values(self) -> dict[str, Any]:
        """The cleaned values without the fields that are about the form itself."""
        return {name: value for name, value in self.cleaned_data.items() if name != "revision"}

    def fields_to_keep(self) -> frozenset[str]:
        """The names of the fields that may be kept when the session has ended: no secrets, no files."""
        unfit = (forms.PasswordInput, forms.FileInput)
        return frozenset(
            self.add_prefix(name)
            for name, field in self.fields.items()
            if not isinstance(field.widget, unfit)
        )


class RevisionForm(PortalForm):
    """A form that remembers the revision of what it edits, so that nobody writes over another's change.

    The revision stands in a hidden field; the button "Save mine over theirs" sends the newer one.
    """

    revision = forms.IntegerField(widget=forms.HiddenInput, min_value=0)

    def expected_revision(self) -> int:
        """The revision that the person has seen. Only after `is_valid()`."""
        agreed = self.data.get("save_over", "")
        return int(agreed) if agreed.isdecimal() and agreed.isascii() else int(self.cleaned_data["revision"])


def add_errors(form: forms.Form, error: Invalid, names: Mapping[str, str] | None = None) -> None:
    """Put the messages of a refused change on the form's fields; `names` maps differing names of values to fields.

    A message about a value that has no field goes to the top of the form.
    """
    for name, messages in error.errors.items():
        field = (names or {}).get(name, name)
        for message in messages:
            form.add_error(field if field in form.fields else None, message)
