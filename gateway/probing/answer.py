"""The harmless request of a probe, and what a back end's answer says about the client certificate.

It is OPTIONS for the path of the URL: a safe method (RFC 9110, 9.2.1) that runs no operation. Unlike HEAD it is
answered with a body, where some servers say what they hold against a certificate, and unlike `OPTIONS *` every
server knows it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from gateway.addresses import WebServiceUrl
from gateway.probing.chain import short
from gateway.probing.line import Closed
from gateway.probing.refusals import likely
from gateway.probing.scene import OWNER, Failure, Scene

METHOD = "OPTIONS"
_MOST = 32_000
_WITH_A_BODY = frozenset((b"400", b"401", b"403"))
_STATUS_LINE = re.compile(rb"HTTP/1\.[0-9] ([0-9]{3})(?: ([^\r\n]*))?\r?\n")
_LENGTH = re.compile(rb"\r?\ncontent-length: *([0-9]{1,9})\r?\n", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer; `status` is 0 if it is not HTTP."""

    status: int
    line: str
    body: bytes = b""


def request_for(url: WebServiceUrl) -> bytes:
    """The request."""
    target = url.path or "/"
    lines = (f"{METHOD} {target} HTTP/1.1", f"Host: {url.authority}", "Accept: */*", "Connection: close")
    return "\r\n".join((*lines, "", "")).encode("ascii")


def read_answer(more: Callable[[], bytes]) -> Answer:
    """The answer of which `more` gives the bytes, none at its end.

    Raises Closed if there is none, and what `more` does before the head of the answer is there.
    """
    data = b""
    try:
        while not _enough(data) and (new := more()):
            data += new
    except OSError:
        if not _STATUS_LINE.match(data):
            raise
    if not data:
        raise Closed(reset=False)
    match = _STATUS_LINE.match(data)
    if match is None:
        return Answer(0, short(data[:80].decode("latin-1")), data)
    line = short(match[0].decode("latin-1"))
    return Answer(int(match[1]), line, data.partition(b"\r\n\r\n")[2])


def _enough(data: bytes) -> bool:
    """Whether there is all that is looked at: of most answers that is the head."""
    head, end, body = data.partition(b"\r\n\r\n")
    if len(data) > _MOST or (len(data) > 20 and not data.startswith(b"HTTP/")):
        return True
    if not end or head[9:12] not in _WITH_A_BODY:
        return bool(end)
    length = _LENGTH.search(head + b"\r\n")
    return len(body) >= int(length[1]) if length else body.endswith(b"0\r\n\r\n")


# What servers answer that ask for a certificate and then do not break off: nginx, IIS.
_REFUSALS = (
    (b"No required SSL certificate was sent", "certificate-required"),
    (b"The SSL certificate error", "certificate-refused"),
    (b"403.7", "certificate-required"),
    (b"403.13", "certificate-refused"),
    (b"403.16", "certificate-refused-unknown-ca"),
    (b"403.17", "certificate-refused-expired"),
)
_REFUSE = frozenset((400, 401, 403, 495, 496))
_TEXTS = {
    "certificate-required": "that it got no client certificate",
    "certificate-refused": "that it does not accept the client certificate",
    "certificate-refused-unknown-ca": "that it does not trust the client certificate",
    "certificate-refused-expired": "that the client certificate has expired or is not valid yet",
}


def refusal_in(answer: Answer, scene: Scene) -> Failure | None:
    """The refusal of a client certificate that an answer holds, for a server that lets the handshake succeed."""
    verdict = refusal_of(answer)
    if not verdict:
        return None
    step = "accepted" if scene.seen.presented else "presented"
    if verdict == "certificate-refused" and scene.certificate is not None:
        return likely(f"(it answered {answer.status})", scene.certificate, scene)
    text = f"The handshake succeeded, but {told_in(answer)}"
    return Failure(step, verdict, text, remedy_for(verdict, presented=bool(scene.seen.presented)))


def refusal_of(answer: Answer) -> str:
    """The verdict on the client certificate that an answer holds, "" if it holds none."""
    if answer.status not in _REFUSE:
        return ""
    found = next((verdict for text, verdict in _REFUSALS if text in answer.body), "")
    return found or {495: "certificate-refused", 496: "certificate-required"}.get(answer.status, "")


def told_in(answer: Answer) -> str:
    """What such an answer says, as the end of a sentence."""
    return f"the back end answered {answer.status} and says {_TEXTS[refusal_of(answer)]}."


def remedy_for(verdict: str, *, presented: bool) -> str:
    """What to do about it."""
    if verdict == "certificate-required" and presented:
        return f"It did not take the one that was presented for it. Ask {OWNER} why; its log says more."
    return f"Choose a client certificate that it accepts, or ask {OWNER} which one it expects."


def expects_tls(answer: Answer) -> bool:
    """Whether the answer to a plain request shows that the port is for HTTPS: an alert, nginx, Apache."""
    alert = not answer.status and answer.body.startswith(b"\x15\x03")
    return alert or any(text in answer.body for text in _EXPECTS_TLS)


_EXPECTS_TLS = (
    b"plain HTTP request was sent to HTTPS port",
    b"speaking plain HTTP to an SSL-enabled server port",
)
