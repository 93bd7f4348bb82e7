"""The form of What happens to a call: a call as somebody would make it."""

import re
from typing import Any
from urllib.parse import quote

from django import forms

from gateway.changes.operations import METHODS
from gateway.subscription_keys import FIELD, taken_key
from portal.forms.base import PortalForm
from portal.forms.lines import header_lines

_PLAIN_TEXT = {"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"}
_URL = re.compile(r"https?://[^/?#]*", re.IGNORECASE)
_NOT_ASCII = re.compile(r"[^!-~]+")
_NO_KEY = "Leave the subscription key out: it would stand in this page's address, and is not needed here."


class CallForm(PortalForm):
    """A call of the API that is reached at `suffix`. It is sent with GET: what is in it stands in an address."""

    method = forms.ChoiceField(
        label="HTTP verb",
        choices=[(method, method) for method in METHODS],
        error_messages={"invalid_choice": f"Choose one of {', '.join(METHODS)}."},
    )
    target = forms.CharField(
        label="Path and query",
        max_length=8000,
        error_messages={"required": "Enter the path of the call, for example /accounts/1."},
        widget=forms.TextInput(_PLAIN_TEXT),
    )
    headers = forms.CharField(
        label="Request headers",
        required=False,
        max_length=4000,
        help_text="One a line, such as Accept: application/json. Leave keys and passwords out: what you enter here "
        "becomes a part of this page's address.",
        widget=forms.Textarea({"rows": 3, "class": "code", **_PLAIN_TEXT}),
    )
    address = forms.GenericIPAddressField(
        label="Caller's address",
        required=False,
        help_text="What ip-filter looks at, such as 203.0.113.7.",
        error_messages={"invalid": "Enter an IP address, such as 203.0.113.7."},
        widget=forms.TextInput(_PLAIN_TEXT),
    )

    def __init__(self, *args: Any, suffix: str, **options: Any) -> None:
        super().__init__(*args, **options)
        self._start = f"/{suffix}" if suffix else ""

    def clean_target(self) -> str:
        """The path behind the suffix and the query, encoded as a browser does; a whole URL of the API will do."""
        text: str = self.cleaned_data["target"].partition("#")[0]
        if url := _URL.match(text):
            text = text[url.end() :]
            if not re.match(rf"{re.escape(self._start)}(?:[/?]|$)", text):
                raise forms.ValidationError(
                    f"This is no URL of this API: its path begins with {self._start}/."
                )
            text = text[len(self._start) :]
        text = _NOT_ASCII.sub(lambda match: quote(match[0]), text)
        if taken_key((), text.partition("?")[2])[0] is not None:
            raise forms.ValidationError(_NO_KEY)
        return text if text.startswith("/") else f"/{text}"

    def clean_headers(self) -> list[tuple[str, str]]:
        """The header fields: names and values."""
        found = header_lines(self.cleaned_data["headers"])
        if any(name.lower() == FIELD.lower() for name, _ in found):
            raise forms.ValidationError(_NO_KEY)
        return found

    @property
    def request_target(self) -> str:
        """The target of the call with the suffix. Only after `is_valid()`."""
        return f"{self._start}{self.cleaned_data['target']}"
