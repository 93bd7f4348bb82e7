"""Secrets that are written in a policy document itself, and the text with named values in their place. Pure.

A document is shown to all who may read it, kept in its versions and repeated in the audit log, so a password must
not stand in it. That of authentication-basic is one for certain; what a header, a query parameter or a condition
holds is likely to be one by its name or its form.
"""

import html
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gateway.policies.elements import Element
from gateway.policies.named_values import only_name
from gateway.policies.parser import Document
from gateway.policies.splice import attribute_span
from gateway.snapshot import Secret

# Names of headers and parameters that carry credentials, as words: "X-Api-Key" is "x-api-key", "apiKey" "api-key".
_LIKELY_NAMES = re.compile(
    r"(^|-)(authorization|auth|cookie|credentials?|secret|token|key|password|passwd|passphrase|pwd|jwt|sas)$"
    r"|(apikey|accesskey|secretkey|authtoken|accesstoken)$"
)
_LIKELY_PARAMETERS = re.compile("^(code|sig|signature|access-code)$")
# RFC 9110, 11.4: a scheme and what follows it; and a JSON Web Token (RFC 7519) on its own
_LIKELY_VALUE = re.compile(r"(?i:basic|bearer|sharedaccesssignature|sharedkey)\s+\S|eyJ[\w-]+\.[\w-]+\.")
_WORD_BEGINS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_PIECE = re.compile(
    r"<!--.*?-->|<!\[CDATA\[.*?\]\]>|\s+|[^<\s]+", re.DOTALL
)  # of what an element without others holds
_SECTIONS = ("inbound", "backend")  # what stands elsewhere goes to callers: no named value may hide it
_HOLDERS = {
    "set-header": "the value of the header '{}'",
    "check-header": "the value that the header '{}' must have",
    "set-query-parameter": "the value of the query parameter '{}'",
}


@dataclass(frozen=True, slots=True)
class LiteralSecret:
    """A secret that a document holds as it is written, and where.

    `id` names it within one text. `certain` ones are moved by every save. `element`, `line` and `column` are those
    of the element that holds it, `what` is it in words, `start` and `end` enclose it in the text. `value` is what
    the text means, references to characters (&amp;) resolved. `purpose` is what it serves for, "" where a document
    has several for the same.
    """

    id: str
    certain: bool
    element: str
    line: int
    column: int
    what: str
    suggested_name: str
    start: int
    end: int
    value: Secret
    purpose: str


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a document holds a credential, written out or as {{name}}."""

    purpose: tuple[str, str, str]
    element: Element
    certain: bool
    text: Secret
    what: str
    name: str
    start: int
    end: int


def literal_secrets(document: Document) -> tuple[LiteralSecret, ...]:
    """The secrets that a document holds as they are written, in order."""
    places = list(_places(document))
    often = Counter(place.purpose for place in places)
    return tuple(
        LiteralSecret(
            id=f"{place.element.line}-{place.element.column}",
            certain=place.certain,
            element=place.element.name,
            line=place.element.line,
            column=place.element.column,
            what=place.what,
            suggested_name=place.name,
            start=place.start,
            end=place.end,
            value=place.text,
            purpose=" ".join(place.purpose) if often[place.purpose] == 1 else "",
        )
        for place in places
        if "{{" not in _revealed(place)
    )


def named_secrets(document: Document) -> Mapping[str, str]:
    """The named values that stand for credentials in a document, by purpose: those that serve for one alone."""
    places = list(_places(document))
    often = Counter(place.purpose for place in places)
    named = [(place, only_name(_revealed(place))) for place in places]
    return {
        " ".join(place.purpose): name
        for place, name in named
        if name is not None and often[place.purpose] == 1
    }


def with_named_values(xml: str, names: Mapping[LiteralSecret, str]) -> str:
    """The text with a reference to a named value in place of each secret, and nothing else changed."""
    for secret in sorted(names, key=lambda secret: secret.start, reverse=True):
        reference = f"{{{{{html.escape(names[secret], quote=False)}}}}}"
        xml = xml[: secret.start] + reference + xml[secret.end :]
    return xml


def is_likely(element: str, name: str, text: str) -> bool:
    """Whether a value is likely to be a secret, by the name of what gets it (a header, a parameter) or its form."""
    words = _words(name)
    by_name = bool(_LIKELY_NAMES.search(words)) or (
        element == "set-query-parameter" and bool(_LIKELY_PARAMETERS.match(words))
    )
    return by_name or bool(_LIKELY_VALUE.match(text))


def _words(name: str) -> str:
    return re.sub("[^a-z0-9]+", "-", _WORD_BEGINS.sub("-", name).lower()).strip("-")


def _revealed(place: _Place) -> str:
    return place.text.reveal().decode()


def _places(document: Document) -> Iterator[_Place]:
    for section in _SECTIONS:
        found = document.sections.get(section)
        for placed in found.statements if found else ():
            element = placed.element
            if element.name == "authentication-basic":
                yield from _password(element, document.xml)
            elif element.name in _HOLDERS:
                yield from _values(section, element, document.xml)


def _password(element: Element, xml: str) -> Iterator[_Place]:
    span = attribute_span(xml, element, "password")
    if span:
        text = Secret(element.attributes["password"].encode())
        purpose = ("inbound", element.name, "password")
        yield _Place(purpose, element, True, text, "the password of HTTP basic", "basic-password", *span)


def _values(section: str, element: Element, xml: str) -> Iterator[_Place]:
    name = element.attributes.get("name", "")
    for value in element.children:
        if value.name == "value" and value.text and is_likely(element.name, name, value.text):
            purpose = (section, element.name, name.lower())
            what = _HOLDERS[element.name].format(name)
            text = Secret(value.text.encode())
            yield _Place(
                purpose, value, False, text, what, _words(name)[:30].strip("-"), *_text_span(value, xml)
            )


def _text_span(element: Element, xml: str) -> tuple[int, int]:
    """From where to where an element's text, of which there is some, stands without what is around it."""
    pieces = [
        piece
        for piece in _PIECE.finditer(xml, element.content_start, element.content_end)
        if not piece[0].isspace() and not piece[0].startswith("<!--")
    ]
    return pieces[0].start(), pieces[-1].end()
