"""The forms of API Management REST API. They hold no key: keys are made, and shown once, elsewhere."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from django import forms
from django.utils import timezone

from gateway.models.management import CONTRIBUTOR, ROLES
from portal.forms.base import PortalForm, RevisionForm

_FORMATS = "MM/DD/YYYY H:MM AM or PM, or YYYY-MM-DD HH:MM; in UTC."
_UNREADABLE = f"Write it as {_FORMATS}"
_CLASSIC = re.compile(r"([0-9]{1,2}/[0-9]{1,2}/[0-9]{4}) ([0-9]{1,2}:[0-9]{2}) ?([AP]M)", re.IGNORECASE)
KEYS = (("primary", "Primary"), ("secondary", "Secondary"))


def classic_time(at: datetime) -> str:
    """A time as the original writes it: 11/28/2026 5:43 PM."""
    at = at.astimezone(UTC)
    return f"{at:%m/%d/%Y} {at.hour % 12 or 12}:{at:%M %p}"


class TimeField(forms.CharField):
    """A time in UTC, as the original writes it or in ISO 8601. Without one it is None."""

    def __init__(self, **options: Any) -> None:
        widget = forms.TextInput({"autocomplete": "off", "spellcheck": "false"})
        super().__init__(max_length=60, widget=widget, **options)

    def clean(self, value: Any) -> Any:
        """The time with its zone."""
        text = super().clean(value)
        try:
            return _time(text) if text else None
        except (ValueError, OverflowError):
            raise forms.ValidationError(_UNREADABLE) from None


def _time(text: str) -> datetime:
    text = re.sub(r"\s+", " ", text)
    if found := _CLASSIC.fullmatch(text):
        return datetime.strptime(" ".join(found.groups()), "%m/%d/%Y %I:%M %p").replace(tzinfo=UTC)
    at = datetime.fromisoformat(text.removesuffix(" UTC"))
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)


class KeyTimeField(TimeField):
    """Until when a key that is made signs tokens."""

    def __init__(self) -> None:
        super().__init__(
            label="Key expires", required=False, help_text=f"{_FORMATS} Left empty, it never does."
        )

    def clean(self, value: Any) -> Any:
        """A time to come: a principal is not added before that is known."""
        at = super().clean(value)
        if at is not None and at <= timezone.now():
            raise forms.ValidationError("This is in the past. Enter a time to come, or none.")
        return at


class ManagementApiForm(RevisionForm):
    """Whether the API is on."""

    enabled = forms.BooleanField(label="Enable API Management REST API", required=False)


class NewPrincipalForm(PortalForm):
    """Add principal, with its first key."""

    identifier = forms.CharField(
        label="Identifier",
        error_messages={"required": "Enter an identifier."},
        help_text="Who uses it, such as release-pipeline: letters, digits and the characters - _ . only.",
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"}),
    )
    role = forms.ChoiceField(
        label="Role",
        choices=ROLES,
        initial=CONTRIBUTOR,
        help_text="A contributor may change all that the REST API manages, a reader only look, at no secret.",
    )
    expires_at = KeyTimeField()


class PrincipalForm(RevisionForm):
    """What a principal may do."""

    role = NewPrincipalForm.base_fields["role"]


class KeyForm(RevisionForm):
    """A key that is made."""

    expires_at = KeyTimeField()


class TokenForm(PortalForm):
    """Generate Token. `principals` are pairs of key and identifier.

    The dialogs of the same page have fields of the same names, so the ids are others.
    """

    identifier = forms.ChoiceField(
        label="Identifier",
        error_messages={"invalid_choice": "This principal is not there any more. Choose another one."},
    )
    expires_at = TimeField(
        label="Expiry", help_text=_FORMATS, error_messages={"required": "Enter when the token expires."}
    )
    which = forms.ChoiceField(label="Secret Key", choices=KEYS)

    def __init__(self, *args: Any, principals: Iterable[tuple[str, str]], **options: Any) -> None:
        super().__init__(*args, **{"auto_id": "id_token_%s", **options})
        identifier: Any = self.fields["identifier"]
        identifier.choices = list(principals)
