"""Effective policies, compiled: what a call runs is a flat row of steps."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from gateway.embedded.answers import Given, given
from gateway.embedded.steps import (
    FieldChange,
    QueryChange,
    Step,
    authentication_basic,
    check_header,
    ip_filter,
    rewrite_uri,
    set_answer_header,
    set_header,
    set_query_parameter,
)
from gateway.snapshot import (
    AuthenticationBasic,
    AuthenticationCertificate,
    CheckHeader,
    EffectivePolicy,
    ForwardRequest,
    IpFilter,
    ReturnResponse,
    RewriteUri,
    SetBackendService,
    SetHeader,
    SetQueryParameter,
    Statement,
)
from gateway.url_templates import Template


class Line(NamedTuple):
    """A statement of a program, in the section where it stands. One without a step changes no message: it holds for
    the call as a whole, or ends it (`given`)."""

    section: str
    statement: Statement
    step: Step | None = None
    given: Given | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """What is done to a request or to an answer.

    `steps` is what calls run, up to the statement that ends the call with an answer of its own, `given`. `lines`
    are all statements, one by one.
    """

    lines: tuple[Line, ...] = ()
    steps: tuple[Step, ...] = ()
    given: Given | None = None


NOTHING = Program()

_Maker = Callable[[Any], Step]

# What makes the step of a statement, by section. Without a maker a statement changes no message: it holds for the
# call as a whole (see plans), ends it, or waits for the URL template of an operation (`for_template`).
_FOR_REQUESTS: Mapping[type, _Maker | None] = {
    ReturnResponse: None,
    SetBackendService: None,
    SetHeader: set_header,
    SetQueryParameter: set_query_parameter,
}
_MAKERS: Mapping[str, Mapping[type, _Maker | None]] = {
    "inbound": {
        **_FOR_REQUESTS,
        AuthenticationBasic: authentication_basic,
        AuthenticationCertificate: None,
        CheckHeader: check_header,
        IpFilter: ip_filter,
        RewriteUri: None,
    },
    "backend": {**_FOR_REQUESTS, ForwardRequest: None},
    "outbound": {ReturnResponse: None, SetHeader: set_answer_header},
}


def compiled(policy: EffectivePolicy) -> tuple[Program, Program]:
    """What is done to requests, rewriting left out, and to answers.

    Raises ValueError for a policy with a statement that is not executed here: it is never executed in part.
    """
    request = (*_lines("inbound", policy.inbound), *_lines("backend", policy.backend))
    return _program(request), _program(tuple(_lines("outbound", policy.outbound)))


def rewrites(program: Program) -> bool:
    """Whether a program is another one for each URL template."""
    return any(isinstance(line.statement, RewriteUri) for line in program.lines)


def for_template(program: Program, template: Template) -> Program:
    """The program with the rewriting of calls that match a URL template. Raises ValueError."""
    return _program(
        tuple(
            line._replace(step=rewrite_uri(line.statement, template))
            if isinstance(line.statement, RewriteUri)
            else line
            for line in program.lines
        )
    )


def _lines(section: str, statements: Iterable[Statement]) -> Iterator[Line]:
    makers = _MAKERS[section]
    for statement in statements:
        kind = type(statement)
        if kind not in makers:
            raise ValueError(f"{kind.__name__} is unknown here")
        make = makers[kind]
        answer = given(statement) if isinstance(statement, ReturnResponse) else None
        yield Line(section, statement, make(statement) if make else None, answer)


def _program(lines: tuple[Line, ...]) -> Program:
    if not lines:
        return NOTHING
    steps: list[Step] = []
    for line in lines:
        if line.given is not None:
            return Program(lines, tuple(_fused(steps)), line.given)
        if line.step is not None:
            steps.append(line.step)
    return Program(lines, tuple(_fused(steps)))


def _fused(steps: Iterable[Step]) -> list[Step]:
    """The same in fewer steps."""
    fused: list[Step] = []
    for step in steps:
        last = fused[-1] if fused else None
        both = last.then(step) if isinstance(last, FieldChange | QueryChange) else None
        if both is None:
            fused.append(step)
        else:
            fused[-1] = both
    return fused
