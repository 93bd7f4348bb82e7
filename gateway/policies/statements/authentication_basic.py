"""<authentication-basic />: user name and password for the back end (RFC 7617)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

from gateway import snapshot
from gateway.policies.elements import Element
from gateway.policies.lookups import Lookups
from gateway.policies.named_values import is_expression, looked_up, only_name
from gateway.policies.shape import Context, Judge
from gateway.policies.statement import Statement

_NO_LITERAL = (
    "The 'password' attribute must be a reference to a named value, like {{partner-bank-password}}: "
    "a policy document holds no password."
)


def _username_problem(username: str) -> str | None:
    """RFC 7617, 2: a user-id holds no colon, and neither part a control character."""
    if not username:
        return "The 'username' attribute must not be empty."
    if ":" in username:
        return "The 'username' attribute must not hold a colon."
    if any(ord(character) < 32 or 127 <= ord(character) < 160 for character in username):
        return "The 'username' attribute must not hold control characters."
    return None


@dataclass(frozen=True, slots=True)
class AuthenticationBasic(Statement):
    """`password` is the name of the named value that holds it."""

    username: str
    password: str

    element: ClassVar[str] = "authentication-basic"
    title: ClassVar[str] = "Authenticate with Basic"
    summary: ClassVar[str] = "Sends a user name and a password to the back end."
    snippet: ClassVar[str] = '<authentication-basic username="" password="{{}}" />'
    sections: ClassVar[tuple[str, ...]] = ("inbound",)
    required: ClassVar[tuple[str, ...]] = ("username", "password")
    judges: ClassVar[Mapping[str, Judge]] = {"username": _username_problem}

    @classmethod
    def problems(cls, element: Element, context: Context) -> Iterator[str]:
        password = element.attributes.get("password")
        if password is not None and not is_expression(password) and only_name(password) is None:
            yield _NO_LITERAL

    @classmethod
    def parse(cls, element: Element) -> Self:
        return cls(element.attributes["username"], only_name(element.attributes["password"]) or "")

    def compile(self, origin: snapshot.Origin, lookups: Lookups) -> snapshot.AuthenticationBasic:
        username = self.attribute("username", self.username, lookups)
        value = looked_up(self.password, lookups.named_value)
        password = value if isinstance(value, snapshot.Secret) else snapshot.Secret(value.encode())
        return snapshot.AuthenticationBasic(username, password, origin)
