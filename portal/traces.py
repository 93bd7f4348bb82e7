"""What the trace of a call says, as a page shows it, whatever version of a gateway wrote it."""

import re
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.urls import reverse

from gateway.models import Trace
from gateway.records_traces import KEPT

_KEY = re.compile(r"/traces/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/?\Z")


def key_in(address: str) -> UUID | None:
    """The key of the trace that an Ocp-Apim-Trace-Location leads to."""
    found = _KEY.search(address.strip())
    return UUID(found[1]) if found else None


@dataclass(frozen=True, slots=True)
class Told:
    """A trace as a page shows it."""

    key: UUID
    url: str
    kept_until: datetime


def told(row: Trace) -> Told:
    """A trace as a page shows it."""
    return Told(row.key, reverse("trace", args=[row.key]), row.at + KEPT)
