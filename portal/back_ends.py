"""Which back ends switch checks of a certificate off, as pages tell of it: what calls do, and not what rows say."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import Q

from gateway import publish
from gateway.addresses import WebServiceUrl, parse_web_service_url
from gateway.embedded.state import build
from gateway.models import Api, BackEnd, PolicyDocument
from gateway.publish import parts
from gateway.snapshot import BackEnd as Part
from gateway.verification import BackEnds

_WEAK = Q(validate_certificate_chain=False) | Q(validate_certificate_name=False)


@dataclass(frozen=True, slots=True)
class SwitchedOff:
    """A back end that switches checks off for calls of an API.

    They are those to its web service URL (`own`), or those that a policy sends there.
    """

    back_end: Part
    own: bool

    @property
    def text(self) -> str:
        """A sentence about it."""
        checks = " and ".join(_checks(self.back_end))
        where = "calls to the web service URL" if self.own else "the calls that a policy sends there"
        return f"The back end {name_of(self.back_end)} switches {checks} off for {where}."

    @property
    def chain(self) -> bool:
        """Whether it is the check of the chain, with or without the other."""
        return not self.back_end.validate_chain


def _checks(back_end: Part) -> Iterator[str]:
    if not back_end.validate_chain:
        yield "the check of the chain"
    if not back_end.validate_name:
        yield "the check of the name"


def name_of(back_end: Part) -> str:
    """Its id and its URL."""
    return f"“{back_end.id}” ({back_end.url})"


def back_end_around(url: WebServiceUrl) -> Part | None:
    """The back end that a URL is of."""
    start = f"{url.scheme}://{url.authority}"
    keys = BackEnd.objects.filter(url__startswith=start).values_list("pk", flat=True)
    return BackEnds(parts.back_ends("default", {str(key) for key in keys})).around(url)


def switched_off(api: Api) -> tuple[SwitchedOff, ...]:
    """The back ends that switch checks off for calls of an API. One query, as long as there is none that does."""
    if not BackEnd.objects.filter(_WEAK).exists():
        return ()
    found: dict[str, SwitchedOff] = {}
    own = back_end_around(parse_web_service_url(api.web_service_url))
    there = [own, *_of_policies(api)]
    for back_end in filter(None, there):
        if back_end.url.startswith("https:") and tuple(_checks(back_end)):
            found.setdefault(back_end.key, SwitchedOff(back_end, back_end is own))
    return tuple(found.values())


def _of_policies(api: Api) -> Iterator[Part | None]:
    """Those of where calls go, operation by operation, if a policy may send some elsewhere."""
    scopes = Q(api=api) | Q(operation__api=api) | Q(api=None, operation=None)
    if not PolicyDocument.objects.filter(scopes, xml__contains="set-backend-service").exists():
        return
    state = build(publish.around("default", str(api.key)))
    for served in state.apis.values():
        plans = (entry.plan for entry in served.entries.values() if entry)
        yield from (plan.verification.back_end for plan in plans if plan.verification)
