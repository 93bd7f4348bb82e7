"""The steps of a handshake, told in order from what was seen of it."""

from dataclasses import dataclass

from gateway.failures import CallFailure
from gateway.probing.answer import METHOD, Answer
from gateway.probing.chain import (
    MOST,
    authority_name,
    issuers_of,
    lines_of,
    listed,
    name_of,
    names_in,
    names_one_of,
    short,
)
from gateway.probing.refusals import lacks_client_usage
from gateway.probing.report import State, Step
from gateway.probing.scene import Failure, Scene
from gateway.probing.tls_messages import ALGORITHMS, TLS13, CertificateRequest, version_name
from gateway.snapshot import CertificateMaterial
from gateway.tls import check_name
from gateway.x509 import time_text

TITLES = {
    "preparation": "Certificate and trust chosen here",
    "resolution": "Name resolution",
    "connection": "Connection",
    "tls": "TLS version and cipher",
    "chain": "Certificates of the back end",
    "trust": "Trust in the back end",
    "name": "Name of the back end",
    "asked": "Client certificate asked for",
    "presented": "Client certificate presented",
    "accepted": "Client certificate accepted",
    "request": "Request",
}
ORDER = tuple(TITLES)
UNSEEN = "Could not be seen: this version of Python does not show it."


@dataclass(frozen=True, slots=True)
class Told:
    """What the steps of a handshake are told from. `cipher` is "" if the handshake was not done."""

    scene: Scene
    failure: Failure | None
    cipher: str = ""
    version: str = ""
    answer: Answer | None = None
    target: str = ""
    with_request: bool = False

    def reached(self, step: str) -> bool:
        """Whether a step is behind the handshake."""
        return self.failure is None or ORDER.index(step) < ORDER.index(self.failure.step)


@dataclass(frozen=True, slots=True)
class _Says:
    state: State
    text: str
    details: tuple[str, ...] = ()
    remedy: str = ""


_NOT_REACHED = _Says(State.SKIPPED, "Not reached.")


def steps_of(told: Told) -> list[Step]:
    """The steps from the handshake on."""
    tellers = {
        "tls": _tls,
        "chain": _chain,
        "trust": _trust,
        "name": _name,
        "asked": _asked,
        "presented": _presented,
        "accepted": _accepted,
        "request": _request,
    }
    return [_step(name, teller(told), told.failure) for name, teller in tellers.items()]


def _step(name: str, says: _Says, failure: Failure | None) -> Step:
    if failure is None or failure.step != name:
        return Step(name, TITLES[name], says.state, says.text, says.remedy, says.details)
    details = (*failure.details, *says.details)
    return Step(name, TITLES[name], State.FAILED, failure.text, failure.remedy, details)


def _tls(told: Told) -> _Says:
    version = told.version or (version_name(told.scene.seen.version) if told.scene.seen.hello else "")
    if not version:
        return _NOT_REACHED
    cipher = f" with {told.cipher}" if told.cipher else ""
    return _Says(State.OK, f"{version}{cipher}.")


def _chain(told: Told) -> _Says:
    chain, seen = told.scene.chain, told.scene.seen
    if not chain.count:
        return _NOT_REACHED if seen.works or told.failure else _Says(State.NOTE, UNSEEN)
    own = name_of(chain.leaf.subject) if chain.leaf else "it cannot be read"
    if not seen.works:
        return _Says(State.NOTE, f"Its own is {own}. The others could not be seen.", lines_of(chain))
    many = f"{chain.count} certificates were sent" if chain.count > 1 else "One certificate was sent"
    return _Says(State.OK, f"{many}. Its own: {own}", lines_of(chain))


def _trust(told: Told) -> _Says:
    scene = told.scene
    if not told.reached("trust"):
        return _NOT_REACHED
    if not scene.trust.validate_chain:
        off_by = scene.chain_off_by
        validation = "the validation of the certificate chain"
        how = (
            f"the back end {off_by} switches {validation} off"
            if off_by
            else f"{validation} is turned off here"
        )
        text = f"Not checked: {how}."
        on = "Have it switched on there" if off_by else "Turn it on"
        remedy = (
            f"{on} and choose the CA: without it, anybody in between can answer in place of the back end."
        )
        return _Says(State.NOTE, text, remedy=remedy)
    if scene.chain.anchor is None:
        return _Says(State.OK, "The chain is trusted.")
    anchor = scene.chain.anchor
    text = f"Trusted because of {anchor.kind}: {name_of(anchor.certificate.subject)}"
    return _Says(State.OK, text)


def _name(told: Told) -> _Says:
    scene, leaf = told.scene, told.scene.chain.leaf
    if leaf is None:
        return _NOT_REACHED
    names = names_in(leaf)
    details = (f"Names in the certificate: {listed(names, MOST) or 'none'}",)
    if told.reached("name") and scene.trust.validate_name:
        return _Says(State.OK, f"The certificate is for {scene.host}.", details)
    matches = f"It is {'' if _matches(scene) else 'not '}for {scene.host}."
    if told.reached("name"):
        off_by = scene.name_off_by
        how = f"the back end {off_by} switches that off" if off_by else "that is turned off here"
        return _Says(State.NOTE, f"Not checked: {how}. {matches}", details)
    return _Says(State.SKIPPED, f"Not reached. {matches}", details)


def _matches(scene: Scene) -> bool:
    try:
        check_name(scene.seen.chain[0], scene.host)
    except (CallFailure, IndexError):
        return False
    return True


def _asked(told: Told) -> _Says:
    scene, seen = told.scene, told.scene.seen
    if not seen.works:
        return _Says(State.NOTE, UNSEEN) if told.reached("asked") else _NOT_REACHED
    if seen.asked is None:
        if not told.reached("asked") and not (seen.version >= TLS13 and seen.chain):
            return _NOT_REACHED
        return _not_asked(scene.certificate)
    late = ", but only after the request, in a second handshake" if seen.asked_late else ""
    text = f"The back end asked for a client certificate{late}. {_acceptable(seen.asked, scene.certificate)}"
    among = not seen.asked.authorities or scene.certificate is None or _ours_among(seen.asked, scene)
    return _Says(State.OK if among else State.NOTE, text, _asked_lines(seen.asked))


def _not_asked(certificate: CertificateMaterial | None) -> _Says:
    text = "The back end did not ask for a client certificate."
    if certificate is None:
        return _Says(State.OK, text)
    remedy = (
        "The chosen certificate is never presented. If it should be, turn on client certificates at the back end, "
        "for this host and port; some servers ask only for certain paths, after the request."
    )
    return _Says(State.NOTE, text, remedy=remedy)


def _ours_among(asked: CertificateRequest, scene: Scene) -> bool:
    chain_pem = scene.certificate.chain_pem if scene.certificate else ""
    return names_one_of(asked.authorities, issuers_of(chain_pem))


def _acceptable(asked: CertificateRequest, certificate: CertificateMaterial | None) -> str:
    if not asked.authorities:
        return "It does not say from which CAs."
    count = len(asked.authorities)
    text = f"It accepts those of {count} CAs" if count > 1 else "It accepts those of one CA"
    if certificate is None:
        return f"{text}."
    issuers = issuers_of(certificate.chain_pem)
    issuer = name_of(issuers[0]) if issuers else "unknown"
    among = names_one_of(asked.authorities, issuers)
    return f"{text}; that of the chosen certificate is {'' if among else 'not '}among them: {issuer}"


def _asked_lines(asked: CertificateRequest) -> tuple[str, ...]:
    lines = [f"Accepted CA: {authority_name(der)}" for der in asked.authorities[:MOST]]
    if len(asked.authorities) > MOST:
        lines.append(f"{len(asked.authorities) - MOST} more CAs are not listed.")
    if asked.algorithms:
        names = [ALGORITHMS.get(number, f"0x{number:04X}") for number in asked.algorithms]
        lines.append(f"Accepted signatures: {listed(names, MOST)}")
    return tuple(lines)


def _presented(told: Told) -> _Says:
    scene, seen = told.scene, told.scene.seen
    if seen.presented is None:
        if not seen.works:
            return _Says(State.NOTE, UNSEEN) if told.reached("presented") else _NOT_REACHED
        return _Says(State.SKIPPED, "None.") if told.reached("presented") else _NOT_REACHED
    if scene.certificate is None or not seen.presented:
        return _Says(State.NOTE, "None: no client certificate is chosen.")
    return _what_was_presented(scene.certificate, seen.presented, scene)


def _what_was_presented(certificate: CertificateMaterial, count: int, scene: Scene) -> _Says:
    text = f"{certificate.id}: {short(certificate.subject)}"
    details = [
        f"Thumbprint {certificate.thumbprint}",
        f"Valid from {time_text(certificate.not_before)} to {time_text(certificate.not_after)}",
        f"Certificates sent: {count}" + (" (without its issuers)" if count == 1 else ""),
    ]
    remarks = []
    if scene.now > certificate.not_after:
        remarks.append(f"It expired on {time_text(certificate.not_after)}.")
    if scene.now < certificate.not_before:
        remarks.append(f"It is not valid before {time_text(certificate.not_before)}.")
    if lacks_client_usage(certificate):
        remarks.append("It is not issued for TLS clients.")
    if remarks:
        return _Says(State.NOTE, f"{text} ({' '.join(remarks)})", tuple(details))
    return _Says(State.OK, text, tuple(details))


def _accepted(told: Told) -> _Says:
    seen = told.scene.seen
    if not told.reached("accepted"):
        return _NOT_REACHED
    if not seen.works:
        return _Says(State.NOTE, UNSEEN)
    if not seen.presented:
        went_on = _Says(State.OK, "The back end went on without one.")
        return _Says(State.SKIPPED, "None was presented.") if seen.presented is None else went_on
    return _last_word(told)


def _last_word(told: Told) -> _Says:
    if told.answer is not None:
        return _Says(State.OK, "The back end accepted it and answered a request.")
    if told.scene.seen.confirmed:
        return _Says(State.OK, "The back end had it and finished the handshake.")
    text = "The back end has not turned it down, but with TLS 1.3 it may still do so when a request is made."
    return _Says(State.NOTE, text)


def _request(told: Told) -> _Says:
    if not told.with_request:
        return _Says(State.SKIPPED, "Not made: the handshake alone was tested.")
    if told.answer is None:
        return _NOT_REACHED
    sent = f"{METHOD} {told.target}"
    if told.answer.status in (401, 403):
        text = f"The back end answered {sent} with {told.answer.status}: it was reached, and let nobody in."
        remedy = "It may ask for more than a certificate, or this one may not be registered there."
        return _Says(State.NOTE, text, (told.answer.line,), remedy)
    return _Says(State.OK, f"The back end answered {sent} with {told.answer.status}.", (told.answer.line,))
