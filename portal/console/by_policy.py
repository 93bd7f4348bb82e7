"""Answers that are a policy's own."""

from collections.abc import Iterator

from gateway.embedded.explanation import Effect
from portal import places
from portal.console.case import Case, Trouble
from portal.console.exchange import Answer
from portal.places import Link


def is_empty(answer: Answer) -> bool:
    """Whether it is the answer that callers get where nothing forwards the call, or one like it."""
    return answer.status == 200 and not answer.read and not answer.values("Content-Type")


def trouble(case: Case) -> Trouble | None:
    """What a policy answered itself: a failure, or nothing at all because no statement forwards the call."""
    explanation = case.explanation
    step = next(_ends(case), None)
    if step is not None and case.answer.status >= 400 and _is_it(case):
        label = f"Look at the statement: {places.spot(step)}"
        return Trouble(
            f"A policy answered {case.answer.status} itself",
            f"The call ended at the statement {step.element} ({places.spot(step)}). {step.words}",
            links=(Link(label, places.statement_url(case.where, step)),),
        )
    if step is None and explanation.answered and not explanation.answered.detail and is_empty(case.answer):
        text = "No statement forward-request is in its policy, so the gateway answers with nothing. "
        todo = "Let the section backend inherit one with <base />, or write <forward-request /> there."
        link = Link("Look at the policy", places.effective_url(case.where))
        return Trouble("The call was not forwarded", text.strip(), todo, (link,))
    return None


def _ends(case: Case) -> Iterator[Effect]:
    if case.explanation.refused is None:
        yield from (step for step in case.explanation.steps if step.ends)


def _is_it(case: Case) -> bool:
    """Whether the answer can be that statement's: on the way back whatever the back end said is replaced."""
    answered = case.explanation.answered
    return answered is None or answered.status == case.answer.status
