"""What a statement does to a call, in words for people. No secret is ever among them."""

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

from gateway.snapshot import (
    AuthenticationBasic,
    CheckHeader,
    IpFilter,
    ReturnResponse,
    RewriteUri,
    Secret,
    SetHeader,
    SetQueryParameter,
    Statement,
    Text,
)

HIDDEN = "(secret)"


class Seen(NamedTuple):
    """A request at one moment, as it may be shown."""

    target: str
    fields: tuple[tuple[str, str], ...]
    host: str = ""

    def values(self, name: str) -> list[str]:
        """The values of a field."""
        if name.lower() == "host" and self.host:
            return [self.host]
        return [value for key, value in self.fields if key == name.lower()]


class Change(NamedTuple):
    """What there was before a statement and after it, and the caller's address."""

    before: Seen
    after: Seen
    caller: str = ""


def element_of(statement: Statement) -> str:
    """The name of a statement's element: "set-header"."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", type(statement).__name__).lower()


def done_to_request(statement: Statement, change: Change) -> str:
    """What a statement did to the request; not for those that hold for the call as a whole."""
    return _REQUEST[type(statement)](statement, change)


def done_to_answer(statement: Statement) -> str:
    """What a statement does to the answer of a back end, whatever that is."""
    return _ANSWER[type(statement)](statement)


def _quoted(values: Collection[Text], between: str = ", ") -> str:
    hidden = (isinstance(value, Secret) or value == HIDDEN for value in values)
    return between.join(HIDDEN if hide else f"'{value}'" for hide, value in zip(hidden, values, strict=True))


def _set_header(statement: SetHeader, change: Change) -> str:
    name, before = statement.name, change.before.values(statement.name)
    after = _quoted(change.after.values(name))
    if statement.action == "delete":
        return f"Deletes {name}, which was {_quoted(before)}." if before else f"There is no {name} to delete."
    if not before:
        return f"Sets {name} to {after}."
    if statement.action == "skip":
        return f"{name} is there and stays {_quoted(before)}."
    if statement.action == "append":
        return f"Adds to {name}, which is now {after}."
    return f"Sets {name} to {after} instead of {_quoted(before)}."


def _set_query_parameter(statement: SetQueryParameter, change: Change) -> str:
    what = {
        "override": f"Sets the query parameter {statement.name} to {_quoted(statement.values)}",
        "skip": f"Sets the query parameter {statement.name} to {_quoted(statement.values)} where there is none",
        "append": f"Adds the query parameter {statement.name} with {_quoted(statement.values)}",
        "delete": f"Deletes the query parameter {statement.name}",
    }[statement.action]
    return f"{what}: {_target(change)}"


def _target(change: Change) -> str:
    same = change.before.target == change.after.target
    return f"the address stays {change.after.target}" if same else f"the address is now {change.after.target}"


def _rewrite_uri(_: RewriteUri, change: Change) -> str:
    return f"Asks for {change.after.target} instead of {change.before.target}."


def _check_header(statement: CheckHeader, _: Change) -> str:
    if not statement.values:
        return f"{statement.name} is there, as it must be."
    return f"{statement.name} is {_quoted(statement.values, ' or ')}, as it must be."


def refused_by_header(statement: CheckHeader) -> str:
    """What the check of a header says to a call that it refuses."""
    wanted = f" with the value {_quoted(statement.values, ' or ')}" if statement.values else ""
    return f"The call has no {statement.name}{wanted}: it is refused with {statement.status}."


def _filter(statement: IpFilter) -> str:
    ranges = (f"{first} to {last}" for first, last in statement.ranges)
    listed = ", ".join((*statement.networks, *ranges))
    return f"Lets in {'only' if statement.action == 'allow' else 'all but'} callers from {listed}"


def _ip_filter(statement: IpFilter, change: Change) -> str:
    if not change.caller:
        return f"{_filter(statement)}: no address was given to judge."
    return f"{_filter(statement)}: {change.caller} is let in."


def refused_by_address(statement: IpFilter, caller: str) -> str:
    """What the filter of addresses says to a call that it refuses."""
    return f"{_filter(statement)}: {caller} is refused."


def _authentication_basic(statement: AuthenticationBasic, _: Change) -> str:
    return f"Sets Authorization to HTTP basic credentials of the user '{statement.username}'."


def _return_response(statement: ReturnResponse, *_: Any) -> str:
    reason = f" {statement.reason}" if statement.reason else ""
    return f"Answers {statement.status}{reason} here and now; nothing behind it is executed."


def _set_answer_header(statement: SetHeader) -> str:
    name, values = statement.name, _quoted(statement.values)
    return {
        "override": f"Sets {name} of the answer to {values}.",
        "skip": f"Sets {name} of the answer to {values}, unless the back end did.",
        "append": f"Adds {values} to {name} of the answer.",
        "delete": f"Deletes {name} from the answer.",
    }[statement.action]


_REQUEST: Mapping[type, Callable[[Any, Change], str]] = {
    AuthenticationBasic: _authentication_basic,
    CheckHeader: _check_header,
    IpFilter: _ip_filter,
    ReturnResponse: _return_response,
    RewriteUri: _rewrite_uri,
    SetHeader: _set_header,
    SetQueryParameter: _set_query_parameter,
}
_ANSWER: Mapping[type, Callable[[Any], str]] = {
    ReturnResponse: _return_response,
    SetHeader: _set_answer_header,
}
