"""The form of Test connection on a client certificate's page."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings

from gateway.addresses import AddressRules, check_literal, parse_web_service_url
from gateway.changes.security import Trust
from portal.forms.base import PortalForm
from portal.forms.security import SecurityForm

_TRUST = SecurityForm.base_fields
_PLAIN_TEXT = {"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"}


class CertificateTestForm(PortalForm):
    """Which back end to try, and what to trust there. `versions`: a choice if they are several."""

    web_service_url = forms.CharField(
        label="Web service URL",
        error_messages={"required": "Enter the web service URL, for example https://api.example.com/v1."},
        help_text="Any that an API may have.",
        widget=forms.TextInput({"inputmode": "url", **_PLAIN_TEXT}),
    )
    version = forms.TypedChoiceField(
        label="Version",
        coerce=UUID,
        help_text="Also one that is not in use yet: so you know before you use it.",
        error_messages={"invalid_choice": "This version was removed meanwhile. Choose another one."},
    )
    validate_chain = _TRUST["validate_chain"]
    validate_name = _TRUST["validate_name"]
    public_cas = _TRUST["public_cas"]
    ca_certificates = _TRUST["ca_certificates"]

    def __init__(
        self,
        *args: Any,
        versions: Sequence[tuple[str, str]],
        cas: Sequence[tuple[str, str]],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fields["ca_certificates"].choices = cas  # type: ignore[attr-defined]
        self.fields["version"].choices = versions  # type: ignore[attr-defined]
        if len(versions) < 2:
            del self.fields["version"]

    def clean_web_service_url(self) -> str:
        """Refuse what no API could have, in the words of an API's settings."""
        text: str = self.cleaned_data["web_service_url"]
        try:
            url = parse_web_service_url(text)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from None
        rules = AddressRules.from_settings(settings.GATEWAY_ALLOWED_BACK_END_NETWORKS)
        if refusal := check_literal(url.host, rules):
            raise forms.ValidationError(refusal)
        return text

    def chosen_trust(self) -> Trust:
        """What is trusted. Only after `is_valid()`."""
        values = self.cleaned_data
        chain, name, public = (values[each] for each in ("validate_chain", "validate_name", "public_cas"))
        return Trust(chain, name, public, tuple(sorted(values["ca_certificates"])))
