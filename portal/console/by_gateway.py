"""Answers that are the gateway's own, and what a test of the connection says of those about connections."""

from collections.abc import Iterator
from dataclasses import replace
from uuid import UUID

from django.urls import reverse

from gateway.connection_tests import ConnectionOrder
from gateway.embedded.explanation import Explanation, Forwarded
from gateway.models import CaCertificate
from portal import places
from portal.back_ends import name_of
from portal.connection import tested
from portal.console.case import Case, Trouble
from portal.explained import remedies_of
from portal.gateway_urls import api_at
from portal.places import Link
from portal.remedies import FAILURES, VERDICTS, Remedy, is_elsewhere, links_for_verdict

# What a test of the connection may say more about than the code does.
_CONNECTIONS = frozenset(
    (
        "back-end-address-refused",
        "back-end-not-found",
        "back-end-unreachable",
        "back-end-certificate-untrusted",
        "back-end-name-mismatch",
        "back-end-tls-failed",
        "client-certificate-required",
        "client-certificate-rejected",
        "client-certificate-expired",
        "back-end-closed",
        "back-end-protocol-error",
        "back-end-timeout",
    )
)
_TEST_SECONDS = 5  # for a person waits
_NO_HTTP = frozenset(("back-end-closed", "back-end-protocol-error"))
_PERHAPS_TLS = "Look whether host and port are right, and whether the back end expects https:// there."
_REFUSE = {"ip-forbidden": "ip-filter", "header-check-failed": "check-header"}
_BARE = frozenset(("content-length", "connection"))
_BEFORE_ROUTING = {
    400: "Something in its address or its headers is not valid HTTP.",
    408: "The head of the request did not arrive in time.",
    431: "Its headers are larger than the gateway takes (GATEWAY_MAX_HEAD_BYTES; README, Settings).",
}


def trouble(case: Case) -> Trouble:
    """What the gateway's own answer means."""
    code = case.code
    if code not in FAILURES:
        text = f"Its code is {code}, which this portal does not know."
        return Trouble("The gateway answered this itself", text, details=case.details)
    if code == "not-found":
        return _not_found(case)
    if code in _REFUSE:
        return _refused(case)
    if case.told("message"):
        return _traced(case)
    if code in _CONNECTIONS and not (code == "back-end-timeout" and case.reached):
        return _looked_into(case)
    return _in_general(case, FAILURES[code])


def before_routing(case: Case) -> Trouble | None:
    """What is refused before it is looked at has a status and nothing else."""
    bare = {name.lower() for name, _ in case.answer.fields} <= _BARE and not case.answer.read
    if not bare or case.trace or case.answer.status not in _BEFORE_ROUTING:
        return None
    text = _BEFORE_ROUTING[case.answer.status]
    refused = case.explanation.refused
    if refused and not refused.code:
        text = refused.message
    return Trouble("The gateway refused the call before it looked at it", text, FAILURES["bad-target"].todo)


def _in_general(case: Case, remedy: Remedy, text: str = "") -> Trouble:
    links = remedies_of(case.code, case.explanation, case.api)
    return Trouble(remedy.title, text or remedy.text, remedy.todo, links, details=case.details)


def _traced(case: Case) -> Trouble:
    """In the words that the gateway wrote into the trace."""
    verdict, remedy = case.told("verdict"), FAILURES[case.code]
    refused = case.explanation.refused
    known = refused is not None and refused.code == case.code  # before it came to a connection
    links = () if known else links_for_verdict(verdict, case.where)
    if not links and not is_elsewhere(verdict):
        links = remedies_of(case.code, case.explanation, case.api)
    title = VERDICTS[verdict].title if verdict in VERDICTS else remedy.title
    todo = case.told("remedy") or remedy.todo
    return Trouble(title, case.told("message"), todo, links, details=case.details)


# --- a test of the connection -----------------------------------------------------------------------------------
def _looked_into(case: Case) -> Trouble:
    remedy, forwarded = FAILURES[case.code], case.explanation.forwarded
    if forwarded is None:  # by what is saved now the call would not come as far as that
        return _in_general(case, remedy)
    found = tested(_order(case, forwarded))
    report = found.report
    links = remedies_of(case.code, case.explanation, case.api)
    if report is None or report.succeeded:
        note = _succeeded(case.code) if report else ""
        if (
            report and case.code == "back-end-timeout"
        ):  # it connects in time, so it is the answer that was late
            links = links_for_verdict("timed-out", replace(case.where, sent=True))
        todo = _PERHAPS_TLS if case.origin.startswith("http:") and case.code in _NO_HTTP else remedy.todo
        return Trouble(remedy.title, remedy.text, todo, links, found, case.details, note)
    text = f"A test of the connection, made just now, found this: {report.summary}"
    links = () if is_elsewhere(report.verdict) else links_for_verdict(report.verdict, case.where) or links
    return Trouble(remedy.title, text, report.remedy, links, found, case.details)


def _order(case: Case, forwarded: Forwarded) -> ConnectionOrder:
    """A handshake with the very back end, certificate and trust of the call."""
    trust, certificate, verification = forwarded.trust, forwarded.certificate, forwarded.verification
    back_end = name_of(verification.back_end) if verification.back_end else ""
    authorities = CaCertificate.objects.filter(trusted_by__trust__api=case.api).values_list("pk", flat=True)
    return ConnectionOrder(
        url=case.origin,
        certificate=UUID(certificate.key) if certificate else None,
        validate_chain=trust.validate_chain,
        validate_name=trust.validate_name,
        public_cas=trust.public_cas,
        ca_certificates=tuple(authorities),
        refuse_expired=trust.refuse_expired,
        connect_timeout=min(forwarded.timeouts.connect or _TEST_SECONDS, _TEST_SECONDS),
        with_request=False,
        chain_off_by=back_end if verification.chain_off_by_back_end else "",
        name_off_by=back_end if verification.name_off_by_back_end else "",
    )


def _succeeded(code: str) -> str:
    text = "This test succeeded although the call had failed: what went wrong may be over, so send the call again."
    if code in ("back-end-closed", "back-end-protocol-error", "back-end-timeout"):
        return f"{text} If it fails again, it is the request that the back end does not answer, not the connection."
    if code.startswith("client-certificate"):
        return f"{text} If it fails again, the back end looks at the certificate only when a request is made."
    return text


# --- refused, or not found --------------------------------------------------------------------------------------
def _refused(case: Case) -> Trouble:
    """Which statement refused the call."""
    element, remedy = _REFUSE[case.code], FAILURES[case.code]
    found = case.refusing(element)
    if found is None:
        return _in_general(case, remedy)
    scope, line, words = found
    spot = places.line_words(scope, line)
    text = f"The statement {element} ({spot}) refused the call. {words}".strip()
    link = Link(f"Look at the statement: {spot}", places.line_url(case.where, scope, line))
    return Trouble(remedy.title, text, remedy.todo, (link,))


def _not_found(case: Case) -> Trouble:
    remedy, explanation = FAILURES["not-found"], case.explanation
    if (other := api_at(case.request.target)) and other != case.api:
        text = f"The call goes to another API, {other}, whose suffix {other.suffix} is longer. {remedy.text}"
        link = Link(f"Operations of {other}", reverse("operations", args=[other.resource_id]))
        return Trouble(remedy.title, text, remedy.todo, (link,))
    if explanation.operation:
        name = explanation.operation.name
        text = f"By what is saved now it matches {name}: the gateway answered before that was in effect."
        return Trouble(remedy.title, text, "Send it again.", tuple(_gateways(case)))
    if explanation.api is None:
        text = (
            f"The address does not begin with the suffix of an API; that of this one is /{case.api.suffix}."
        )
        return Trouble("No API is there for this call", text, remedy.todo, remedy.links(case.where))
    return Trouble(remedy.title, _nearly(explanation), remedy.todo, tuple(_nearest(case)))


def _nearly(explanation: Explanation) -> str:
    """What was nearly matched."""
    if not explanation.operations:
        return "This API has no operations, and answers only to those that it has."
    if explanation.matching:
        verbs = ", ".join(sorted({each.method for each in explanation.operations[: explanation.matching]}))
        return f"The path fits an operation of this API, but with another verb: {verbs}, not {explanation.method}."
    return "No URL template of this API fits the path."


def _nearest(case: Case) -> Iterator[Link]:
    explanation = case.explanation
    wanted = case.request.target.partition("?")[0].removeprefix(f"/{case.api.suffix}").split("/")
    near = explanation.operations[: explanation.matching] or sorted(
        explanation.operations,
        key=lambda each: -_alike(each.url_template.partition("?")[0].split("/"), wanted),
    )
    for each in near[:3]:
        label = f"{each.name}: {each.method} {each.url_template}"
        yield Link(label, reverse("operation-edit", args=[case.api.resource_id, each.id]))
    if link := places.operations(case.where):
        yield link


def _alike(template: list[str], wanted: list[str]) -> int:
    """How many parts two paths have in common, from the left."""
    pairs = zip(template, wanted, strict=False)
    same = [part.lower() == other.lower() or part.startswith("{") for part, other in pairs]
    return same.index(False) if False in same else len(same)


def _gateways(case: Case) -> Iterator[Link]:
    if link := places.dashboard(case.where):
        yield link
