"""The forms of operations."""

from typing import Any

from django import forms

from gateway import url_templates
from gateway.changes.operations import METHODS
from portal.forms.base import PortalForm, RevisionForm

_PLAIN_TEXT = {"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"}


class NewOperationForm(PortalForm):
    """New operation."""

    method = forms.ChoiceField(
        label="HTTP verb*",
        choices=[(method, method) for method in METHODS],
        help_text="Example: GET",
        error_messages={"invalid_choice": f"Choose one of {', '.join(METHODS)}."},
    )
    url_template = forms.CharField(
        label="URL template*",
        help_text="Example: customers/{cid}/orders/{oid}/?date={date}. With /* at its end it takes all below.",
        error_messages={"required": "Enter the URL template, for example /customers/{id}."},
        widget=forms.TextInput(_PLAIN_TEXT),
    )
    rewrite_template = forms.CharField(
        label="Rewrite URL template",
        required=False,
        help_text="What the gateway asks the back end for instead, such as Customers('{cid}'). It may use every "
        "parameter of the URL template. It is kept in the policy of the operation.",
        widget=forms.TextInput(_PLAIN_TEXT),
    )
    display_name = forms.CharField(
        label="Display name*",
        error_messages={"required": "Enter a display name of at most 100 characters."},
        widget=forms.TextInput({"autocomplete": "off"}),
    )
    description = forms.CharField(
        label="Description",
        required=False,
        widget=forms.Textarea({"rows": 4, "placeholder": "Enter description"}),
    )

    def clean(self) -> dict[str, Any]:
        """Refuse templates that are not well written, each on its own field."""
        values = self.cleaned_data
        template = self._parsed("url_template")
        if template is not None and values.get("rewrite_template"):
            self._parsed("rewrite_template", template)
        return values

    def _parsed(self, name: str, template: Any = None) -> Any:
        """A template of the form, parsed; None, and its error said, if it cannot be."""
        if name not in self.cleaned_data:
            return None
        text = self.cleaned_data[name]
        try:
            if template is None:
                return url_templates.parse_template(text)
            return url_templates.parse_rewrite_template(text, template)
        except ValueError as error:
            self.add_error(name, str(error))
            return None


class OperationForm(NewOperationForm, RevisionForm):
    """An operation that is there already.

    `other`: what its policy says and the field for the rewrite template cannot show; then it is left alone.
    """

    def __init__(self, *args: Any, other: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.other = other
        if other:
            self.fields["rewrite_template"].disabled = True

    def clean(self) -> dict[str, Any]:
        """Refuse a rewrite template that was entered before the policy said something else."""
        if self.other and self.data.get("rewrite_template"):
            self.add_error("rewrite_template", f"{self.other} Use the policy editor to change that.")
        return super().clean()

    def values(self) -> dict[str, Any]:
        """The cleaned values; a rewrite template of None leaves the policy alone."""
        return super().values() | ({"rewrite_template": None} if self.other else {})
