"""Forms that upload client certificates and CA certificates. They read the file, to say what is wrong with it."""

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict

from gateway.ca_files import read_ca_certificates
from gateway.certificate_files import (
    MAX_FILE_BYTES,
    ClientCertificate,
    FileRefused,
    KeyChoice,
    SeveralKeys,
    read_certificate_file,
)
from gateway.duplicates import duplicates_of
from gateway.findings import Finding, Severity
from gateway.models import Certificate
from gateway.preflight import by_severity
from portal.forms.base import PortalForm, SecretInput

_OF_FILE = {
    "same-key",
    "password-not-needed",
    "legacy-encryption",
    "chain-reordered",
    "unrelated-certificates",
    "several-certificates",
    "several-keys",
    "friendly-name",
}


class FileForm(PortalForm):
    """A file of certificates. After `is_valid()` `cleaned_data["file"]` is its bytes."""

    file = forms.FileField(allow_empty_file=True)

    def clean_file(self) -> bytes:
        """The file's bytes, unless it is larger than any file of certificates."""
        file: UploadedFile[bytes] = self.cleaned_data["file"]
        size = file.size or 0
        if size > MAX_FILE_BYTES:  # asked here, because portal.uploads has cut off the rest of it
            text = (
                f"The file is too large ({size / 1_000_000:.1f} MB): a file of certificates has at most 1 MB."
            )
            raise forms.ValidationError(text)
        data: bytes = file.read()
        return data

    def clean(self) -> dict[str, Any]:
        """Read what is in the file, once every field is right by itself."""
        if not self.errors:
            try:
                self.read(self.cleaned_data["file"])
            except FileRefused as error:
                self.add_error(error.field, error.message)
        return self.cleaned_data

    def read(self, data: bytes) -> None:
        """Look at the certificates in the file. Raises FileRefused."""
        raise NotImplementedError

    def remarks(self) -> list[tuple[int, Finding]]:
        """What a person should know, each with the place of its certificate in the file. Only when it is valid."""
        return []


class MaterialForm(FileForm):
    """A certificate with its private key: a PFX or PEM file, its password, and which of several keys in it.

    `successor_of` is the certificate that it becomes a version of. After `is_valid()` `material` is what was read
    and `findings` what to know about it. `values()` go to a change as data (from "file"), password and key.
    Views: portal.views.material.MaterialPage. Template: portal/certificates/material.html.
    """

    file = forms.FileField(
        allow_empty_file=True,
        widget=forms.FileInput({"accept": ".pfx,.p12,.pem"}),
        help_text="A .pfx, .p12 or .pem file with the certificate and its private key. Self-signed is welcome.",
        error_messages={"required": "Choose the .pfx or .pem file of the certificate."},
    )
    password = forms.CharField(
        required=False,
        strip=False,
        widget=SecretInput({"data-keep": ""}),
        help_text="The one that the file was exported with. Leave it empty if the file has none.",
    )
    key = forms.CharField(required=False, max_length=64, label="Private key", widget=forms.HiddenInput)

    def __init__(self, *args: Any, successor_of: Certificate | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.successor_of = successor_of
        self.material: ClientCertificate | None = None
        self.findings: tuple[Finding, ...] = ()

    def read(self, data: bytes) -> None:
        """See FileForm. Where the file has several keys, the form offers them from then on."""
        password, key = self.cleaned_data["password"], self.cleaned_data["key"]
        try:
            self.material = read_certificate_file(data, password, key=key)
        except SeveralKeys as error:
            self._offer(error.choices)
            raise
        except FileRefused as error:
            if error.field == "key":  # it was of another file
                self._forget_key()
            raise
        self._offer(self.material.choices)
        known = duplicates_of(self.material.chain_pem, self.successor_of)
        self.findings = by_severity([*known, *self.material.findings])

    def _forget_key(self) -> None:
        data = QueryDict(mutable=True)
        data.update(self.data)
        data[self.add_prefix("key")] = ""
        self.data = data

    def _offer(self, choices: tuple[KeyChoice, ...]) -> None:
        if choices:
            pairs = [(choice.id, choice.label) for choice in choices]
            self.fields["key"].widget = forms.RadioSelect(choices=pairs)

    def remarks(self) -> list[tuple[int, Finding]]:
        """See FileForm. Of the notes, those that the certificate's page will not show."""
        return [
            (0, each) for each in self.findings if each.severity != Severity.NOTE or each.code in _OF_FILE
        ]


class CertificateForm(MaterialForm):
    """A new client certificate, and the name that it gets."""

    name = forms.CharField(
        required=False,
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"}),
        help_text="By which you find it again, such as partner-bank. Left empty, it is made from the subject.",
    )


class CaCertificateForm(FileForm):
    """A file of one or several CA certificates."""

    file = forms.FileField(
        allow_empty_file=True,
        widget=forms.FileInput({"accept": ".cer,.crt,.pem"}),
        help_text="A .cer, .crt or .pem file (DER or PEM) with one or several certificates, and no private key.",
        error_messages={"required": "Choose the .cer, .crt or .pem file of the CA certificate."},
    )
    name = forms.CharField(
        required=False,
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"}),
        help_text="Left empty, it is made from the subject. Of several certificates, the first gets it.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._remarks: list[tuple[int, Finding]] = []

    def read(self, data: bytes) -> None:
        """See FileForm."""
        files = read_ca_certificates(data)
        self._remarks = [(place, found) for place, file in enumerate(files) for found in file.findings]

    def remarks(self) -> list[tuple[int, Finding]]:
        """See FileForm."""
        return self._remarks
