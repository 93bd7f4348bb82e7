"""Where what a trace tells of is mended, as links."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from gateway.embedded.explanation import Effect
from gateway.models import Certificate
from gateway.models.base import with_id
from gateway.snapshot import Origin
from portal.places import SCOPES, Link
from portal.remedies import is_elsewhere, links_for_code, links_for_verdict
from portal.traces.connection import asked_for
from portal.traces.document import FORWARDED, Part, entries_of, told_by
from portal.traces.places import Places


def remedies_in(document: Part, places: Places) -> tuple[Link, ...]:
    """The settings that mend what became of a call; none if it went through, or its API is not there any more."""
    outcome = document.part("outcome")
    verdict, code = outcome.text("verdict"), outcome.text("code")
    if places.api is None or not (verdict or code) or is_elsewhere(verdict):
        return ()
    entries = entries_of(document)
    requests = [data.part("request") for data in told_by(document, FORWARDED)]
    where = replace(
        places.where,
        certificate=_certificate(each for _, each in entries),
        steps=tuple(_statements(entries)),
        asked=False if _over_http(requests) else asked_for(tuple(each for _, each in entries)),
        sent=any(requests),
    )
    return links_for_verdict(verdict, where) or links_for_code(code, where)


def _certificate(entries: Iterable[Part]) -> str:
    """The key of the client certificate that is still there."""
    names = [name for each in entries if (name := each.part("data").part("certificate").text("id"))]
    row = with_id(Certificate.objects.only("key"), names[-1]).first() if names else None
    return str(row.key) if row else ""


def _over_http(requests: Iterable[Part]) -> bool:
    return any(request.text("url").lower().startswith("http:") for request in requests)


def _statements(entries: Iterable[tuple[str, Part]]) -> Iterator[Effect]:
    for section, entry in entries:
        data = entry.part("data")
        scope, line = data.text("scope"), data.number("line")
        if scope in SCOPES and line is not None and data.flag("reached") is not False:
            yield Effect(section, entry.text("source"), Origin(scope, int(line)), data.text("message"))
