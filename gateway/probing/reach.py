"""Why a test does not get as far as a handshake, in words, and what mends it."""

from collections.abc import Sequence

from gateway.addresses import WebServiceUrl
from gateway.failures import CallFailure
from gateway.probing.scene import Failure
from gateway.snapshot import CertificateMaterial
from gateway.x509 import time_text


def unusable(error: CallFailure) -> Failure:
    """The certificate or the trust cannot be used."""
    details = (error.detail,) if error.detail else ()
    if error.code == "back-end-trust-unusable":
        text = "The CA certificates that are trusted here cannot be used."
        return Failure("preparation", "trust-unusable", text, "Upload them again.", details)
    text = "The client certificate cannot be used: its key cannot be opened, or does not fit."
    remedy = "Upload it again. If that does not help, an operator must look at the gateway's encryption keys."
    return Failure("preparation", "certificate-unusable", text, remedy, details)


def needs_https() -> Failure:
    """A certificate is chosen, and there is no TLS to present it in."""
    text = "The URL begins with http://, and a client certificate can only be presented over https://."
    remedy = "Use https://, or choose no client certificate: calls are refused like this."
    return Failure("preparation", "certificate-needs-https", text, remedy)


def expired_here(certificate: CertificateMaterial) -> Failure:
    """The gateway itself refuses calls with it."""
    text = (
        f"The client certificate expired on {time_text(certificate.not_after)}, and calls with an expired one are "
        "refused here. The back end was not asked."
    )
    remedy = "Replace it with a renewed one. Or turn that refusal off, and the back end decides."
    return Failure("preparation", "certificate-expired-here", text, remedy)


def resolved(host: str, addresses: Sequence[str]) -> str:
    """Where a host is."""
    if list(addresses) == [host]:
        return f"{host} is an address: there is no name to resolve."
    return f"{host} is at {', '.join(addresses)}."


def not_found(host: str, error: Exception) -> Failure:
    """The name has no address."""
    text = f"The name {host} cannot be resolved."
    remedy = "Look whether it is spelt right and known to the name servers (DNS) of the gateway's machine."
    return Failure("resolution", "name-not-found", text, remedy, (str(error),))


def resolved_late(host: str) -> Failure:
    """The name servers took too long."""
    text = f"The name {host} was not resolved in time."
    remedy = "Look at the name servers (DNS) that the gateway's machine uses."
    return Failure("resolution", "timed-out", text, remedy)


def refused_address(host: str, kind: str) -> Failure:
    """All addresses are refused by the rules, or there are none."""
    text = f"{host} is at {kind}, and the gateway does not call those." if kind else f"{host} has no address."
    remedy = "Use another host, or have an operator allow it with GATEWAY_ALLOWED_BACK_END_NETWORKS."
    return Failure("resolution", "address-refused" if kind else "name-not-found", text, remedy)


def no_connection(error: OSError, url: WebServiceUrl) -> Failure:
    """No address took the connection."""
    if isinstance(error, TimeoutError):
        text = f"Nothing answered at port {url.port} of {url.host} in time."
        remedy = "Most likely a firewall drops the connection, or the host is off."
        return Failure("connection", "timed-out", text, remedy)
    if isinstance(error, ConnectionRefusedError):
        text = f"{url.host} refuses connections at port {url.port}: nothing listens there."
        return Failure("connection", "connection-refused", text, "Look at the port, and start the back end.")
    text = f"No connection to {url.host}, port {url.port}, can be made: {error.strerror or error}."
    remedy = "Look at the network between the gateway and the back end."
    return Failure("connection", "unreachable", text, remedy)
