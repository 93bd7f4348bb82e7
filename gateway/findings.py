"""What a person should know about a certificate or its file: each thing found, in words, with what to do. Pure."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How much a finding matters: "problem" keeps calls from working, "warning" may, "note" is good to know."""

    PROBLEM = "problem"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found. `code` names its kind, such as "expired"; `text` and `remedy` are sentences.

    `remedy` is "" where nothing is to be done.
    """

    code: str
    severity: Severity
    text: str
    remedy: str = ""
