"""What is told of a call that is explained: frozen data, without secrets."""

from dataclasses import dataclass
from datetime import datetime

from gateway.snapshot import Api, Operation, Origin, Trust
from gateway.verification import Verification


@dataclass(frozen=True, slots=True)
class Effect:
    """What a statement does: in which section it stands, where it was written (scope and line), and the effect in
    words. One that is not `reached` does nothing, because the call `ends` at one before it."""

    section: str
    element: str
    origin: Origin
    words: str
    reached: bool = True
    ends: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """The gateway's own answer to a call that it does not forward (gateway.failures; without a `code` the call is
    refused before it is looked at). `detail` is for those who run it."""

    code: str
    status: int
    message: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer that a policy gives itself; or, with a `detail` that says why, the gateway before any policy."""

    status: int
    reason: str
    fields: tuple[tuple[str, str], ...]
    body: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Presented:
    """The client certificate that is presented."""

    key: str
    id: str
    subject: str
    thumbprint: str
    not_before: datetime
    not_after: datetime


@dataclass(frozen=True, slots=True)
class Timeouts:
    """In seconds; None is the gateway's setting. Until a connection is made, until the head of the answer is there,
    between two pieces of it, and for the whole call."""

    connect: int | None
    answer: float | None
    read: int | None
    total: int | None


@dataclass(frozen=True, slots=True)
class Forwarded:
    """The request that goes to a back end: `url` is whole, `fields` are with Host and without framing.
    `verification` is how the back end is verified."""

    method: str
    url: str
    fields: tuple[tuple[str, str], ...]
    certificate: Presented | None
    verification: Verification
    timeouts: Timeouts

    @property
    def trust(self) -> Trust:
        """What is demanded of the back end's certificate."""
        return self.verification.trust


@dataclass(frozen=True, slots=True)
class Explanation:
    """What happens to a call, as far as it comes. One of `refused`, `answered` and `forwarded` says how it ends.

    `values` are those of the URL template's parameters, raw. Where no operation matches, `operations` are those of
    the API at this path; those that match with another verb come first, and `matching` is how many these are.
    """

    method: str
    target: str
    api: Api | None = None
    operation: Operation | None = None
    values: tuple[tuple[str, str], ...] = ()
    subscription: str = ""
    steps: tuple[Effect, ...] = ()
    refused: Refused | None = None
    answered: Answered | None = None
    forwarded: Forwarded | None = None
    operations: tuple[Operation, ...] = ()
    matching: int = 0
