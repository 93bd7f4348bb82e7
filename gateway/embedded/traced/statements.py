"""Statements run one by one on a traced call, each with what it did in words. They do what they do on any other."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from gateway.embedded.explanation import Effect
from gateway.embedded.message import Message, Request
from gateway.embedded.plans import Plan
from gateway.embedded.program import Line, Program
from gateway.embedded.traced.bounds import Bounds
from gateway.embedded.trial import Trial, as_text, fields_of, told_of
from gateway.embedded.words import HIDDEN, Change, Seen, done_to_answer, done_to_request
from gateway.failures import CallFailure
from gateway.headers import Field
from gateway.snapshot import AuthenticationBasic, CheckHeader, Secret, SetHeader, SetQueryParameter, Statement
from gateway.tracing.masking import Masker

# What is told of a statement (None: it ran, and no more is told), and the failure with which it ended the call.
Note = Callable[[Effect | None, CallFailure | None], None]

MOST_ONE_BY_ONE = 250  # statements


def learn_secrets(plan: Plan, masker: Masker) -> None:
    """Tell what the statements of a plan hold that is secret."""
    for line in (*plan.request.lines, *plan.response.lines):
        statement = line.statement
        if isinstance(statement, AuthenticationBasic):
            masker.remember(as_text(statement.password.reveal()))
        elif isinstance(statement, SetHeader | SetQueryParameter | CheckHeader):
            _learn(statement, masker)


def _learn(statement: SetHeader | SetQueryParameter | CheckHeader, masker: Masker) -> None:
    secrets = [value for value in statement.values if isinstance(value, Secret)]
    hide = masker.hide_parameter if isinstance(statement, SetQueryParameter) else masker.hide_field
    for secret in secrets:
        hide(statement.name)
        masker.remember(as_text(secret.reveal()))


def _without_secrets(statement: Statement, masker: Masker) -> Statement:
    """A statement as it is told of: nothing that is secret by its name."""
    if isinstance(statement, SetQueryParameter):
        hides = masker.hides_parameter
    elif isinstance(statement, SetHeader | CheckHeader):
        hides = masker.hides_field
    else:
        return statement
    if not hides(statement.name):
        return statement
    return replace(statement, values=tuple(Secret(b"") for _ in statement.values))


class RequestStatements(Trial):
    """The statements of the request, on the request that is forwarded."""

    def __init__(self, plan: Plan, request: Request, masker: Masker, bounds: Bounds) -> None:
        super().__init__(plan, request)
        self._masker = masker
        self._bounds = bounds

    def run(self, note: Note) -> None:
        """Run them up to the one that ends the call. Raises CallFailure."""
        program = self._plan.request
        if len(program.lines) > MOST_ONE_BY_ONE:
            run_untold(program, self._request, note)
            return
        for line in program.lines:
            before = self._before(line)
            try:
                self._run(line)
            except CallFailure as failure:
                with self._bounds:
                    note(self._refusal(line, failure), failure)
                raise
            with self._bounds:
                note(self._told(line, before) if before is not None else None, None)
            if line.given is not None:
                return

    def _before(self, line: Line) -> Seen | None:
        """What a statement is about before it runs; None if nothing is to be told of it."""
        with self._bounds:
            return None if self._bounds.over else self._seen(line.statement)
        return None

    def _told(self, line: Line, before: Seen) -> Effect:
        effect = super()._told(line, before)
        self._bounds.spend(len(self._request.fields), len(before.target) + len(effect.words))
        return effect

    def _run(self, line: Line) -> None:
        if line.step is not None:
            line.step(self._request)

    def _shown(self, statement: Statement) -> Statement:
        return _without_secrets(statement, self._masker)

    def _hides(self, field: str) -> bool:
        return super()._hides(field) or self._masker.hides_field(field)


def run_untold(program: Program, message: Message, note: Note) -> None:
    """Run statements as for a call that is not traced: one by one so many take long. Raises CallFailure."""
    for _ in program.lines:
        note(None, None)
    for step in program.steps:
        step(message)


def run_on_answer(program: Program, answer: Message, masker: Masker, note: Note, bounds: Bounds) -> None:
    """Run the statements of the answer on it."""
    if len(program.lines) > MOST_ONE_BY_ONE:
        run_untold(program, answer, note)
        return
    for line in program.lines:
        before = None
        with bounds:
            before = None if bounds.over else _seen(answer, line.statement, masker)
        if line.step is not None:
            line.step(answer)
        with bounds:
            note(_told(line, before, answer, masker, bounds) if before is not None else None, None)


def _told(line: Line, before: Seen, answer: Message, masker: Masker, bounds: Bounds) -> Effect:
    change = Change(before, _seen(answer, line.statement, masker))
    effect = told_of(line, done_to_request(_without_secrets(line.statement, masker), change))
    bounds.spend(len(answer.fields), len(effect.words))
    return effect


def _seen(answer: Message, statement: Statement, masker: Masker) -> Seen:
    fields = ((as_text(name), as_text(value)) for name, value in fields_of(answer, statement))
    return Seen("", tuple((name, HIDDEN if masker.hides_field(name) else value) for name, value in fields))


def tell_beforehand(lines: Iterable[Line], masker: Masker, note: Note, bounds: Bounds) -> None:
    """Tell of statements whose answer was ready when the configuration came, up to the one that gives it."""
    for line in lines:
        effect = None
        if not bounds.over:
            effect = told_of(line, done_to_answer(_without_secrets(line.statement, masker)))
            bounds.spend(0, len(effect.words))
        note(effect, None)
        if line.given is not None:
            return


def changed(fields: list[Field], program: Program, masker: Masker, note: Note, bounds: Bounds) -> list[Field]:
    """The fields of an answer as its statements leave them."""
    answer = Message(fields)
    run_on_answer(program, answer, masker, note, bounds)
    return answer.fields
