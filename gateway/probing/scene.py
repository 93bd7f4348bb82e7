"""What is known when a handshake has failed, and what is said of a failure."""

from dataclasses import dataclass
from datetime import datetime

from gateway.probing.chain import Chain
from gateway.probing.messages import Seen
from gateway.snapshot import CertificateMaterial, Trust

OWNER = "the owner of the back end"
ALERTS = {
    0: "close_notify", 10: "unexpected_message", 20: "bad_record_mac", 21: "decryption_failed",
    22: "record_overflow", 40: "handshake_failure", 42: "bad_certificate", 43: "unsupported_certificate",
    44: "certificate_revoked", 45: "certificate_expired", 46: "certificate_unknown", 47: "illegal_parameter",
    48: "unknown_ca", 49: "access_denied", 50: "decode_error", 51: "decrypt_error", 70: "protocol_version",
    71: "insufficient_security", 80: "internal_error", 86: "inappropriate_fallback", 90: "user_canceled",
    100: "no_renegotiation", 109: "missing_extension", 110: "unsupported_extension", 112: "unrecognized_name",
    113: "bad_certificate_status_response", 115: "unknown_psk_identity", 116: "certificate_required",
    120: "no_application_protocol",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Failure:
    """A failure of a step, with the verdict that it makes."""

    step: str
    verdict: str
    text: str
    remedy: str = ""
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scene:
    """What is known when a handshake has failed. `first` are the first bytes of the back end.

    `chain_off_by` and `name_off_by` name the back end (the entity) that switches a check off, if one does.
    """

    host: str
    certificate: CertificateMaterial | None
    trust: Trust
    seen: Seen
    chain: Chain
    first: bytes
    now: datetime
    chain_off_by: str = ""
    name_off_by: str = ""


def alert_name(alert: int) -> str:
    """The alert's name."""
    return ALERTS.get(alert, f"alert {alert}")
