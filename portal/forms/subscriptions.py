"""The forms of subscriptions. They hold no key: keys are made, and shown, elsewhere."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django import forms

from portal.choice import Offered
from portal.forms.base import PortalForm, RevisionForm

ALL_APIS = "all"
_CHOOSE = "Choose an API of the list, or All APIs."


class ApiField(forms.CharField):
    """One API by its key, or ALL_APIS. That it still exists is for the change to check, behind its lock."""

    choices: Sequence[tuple[str, str]] = ()  # what a conflict calls them

    def offer(self, offered: Offered) -> None:
        """Make the widget that fits what is offered."""
        self.choices = [(ALL_APIS, "All APIs"), *((option.key, option.label) for option in offered.options)]
        kind = forms.RadioSelect if offered.searchable else forms.Select
        self.widget = kind(choices=self.choices)
        self.widget.is_required = True

    def clean(self, value: Any) -> Any:
        """The API's key as a UUID, or ALL_APIS."""
        text = super().clean(value)
        if text == ALL_APIS:
            return text
        try:
            return UUID(text)
        except ValueError:
            raise forms.ValidationError(_CHOOSE) from None


class NewSubscriptionForm(PortalForm):
    """Add subscription. `offered` are the APIs."""

    display_name = forms.CharField(
        label="Name",
        error_messages={"required": "Enter a name for the subscription."},
        help_text="What it is for, such as Mobile app.",
        widget=forms.TextInput({"autocomplete": "off"}),
    )
    owner = forms.CharField(
        label="Owner's name",
        required=False,
        help_text="Whose calls these are, so that you know whom to ask.",
        widget=forms.TextInput({"autocomplete": "off"}),
    )
    search = forms.CharField(
        label="Search APIs",
        required=False,
        max_length=500,
        widget=forms.TextInput({"type": "search", "autocomplete": "off"}),
        help_text="By name, id or suffix.",
    )
    searched = forms.CharField(required=False, widget=forms.HiddenInput)
    api = ApiField(label="API", error_messages={"required": _CHOOSE})
    allow_tracing = forms.BooleanField(
        label="Allow tracing",
        required=False,
        help_text="Whoever has a key can then ask for a trace of a call, which tells how the gateway and the back "
        "end treated it.",
    )

    def __init__(self, *args: Any, offered: Offered, **options: Any) -> None:
        super().__init__(*args, **options)
        self.offered = offered
        api: ApiField = self.fields["api"]  # type: ignore[assignment]
        api.offer(offered)
        if not offered.searchable:
            del self.fields["search"], self.fields["searched"]

    def values(self) -> dict[str, Any]:
        """The values as gateway.changes.subscriptions takes them."""
        values = {name: v for name, v in super().values().items() if name not in {"search", "searched"}}
        return values | {"api": None if values["api"] == ALL_APIS else values["api"]}


class SubscriptionForm(NewSubscriptionForm, RevisionForm):
    """A subscription that is there already."""
