"""What each statement of a policy does to a call: one maker of steps per statement, for all that change a message.

A step is made when a snapshot is applied and called for each call: with the request, or with the answer. It raises
CallFailure to refuse the call. A maker raises ValueError for a statement that must not be executed as it stands,
whoever let it pass: policies of this release are checked when they are saved.
"""

from base64 import b64encode
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from gateway.embedded import query
from gateway.embedded.message import Message, Request
from gateway.embedded.ranges import Ranges, address_of
from gateway.failures import CallFailure
from gateway.headers import Field, is_field_value, is_joined, is_settable
from gateway.request_head import is_host
from gateway.snapshot import (
    AuthenticationBasic,
    CheckHeader,
    IpFilter,
    RewriteUri,
    Secret,
    SetHeader,
    SetQueryParameter,
    Text,
)
from gateway.url_templates import Template, normalise, parse_rewrite_template

Step = Callable[[Any], None]

_HOST = b"host"


class _Addition(NamedTuple):
    """What is put at the end of the fields: `lines`; with a `name` only where there is no field of it; with
    `values` together with what there is of it, as one line."""

    lines: Sequence[Field]
    name: bytes | None = None
    values: Sequence[bytes] | None = None


class FieldChange:
    """Changes fields in one pass. It holds what may be secret, and has no repr that shows it."""

    __slots__ = ("_additions", "_dropped", "_names")

    def __init__(
        self, names: frozenset[bytes], additions: Sequence[_Addition] = (), *, drops: frozenset[bytes]
    ) -> None:
        self._names = names
        self._dropped = drops
        self._additions = additions

    def __call__(self, message: Message) -> None:
        before, dropped = message.fields, self._dropped
        fields = [field for field in before if field[0] not in dropped]
        for lines, name, values in self._additions:
            if name is None:
                fields += lines
            elif values is not None:
                present = [value for key, value in before if key == name]
                fields.append((name, b", ".join([value for value in (*present, *values) if value])))
            else:
                for key, _ in before:
                    if key == name:
                        break
                else:
                    fields += lines
        message.fields = fields

    def then(self, other: Step) -> "FieldChange | None":
        """One step for both, unless they are about the same field: then the order of the two matters."""
        if not isinstance(other, FieldChange) or not self._names.isdisjoint(other._names):
            return None
        return FieldChange(
            self._names | other._names,
            _joined([*self._additions, *other._additions]),
            drops=self._dropped | other._dropped,
        )


def _joined(additions: Sequence[_Addition]) -> list[_Addition]:
    """The same, with all that is added in any case as one where it stands in a row."""
    found: list[_Addition] = []
    for each in additions:
        if found and found[-1].name is each.name is None:
            found[-1] = _Addition([*found[-1].lines, *each.lines])
        else:
            found.append(each)
    return found


# --- set-header ---------------------------------------------------------------------------------------------------
def set_header(statement: SetHeader) -> Step:
    """The step for a field of the request. Host is that of the message to the back end, which has exactly one."""
    if statement.name.lower() != "host":
        return _set_field(statement)
    values = _field_values(statement.values)
    if statement.action != "override" or len(values) != 1 or not is_host(values[0]):
        raise ValueError("set-header must not do this to the field Host")

    def set_host(request: Request) -> None:
        request.host = values[0]

    return set_host  # no partial: its repr shows what may be secret


def set_answer_header(statement: SetHeader) -> Step:
    """The step for a field of the answer, which goes to callers: no secret may."""
    if any(isinstance(value, Secret) for value in statement.values):
        raise ValueError(f"the value of {statement.name} is secret and would be sent to callers")
    return _set_field(statement)


def _set_field(statement: SetHeader) -> Step:
    _check_action(statement)
    name, values = statement.name.lower().encode(), _field_values(statement.values)
    if name == _HOST or not is_settable(name):
        raise ValueError(f"set-header must not set or delete the field {statement.name}")
    if not all(map(is_field_value, values)):
        raise ValueError(f"a value for the field {statement.name} holds what no field value may hold")
    return _FIELD_STEPS[statement.action](name, values)


def _check_action(statement: SetHeader | SetQueryParameter) -> None:
    if statement.action not in _FIELD_STEPS:
        raise ValueError(f"exists-action {statement.action} is unknown here")
    if not statement.values and statement.action != "delete":
        raise ValueError(f"there is no value for {statement.name}")


def _bytes(text: Text) -> bytes:
    return text.encode() if isinstance(text, str) else text.reveal()


def _field_values(values: Sequence[Text]) -> list[bytes]:
    """Without the spaces at their ends that a named value may bring: no part of a value (RFC 9110, 5.5)."""
    return [_bytes(value).strip(b" \t") for value in values]


def _override(name: bytes, values: list[bytes]) -> Step:
    names = frozenset((name,))
    return FieldChange(names, [_Addition(_lines(name, values))], drops=names)


def _delete(name: bytes, _: list[bytes]) -> Step:
    names = frozenset((name,))
    return FieldChange(names, drops=names)


def _skip(name: bytes, values: list[bytes]) -> Step:
    return FieldChange(frozenset((name,)), [_Addition(_lines(name, values), name)], drops=frozenset())


def _append(name: bytes, values: list[bytes]) -> Step:
    names = frozenset((name,))
    if not is_joined(name):
        return FieldChange(names, [_Addition(_lines(name, values))], drops=frozenset())
    return FieldChange(names, [_Addition((), name, values)], drops=names)


def _lines(name: bytes, values: list[bytes]) -> list[Field]:
    """Several values as one line, or as a line each where a comma would not do (RFC 9110, 5.3)."""
    if is_joined(name):
        return [(name, b", ".join(filter(None, values)))]  # a list has no empty members (RFC 9110, 5.6.1)
    return [(name, value) for value in values]


_FIELD_STEPS: dict[str, Callable[[bytes, list[bytes]], Step]] = {
    "override": _override,
    "skip": _skip,
    "append": _append,
    "delete": _delete,
}


# --- authentication-basic -----------------------------------------------------------------------------------------
def authentication_basic(statement: AuthenticationBasic) -> Step:
    """RFC 7617, in UTF-8. It replaces what the caller sent."""
    credentials = statement.username.encode() + b":" + statement.password.reveal()
    return _override(b"authorization", [b"Basic " + b64encode(credentials)])


# --- set-query-parameter ------------------------------------------------------------------------------------------
class QueryChange:
    """Changes the query. What becomes of none, which most calls have, is known beforehand."""

    __slots__ = ("_changes", "_of_none")

    def __init__(self, *changes: query.Change) -> None:
        self._changes = changes
        self._of_none = self._changed(None)

    def __call__(self, request: Request) -> None:
        request.query = self._changed(request.query) if request.query is not None else self._of_none

    def _changed(self, text: str | None) -> str | None:
        for change in self._changes:
            text = change(text)
        return text

    def then(self, other: Step) -> "QueryChange | None":
        """One step for both."""
        return QueryChange(*self._changes, *other._changes) if isinstance(other, QueryChange) else None


def set_query_parameter(statement: SetQueryParameter) -> Step:
    """The step for a parameter of the query."""
    _check_action(statement)
    return QueryChange(
        query.change(statement.action, statement.name, [_bytes(value) for value in statement.values])
    )


# --- rewrite-uri --------------------------------------------------------------------------------------------------
def rewrite_uri(statement: RewriteUri, template: Template) -> Step:
    """The step for the operations of a URL template: another path and query. It refuses a call whose values would
    make a path that must not be asked for."""
    rewrite = parse_rewrite_template(statement.template, template)
    own = frozenset(item.name for item in template.query)
    fixed = None if rewrite.parameters or rewrite.wildcard else rewrite.expand({})

    def rewrite_target(request: Request) -> None:
        unmatched = _unmatched(request.query, own) if statement.copy_unmatched_params else ""
        try:
            target = fixed or rewrite.expand(request.values, "", request.remainder)
        except ValueError as error:
            raise CallFailure("bad-target", str(error)) from None
        request.path, _, written = target.partition("?")
        request.query = f"{written}&{unmatched}" if written and unmatched else written or unmatched or None

    return rewrite_target


def _unmatched(text: str | None, own: frozenset[str]) -> str:
    """A query without the parameters of the operation's own template."""
    if not text or not own:
        return text or ""
    pairs = text.split("&")
    return "&".join(pair for pair in pairs if normalise(pair.partition("=")[0]) not in own)


# --- check-header -------------------------------------------------------------------------------------------------
def check_header(statement: CheckHeader) -> Step:
    """The step that refuses a call without the field, or where its value is none of those that there may be."""
    name = statement.name.lower().encode()
    fold: Callable[[bytes], bytes] = bytes.lower if statement.ignore_case else bytes
    # Found by their hash, which is secret to this process: the time that it takes says nothing of a secret value.
    wanted = frozenset(map(fold, _field_values(statement.values)))

    def check(request: Request) -> None:
        for key, value in request.fields if name != _HOST else _host_of(request):
            if key != name:
                continue
            if not wanted or fold(value) in wanted:
                return
            if b"," in value and any(fold(member.strip(b" \t")) in wanted for member in value.split(b",")):
                return
        raise CallFailure(
            "header-check-failed", statement.name, status=statement.status, message=statement.message
        )

    return check


def _host_of(request: Request) -> list[Field]:
    """Host as the statements before have left it: the caller's own until one is set."""
    host = request.host or request.authority
    return [(_HOST, host)] if host else []


# --- ip-filter ----------------------------------------------------------------------------------------------------
def ip_filter(statement: IpFilter) -> Step:
    """The step that refuses callers by their address, and those of whom none is known."""
    ranges = Ranges(statement.networks, statement.ranges)
    if statement.action not in ("allow", "forbid"):
        raise ValueError(f"action {statement.action} is unknown here")
    allows = statement.action == "allow"

    @lru_cache(maxsize=256)
    def is_let_in(caller: str) -> bool:
        address = address_of(caller)
        return address is not None and (address in ranges) == allows

    def check(request: Request) -> None:
        if not is_let_in(request.caller):
            raise CallFailure("ip-forbidden", request.caller)

    return check
