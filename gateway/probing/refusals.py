"""What a back end's alert means, in words, and what mends it (RFC 8446, 6.2).

With TLS 1.2 many say handshake_failure for whatever they hold against a client certificate. Then what is seen
of that certificate tells what is likely.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from gateway.preflight import findings_of
from gateway.probing.chain import authority_name, issuers_of, listed, name_of, names_one_of
from gateway.probing.scene import OWNER, Failure, Scene, alert_name
from gateway.snapshot import CertificateMaterial
from gateway.x509 import time_text

_HANDSHAKE_FAILURE, _UNSUPPORTED, _REVOKED, _EXPIRED, _UNKNOWN_CA = 40, 43, 44, 45, 48
_PROTOCOL_VERSION, _INSUFFICIENT_SECURITY, _UNRECOGNIZED_NAME, _REQUIRED = 70, 71, 112, 116
_NO_APPLICATION_PROTOCOL = 120
_ABOUT_CERTIFICATES = frozenset((40, 42, 43, 44, 45, 46, 48, 49, 51, 116))


def told(alert: int, scene: Scene) -> Failure:
    """What the back end said when it broke off."""
    name = f"(alert {alert_name(alert)})"
    seen = scene.seen
    if alert == _PROTOCOL_VERSION:
        text = f"The back end speaks neither TLS 1.2 nor 1.3 with the gateway {name}."
        return Failure("tls", "protocol-version", text, f"Ask {OWNER} to turn on TLS 1.2 or 1.3.")
    if alert == _UNRECOGNIZED_NAME:
        text = f"The back end says that it serves nothing under the name {scene.host} {name}."
        return Failure("tls", "tls-failed", text, "Look whether the host of the URL is right.")
    if alert == _NO_APPLICATION_PROTOCOL:
        text = f"The back end does not speak HTTP/1.1 {name}."
        return Failure("tls", "tls-failed", text, f"Ask {OWNER} to offer HTTP/1.1 beside HTTP/2.")
    ours = seen.presented is not None if seen.works else alert not in (40, 51)
    if alert == _REQUIRED or (ours and alert in _ABOUT_CERTIFICATES):
        return _refused(alert, name, scene)
    if alert in (_HANDSHAKE_FAILURE, _INSUFFICIENT_SECURITY) and seen.hello is None:
        text = f"The back end and the gateway found no version, cipher or curve that both take {name}."
        if alert == _HANDSHAKE_FAILURE:
            text += f" Or it serves nothing under the name {scene.host}."
        return Failure("tls", "tls-failed", text, f"Ask {OWNER} which ones it takes.")
    step = "accepted" if seen.presented is not None else "tls"
    text = f"The back end broke off the handshake {name}."
    return Failure(step, "tls-failed", text, f"The back end's log says more: ask {OWNER}.")


def _refused(alert: int, name: str, scene: Scene) -> Failure:
    certificate = scene.certificate
    if certificate is None:
        text = f"The back end demands a client certificate, and none is chosen {name}."
        remedy = "Choose a client certificate that it accepts."
        return Failure("presented", "certificate-required", text, remedy)
    if scene.seen.presented == 0:
        return _unsuitable(name)
    reasons: dict[int, Callable[[str, CertificateMaterial, Scene], Failure]] = {
        _UNKNOWN_CA: _unknown_ca,
        _EXPIRED: _expired,
        _UNSUPPORTED: _wrong_usage,
        _REVOKED: _revoked,
    }
    return reasons.get(alert, likely)(name, certificate, scene)


def _unsuitable(name: str) -> Failure:
    text = (
        "The back end demands a client certificate, but takes no signature that the key of the chosen one "
        f"can make: none was presented {name}."
    )
    remedy = "Choose a certificate with a key of another kind: the step before lists what it takes."
    return Failure("presented", "certificate-unsuitable", text, remedy)


def _unknown_ca(name: str, certificate: CertificateMaterial, scene: Scene) -> Failure:
    issuers = issuers_of(certificate.chain_pem)
    last = name_of(issuers[-1]) if issuers else "the CA"
    text = f"The back end does not know the CA that issued the client certificate {name}."
    accepted = scene.seen.asked.authorities if scene.seen.asked else ()
    remedy = f"Choose a certificate of a CA that it accepts, or ask {OWNER} to trust {last}."
    if accepted and not names_one_of(accepted, issuers):
        remedy = f"It says that it accepts {listed([authority_name(a) for a in accepted], 3)}. {remedy}"
    elif len(issuers) == 1:
        remedy += " If there are CAs in between, upload the certificate again with its whole chain."
    return Failure("accepted", "certificate-refused-unknown-ca", text, remedy)


def _expired(name: str, certificate: CertificateMaterial, scene: Scene) -> Failure:
    verdict = "certificate-refused-expired"
    if scene.now > certificate.not_after:
        expired = time_text(certificate.not_after)
        text = f"The back end refused the client certificate, which expired on {expired} {name}."
        return Failure("accepted", verdict, text, "Replace it with a renewed one.")
    if scene.now < certificate.not_before:
        begins = time_text(certificate.not_before)
        text = f"The back end refused the client certificate, which is not valid before {begins} {name}."
        return Failure("accepted", verdict, text, "Wait until then, or look whether the clocks are right.")
    text = (
        f"The back end says that the client certificate has expired {name}, but it is valid until "
        f"{time_text(certificate.not_after)}."
    )
    remedy = "Look at the clock of the back end and at the intermediate certificates of the chain."
    return Failure("accepted", verdict, text, remedy)


def _wrong_usage(name: str, certificate: CertificateMaterial, _: Scene) -> Failure:
    text = f"The back end does not take this kind of client certificate {name}."
    if lacks_client_usage(certificate):
        text = f"The back end refused the client certificate, which is not issued for TLS clients {name}."
    remedy = "Choose a certificate whose extended key usage includes client authentication."
    return Failure("accepted", "certificate-refused-usage", text, remedy)


def _revoked(name: str, _: CertificateMaterial, __: Scene) -> Failure:
    text = f"The back end says that the client certificate has been revoked {name}."
    return Failure("accepted", "certificate-refused", text, "Replace it with a new one.")


def likely(name: str, certificate: CertificateMaterial, scene: Scene) -> Failure:
    """What the alert does not say, told from what is seen of the certificate."""
    accepted = scene.seen.asked.authorities if scene.seen.asked else ()
    if not certificate.not_before <= scene.now <= certificate.not_after:
        return _expired(name, certificate, scene)
    if lacks_client_usage(certificate):
        return _wrong_usage(name, certificate, scene)
    if accepted and not names_one_of(accepted, issuers_of(certificate.chain_pem)):
        failure = _unknown_ca(name, certificate, scene)
        text = (
            f"The back end did not accept the client certificate {name}. It does not say why; "
            "most likely because it comes from none of the CAs that it accepts."
        )
        return replace(failure, text=text)
    text = f"The back end did not accept the client certificate and does not say why {name}."
    remedy = (
        f"Its log says more: ask {OWNER}, with the thumbprint of the certificate, whether it is registered."
    )
    return Failure("accepted", "certificate-refused", text, remedy)


def lacks_client_usage(certificate: CertificateMaterial) -> bool:
    """Whether a client certificate is not issued for TLS clients."""
    found = findings_of(certificate.chain_pem, datetime.now(UTC))
    return any(finding.code == "no-client-usage" for finding in found)
