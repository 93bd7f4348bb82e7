"""Calls whose client certificate has expired: made and told of, or refused where the API says so."""

import logging
import time
from collections.abc import Callable

from gateway.embedded.record import CallRecord
from gateway.failures import CallFailure
from gateway.outbound import Destination
from gateway.snapshot import CertificateMaterial

logger = logging.getLogger(__name__)

CODE = "client-certificate-expired-not-forwarded"
_AGAIN_SECONDS = 600.0
_MOST = 1000


def expired_certificate(destination: Destination, now: float) -> CertificateMaterial | None:
    """The client certificate of a destination if it has expired by `now`, in seconds since 1970."""
    return destination.certificate if destination.expires <= now else None


def refusal(destination: Destination, certificate: CertificateMaterial) -> CallFailure | None:
    """Why a call with an expired certificate is not made; None if it is."""
    return CallFailure(CODE, f"{in_words(certificate)}.") if destination.trust.refuse_expired else None


def in_words(certificate: CertificateMaterial) -> str:
    """Which certificate it is, and when it expired."""
    when = f"{certificate.not_after:%Y-%m-%d %H:%M:%S} UTC"
    return f"The client certificate {certificate.id} ({certificate.thumbprint}) expired at {when}"


class ExpiredCertificates:
    """What is done about them on calls. Of those that are presented the error log hears now and then, by
    certificate and API."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._told: dict[tuple[str, str], float] = {}

    def meet(self, certificate: CertificateMaterial, destination: Destination, record: CallRecord) -> None:
        """Mark a call whose certificate has expired. Raises CallFailure if it is not to be made."""
        record.expired_certificate = True
        if failure := refusal(destination, certificate):
            raise failure
        self._tell(certificate, record)

    def _tell(self, certificate: CertificateMaterial, record: CallRecord) -> None:
        key, now = (certificate.thumbprint, record.api), self._clock()
        told = self._told.get(key)
        if told is not None and now - told < _AGAIN_SECONDS:
            return
        if len(self._told) >= _MOST:
            self._told.clear()
        self._told[key] = now
        logger.warning("%s, and calls of %s present it all the same", in_words(certificate), record.api)
