"""Why a handshake failed, in words, and what mends it: from the error, the alerts and what was seen of it.

Texts are for an administrator who is no expert in TLS; names of alerts stand in brackets for one who is.
"""

import ssl
from dataclasses import replace

from gateway.probing.line import Closed, TooMuch
from gateway.probing.messages import CLOSE_NOTIFY
from gateway.probing.refusals import told
from gateway.probing.scene import ALERTS, OWNER, Failure, Scene, alert_name
from gateway.probing.tls_messages import version_name
from gateway.probing.trust import untrusted


def why(error: Exception, scene: Scene) -> Failure:
    """Why a handshake, or what came after it, failed."""
    return replace(_why(error, scene), details=_details(error, scene))


def _why(error: Exception, scene: Scene) -> Failure:
    if isinstance(error, ssl.SSLCertVerificationError):
        return untrusted(error, scene)
    if scene.first and scene.seen.hello is None and scene.first[:1] not in (b"\x15", b"\x16"):
        return not_tls(scene.first)
    alert = scene.seen.received if scene.seen.received is not None else _alert_in(error)
    if alert == CLOSE_NOTIFY and not isinstance(error, TimeoutError):
        return _closed(Closed(reset=False), scene)
    return told(alert, scene) if alert else _untold(error, scene)


def _untold(error: Exception, scene: Scene) -> Failure:
    if isinstance(error, TimeoutError):
        return _too_late(scene)
    if isinstance(error, TooMuch):
        text = "The back end sent more than a handshake needs, without end. The test stopped there."
        return Failure("tls", "tls-failed", text, f"Ask {OWNER} what answers at this address.")
    return _ours(error, scene) if isinstance(error, ssl.SSLError) else _closed(error, scene)


def _alert_in(error: Exception) -> int | None:
    """The alert that OpenSSL's error names, for where the messages could not be seen."""
    reason = (getattr(error, "reason", None) or "").partition("_ALERT_")[2].lower()
    return next((number for number, name in ALERTS.items() if name == reason), None)


def _details(error: Exception, scene: Scene) -> tuple[str, ...]:
    lines = []
    if scene.seen.received is not None:
        lines.append(f"The back end broke off with the alert {alert_name(scene.seen.received)}.")
    elif isinstance(error, Closed):  # OpenSSL may still say something into the end
        lines.append(f"The back end broke off without an alert: {error}.")
    elif scene.seen.sent is not None:
        lines.append(f"The gateway broke off with the alert {alert_name(scene.seen.sent)}.")
    elif isinstance(error, TooMuch):
        lines.append(f"The gateway broke off: {error}.")
    if isinstance(error, ssl.SSLError):
        lines.append(f"OpenSSL: {getattr(error, 'verify_message', '') or error.reason or error}")
    return tuple(lines)


# --- It is no TLS, or nothing came --------------------------------------------------------------------------


def not_tls(first: bytes) -> Failure:
    """The back end answered with something else."""
    shown = first.split(b"\r")[0].split(b"\n")[0].decode("latin-1")
    shown = "".join(c if " " <= c <= "~" else "." for c in shown)[:60]
    if first.startswith(b"HTTP/"):
        text = "The back end speaks plain HTTP at this port, not HTTPS."
        remedy = "Use the port of the back end that speaks HTTPS, or http:// if it has none."
    else:
        text = f"What answers at this port does not speak TLS. Its answer begins with: {shown}"
        remedy = "Look whether host and port are right."
    return Failure("tls", "not-tls", text, remedy)


def _too_late(scene: Scene) -> Failure:
    if not scene.first:
        text = "The back end took the connection and then said nothing at all until the time was over."
        remedy = "Look whether the port is one that speaks TLS, and whether the back end is overloaded."
        return Failure("tls", "timed-out", text, remedy)
    if scene.seen.presented is None:
        text = "The back end began the handshake and did not go on with it until the time was over."
        return Failure("tls", "timed-out", text, "Try again; then look at the load of the back end.")
    text = "The back end did not finish the handshake in time, after it had the gateway's part."
    remedy = "It may be checking the client certificate against a service (CRL, OCSP) that does not answer."
    return Failure("accepted", "timed-out", text, f"{remedy} Ask {OWNER}.")


def _closed(error: Exception, scene: Scene) -> Failure:
    how = "reset the connection" if isinstance(error, Closed) and error.reset else "closed the connection"
    if scene.seen.presented is not None:
        had = "had the client certificate" if scene.seen.presented else "got no client certificate"
        text = f"The back end {how} without saying why, after it {had}."
        remedy = "It may not accept the client certificate."
        if not scene.seen.presented:
            remedy = "It may demand a client certificate: choose one."
        return Failure("accepted", "closed", text, f"{remedy} Its log says more: ask {OWNER}.")
    when = "in the middle of the handshake" if scene.seen.hello else "as soon as the handshake began"
    text = f"The back end {how} {when}, without saying why."
    remedy = "Look whether host and port are right, and whether a firewall or proxy is in between."
    return Failure("tls", "closed", text, remedy)


# --- The gateway did not go on ------------------------------------------------------------------------------

_OURS = {
    "UNSAFE_LEGACY_RENEGOTIATION_DISABLED": "The back end does not know secure renegotiation (RFC 5746).",
    "DH_KEY_TOO_SMALL": "The back end's Diffie-Hellman key is too short to be safe.",
    "EXCESSIVE_MESSAGE_SIZE": "A message of the back end is too long, such as a list of thousands of CAs.",
    "WRONG_SIGNATURE_TYPE": "The back end signs in a way that is no longer safe.",
}


def _ours(error: ssl.SSLError, scene: Scene) -> Failure:
    reason = error.reason or ""
    if reason in ("UNSUPPORTED_PROTOCOL", "WRONG_SSL_VERSION", "WRONG_VERSION_NUMBER") and scene.seen.hello:
        return old_version(scene.seen.version)
    text = _OURS.get(reason, "What the back end sent is not what TLS lets it send.")
    remedy = f"Show the details to {OWNER}: its TLS software or settings need an update."
    return Failure("tls", "tls-failed", f"{text} The gateway broke off.", remedy)


def old_version(version: int) -> Failure:
    """The back end speaks an old version only."""
    text = (
        f"The back end chose {version_name(version)}; the gateway speaks TLS 1.2 and 1.3 only, "
        "because older versions are not safe."
    )
    return Failure("tls", "protocol-version", text, f"Ask {OWNER} to turn on TLS 1.2 or 1.3.")


def other_cipher(cipher: str, version: int) -> Failure:
    """The back end takes ciphers only that the gateway does not."""
    text = (
        "The back end and the gateway have no cipher in common: it takes only ones without forward secrecy, "
        f"or weaker ones, such as {cipher} ({version_name(version)})."
    )
    remedy = f"Ask {OWNER} to turn on ciphers with ECDHE and AES-GCM."
    return Failure("tls", "no-common-cipher", text, remedy)
