"""The forms of APIs."""

from typing import Any

from django import forms
from django.conf import settings

from gateway import addresses
from gateway.changes.apis import MOST, Limits
from portal.forms.base import PortalForm, RevisionForm
from portal.gateway_urls import LABELS, why_not_offered

_SCHEMES = ("http", "https")
_PLAIN_TEXT = {"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"}


class SchemeBoxes(forms.CheckboxSelectMultiple):
    """Two boxes. One that the gateway does not offer says so, and can be unticked but not ticked."""

    missing: frozenset[str] = frozenset()

    def create_option(
        self, name: str, value: Any, label: Any, selected: bool, *rest: Any, **more: Any
    ) -> Any:
        if value in self.missing:
            label = f"{label} (not offered)"
        option = super().create_option(name, value, label, selected, *rest, **more)
        if value in self.missing and not selected:
            option["attrs"]["disabled"] = True
        return option


class _ApiFields(PortalForm):
    """What Add new API and Settings have in common. `offered` are the schemes that the gateway offers."""

    display_name = forms.CharField(
        label="Web API name",
        error_messages={"required": "Enter a name for the API."},
        help_text="The name by which people know the API, in this portal and wherever it is offered to callers.",
        widget=forms.TextInput({"autocomplete": "off"}),
    )
    web_service_url = forms.CharField(
        label="Web service URL",
        error_messages={"required": "Enter the web service URL, for example https://api.example.com/v1."},
        help_text="Where the back end is. The gateway alone calls this address; callers never get to know it.",
        widget=forms.TextInput({"inputmode": "url", **_PLAIN_TEXT}),
    )
    suffix = forms.CharField(
        label="Web API URL suffix",
        required=False,
        help_text="What the public address of the API ends with, such as partner-bank or banks/partner/v2.",
        widget=forms.TextInput(_PLAIN_TEXT),
    )
    scheme = forms.MultipleChoiceField(
        label="Web API URL scheme",
        choices=[(scheme, LABELS[scheme]) for scheme in _SCHEMES],
        widget=SchemeBoxes,
        error_messages={"required": "Tick at least one scheme: callers need a way in."},
    )
    subscription_required = forms.BooleanField(
        label="Subscription required",
        required=False,
        initial=True,
        help_text="A call needs the key of a subscription. Without the tick it needs none, and the API is open to "
        "anyone who reaches the gateway.",
    )

    def __init__(self, *args: Any, offered: frozenset[str], **options: Any) -> None:
        super().__init__(*args, **options)
        missing = [scheme for scheme in _SCHEMES if scheme not in offered]
        self.fields["scheme"].widget.missing = frozenset(missing)
        reasons = [f"{LABELS[scheme]} is not offered: {why_not_offered(scheme)}." for scheme in missing]
        hint = "With HTTPs alone the API refuses calls over plain HTTP." if not missing else ""
        self.fields["scheme"].help_text = " ".join([*reasons, hint]).strip()

    def clean_web_service_url(self) -> str:
        """Refuse here what can be told from the text alone, so that all that is wrong is said at once."""
        text: str = self.cleaned_data["web_service_url"]
        _explain(addresses.parse_web_service_url, text)
        return text

    def clean_suffix(self) -> str:
        text: str = self.cleaned_data["suffix"]
        _explain(addresses.validate_suffix, text)
        return text

    def values(self) -> dict[str, Any]:
        """The values as gateway.changes.apis takes them."""
        values = super().values()
        schemes = values.pop("scheme")
        return values | {scheme: scheme in schemes for scheme in _SCHEMES}


def _explain(check: Any, text: str) -> None:
    try:
        check(text)
    except ValueError as error:
        raise forms.ValidationError(str(error)) from None


class NewApiForm(_ApiFields):
    """Add new API."""

    all_operations = forms.BooleanField(
        label="All operations",
        required=False,
        initial=True,
        help_text="Adds the URL template /* for every HTTP verb, so that each call reaches the back end at once. "
        "Without operations an API answers 404 to everything.",
    )


class LimitField(forms.IntegerField):
    """A limit of an API. Left empty, the setting counts: its value is the placeholder, its name is in the help.

    `nothing` is what a setting of 0 means.
    """

    def __init__(self, name: str, label: str, help_text: str, setting: str, nothing: str = "0") -> None:
        wrong = f"Use a whole number from 1 to {MOST[name]}, or leave it empty."
        super().__init__(
            label=label,
            required=False,
            min_value=1,
            max_value=MOST[name],
            error_messages=dict.fromkeys(("invalid", "min_value", "max_value"), wrong),
            widget=forms.NumberInput({"inputmode": "numeric", "step": 1, "autocomplete": "off"}),
        )
        self.about, self.setting, self.nothing = help_text, setting, nothing

    def say_default(self) -> None:
        """Name the default, which is read when the form is shown."""
        value = getattr(settings, self.setting)
        words = f"{value:.15g}" if isinstance(value, float) else str(value)
        default = words if value else self.nothing
        self.widget.attrs["placeholder"] = default
        self.help_text = f"{self.about} Left empty: {default} ({self.setting})."


class ApiSettingsForm(_ApiFields, RevisionForm):
    """The Settings tab."""

    description = forms.CharField(label="Description", required=False, widget=forms.Textarea({"rows": 4}))
    connect_timeout = LimitField(
        "connect_timeout",
        "Connect deadline in seconds",
        "How long the back end may take to accept a connection.",
        "GATEWAY_CONNECT_TIMEOUT",
    )
    read_timeout = LimitField(
        "read_timeout",
        "Read deadline in seconds",
        "How long the back end may take to begin its answer, and between two pieces of it.",
        "GATEWAY_READ_TIMEOUT",
    )
    total_timeout = LimitField(
        "total_timeout",
        "Total deadline in seconds",
        "How long a call may take from its beginning to the end of its answer.",
        "GATEWAY_TOTAL_TIMEOUT",
        nothing="no deadline",
    )
    max_body_bytes = LimitField(
        "max_body_bytes",
        "Largest request body in bytes",
        "For example 1048576 for 1 MiB. Larger ones are answered 413.",
        "GATEWAY_MAX_BODY_BYTES",
        nothing="no limit",
    )
    max_calls = LimitField(
        "max_calls",
        "Calls in flight per gateway process",
        "More at a time are answered 503, so that a slow back end does not hold up other APIs.",
        "GATEWAY_MAX_CALLS_PER_API",
    )

    field_order = ("display_name", "description", "web_service_url", "suffix", "scheme")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for name in MOST:
            field: LimitField = self.fields[name]  # type: ignore[assignment]
            field.say_default()

    @property
    def limited(self) -> bool:
        """Whether a limit is entered, be it wrong or right, and so has to be seen."""
        return any(self[name].value() not in {None, ""} for name in MOST)

    def limits(self) -> list[forms.BoundField]:
        """The fields of the limits."""
        return [self[name] for name in MOST]

    def values(self) -> dict[str, Any]:
        """The values as gateway.changes.apis.update_api takes them."""
        values = super().values()
        limits = Limits(**{name: values.pop(name) for name in MOST})
        return values | {"limits": limits}
