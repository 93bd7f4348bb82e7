"""A policy document as a page shows it: its lines in colours, and beside each line what it refers to."""

from collections import defaultdict
from dataclasses import dataclass, field

from django.utils.safestring import SafeString

from gateway.models import BackEnd, Certificate, CertificateVersion, NamedValue, PolicyDocument
from gateway.policies import parser
from gateway.policies.parser import Fault, PolicyErrors
from gateway.policies.references import Reference, references_of
from gateway.policies.secrets import LiteralSecret, literal_secrets
from gateway.snapshot import Secret
from portal.highlight import xml_lines


@dataclass(frozen=True, slots=True)
class CertificateNote:
    """The certificate that a line names, or that there is none."""

    name: str
    facts: CertificateVersion | None


@dataclass(frozen=True, slots=True)
class NamedValueNote:
    """The named value that a line refers to; what it holds is not among this."""

    name: str
    secret: bool


@dataclass(frozen=True, slots=True)
class BackEndNote:
    """The back end that a line names, or that there is none (a URL of "")."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a document."""

    number: int
    html: SafeString
    certificates: list[CertificateNote] = field(default_factory=list)
    named_values: list[NamedValueNote] = field(default_factory=list)
    back_ends: list[BackEndNote] = field(default_factory=list)

    @property
    def refers(self) -> bool:
        """Whether it refers to anything."""
        return bool(self.certificates or self.named_values or self.back_ends)


@dataclass(frozen=True, slots=True)
class ShownDocument:
    """The lines of a document, what is wrong with it if it cannot be read, and what looks secret in it."""

    lines: tuple[Line, ...]
    faults: tuple[Fault, ...] = ()
    secrets: tuple[LiteralSecret, ...] = ()

    @property
    def noted(self) -> tuple[Line, ...]:
        """The lines that refer to something."""
        return tuple(line for line in self.lines if line.refers)


class _Targets:
    """What a document refers to, read from its reference rows in one query."""

    def __init__(self, document: PolicyDocument) -> None:
        rows = document.references.select_related("certificate__current", "named_value", "back_end")
        rows = rows.defer(
            "certificate__current__chain_pem",
            "certificate__current__sealed_private_key",
            "named_value__sealed_value",
        )
        self.certificates: dict[str, Certificate] = {}
        self.named_values: dict[str, NamedValue] = {}
        self.back_ends: dict[str, BackEnd] = {}
        for row in rows:
            if row.certificate:
                self.certificates[row.certificate.resource_id.casefold()] = row.certificate
                if row.certificate.current:
                    self.certificates[row.certificate.current.thumbprint.casefold()] = row.certificate
            if row.named_value:
                self.named_values[row.named_value.resource_id.casefold()] = row.named_value
            if row.back_end:
                self.back_ends[row.back_end.resource_id.casefold()] = row.back_end

    def value(self, name: str) -> str | Secret:
        """What `references_of` looks a named value up with: a secret one is never opened."""
        found = self.named_values[name.casefold()]
        return Secret(b"") if found.secret else found.value


def shown(document: PolicyDocument) -> ShownDocument:
    """A document's lines with what they refer to. One query."""
    lines = _lines(document.xml)
    try:
        parsed = parser.parse(document.xml, document.scope)
    except PolicyErrors as error:
        return ShownDocument(lines, tuple(error.faults))
    targets = _Targets(document)
    by_line: dict[int, list[Reference]] = defaultdict(list)
    for reference in references_of(parsed, targets.value):
        by_line[reference.element.line].append(reference)
    for line in lines:
        for reference in by_line[line.number]:
            _note(line, reference, targets)
    return ShownDocument(lines, secrets=literal_secrets(parsed))


def shown_draft(text: str) -> ShownDocument:
    """The lines of a text that is not saved. Nothing is asked, so nothing stands beside them."""
    return ShownDocument(_lines(text))


def _lines(text: str) -> tuple[Line, ...]:
    return tuple(Line(number, html) for number, html in enumerate(xml_lines(text), start=1))


def _note(line: Line, reference: Reference, targets: _Targets) -> None:
    if reference.kind == "named-value":
        value = targets.named_values.get(reference.name.casefold())
        line.named_values.append(NamedValueNote(reference.name, bool(value and value.secret)))
        return
    if reference.kind == "backend-id":
        row = targets.back_ends.get(reference.name.casefold())
        line.back_ends.append(BackEndNote(row.resource_id if row else reference.name, row.url if row else ""))
        return
    certificate = targets.certificates.get(reference.name.casefold())
    name = certificate.resource_id if certificate else reference.name
    line.certificates.append(CertificateNote(name, certificate.current if certificate else None))
