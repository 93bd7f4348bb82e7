"""Forms that upload client certificates and CA certificates. They read the file, to say what is wrong with it."""

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile

from gateway.pkcs12 import MAX_PFX_BYTES, Pkcs12Error, read_ca_certificates, read_pfx
from portal.forms.base import PortalForm, SecretInput


class UploadForm(PortalForm):
    """A file and a name. After `is_valid()` `cleaned_data["file"]` is its bytes.

    `warnings` is what a person should know about what is in the file, each with the place of its certificate in it.
    """

    file = forms.FileField(allow_empty_file=True)
    name = forms.CharField(
        required=False, widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"})
    )
    field_order = ("file", "password", "name")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.warnings: list[tuple[int, str]] = []

    def clean_file(self) -> bytes:
        """The file's bytes, unless it is larger than any file of certificates."""
        file: UploadedFile[bytes] = self.cleaned_data["file"]
        size = file.size or 0
        if size > MAX_PFX_BYTES:  # asked here, because portal.uploads has cut off the rest of it
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
                self.warnings = self.read(self.cleaned_data["file"])
            except Pkcs12Error as error:
                self.add_error(error.field, error.message)
        return self.cleaned_data

    def read(self, data: bytes) -> list[tuple[int, str]]:
        """What to know about the certificates in the file. Raises Pkcs12Error."""
        raise NotImplementedError


class CertificateForm(UploadForm):
    """A PFX file and its password."""

    file = forms.FileField(
        allow_empty_file=True,
        widget=forms.FileInput({"accept": ".pfx,.p12"}),
        help_text="A .pfx or .p12 file with the certificate and its private key. Self-signed ones are welcome.",
        error_messages={"required": "Choose the .pfx file of the certificate."},
    )
    password = forms.CharField(
        required=False,
        strip=False,
        widget=SecretInput(),
        help_text="The one that the file was exported with. Leave it empty if the file has none.",
    )
    name = forms.CharField(
        required=False,
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"}),
        help_text="By which you find it again, such as partner-bank. Left empty, it is made from the subject.",
    )

    def read(self, data: bytes) -> list[tuple[int, str]]:
        """See UploadForm."""
        return [(0, warning) for warning in read_pfx(data, self.cleaned_data["password"]).warnings]


class CaCertificateForm(UploadForm):
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

    def read(self, data: bytes) -> list[tuple[int, str]]:
        """See UploadForm."""
        files = read_ca_certificates(data)
        return [(place, warning) for place, file in enumerate(files) for warning in file.warnings]
