"""What a test came to: failures outside the handshake, and successes, in words."""

import ssl
from dataclasses import dataclass, replace

from gateway.probing.answer import METHOD, Answer
from gateway.probing.line import TooMuch
from gateway.probing.scene import OWNER, Failure, Scene
from gateway.probing.steps import Told
from gateway.probing.words import why
from gateway.snapshot import CertificateMaterial
from gateway.x509 import time_text


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a test came to: its verdict (see gateway.probing.report), in a sentence, and what to do about it."""

    verdict: str
    summary: str
    remedy: str = ""


def no_answer(error: Exception, scene: Scene | None, method: str = METHOD) -> Failure:
    """What ended a connection after the handshake, and before the answer to a request."""
    if (
        scene is not None
        and isinstance(error, ssl.SSLError)
        and not isinstance(error, ssl.SSLZeroReturnError)
    ):
        failure = why(error, scene)
        return replace(failure, step="request") if failure.step == "tls" else failure
    if isinstance(error, TimeoutError):
        text = f"The back end did not answer {method} in time."
        remedy = (
            "Try again; then look at the load of the back end, and whether it ignores such requests only."
            if method == METHOD
            else "Look at the load of the back end. Allow more time only if its answers take that long."
        )
        return Failure("request", "timed-out", text, remedy)
    if isinstance(error, TooMuch):
        return Failure("request", "not-http", "The back end sends without end.", f"Ask {OWNER} what answers.")
    if scene is None:
        text = "The back end closed the connection before it had answered, without saying why."
        remedy = (
            "Look whether host and port are right, and whether the back end expects https:// there. "
            f"Its log says more: ask {OWNER}."
        )
        return Failure("request", "closed", text, remedy, (str(error),))
    text = "The back end closed the connection after the handshake, without saying why."
    if scene.seen.presented:
        remedy = f"It may not accept the client certificate{_expired(scene)}. Its log says more: ask {OWNER}."
    elif scene.seen.presented == 0:
        remedy = "It asked for a client certificate and got none: choose one that it accepts."
    else:
        remedy = f"Its log says more: ask {OWNER}."
    unconfirmed = scene.seen.presented is not None and not scene.seen.confirmed
    return Failure("accepted" if unconfirmed else "request", "closed", text, remedy, (str(error),))


def _expired(scene: Scene) -> str:
    certificate = scene.certificate
    if certificate is None or scene.now <= certificate.not_after:
        return ""
    return f", which expired on {time_text(certificate.not_after)}"


def not_http(answer: Answer) -> Failure:
    """That what came instead of an answer is none."""
    text = "The back end answered the request with something that is not HTTP/1.1."
    details = (f"Its answer begins with: {answer.line}",) if answer.line else ("Its answer is empty.",)
    return Failure("request", "not-http", text, "Look whether host and port are right.", details)


def https_expected() -> Failure:
    """A plain request came to a port for HTTPS."""
    text = "The back end expects HTTPS at this port."
    return Failure("request", "https-expected", text, "Write https:// in the URL.")


def good(told: Told) -> Outcome:
    """What a test without a failure came to."""
    scene, seen = told.scene, told.scene.seen
    certificate = scene.certificate
    if not seen.works:
        text = "TLS works. Whether the back end asked for a client certificate could not be seen."
        return Outcome("handshake-only", text)
    if seen.asked is None and certificate is None:
        return Outcome(
            "no-certificate-needed", "All is well: the back end is trusted and asks for no certificate."
        )
    if seen.asked is None:
        text = "The connection works, but the back end did not ask for the client certificate."
        remedy = (
            "It is never presented like this. If it should be, ask the owner of the back end to demand it."
        )
        return Outcome("not-asked", text, remedy)
    return _asked(told, certificate)


def _asked(told: Told, certificate: CertificateMaterial | None) -> Outcome:
    """It asked for a certificate and did not complain. Many servers do so only in their answer, if at all."""
    sure = "Some servers turn a caller down only when a request is made: test with one to be sure."
    if certificate is None and told.answer is None:
        text = "The handshake succeeded. The back end asked for a client certificate, and none is chosen."
        return Outcome("handshake-only", text, f"Choose one if it is needed. {sure}")
    if certificate is None:
        text = "All is well: the back end is trusted. It asked for a client certificate and answered without."
        return Outcome("no-certificate-needed", text)
    expired = told.scene.now > certificate.not_after
    remedy = f"It expired on {time_text(certificate.not_after)}: replace it all the same." if expired else ""
    if told.answer is None:
        text = (
            "The handshake succeeded: the back end is trusted and has not turned the client certificate down."
        )
        return Outcome("handshake-only", text, f"{remedy} {sure}".strip())
    text = "All is well: the back end is trusted, asked for the client certificate and accepted it."
    return Outcome("accepted", text, remedy)
