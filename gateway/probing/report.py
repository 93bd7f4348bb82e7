"""What a test of the connection to a back end found, step by step, and that as JSON. Pure."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class State(StrEnum):
    """How a step ended: "note" is done with something to know, "skipped" was not reached or not wanted."""

    OK = "ok"
    NOTE = "note"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Step:
    """One step. `text` says in a sentence what happened, `remedy` what mends it, `details` are technical lines.

    `seconds` is how long it took. None of it is secret.
    """

    name: str
    title: str
    state: State
    text: str
    remedy: str = ""
    details: tuple[str, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Report:
    """A test: what it came to (`verdict`, one of VERDICTS), in a sentence, and its steps in order.

    `url` is what was tested, `certificate` the id of the client certificate ("" for none), `made_by` names the
    process, `at` is an ISO 8601 time in UTC.
    """

    verdict: str
    summary: str
    remedy: str
    steps: tuple[Step, ...]
    url: str = ""
    certificate: str = ""
    made_by: str = ""
    at: str = ""
    seconds: float = 0.0

    @property
    def succeeded(self) -> bool:
        """Whether calls would get through."""
        return self.verdict in GOOD

    def as_json(self) -> dict[str, Any]:
        """What `from_json` takes."""
        return asdict(self)

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> "Report":
        """The report that `as_json` gave. Raises TypeError, KeyError or ValueError for anything else."""
        steps = tuple(
            Step(**{**step, "state": State(step["state"]), "details": tuple(step["details"])})
            for step in plain["steps"]
        )
        return cls(**{**plain, "steps": steps})


# "not-asked": all is well, but the back end did not ask for the certificate that was chosen.
GOOD = frozenset(("accepted", "not-asked", "no-certificate-needed", "handshake-only", "plain-http"))
VERDICTS = GOOD | {
    "name-not-found",
    "address-refused",
    "connection-refused",
    "unreachable",
    "timed-out",
    "not-tls",
    "protocol-version",
    "no-common-cipher",
    "chain-untrusted",
    "server-certificate-expired",
    "wrong-name",
    "certificate-required",
    "certificate-refused-unknown-ca",
    "certificate-refused-expired",
    "certificate-refused-usage",
    "certificate-refused",
    "certificate-unsuitable",
    "certificate-unusable",
    "certificate-expired-here",
    "certificate-needs-https",
    "trust-unusable",
    "closed",
    "tls-failed",
    "not-http",
    "https-expected",
    "url-unusable",
}
