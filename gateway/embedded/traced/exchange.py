"""An exchange with a back end that tells what it does, and does it as any other."""

import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Protocol

from gateway.embedded.exchange import Deadlines, Exchange, Reply
from gateway.embedded.traced.attempt import Attempt
from gateway.embedded.traced.bounds import Bounds
from gateway.embedded.traced.watching import watched_context
from gateway.failures import CallFailure
from gateway.final_response import FinalResponse
from gateway.headers import Field
from gateway.outbound import Connection, Destination, Outbound
from gateway.outbound_errors import BackEndGone
from gateway.tracing.document import head_of

SOURCE = "forward-request"
ATTACHED = "Certificate was attached to request per configuration."
_ABOUT_CERTIFICATES = frozenset((400, 403, 495, 496))
_MOST_KEPT = 32000


Text = str | Callable[[], str]


class Teller(Protocol):
    """What an exchange tells of itself to, within `bounds`. `received` is how much of the body has come."""

    @property
    def received(self) -> int: ...

    @property
    def bounds(self) -> Bounds: ...

    def phase(self, name: str) -> None:
        """Something else takes the time from now on."""

    def note(self, section: str, source: str, message: Text, **data: Any) -> None:
        """Something happened. What is a function is asked for when the call is over."""


class TracedExchange(Exchange):
    """An exchange of a traced call. `error` is what ended it, `attempt` the connection that was tried last.

    `status` is that of its answer, `body` the beginning of one that may speak of client certificates.
    """

    def __init__(
        self,
        teller: Teller,
        outbound: Outbound,
        destination: Destination,
        method: str,
        target: str,
        fields: list[Field],
        deadlines: Deadlines,
    ) -> None:
        super().__init__(outbound, destination, method, target, fields, deadlines)
        self._teller = teller
        self.attempts: list[Attempt] = []
        self.error: Exception | None = None
        self.status = self.sent = self.came = 0
        self.body = b""

    @property
    def attempt(self) -> Attempt | None:
        """The connection that was tried last."""
        return self.attempts[-1] if self.attempts else None

    # --- what ends with an error ---------------------------------------------------------------------------------
    def call(self, body: bytes = b"") -> Reply | None:
        """See Exchange."""
        with self._errors():
            return super().call(body)

    def start(self, body: bytes = b"") -> None:
        """See Exchange."""
        with self._errors():
            super().start(body)

    def send(self, data: bytes) -> None:
        """See Exchange."""
        with self._errors():
            super().send(data)
            self.sent += len(data)

    def reply(self) -> Reply | None:
        """See Exchange."""
        with self._errors():
            return super().reply()

    def read(self) -> bytes | None:
        """See Exchange."""
        with self._errors():
            return super().read()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except CallFailure as failure:
            cause = failure.__cause__
            self.error = cause if isinstance(cause, Exception) else failure
            raise

    # --- the connection ------------------------------------------------------------------------------------------
    def _open(self, fresh: bool = False) -> bool:
        self._teller.phase("gateway" if self._outbound.is_ready(self._destination) else "loading")
        reused = super()._open(fresh)
        if reused:
            with self._teller.bounds:
                self._tell_connection(self._attempt_over(self._opened(), reused=True))
        return reused

    def _attempt_over(self, connection: Connection, *, reused: bool) -> Attempt:
        attempt = Attempt(connection, reused=reused)
        self.attempts.append(attempt)
        return attempt

    def _connect(self, connection: Connection) -> None:
        attempt = own = None
        with self._teller.bounds:
            attempt = self._attempt_over(connection, reused=False)
            own = self._watch(connection)
        try:
            super()._connect(connection)
        finally:
            if own is not None:
                connection.ssl_context = own  # type: ignore[attr-defined]
            if attempt is not None:
                with self._teller.bounds:
                    self._tell_connection(attempt)

    def _watch(self, connection: Connection) -> ssl.SSLContext | None:
        """Have the handshake of a new connection watched; returns its own context."""
        adapter = self._adapter
        if adapter is None or self._destination.origin.scheme != "https":
            return None
        if adapter.watched is None:
            self._teller.phase("preparing")
        own: ssl.SSLContext = connection.ssl_context  # type: ignore[attr-defined]
        connection.ssl_context = watched_context(adapter, self._destination) or own  # type: ignore[attr-defined]
        return own

    def _tell_connection(self, attempt: Attempt) -> None:
        attempt.look()
        data: dict[str, Any] = {"connection": attempt.data}
        if attempt.chain:
            data["backEndCertificates"] = attempt.certificates
        self._teller.note("backend", SOURCE, partial(_connected, attempt, self._destination), **data)
        if self._destination.certificate is not None and attempt.making.connected:
            certificate = partial(presented, self._destination, attempt)
            message = partial(_attached, attempt)
            self._teller.note("backend", "authentication-certificate", message, certificate=certificate)

    def _again(self, error: BackEndGone) -> Reply | None:
        if self._repeatable:
            message = (
                "The back end had closed the idle connection: the request is sent once more, over a new one."
            )
            self._teller.note("backend", SOURCE, message)
        return super()._again(error)

    # --- the request and its answer ------------------------------------------------------------------------------
    def _start(self, body: bytes) -> None:
        with self._teller.bounds:
            self._teller.phase("sending")
            self._tell_request()
        super()._start(body)
        self.sent += len(body)

    def _tell_request(self) -> None:
        method, target, fields = self._request
        scheme = self._destination.origin.scheme
        host = self._destination.back_end.removesuffix(":443" if scheme == "https" else ":80")
        url = f"{scheme}://{host}{target}"
        request = {"method": method, "url": url, "headers": head_of(fields)}
        self._teller.note("backend", SOURCE, "Request is being forwarded to the backend service.",
                          request=request, bytes=self._sent_of_body)  # fmt: skip

    def _sent_of_body(self) -> int:
        """Without what frames its parts."""
        return min(self.sent, self._teller.received)

    def _reply(self) -> Reply | None:
        if self._response is None:
            self._teller.phase("back-end")
        return super()._reply()

    def _receive(self) -> FinalResponse:
        if self._response is not None:
            return super()._receive()
        began = time.perf_counter()
        response = super()._receive()
        self.status = response.status
        with self._teller.bounds:
            self._teller.phase("answering")
            self._tell_answer(response, began)
        return response

    def _tell_answer(self, response: FinalResponse, began: float) -> None:
        seconds = time.perf_counter() - (self.began or began)
        answer = {
            "status": response.status,
            "reason": response.reason.strip(),
            "headers": head_of(response.fields),
        }
        message = f"The back end answered {response.status} {response.reason}".strip()
        self._teller.note("backend", SOURCE, f"{message}, {seconds:.3f} s after the request began to be sent.",
                          response=answer, bytes=lambda: self.came)  # fmt: skip

    def _part(self, response: FinalResponse, seconds: float) -> bytes | None:
        data = super()._part(response, seconds)
        self.came += len(data or b"")
        if data and response.status in _ABOUT_CERTIFICATES and len(self.body) < _MOST_KEPT:
            self.body += data[:_MOST_KEPT]
        return data

    def _finish(self, response: FinalResponse) -> None:
        if not self._over and self.attempt is not None:
            with self._teller.bounds:
                self.attempt.look()
            with self._teller.bounds:
                self.attempt.leave()
        super()._finish(response)


def presented(destination: Destination, attempt: Attempt) -> dict[str, Any]:
    """The client certificate of a connection, for a trace."""
    certificate = destination.certificate
    assert certificate is not None  # noqa: S101
    names = ("id", "subject", "thumbprint")
    return {**{name: getattr(certificate, name) for name in names}, "asked": attempt.asked}


def _attached(attempt: Attempt) -> str:
    seen = attempt.seen
    broke_off = seen is not None and seen.works and not attempt.making.secured and not seen.presented
    return f"{ATTACHED} It was not presented." if broke_off or attempt.asked is False else ATTACHED


def _connected(attempt: Attempt, destination: Destination) -> str:
    making, origin = attempt.making, destination.origin
    if attempt.reused:
        text = f"Call number {attempt.calls} over a connection to {making.address} that is open already."
    elif not making.connected:
        return f"No connection to {origin.host}, port {origin.port}, was made."
    else:
        text = f"Connected to {making.address}, port {origin.port}."
    if origin.scheme == "https" and not making.secured:
        text += " The TLS handshake failed."
    elif attempt.version:
        text += f" It speaks {attempt.version} with {attempt.cipher}."
    return text + _about_certificates(attempt, destination)


def _about_certificates(attempt: Attempt, destination: Destination) -> str:
    if attempt.asked and destination.certificate is None:
        return " The back end asked for a client certificate, and none is configured."
    if attempt.asked is False and destination.certificate is not None:
        return " The back end did not ask for the client certificate, so it was not presented."
    return ""
