"""Answers that a policy gives itself."""

from dataclasses import dataclass, field

from gateway.embedded.message import Message
from gateway.embedded.steps import set_answer_header
from gateway.headers import Field, http_date, is_field_value
from gateway.snapshot import ReturnResponse

# RFC 9110, 15.3.5, 15.3.6 and 15.4.5: what never has content
_WITHOUT_CONTENT = frozenset((204, 205, 304))


@dataclass(frozen=True, slots=True)
class Given:
    """An answer, whole. Without a `reason` the status has its own phrase. `fields` are without Date and framing."""

    status: int
    reason: str = ""
    fields: tuple[Field, ...] = ()
    body: bytes = field(default=b"", repr=False)

    def whole(self) -> list[Field]:
        """All fields, with Content-Length and Date."""
        fields = [*self.fields]
        if self.status not in (204, 304):  # RFC 9110, 8.6
            fields.append((b"content-length", b"%d" % len(self.body)))
        if not any(name == b"date" for name, _ in self.fields):
            fields.append((b"date", http_date()))
        return fields


EMPTY = Given(200)


def given(statement: ReturnResponse) -> Given:
    """The answer of a return-response. Raises ValueError for one that cannot be given."""
    if not 200 <= statement.status <= 599:  # RFC 9110, 15: others are no final answers
        raise ValueError(f"return-response must not answer {statement.status}")
    if not is_field_value(statement.reason.encode()):  # RFC 9112, 4
        raise ValueError("the reason phrase of a return-response holds a control character")
    answer = Message([])
    for step in map(set_answer_header, statement.headers):
        step(answer)
    body = b"" if statement.status in _WITHOUT_CONTENT else statement.body.encode()
    return Given(statement.status, statement.reason, tuple(answer.fields), body)
