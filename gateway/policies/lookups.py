"""What statements are compiled with: where certificates and named values are looked up."""

from collections.abc import Callable
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


@dataclass(frozen=True, slots=True)
class Lookups:
    """`certificate(certificate_id, thumbprint)` gets one of the two, the other is None, and returns the key of a
    certificate; `named_value(name)` returns its text, or a Secret. Both raise LookupError.

    `section` is where the statements stand. Everything that raises raises Unresolvable. A text is judged by
    `judge` once its named values are replaced; one without any was judged when it was read.
    """

    certificate: CertificateLookup
    named_value: NamedValueLookup
    section: str = "inbound"

    def text(self, text: str, judge: Judge = anything) -> str:
        """A text that is shown to people, so that it must not be secret."""
        return self._judged(text, judge, "cannot be used in this attribute")

    def text_for_callers(self, text: str, judge: Judge = anything) -> str:
        """A text that is sent to callers, so that it must not be secret."""
        return self._judged(text, judge, "would be sent to callers: use one that is not secret")

    def _judged(self, text: str, judge: Judge, objection: str) -> str:
        if not has_reference(text):
            return text
        known = substituted(text, self.named_value, objection)
        if problem := judge(known):
            raise Unresolvable(problem)
        return known

    def secret_text(self, text: str, judge: Judge = anything) -> Text:
        """A text with white space stripped; a Secret if a secret named value is a part of it.

        Of the section outbound it goes to callers and must not be one.
        """
        if self.section == "outbound":
            return self.text_for_callers(text, lambda known: judge(known.strip())).strip()
        if not has_reference(text):
            return text
        known, secret = substituted_secret(text, self.named_value)
        if problem := judge(known.strip()):
            raise Unresolvable(problem)
        return Secret(known.strip().encode()) if secret else known.strip()
