"""<authentication-basic />: user name and password for the back end (RFC 7617)."""

from dataclasses import dataclass
from typing import ClassVar, Self

from gateway import snapshot
from gateway.policies.elements import Element
from gateway.policies.named_values import looked_up, only_name
from gateway.policies.statement import Context, Lookups, Statement, Unresolvable, Wrong

_NO_LITERAL = (
    "The 'password' attribute must be a reference to a named value, like {{partner-bank-password}}: "
    "a policy document holds no password."
)


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

    @classmethod
    def parse(cls, element: Element, context: Context) -> Self:
        username, password = element.attributes["username"], only_name(element.attributes["password"])
        problem = _username_problem(username)
        messages = [text for text in (problem, None if password else _NO_LITERAL) if text]
        if messages or password is None:
            raise Wrong(*messages)
        return cls(username, password)

    def compile(self, origin: snapshot.Origin, lookups: Lookups) -> snapshot.AuthenticationBasic:
        username = lookups.text(self.username)
        if problem := _username_problem(username):
            raise Unresolvable(problem)
        value = looked_up(self.password, lookups.named_value)
        password = value if isinstance(value, snapshot.Secret) else snapshot.Secret(value.encode())
        return snapshot.AuthenticationBasic(username, password, origin)


def _username_problem(username: str) -> str | None:
    """RFC 7617, 2: a user-id holds no colon, and neither part a control character."""
    if not username:
        return "The 'username' attribute must not be empty."
    if ":" in username:
        return "The 'username' attribute must not hold a colon."
    if any(ord(character) < 32 or 127 <= ord(character) < 160 for character in username):
        return "The 'username' attribute must not hold control characters."
    return None
