"""Answers of the back end that are refusals or failures, and those that broke off."""

from collections.abc import Iterator

from django.urls import reverse

from gateway.probing import answer as probing
from gateway.probing.outcome import https_expected
from gateway.probing.scene import OWNER
from portal import places
from portal.console.case import Case, Trouble
from portal.places import Link
from portal.remedies import VERDICTS

_MOST = 200  # characters of a field that are shown
_NONE_CHOSEN = {
    True: "It asked for a client certificate, and none is chosen for this call.",
    False: "No client certificate is chosen for this call, and it did not ask for one.",
    None: "No client certificate is chosen for this call; Test connection shows whether it asks for one.",
}


def trouble(case: Case) -> Trouble | None:
    """What a back end says of a call that it did not do; None for what only those who know it can judge."""
    status = case.answer.status
    about = probing.Answer(status, "", case.body)
    if case.origin.startswith("http:") and probing.expects_tls(about):
        return _expects_tls(case)
    if probing.refusal_of(about):
        return _about_the_certificate(case, about)
    if status in (401, 403):
        return _refused(case)
    if status in (404, 405):
        return _not_there(case)
    return _failed(case) if status >= 500 else None


def broken(case: Case) -> Trouble:
    """The connection ended before the answer did."""
    return Trouble(
        "The answer broke off",
        "The connection ended before the whole body was there. The back end, or a limit of the gateway, ended it.",
        "Tick “Trace this call” and send it again: the trace says which. The gateway's error log does, too.",
        places_of_times(case),
        details=case.details,
    )


def too_slow(case: Case) -> Trouble:
    """The console waited no longer for the rest of the answer."""
    return Trouble(
        "The console stopped waiting for the end of the answer",
        f"The answer began, and {case.answer.seconds:.0f} seconds after the call was sent it had not come to its "
        "end. To the gateway it looks as if the caller had left.",
        f"If the answer should end, ask {OWNER} why it does not. If it is a stream, use the curl line.",
        places_of_times(case),
    )


def places_of_times(case: Case) -> tuple[Link, ...]:
    """The limits that can end an answer."""
    found = (places.read_timeout(case.where), places.total_timeout(case.where))
    return tuple(link for link in found if link)


def _about_the_certificate(case: Case, about: probing.Answer) -> Trouble:
    verdict, shown = probing.refusal_of(about), case.certificate
    links = (*VERDICTS[verdict].links(case.where), *_tests(case))
    if (known := case.told("verdict")) in VERDICTS and case.told("message"):
        links = (*VERDICTS[known].links(case.where), *_tests(case))
        return Trouble(VERDICTS[known].title, case.told("message"), case.told("remedy"), links)
    told = probing.told_in(about)
    presented = shown is not None and shown.asked is not False
    remedy = probing.remedy_for(verdict, presented=presented)
    return Trouble(
        VERDICTS[verdict].title,
        f"{told[0].upper()}{told[1:]} {_presented(case)}",
        "Replace it with a renewed one." if shown and shown.expired else remedy,
        links,
    )


def _expects_tls(case: Case) -> Trouble:
    remedy = VERDICTS["https-expected"]
    text = f"It answered {case.answer.status} and says that a call over http:// came to a port for https://."
    return Trouble(remedy.title, text, https_expected().remedy, remedy.links(case.where))


def _refused(case: Case) -> Trouble:
    status = case.answer.status
    wanted = "; ".join(value[:_MOST] for value in case.answer.values("WWW-Authenticate")[:3])
    asks = f" It asks for: {wanted}." if wanted else ""
    basic = case.where.last("authentication-basic")
    statement = f" {basic.words}" if basic else ""
    return Trouble(
        f"The back end answered {status} itself",
        f"It got the call and refuses it.{asks} {_presented(case)}{statement}",
        f"Ask {OWNER} what it expects: a client certificate, a user and password, or something in the call.",
        tuple(_credentials(case)),
    )


def _presented(case: Case) -> str:
    """What was presented, as carefully as it is known."""
    if case.origin.startswith("http:"):
        return "It is called over http, so no client certificate is presented."
    if case.certificate is None:
        return _NONE_CHOSEN[case.asked]
    shown = f"{case.certificate.id} ({case.certificate.subject})"
    expired = f" It expired on {case.certificate.expired}." if case.certificate.expired else ""
    if case.certificate.asked is None:
        return (
            f"The client certificate {shown} is presented where a back end asks for one; Test connection shows "
            f"whether this one does.{expired}"
        )
    if case.certificate.asked:
        return f"It asked for a client certificate and was presented {shown}.{expired}"
    return f"It did not ask for a client certificate, so it never saw {shown}."


def _credentials(case: Case) -> Iterator[Link]:
    yield from _tests(case)
    if basic := case.where.last("authentication-basic"):
        label = f"Look at user and password: {places.spot(basic)}"
        yield Link(label, places.statement_url(case.where, basic))
    if (choice := places.credentials(case.where)) and case.origin.startswith("https:"):
        yield choice


def _tests(case: Case) -> Iterator[Link]:
    """Where the connection of such a call is tested."""
    if not case.origin.startswith("https:"):
        return
    if not case.where.last("set-backend-service"):
        url = places.of_api(case.where, "api-security")
        yield Link("Test connection on the Security tab", url, administrators=True)
    elif case.where.certificate:
        url = reverse("certificate-test", args=[case.where.certificate])
        yield Link("Test connection with this certificate", url, administrators=True)


def _not_there(case: Case) -> Trouble:
    status, operation = case.answer.status, case.explanation.operation
    asked = f"It was asked for {case.asked_for}." if case.asked_for else ""
    what = "has nothing there" if status == 404 else "does not take this verb there"
    links = [places.web_service_url(case.where)]
    if operation:
        url = reverse("operation-edit", args=[case.api.resource_id, operation.id])
        links.append(Link("Look at the operation and its rewrite", url))
    return Trouble(
        f"The back end answered {status} itself",
        f"The gateway forwarded the call, and the back end {what}. {asked}".strip(),
        "Look at the path of the web service URL, and at URL template and rewrite of the operation.",
        (*filter(None, links), what_happens(case)),
    )


def _failed(case: Case) -> Trouble:
    return Trouble(
        f"The back end answered {case.answer.status} itself",
        f"The gateway forwarded the call and handed on what came back. {_asked(case)}".strip(),
        f"Its log says more: ask {OWNER}.",
        (what_happens(case),),
    )


def _asked(case: Case) -> str:
    return f"It was asked for {case.asked_for}." if case.asked_for else ""


def what_happens(case: Case) -> Link:
    """The page that tells what the gateway makes of such a call."""
    operation = case.explanation.operation
    label = "What happens to a call"
    if operation:
        return Link(label, reverse("operation-call", args=[case.api.resource_id, operation.id]))
    return Link(label, places.of_api(case.where, "api-call"))
