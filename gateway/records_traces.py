"""Traces of calls, from the gateway that wrote one to whoever reads it: the only writer of their table."""

import json
import re
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from gateway.models import Trace

KEPT = timedelta(hours=1)
MOST = 1000
_LOOK_AGAIN_SECONDS = 0.02
# What PostgreSQL does not take in a text: NUL, and halves of a character.
_NO_TEXT = re.compile(r"[\x00\ud800-\udfff]")
_MAY_HAVE_NO_TEXT = re.compile(r"\\u(0000|d[89a-f])")


def write(traces: Sequence[Trace]) -> None:
    """Write traces of calls that are over."""
    for trace in traces:
        trace.content = storable(trace.content)
    with transaction.atomic():
        Trace.objects.bulk_create(traces)


def storable(content: Any) -> Any:
    """A document as every database takes it. Raises TypeError or ValueError for what is no JSON."""
    text = json.dumps(content, allow_nan=False)
    return _cleaned(content) if _MAY_HAVE_NO_TEXT.search(text) else content


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return _NO_TEXT.sub("\ufffd", value)
    if isinstance(value, dict):
        return {_cleaned(name): _cleaned(each) for name, each in value.items()}
    return [_cleaned(each) for each in value] if isinstance(value, list | tuple) else value


def forget() -> None:
    """Forget traces of more than an hour ago, and all but the newest."""
    Trace.objects.filter(at__lt=timezone.now() - KEPT).delete()
    if too_many := Trace.objects.order_by("-at").values_list("at")[MOST : MOST + 1]:
        Trace.objects.filter(at__lte=too_many[0][0]).delete()


def find(key: UUID) -> Trace | None:
    """The trace with that key, if it is kept."""
    return Trace.objects.filter(pk=key, at__gte=timezone.now() - KEPT).first()


def wait_for(key: UUID, seconds: float) -> Trace | None:
    """The trace of a call that has just been answered: it is written within moments."""
    deadline = time.monotonic() + seconds
    while not (found := find(key)) and time.monotonic() < deadline:
        time.sleep(_LOOK_AGAIN_SECONDS)
    return found
