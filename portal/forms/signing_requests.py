"""Forms of signing requests: what is to be certified, and what was."""

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile

from gateway.issued_files import read_issued
from gateway.signing import KEY_TYPES
from gateway.x509 import FileRefused, pem
from portal.forms.base import PortalForm
from portal.forms.certificates import FileForm

# The fields of a subject, the most specific first, as people write a name (RFC 4514).
SUBJECT = {
    "email": "emailAddress",
    "common_name": "CN",
    "unit": "OU",
    "organization": "O",
    "locality": "L",
    "state": "ST",
    "country": "C",
}
Pairs = tuple[tuple[str, str], ...]


def _text(label: str, help_text: str = "", *, required: bool = False, rows: int = 0) -> forms.CharField:
    quiet = {"autocomplete": "off", "spellcheck": "false"}
    widget = forms.Textarea({**quiet, "rows": rows}) if rows else forms.TextInput(quiet)
    errors = {"required": f"Enter the {label.lower()}."}
    return forms.CharField(
        label=label, help_text=help_text, required=required, widget=widget, error_messages=errors
    )


class SigningRequestForm(PortalForm):
    """What the certificate is to say. `name` is only asked for where it will be a new one."""

    name = _text(
        "Name",
        "By which you find it again, such as partner-bank. Left empty, it is made from the common name.",
    )
    common_name = _text("Common name (CN)", "Whom it is for, such as partner-bank.", required=True)
    organization = _text("Organization (O)")
    unit = _text("Organizational units (OU)", "One a line.", rows=2)
    locality = _text("Locality (L)")
    state = _text("State or province (ST)")
    country = _text("Country (C)", "Two letters, such as DE.")
    email = _text("E-mail address")
    names = _text(
        "Alternative names",
        "One a line: DNS names, IP addresses, e-mail addresses or URIs. Many CAs want at least one.",
        rows=3,
    )
    key_type = forms.ChoiceField(
        label="Key type",
        choices=[(each, each) for each in KEY_TYPES],
        initial="EC P-256",
        help_text="Made here, and it stays here. P-256 is fast and accepted nearly everywhere; take RSA where "
        "the CA or the back end asks for it.",
    )

    def __init__(self, *args: Any, is_new: bool, order: Pairs = (), kept: Pairs = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._order, self._kept = [name for name, _ in order], kept
        if not is_new:
            del self.fields["name"]

    def subject(self) -> list[tuple[str, str]]:
        """The subject's parts, with those that are `kept`, in the order of the subject that it renews."""
        entered = [
            (attribute, text)
            for field, attribute in SUBJECT.items()
            for text in map(str.strip, self.cleaned_data[field].splitlines())
            if text
        ]
        last = len(self._order)
        return sorted(
            [*entered, *self._kept],
            key=lambda pair: self._order.index(pair[0]) if pair[0] in self._order else last,
        )

    def alternative_names(self) -> list[str]:
        """The names, without empty lines."""
        return [text for line in self.cleaned_data["names"].splitlines() if (text := line.strip())]


class SignedForm(FileForm):
    """What the CA sent back."""

    file = forms.FileField(
        label="Signed certificate",
        allow_empty_file=True,
        widget=forms.FileInput({"accept": ".cer,.crt,.pem,.p7b,.p7c,.der"}),
        help_text="A .cer, .crt, .pem or .p7b file (DER or PEM), with or without the certificates of its issuers.",
        error_messages={"required": "Choose the file that the CA sent."},
    )
    chain = forms.FileField(
        label="Certificates of its issuers",
        required=False,
        allow_empty_file=True,
        widget=forms.FileInput({"accept": ".cer,.crt,.pem,.p7b,.p7c,.der"}),
        help_text="A .cer, .crt, .pem or .p7b file, where the CA sent them apart. Back ends often need them.",
    )

    def read(self, data: bytes) -> None:
        """The issuers alone: whether the certificate belongs to the key is for the change to say."""
        sent: UploadedFile[bytes] | None = self.cleaned_data["chain"]
        if sent is None:
            return
        try:
            issuers = read_issued(sent.read())
        except FileRefused as error:
            self.add_error("chain", error.message)
            return
        self.cleaned_data["file"] = pem([*read_issued(data), *issuers]).encode()
