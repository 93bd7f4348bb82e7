"""What an error on the way to a back end means: which code of gateway.failures. Standard library only."""

import http.client
import ssl

from gateway.failures import CallFailure

# OpenSSL's X509_V_ERR_HOSTNAME_MISMATCH, _EMAIL_MISMATCH, _IP_ADDRESS_MISMATCH
_NAME_MISMATCHES = frozenset((62, 63, 64))
# Alerts of RFC 8446, 6.2 with which a back end turns a client certificate down, by OpenSSL's names
_REJECTIONS = (
    "ALERT_BAD_CERTIFICATE",
    "ALERT_UNSUPPORTED_CERTIFICATE",
    "ALERT_CERTIFICATE_REVOKED",
    "ALERT_CERTIFICATE_EXPIRED",
    "ALERT_CERTIFICATE_UNKNOWN",
    "ALERT_UNKNOWN_CA",
    "ALERT_ACCESS_DENIED",
    "ALERT_DECRYPT_ERROR",
)
_REQUIRED = "ALERT_CERTIFICATE_REQUIRED"


class BackEndGone(Exception):
    """The back end ended the connection before the first byte of its answer."""


def failure_of(error: BaseException) -> CallFailure:
    """The failure that an error stands for. The detail quotes the library's words, which hold no secret."""
    if isinstance(error, CallFailure):
        return error
    if isinstance(error, ssl.SSLError):
        return _tls_failure(error)
    return CallFailure(_code(error), f"{type(error).__name__}: {error}")


def _code(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "back-end-timeout"
    if isinstance(error, BackEndGone | ConnectionError | http.client.IncompleteRead):
        return "back-end-closed"
    if isinstance(error, http.client.HTTPException | ValueError):
        return "back-end-protocol-error"
    return "back-end-unreachable" if isinstance(error, OSError) else "internal-error"


def _tls_failure(error: ssl.SSLError) -> CallFailure:
    if isinstance(error, ssl.SSLCertVerificationError):
        name = error.verify_code in _NAME_MISMATCHES
        code = "back-end-name-mismatch" if name else "back-end-certificate-untrusted"
        return CallFailure(code, error.verify_message)
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return CallFailure("back-end-closed", str(error))
    reason = error.reason or ""
    if reason.endswith(_REQUIRED):
        return CallFailure("client-certificate-required", reason)
    if reason.endswith(_REJECTIONS):
        return CallFailure("client-certificate-rejected", reason)
    return CallFailure("back-end-tls-failed", str(error))
