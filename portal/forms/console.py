"""The form of the console: a call of one operation. Its fields come from the operation's URL template."""

from typing import Any
from uuid import UUID

from django import forms

from gateway.changes.subscriptions import NO_LONGER_IN
from gateway.models import Operation
from gateway.subscription_keys import FIELD, PARAMETER
from gateway.url_templates import Template, has_dot_segment, parse_template
from portal.console.exchange import ConsoleRequest
from portal.console.keys import KeyChoice
from portal.console.request import TRACE_FIELD, encoded, encoded_path, target_of
from portal.forms.base import PortalForm, SecretInput
from portal.forms.lines import field_value, header_lines, lines_of

PREFIX = "p_"  # before the name of a parameter
NO_KEY, OWN_KEY = "none", "own"
MOST_IN_BODY = 500_000
WITHOUT_BODY = frozenset({"HEAD", "TRACE"})
_PLAIN_TEXT = {"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"}
_FRAMING = frozenset({"content-length", "transfer-encoding", "te", "trailer", "expect"})
_CONNECTION = frozenset({"connection", "keep-alive", "proxy-connection", "upgrade", "http2-settings"})


class ConsoleForm(PortalForm):
    """A call of `operation`, with one of the `schemes`, and of the `keys` for people who `may_use` them."""

    scheme = forms.ChoiceField(label="Scheme", error_messages={"invalid_choice": "Choose one of the list."})
    remainder = forms.CharField(
        label="The rest of the path (*)",
        required=False,
        max_length=2000,
        strip=False,
        help_text="What the * stands for. Slashes stay slashes; all else is percent-encoded where that is needed.",
        widget=forms.TextInput(_PLAIN_TEXT),
    )
    query = forms.CharField(
        label="Further query parameters",
        required=False,
        strip=False,
        max_length=8000,
        help_text="One a line, such as page=2. Write values as they are meant: they are percent-encoded for you.",
        widget=forms.Textarea({"rows": 2, "class": "code", **_PLAIN_TEXT}),
    )
    headers = forms.CharField(
        label="Request headers",
        required=False,
        max_length=16_000,
        help_text="One a line, such as Accept: application/json.",
        widget=forms.Textarea({"rows": 3, "class": "code", **_PLAIN_TEXT}),
    )
    content_type = forms.CharField(
        label="Content type",
        required=False,
        max_length=200,
        help_text="Sent with a body only, and not where the headers say another one.",
        widget=forms.TextInput({"list": "content-types", **_PLAIN_TEXT}),
    )
    body = forms.CharField(
        label="Request body",
        required=False,
        max_length=MOST_IN_BODY,
        strip=False,
        widget=forms.Textarea({"rows": 8, "class": "code", **_PLAIN_TEXT}),
        error_messages={
            "max_length": f"The console sends at most {MOST_IN_BODY:,} characters. Save a longer body as a file, "
            "and send that with curl: --data-binary @file."
        },
    )
    key = forms.ChoiceField(label="Subscription key")
    own_key = forms.CharField(
        label="Another key",
        required=False,
        max_length=1000,
        widget=SecretInput({"data-keep": ""}),
        help_text="For “Another key” above. It is sent with this call, and kept nowhere.",
    )
    trace = forms.BooleanField(
        label="Trace this call",
        required=False,
        help_text=f"Sends {TRACE_FIELD}: true, and shows what the gateway did, step by step.",
    )

    def __init__(
        self,
        *args: Any,
        operation: Operation,
        schemes: tuple[str, ...],
        keys: KeyChoice,
        may_use: bool,
        **options: Any,
    ) -> None:
        super().__init__(*args, **options)
        self.operation, self.keys = operation, keys
        self.template: Template = parse_template(operation.url_template)
        self._add_parameters()
        self._offer_schemes(schemes)
        self._offer_keys(keys if may_use else None)
        if not self.template.wildcard:
            del self.fields["remainder"]
        if operation.method in WITHOUT_BODY:
            del self.fields["body"], self.fields["content_type"]
        else:
            del self.fields["body"].widget.attrs["maxlength"]  # browsers cut what is pasted, and say nothing
        if not keys.traceable:
            self.fields["trace"].disabled = True
            self.initial["trace"] = False

    def _add_parameters(self) -> None:
        names = []
        for part in self.template.segments:
            if part.is_parameter:
                names.append(self._add(part.text, "In the path.", required=True))
        for item in self.template.query:
            if item.is_parameter:
                where = f"In the query, as {item.name}=; it may be left empty."
                names.append(self._add(item.value, where, required=False))
        self.order_fields([*names, *self.base_fields])
        self.parameter_names = tuple(names)

    def _add(self, name: str, help_text: str, *, required: bool) -> str:
        self.fields[PREFIX + name] = forms.CharField(
            label=name,
            required=required,
            max_length=2000,
            strip=False,
            help_text=help_text,
            widget=forms.TextInput(_PLAIN_TEXT),
            error_messages={
                "required": f"Enter a value for {name}: without it no path fits the URL template."
            },
        )
        return PREFIX + name

    def _offer_schemes(self, schemes: tuple[str, ...]) -> None:
        field: forms.ChoiceField = self.fields["scheme"]  # type: ignore[assignment]
        field.choices = [(scheme, scheme) for scheme in schemes]
        if len(schemes) == 1:
            field.widget, field.required = forms.HiddenInput(), False
        self._only_scheme = schemes[0] if len(schemes) == 1 else ""

    def _offer_keys(self, keys: KeyChoice | None) -> None:
        field: forms.ChoiceField = self.fields["key"]  # type: ignore[assignment]
        rows = keys.shown if keys else ()
        named = [(str(row.key), f"{row}{' (tracing allowed)' if row.allow_tracing else ''}") for row in rows]
        field.choices = [*named, (NO_KEY, "No key"), (OWN_KEY, "Another key")]
        needed = self.operation.api.subscription_required
        field.help_text = (
            "Without a key this API answers 401." if needed else "This API takes calls without a key, too."
        )
        field.error_messages = {"invalid_choice": NO_LONGER_IN, "required": "Choose one of the list."}

    @property
    def parameters(self) -> list[forms.BoundField]:
        """The fields of the URL template's parameters."""
        return [self[name] for name in self.parameter_names]

    def clean_scheme(self) -> str:
        """The scheme; where there is one alone, that one."""
        return self._only_scheme or str(self.cleaned_data["scheme"])

    def clean_remainder(self) -> str:
        """What the wildcard stands for."""
        return _without_dots(self.cleaned_data["remainder"], encoded_path)

    def clean_query(self) -> list[tuple[str, str | None]]:
        """The further parameters: names and values, None for a name alone."""
        found: list[tuple[str, str | None]] = []
        for line in lines_of(self.cleaned_data["query"], "parameters"):
            name, equals, value = line.partition("=")
            if not name:
                raise forms.ValidationError(f"“{line}” has no name: write name=value.")
            if name.lower() == PARAMETER:
                raise forms.ValidationError(
                    f"Leave {PARAMETER} out: choose the key below, under Authorization."
                )
            found.append((name, value if equals else None))
        return found

    def clean_headers(self) -> list[tuple[str, str]]:
        """The header fields: names and values."""
        fields = header_lines(self.cleaned_data["headers"])
        for name, _ in fields:
            if words := _why_not(name):
                raise forms.ValidationError(f"Leave {name} out: {words}")
        return fields

    def clean_content_type(self) -> str:
        """The type of the body."""
        return field_value("Content-Type", self.cleaned_data["content_type"])

    def clean_body(self) -> str:
        """The body with the ends of lines that were typed: browsers make two characters of each."""
        return str(self.cleaned_data["body"]).replace("\r\n", "\n")

    def clean_own_key(self) -> str:
        """The key that was typed."""
        return field_value("the key", self.cleaned_data["own_key"])

    def clean(self) -> dict[str, Any]:
        """What depends on more than one field."""
        values = self.cleaned_data
        for part in self.template.segments:
            self._check_dots(part.text if part.is_parameter else "")
        if values.get("key") == OWN_KEY and not values.get("own_key") and "own_key" not in self.errors:
            self.add_error("own_key", "Enter the key, or choose another entry above.")
        return values

    def _check_dots(self, name: str) -> None:
        value = self.cleaned_data.get(PREFIX + name, "")
        if has_dot_segment(encoded(value)):
            self.add_error(PREFIX + name, _DOTS.format(value))

    @property
    def subscription_key(self) -> UUID | None:
        """The subscription that was chosen, None where none was. After `is_valid()`."""
        key = self.cleaned_data.get("key", NO_KEY)
        return None if key in {NO_KEY, OWN_KEY, ""} else UUID(key)

    @property
    def carries_key(self) -> bool:
        """Whether a key goes with the call. After `is_valid()`."""
        return bool(self.cleaned_data.get("key", NO_KEY) != NO_KEY)

    def request(self, key: str = "") -> ConsoleRequest:
        """The call with what is in order of the fields, and with a subscription key. After `is_valid()`."""
        values = self.cleaned_data
        body = str(values.get("body", "")).encode()
        return ConsoleRequest(
            self.operation.method, self._target(), tuple(self._fields(key, with_body=bool(body))), body
        )

    def _target(self) -> str:
        values = self.cleaned_data
        entered = {name.removeprefix(PREFIX): values[name] for name in self.parameter_names if name in values}
        return target_of(
            self.operation.api.suffix,
            self.template,
            entered,
            values.get("remainder", ""),
            values.get("query", ()),
        )

    def _fields(self, key: str, *, with_body: bool) -> list[tuple[str, str]]:
        values = self.cleaned_data
        fields = list(values.get("headers", ()))
        typed = any(name.lower() == "content-type" for name, _ in fields)
        if with_body and not typed and values.get("content_type"):
            fields.append(("Content-Type", values["content_type"]))
        if values.get("trace"):
            fields.append((TRACE_FIELD, "true"))
        return [*fields, *([(FIELD, key)] if key else [])]


_DOTS = "“{}” would make a “.” or “..” segment of the path, which the gateway refuses. Enter another value."


def _without_dots(value: str, encode: Any) -> str:
    if has_dot_segment(encode(value)):
        raise forms.ValidationError(_DOTS.format(value))
    return value


def _why_not(name: str) -> str:
    """Why a header field cannot be entered, "" if it can."""
    lower = name.lower()
    if lower == "host":
        return "the gateway's own address goes there."
    if lower in _FRAMING:
        return "the console itself says how long the body is."
    if lower in _CONNECTION:
        return "it is about the connection, which the console itself makes."
    if lower == FIELD.lower():
        return "choose the key below, under Authorization."
    return "tick the box “Trace this call” instead." if lower == TRACE_FIELD.lower() else ""
