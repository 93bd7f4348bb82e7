"""What of a call is secret, by its name and by its value, and how a text is shown without it. Pure.

A secret is hidden where its name stands, and wherever else its value turns up: raw, percent-encoded, or with "+"
for a space, as back ends that echo what they were sent show it.
"""

import re
from base64 import b64decode
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from urllib.parse import unquote_plus, unquote_to_bytes

HIDDEN = "(secret)"
SHORTEST = 6  # of a value that is hidden wherever it stands: shorter ones are parts of ordinary words
_MOST = 500

_WORDS = (
    r"authorization|cookie|token|secret|passw|pwd|api-?key|signature|credential|session|"
    r"(?:subscription|access|functions|account|private|shared|client|auth|master)-?key"
)
_NAMES = re.compile(_WORDS)
_PARAMETERS = frozenset(("assertion", "code", "jwt", "key", "sid", "sig"))
_PARAMETER = re.compile(r"(?<=[?&;#])([^?&;#=\s\"'<>]{1,200})=([^&;#\s\"'<>]*)")
_USER = re.compile(r"(?<=://)[^/?#@\s\"'<>]+@")
_TOKENS = re.compile(r"%[0-9A-Fa-f]{2}|[^%\x80-\U0010ffff]+|.", re.DOTALL)
_COOKIES = frozenset(("cookie", "set-cookie"))
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,30} +(\S.*)", re.DOTALL)


def is_secret_field(name: str) -> bool:
    """Whether the values of a field of this name are never shown."""
    return _NAMES.search(name.strip().lower().replace("_", "-")) is not None


def is_secret_parameter(name: str) -> bool:
    """The same for a parameter of a query, whose name may be percent-encoded."""
    plain = unquote_plus(name).strip().lower()
    return plain in _PARAMETERS or is_secret_field(plain)


class Masker:
    """Hides the secrets of one call, once it has learned them all."""

    def __init__(self) -> None:
        self._values: set[str] = set()
        self._fields: set[str] = set()
        self._parameters: set[str] = set()
        self._too_many = False

    @property
    def longest(self) -> int:
        """How long a secret may be as it stands in a text."""
        return 3 * max(map(len, self._values), default=0)

    def remember(self, value: str) -> None:
        """A value is secret, however it is written."""
        for text in {value.strip(), unquote_plus(value).strip()}:
            if len(text) >= SHORTEST and text != HIDDEN:
                self._values |= {text.replace("+", " "), _plain(text)}
        self._too_many = len(self._values) > _MOST

    def hide_field(self, name: str) -> None:
        """The fields of a name are secret, whatever their values are."""
        self._fields.add(name.lower())

    def hide_parameter(self, name: str) -> None:
        """The same for parameters; the name is not encoded."""
        self._parameters.add(name)

    def hides_field(self, name: str) -> bool:
        """Whether the values of a field are not shown."""
        return name.lower() in self._fields or is_secret_field(name)

    def hides_parameter(self, name: str) -> bool:
        """Whether the value of a parameter is not shown; the name may be percent-encoded."""
        return is_secret_parameter(name) or (
            bool(self._parameters) and unquote_plus(name) in self._parameters
        )

    def learn(self, fields: Iterable[tuple[str, str]]) -> None:
        """Remember the values of fields that are secret by their own names, and what is secret in the addresses
        that others hold. Where a policy makes a field secret, its own value is the secret."""
        for name, value in fields:
            if is_secret_field(name):
                for secret in _secrets_in(name.lower(), value):
                    self.remember(secret)
            else:
                self.learn_address(value)

    def learn_address(self, text: str) -> None:
        """Remember the values of secret parameters in a text, and the credentials of its addresses."""
        for match in _PARAMETER.finditer(text):
            if is_secret_parameter(match[1]):
                self.remember(match[2])
        for user in _USER.findall(text):
            self.remember(user[:-1])
            self.remember(user[:-1].partition(":")[2])

    def fields(self, fields: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """Fields as they may be shown."""
        return [(self.text(name), HIDDEN if self.hides_field(name) else self.text(value))
                for name, value in fields]  # fmt: skip

    def text(self, text: str) -> str:
        """A text as it may be shown."""
        if self._too_many:
            return HIDDEN
        text = _USER.sub(f"{HIDDEN}@", _PARAMETER.sub(self._parameter, text))
        # What is hidden already may be a word that is secret itself.
        return HIDDEN.join(self._without_values(part) for part in text.split(HIDDEN))

    def _parameter(self, match: re.Match[str]) -> str:
        return f"{match[1]}={HIDDEN}" if match[2] and self.hides_parameter(match[1]) else match[0]

    def _without_values(self, text: str) -> str:
        if len(text) < SHORTEST or not self._values:
            return text
        plain, places = _with_places(text)
        shown, end = [], 0
        for first, last in _joined(sorted(_found(plain, self._values))):
            shown += [text[end : places[first]], HIDDEN]
            end = places[last]
        return "".join((*shown, text[end:]))


def _plain(text: str) -> str:
    """A text with its encoded characters decoded, byte by byte."""
    return unquote_to_bytes(text).decode("latin-1").replace("+", " ")


def _with_places(text: str) -> tuple[str, Sequence[int]]:
    """The same, with where each of its characters (and its end) stands in the text."""
    if text.isascii() and "%" not in text:
        return text.replace("+", " "), range(len(text) + 1)
    plain: list[str] = []
    places: list[int] = []
    place = 0
    for token in _TOKENS.findall(text):
        decoded = _plain(token)
        plain.append(decoded)
        # One character is several bytes, or several characters are one.
        same = len(decoded) == len(token)
        places += range(place, place + len(token)) if same else [place] * len(decoded)
        place += len(token)
    return "".join(plain), [*places, place]


def _found(plain: str, values: Iterable[str]) -> Iterator[tuple[int, int]]:
    for value in values:
        place = plain.find(value)
        while place >= 0:
            yield place, place + len(value)
            place = plain.find(value, place + len(value))


def _joined(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans in order, those that overlap as one."""
    joined: list[tuple[int, int]] = []
    for first, last in spans:
        if joined and first < joined[-1][1]:
            joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
        else:
            joined.append((first, last))
    return joined


def _secrets_in(name: str, value: str) -> Iterator[str]:
    """What is secret of a secret field's value: all of it, and its parts that may turn up alone."""
    if name in _COOKIES:
        pairs = value.split(";", 1)[:1] if name == "set-cookie" else value.split(";")
        yield from (pair.partition("=")[2].strip(' "') or pair for pair in pairs)
        return
    yield value
    if match := _SCHEME.fullmatch(value):
        yield match[1]
        yield from _basic(match[1])


def _basic(credentials: str) -> Iterator[str]:
    """The password of RFC 7617, and both parts as they are before they are encoded."""
    with suppress(ValueError):
        user, colon, password = b64decode(credentials, validate=True).decode().partition(":")
        if colon:
            yield f"{user}:{password}"
            yield password
