"""Tests of the connection to a back end: asked for by the portal, made by a gateway process.

What a gateway can reach and the portal cannot, or the other way round, is what people want to know. An order holds
keys and no secrets: whoever makes the test opens the private key.
"""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from threading import BoundedSemaphore
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import Error

from gateway import publish
from gateway import records_connection_tests as tests
from gateway.addresses import AddressRules
from gateway.models import CaCertificate
from gateway.probe import Order, probe
from gateway.probing.report import Report
from gateway.records import live_gateways
from gateway.snapshot import CertificateMaterial, Trust

TEST_SECONDS = 10.0  # the longest test, whatever the connect deadline of an API is
TAKEN_WITHIN = 3.0
_MARGIN = 2.0
_LOOK_SECONDS = 0.03
_LOOKS_BETWEEN_LEASES = 20
MOST_AT_A_TIME = 2  # in one process of the portal, whose other threads serve other people meanwhile
_ROOM = BoundedSemaphore(MOST_AT_A_TIME)

ITSELF = "the portal itself, because no gateway is running"


class NotMade(Exception):
    """No test was made, or nobody said what came of it. The message is for the person who asked."""


@dataclass(frozen=True, slots=True)
class ConnectionOrder:
    """What to try. Certificate and CA certificates are keys; `version` is that of a version which is not current.

    `connect_timeout` is the API's, in seconds; None leaves it to the setting. `with_request` sends a harmless
    request after the handshake. `chain_off_by` and `name_off_by` name the back end (the entity) that switches a
    check off, whatever is asked for.
    """

    url: str
    certificate: UUID | None = None
    version: UUID | None = None
    validate_chain: bool = True
    validate_name: bool = True
    public_cas: bool = True
    ca_certificates: tuple[UUID, ...] = ()
    refuse_expired: bool = False
    connect_timeout: int | None = None
    with_request: bool = True
    chain_off_by: str = ""
    name_off_by: str = ""

    def as_json(self) -> dict[str, Any]:
        """What `from_json` takes."""
        keys = {name: str(key) for name in ("certificate", "version") if (key := getattr(self, name))}
        return asdict(self) | keys | {"ca_certificates": [str(key) for key in self.ca_certificates]}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> "ConnectionOrder":
        """The order that `as_json` gave."""
        keys = {name: UUID(key) for name in ("certificate", "version") if (key := plain[name])}
        return cls(**{**plain, **keys, "ca_certificates": tuple(map(UUID, plain["ca_certificates"]))})

    @property
    def seconds(self) -> float:
        """How long the test may take."""
        return min(float(self.connect_timeout or settings.GATEWAY_CONNECT_TIMEOUT), TEST_SECONDS)


# --- made -----------------------------------------------------------------------------------------------------
def make(order: ConnectionOrder, made_by: str) -> Report:
    """Make a test in this process. Raises NotMade if something that the order names is gone."""
    return probe(
        Order(
            url=order.url,
            certificate=_material(order),
            trust=_trust(order),
            rules=AddressRules.from_settings(settings.GATEWAY_ALLOWED_BACK_END_NETWORKS),
            connect_timeout=order.seconds,
            with_request=order.with_request,
            made_by=made_by,
            chain_off_by=order.chain_off_by,
            name_off_by=order.name_off_by,
        )
    )


def _material(order: ConnectionOrder) -> CertificateMaterial | None:
    if order.certificate is None:
        return None
    found = publish.material("default", order.certificate, order.version)
    if found is None:
        raise NotMade("The client certificate was deleted meanwhile. Choose another one.")
    return found


def _trust(order: ConnectionOrder) -> Trust:
    pems = CaCertificate.objects.filter(pk__in=order.ca_certificates).values_list("pem", flat=True)
    authorities = tuple(sorted(pems))
    if len(authorities) != len(set(order.ca_certificates)):
        raise NotMade("A CA certificate was deleted meanwhile. Choose again.")
    return Trust(
        key="",
        revision=0,
        validate_chain=order.validate_chain and not order.chain_off_by,
        validate_name=order.validate_name and not order.name_off_by,
        public_cas=order.public_cas,
        authorities_pem=authorities,
        refuse_expired=order.refuse_expired,
    )


# --- asked for ------------------------------------------------------------------------------------------------
def ask(order: ConnectionOrder) -> Report:
    """Have a gateway process make a test, and wait for its report: 15 s at most. Raises NotMade.

    Without a gateway this process makes it, and the report says so.
    """
    if not _ROOM.acquire(blocking=False):
        raise NotMade(f"{MOST_AT_A_TIME} tests are under way already. Try again in a few seconds.")
    try:
        return _asked(order)
    except Error as error:
        raise NotMade("The database did not answer, so there is no report. Try again in a moment.") from error
    finally:
        _ROOM.release()


def _asked(order: ConnectionOrder) -> Report:
    if not live_gateways():
        return make(order, ITSELF)
    key = tests.ask(order.as_json())
    # Without a deadline of the API it is that of the gateway's settings, which may be others than those here.
    seconds = order.seconds if order.connect_timeout else TEST_SECONDS
    return _report_in(_answer(key, _taken(key), seconds + _MARGIN))


def _report_in(answer: dict[str, Any]) -> Report:
    if "not_made" in answer:
        raise NotMade(answer["not_made"])
    try:
        return Report.from_json(answer)
    except (KeyError, TypeError, ValueError):
        text = "The gateway's report cannot be read: it runs another version of this product than the portal."
        raise NotMade(text) from None


def _taken(key: UUID) -> str:
    """Wait until a process has taken an order; its name."""
    deadline = time.monotonic() + TAKEN_WITHIN
    while time.monotonic() < deadline:
        if gateway := tests.state_of(key)[0]:
            return gateway
        time.sleep(_LOOK_SECONDS)
    if not tests.withdraw(key) and (gateway := tests.state_of(key)[0]):
        return gateway  # at the last moment
    raise NotMade(_nobody())


def _nobody() -> str:
    names = ", ".join(lease.name for lease in live_gateways()) or "none is running any more"
    return (
        f"No gateway had time for the test within {TAKEN_WITHIN:.0f} seconds ({names}): all of them are busy with "
        "other tests, or hang. Look at the Dashboard to see whether they are still running, and try again."
    )


def _answer(key: UUID, gateway: str, seconds: float) -> dict[str, Any]:
    """Wait for the answer of the process that has taken an order."""
    deadline = time.monotonic() + seconds
    looks = 0
    while time.monotonic() < deadline:
        answer: dict[str, Any] | None = tests.state_of(key)[1]
        if answer is not None:
            return answer
        looks += 1
        if looks % _LOOKS_BETWEEN_LEASES == 0 and gateway not in {lease.name for lease in live_gateways()}:
            raise NotMade(f"The gateway {gateway} stopped while it made the test. Try again.")
        time.sleep(_LOOK_SECONDS)
    raise NotMade(
        f"The gateway {gateway} took the test and has not answered for {seconds:.0f} seconds. Try again; look at "
        "the Dashboard to see whether it is still running."
    )
