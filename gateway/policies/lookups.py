"""What statements are compiled with: where certificates, named values and back ends are looked up."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from gateway.policies.named_values import (
    NamedValueLookup,
    Unresolvable,
    has_reference,
    substituted,
    substituted_secret,
)
from gateway.policies.shape import Judge, anything
from gateway.snapshot import Secret, Text

CertificateLookup = Callable[[str | None, str | None], str]
BackEndLookup = Callable[[str], str]


def no_back_end(name: str) -> str:
    """The lookup where there are none."""
    raise LookupError(name)


@dataclass(frozen=True, slots=True)
class Lookups:
    """`certificate(certificate_id, thumbprint)` gets one of the two, the other is None, and returns the key of a
    certificate; `named_value(name)` returns its text, or a Secret; `back_end(id)` the URL of a back end. All raise
    LookupError.

    `section` is where the statements stand, `url_template` that of the operation where it is known. Everything that
    raises raises Unresolvable. A text is judged by `judge` once its named values are replaced; one without any was
    judged when it was read.
    """

    certificate: CertificateLookup
    named_value: NamedValueLookup
    section: str = "inbound"
    url_template: str | None = None
    back_end: BackEndLookup = no_back_end

    def text(self, text: str, judge: Judge = anything) -> str:
        """A text that is shown to people, so that it must not be secret."""
        return self._judged(text, judge, "cannot be used in this attribute")

    def text_for_callers(self, text: str, judge: Judge = anything) -> str:
        """A text that is sent to callers, so that it must not be secret."""
        return self._judged(text, judge, "would be sent to callers: use one that is not secret")

    def secret_text(self, text: str, judge: Judge = anything) -> Text:
        """A text with white space stripped; a Secret if a secret named value is a part of it.

        Of the section outbound it goes to callers and must not be one.
        """

        def judge_stripped(known: str) -> str | None:
            return judge(known.strip())

        if self.section == "outbound":
            return self.text_for_callers(text, judge_stripped).strip()
        if not has_reference(text):
            return text
        with _tells(text):
            known, secret = substituted_secret(text, self.named_value)
            _refuse(judge_stripped(known))
        return Secret(known.strip().encode()) if secret else known.strip()

    def _judged(self, text: str, judge: Judge, objection: str) -> str:
        if not has_reference(text):
            return text
        with _tells(text):
            known = substituted(text, self.named_value, objection)
            _refuse(judge(known))
        return known


def _refuse(problem: str | None) -> None:
    if problem:
        raise Unresolvable(problem)


@contextmanager
def _tells(text: str) -> Iterator[None]:
    """What is raised tells in which text."""
    try:
        yield
    except Unresolvable as error:
        raise Unresolvable(str(error), text) from None
