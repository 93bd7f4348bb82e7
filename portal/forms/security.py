"""The form of an API's Security tab: the credentials that the back end is shown, and what is trusted there."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django import forms

from gateway.changes.security import (
    BasicCredentials,
    CertificateCredentials,
    Credentials,
    NoCredentials,
    Trust,
)
from portal.choice import Offered
from portal.forms.base import RevisionForm, SecretInput

CREDENTIALS = (("none", "None"), ("basic", "HTTP basic"), ("certificate", "Client certificates"))
WITHOUT_HTTPS = (("certificate", "Client certificates (only over https)"),)

_GONE = "A CA certificate was deleted meanwhile. Choose again."


class CredentialsSelect(forms.Select):
    """The kinds of credentials, of which those in `closed` cannot be chosen."""

    closed: frozenset[str] = frozenset()

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """An option; what is chosen already stays open, or the browser would send nothing."""
        option = super().create_option(name, value, *args, **kwargs)
        if value in self.closed and not option["selected"]:
            option["attrs"]["disabled"] = True
        return option


class _WithStates:
    """A widget whose options say in `data-state` what static/js/shows_for.js reacts to."""

    states: dict[str, str]

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """An option with its state."""
        option: dict[str, Any] = super().create_option(name, value, *args, **kwargs)  # type: ignore[misc]
        if state := self.states.get(str(value)):
            option["attrs"]["data-state"] = state
        return option


class CertificateDropDown(_WithStates, forms.Select):
    """The certificates in a drop-down."""


class CertificateButtons(_WithStates, forms.RadioSelect):
    """The certificates that a search found."""


class CertificateField(forms.UUIDField):
    """A certificate by its key. That it still exists is for the change to check, behind its lock."""

    choices: Sequence[tuple[str, str]] = ()  # what a conflict calls them

    def offer(self, offered: Offered) -> None:
        """Make the widget that fits what is offered."""
        self.choices = [(option.key, option.label) for option in offered.options]
        none = [] if offered.searchable else [("", "Choose a client certificate")]
        widget = CertificateButtons() if offered.searchable else CertificateDropDown()
        widget.states = {option.key: option.state for option in offered.options}
        widget.choices = [*none, *self.choices]
        self.widget = widget


class SecurityForm(RevisionForm):
    """The whole tab. `offered` are the certificates, `cas` the uploaded CA certificates with their labels."""

    credentials = forms.ChoiceField(
        label="With credentials",
        widget=CredentialsSelect,
    )
    certificate = CertificateField(
        label="Client certificate",
        required=False,
        error_messages={"invalid": "Choose a client certificate of the list."},
    )
    search = forms.CharField(
        label="Search certificates",
        required=False,
        max_length=500,
        widget=forms.TextInput({"type": "search", "autocomplete": "off"}),
        help_text="By name, subject, issuer or thumbprint, however it was copied.",
    )
    searched = forms.CharField(required=False, widget=forms.HiddenInput)
    refuse_expired = forms.BooleanField(
        label="Refuse calls once the client certificate has expired",
        required=False,
        help_text="Off, calls go on with the expired certificate, and the back end decides whether it takes them. "
        "It counts for every client certificate that calls of this API present, wherever a policy names it.",
    )
    username = forms.CharField(
        label="User name",
        required=False,
        max_length=500,
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false", "data-1p-ignore": "true"}),
    )
    password = forms.CharField(label="Password", required=False, strip=False, widget=SecretInput)
    validate_chain = forms.BooleanField(
        label="Validate certificate chain",
        required=False,
        help_text="Off, the gateway accepts any certificate, also a self-signed one: whoever can get in between "
        "can pose as the back end.",
    )
    validate_name = forms.BooleanField(
        label="Validate certificate name",
        required=False,
        help_text="Off, the certificate may be that of another host: any server that a trusted CA has certified "
        "can pose as the back end.",
    )
    public_cas = forms.BooleanField(label="Public CAs", required=False)
    ca_certificates = forms.TypedMultipleChoiceField(
        label="Uploaded CA certificates",
        required=False,
        coerce=UUID,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"invalid_choice": _GONE},
    )
    probe_after_save = forms.BooleanField(
        label="Check the handshake after Save",
        required=False,
        help_text="A gateway then tries the TLS handshake with the back end, without a call, and this page shows "
        "what came of it. It never holds up the Save.",
    )

    def __init__(
        self,
        *args: Any,
        offered: Offered,
        cas: Sequence[tuple[str, str]],
        may_present: bool,
        other: str = "",
        **kwargs: Any,
    ) -> None:
        """`other`: what the policy says and the tab cannot show; then only trust can be changed here."""
        super().__init__(*args, **kwargs)
        self.offered, self.other = offered, other
        certificate: CertificateField = self.fields["certificate"]  # type: ignore[assignment]
        certificate.offer(offered)
        self.fields["ca_certificates"].choices = cas  # type: ignore[attr-defined]
        self._offer_credentials(may_present)
        if not offered.searchable:
            del self.fields["search"], self.fields["searched"]

    def _offer_credentials(self, may_present: bool) -> None:
        credentials: Any = self.fields["credentials"]
        kinds = CREDENTIALS if may_present else CREDENTIALS[:-1] + WITHOUT_HTTPS
        credentials.choices = [("", "What the policy says")] if self.other else kinds
        credentials.widget.closed = frozenset() if may_present else frozenset({"certificate"})
        if self.other:
            credentials.required = False
            for name in ("credentials", "certificate", "username", "password"):
                self.fields[name].disabled = True

    def clean(self) -> dict[str, Any]:
        """What belongs to other credentials than the chosen ones does not count."""
        if self.other and self.data.get("credentials"):  # the policy was another one when the page was opened
            self.add_error("credentials", f"{self.other} Use the policy editor to change that.")
        values, kind = self.cleaned_data, self.cleaned_data.get("credentials")
        if kind != "certificate":
            self._ignore("certificate", None)
        elif not values.get("certificate") and "certificate" not in self.errors:
            self.add_error("certificate", "Choose the client certificate that the gateway presents.")
        if kind != "basic":
            self._ignore("username", "")
            self._ignore("password", "")
        elif not values.get("username") and "username" not in self.errors:
            self.add_error("username", "Enter the user name.")
        return values

    def _ignore(self, name: str, empty: Any) -> None:
        self.errors.pop(name, None)
        self.cleaned_data[name] = empty

    def chosen_credentials(self) -> Credentials | None:
        """The credentials, None to leave the policy alone. Only after `is_valid()`; for a test of the connection a
        user name may be wrong.

        An empty password keeps the one that is stored.
        """
        if self.other:
            return None
        values = self.cleaned_data
        match values["credentials"]:
            case "certificate":
                return CertificateCredentials(values["certificate"])
            case "basic":
                return BasicCredentials(values.get("username", ""), values.get("password") or None)
            case _:
                return NoCredentials()

    def chosen_trust(self) -> Trust:
        """What is trusted. Only after `is_valid()`."""
        values = self.cleaned_data
        return Trust(
            values["validate_chain"],
            values["validate_name"],
            values["public_cas"],
            tuple(sorted(values["ca_certificates"])),
            values["refuse_expired"],
            values["probe_after_save"],
        )
