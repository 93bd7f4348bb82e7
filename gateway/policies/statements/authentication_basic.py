"""<authentication-basic />: user name and password for the back end (RFC 7617)."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

from gateway import snapshot
from gateway.policies.elements import Element
from gateway.policies.lookups import Lookups
from gateway.policies.named_values import Unresolvable, is_expression, looked_up, only_name
from gateway.policies.shape import Context, Judge
from gateway.policies.statement import Statement

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
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
    return "The 'username' attribute must not hold control characters." if _CONTROL.search(username) else None


def _password_problem(password: str) -> str | None:
    """What keeps a password from being a named value, or from being moved into one, where {{ is not replaced."""
    if only_name(password) is not None:
        return None
    if not password or "{{" in password:
        return _NO_LITERAL
    return _control_problem(password)


def _control_problem(password: str) -> str | None:
    return "The 'password' attribute must not hold control characters." if _CONTROL.search(password) else None


@dataclass(frozen=True, slots=True)
class AuthenticationBasic(Statement):
    """`password` is the name of the named value that holds it, or "" where the password itself is written.

    Such a document is read, so that saving it can move the password into a named value, and never compiled. The
    password itself stays in the text alone.
    """

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
        if password is not None and not is_expression(password) and (problem := _password_problem(password)):
            yield problem

    @classmethod
    def parse(cls, element: Element) -> Self:
        return cls(element.attributes["username"], only_name(element.attributes["password"]) or "")

    def compile(self, origin: snapshot.Origin, lookups: Lookups) -> snapshot.AuthenticationBasic:
        username = self.attribute("username", self.username, lookups)
        if not self.password:
            raise Unresolvable(_NO_LITERAL)
        value = looked_up(self.password, lookups.named_value)
        password = value if isinstance(value, snapshot.Secret) else snapshot.Secret(value.encode())
        if problem := _control_problem(password.reveal().decode()):
            raise Unresolvable(problem)
        return snapshot.AuthenticationBasic(username, password, origin)
