"""The forms of properties (named values).

A secret is typed into a field of its own, which no page sends back and which is not kept when a session has ended.
"""

from typing import Any

from django import forms
from django.http import QueryDict

from portal.forms.base import PortalForm, RevisionForm, SecretInput

_SEALED = (
    "A secret value is sealed and not shown until an administrator asks for it, which is recorded. It never "
    "becomes readable again: to make it plain, enter a new value."
)

_ENTER = {"required": "Enter the value."}


class ValueForm(PortalForm):
    """What can be changed of a property. In `secret_value` nothing means: what is stored, if that is secret."""

    secret = forms.BooleanField(label="This is a secret", required=False, help_text=_SEALED)
    value = forms.CharField(
        label="Value",
        error_messages=_ENTER,
        widget=forms.Textarea({"rows": 3, "class": "code", "autocomplete": "off", "spellcheck": "false"}),
    )
    secret_value = forms.CharField(
        label="Secret value", strip=False, error_messages=_ENTER, widget=SecretInput
    )
    tags = forms.CharField(
        label="Tags",
        required=False,
        help_text="Words to find it by, with commas between them.",
        widget=forms.TextInput({"autocomplete": "off"}),
    )

    def __init__(self, data: QueryDict | None = None, *args: Any, **options: Any) -> None:
        super().__init__(None if data is None else _out_of_sight(data), *args, **options)
        if self.is_bound:
            self.fields["value"].required = not self._is_secret()
            self.fields["secret_value"].required = self._is_secret()

    def _is_secret(self) -> bool:
        return bool(self["secret"].data)

    @property
    def lost_secret(self) -> bool:
        """Whether a secret was sent that this page does not hold any more."""
        return self.is_bound and bool(self.data.get("secret_value"))

    def clean_value(self) -> str:
        """The value with line breaks as policies have them; browsers send two characters for one."""
        text: str = self.cleaned_data["value"]
        return text.replace("\r\n", "\n")

    def clean(self) -> dict[str, Any]:
        """A secret that nobody marked as one must not get among the plain values, nor be lost."""
        values = self.cleaned_data
        if not values.get("secret") and values.get("secret_value"):
            self.add_error("secret", "You entered a secret value: tick this, or enter it as a plain one.")
        return values

    def values(self) -> dict[str, Any]:
        """The values as gateway.changes.named_values takes them."""
        values = super().values()
        secret, sealed = values["secret"], values.pop("secret_value")
        text = (sealed or None) if secret else values["value"]
        return values | {"value": text, "tags": values["tags"].split(",")}


def _out_of_sight(data: QueryDict) -> QueryDict:
    """What stands in the plain field of a secret property is taken for the secret: it must not be sent back."""
    plain = data.get("value", "").strip()
    if not data.get("secret") or not plain:
        return data
    moved = data.copy()
    moved["secret_value"] = data.get("secret_value") or plain
    moved["value"] = ""
    return moved


class NewPropertyForm(ValueForm):
    """Add property."""

    name = forms.CharField(
        label="Name",
        error_messages={"required": "Enter a name."},
        help_text="What policies write between doubled braces, such as {{partner-bank-key}}. It cannot be changed "
        "later.",
        widget=forms.TextInput({"autocomplete": "off"}),
    )
    field_order = ("name", "secret", "value", "secret_value", "tags")

    def values(self) -> dict[str, Any]:
        """With a value in any case: there is none to keep."""
        values = super().values()
        return values | {"value": values["value"] or ""}


class PropertyForm(ValueForm, RevisionForm):
    """A property that is there already, whose secret value can stay what it is."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["secret_value"].required = False
