"""The choice of the certificate that takes the place of another one everywhere."""

from typing import Any
from uuid import UUID

from django import forms

from portal.choice import Offered
from portal.forms.base import PortalForm
from portal.forms.security import CertificateField


class MoveForm(PortalForm):
    """Which certificate the uses move to, among those that are offered."""

    to = CertificateField(
        label="Replace it with",
        error_messages={
            "required": "Choose the certificate that takes its place.",
            "invalid": "Choose a client certificate of the list.",
        },
    )
    search = forms.CharField(
        label="Search certificates",
        required=False,
        max_length=500,
        widget=forms.TextInput({"type": "search", "autocomplete": "off"}),
        help_text="By name, subject, issuer or thumbprint, however it was copied.",
    )
    searched = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, offered: Offered, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.offered = offered
        field = self.fields["to"]
        assert isinstance(field, CertificateField)  # noqa: S101 (declared above)
        field.offer(offered)

    def clean_to(self) -> UUID:
        """One of those that were offered."""
        key: UUID = self.cleaned_data["to"]
        if str(key) not in {option.key for option in self.offered.options}:
            raise forms.ValidationError("This certificate is not there any more. Choose another one.")
        return key
