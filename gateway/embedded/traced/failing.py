"""Why a traced call failed, in the words of Test connection, from what was seen of its connection."""

import http.client
import re
import ssl
from dataclasses import replace
from datetime import UTC, datetime

from gateway.addresses import AddressRules, WebServiceUrl, parse_web_service_url
from gateway.embedded.expired import CODE as EXPIRED
from gateway.embedded.traced.attempt import Attempt
from gateway.embedded.traced.exchange import TracedExchange
from gateway.failures import CallFailure
from gateway.outbound import Destination
from gateway.outbound_errors import BackEndGone
from gateway.probing.answer import Answer, expects_tls, refusal_in
from gateway.probing.chain import chain_of, short
from gateway.probing.line import Closed
from gateway.probing.messages import Seen
from gateway.probing.outcome import https_expected, no_answer, not_http
from gateway.probing.reach import (
    expired_here,
    needs_https,
    no_connection,
    not_found,
    refused_address,
    resolved_late,
    unusable,
)
from gateway.probing.scene import Failure, Scene
from gateway.probing.trust import wrong_name
from gateway.probing.words import why

_ENDED = (BackEndGone, ConnectionError, http.client.IncompleteRead, ssl.SSLEOFError, ssl.SSLZeroReturnError)
_ALERT = re.compile(r"\\x15\\x03|\x15\x03")
NOTHING = Failure("", "", "")


class Failing:
    """Puts in words how one call failed that was to be forwarded. `exchange` is None if it did not get so far."""

    def __init__(
        self, destination: Destination, rules: AddressRules, method: str, exchange: TracedExchange | None
    ) -> None:
        self._destination = destination
        self._rules = rules
        self._method = method
        self._exchange = exchange

    def words(self, failure: CallFailure) -> Failure:
        """The words for a failure; empty ones if a connection has nothing to do with it."""
        code = failure.code
        if code == EXPIRED and self._destination.certificate is not None:
            return expired_here(self._destination.certificate)
        if self._exchange is None or not code.startswith(("back-end-", "client-certificate-")):
            return before_forwarding(failure)
        return self._of_exchange(failure, self._exchange)

    def _of_exchange(self, failure: CallFailure, exchange: TracedExchange) -> Failure:
        attempt = exchange.attempt
        if attempt is None:  # it waited for a thread, or its certificate or trust cannot be used
            return before_forwarding(failure)
        # An exchange that is cut short has an error of its own.
        late = failure.code == "back-end-timeout"
        error = exchange.error if exchange.error is not None and not late else TimeoutError()
        if not attempt.making.connected:
            return self._no_connection(failure, error, attempt)
        error = _as_probes_see_it(error)
        if exchange.status:
            return self._in_the_answer(error)
        if not exchange.connected:
            return self._no_handshake(error, attempt)
        return self._no_answer(error, attempt)

    # --- Before the handshake ------------------------------------------------------------------------------------
    def _no_connection(self, failure: CallFailure, error: Exception, attempt: Attempt) -> Failure:
        host, making = self._destination.origin.host, attempt.making
        if failure.code == "back-end-address-refused":
            kinds = (self._rules.refusal(address) for address in making.addresses)
            return refused_address(host, next(filter(None, kinds), ""))
        if failure.code == "back-end-not-found":
            return not_found(host, error)
        if not making.resolved:
            return resolved_late(host)
        reached = error if isinstance(error, OSError) else TimeoutError()
        how = "no answer" if isinstance(reached, TimeoutError) else reached
        return replace(no_connection(reached, self._url()), details=(f"{making.addresses[-1]}: {how}",))

    def _url(self) -> WebServiceUrl:
        destination = self._destination
        return parse_web_service_url(f"{destination.origin.scheme}://{destination.back_end}")

    # --- The handshake and what comes after it -------------------------------------------------------------------
    def _no_handshake(self, error: Exception, attempt: Attempt) -> Failure:
        scene = self._scene(attempt)
        if isinstance(error, CallFailure):  # the check of the name
            return replace(wrong_name(scene), details=("The gateway broke off: it sent no request.",))
        return why(error, scene)

    def _no_answer(self, error: Exception, attempt: Attempt) -> Failure:
        if isinstance(error, http.client.HTTPException | ValueError) and not isinstance(error, OSError):
            return self._not_http(error)
        scene = self._scene(attempt) if self._is_tls else None
        return no_answer(error, scene, self._method)

    def _not_http(self, error: Exception) -> Failure:
        if not self._is_tls and _ALERT.search(str(error)):
            return https_expected()
        if isinstance(error, http.client.BadStatusLine):
            return not_http(Answer(0, short(str(error))))
        return replace(not_http(Answer(0, "")), details=(short(str(error)),))

    def _in_the_answer(self, error: Exception) -> Failure:
        """The head of the answer was there, and the rest did not come as it should."""
        if isinstance(error, TimeoutError):
            text = "The back end began to answer and did not go on with it in time."
            remedy = "Look at the load of the back end, and at the time limits of the API."
            return Failure("request", "timed-out", text, remedy)
        if isinstance(error, Closed | ssl.SSLError):
            text = "The back end closed the connection in the middle of its answer."
            return Failure("request", "closed", text, "Its log says more: ask the owner of the back end.")
        text = "The answer of the back end breaks the rules of HTTP/1.1."
        remedy = "Show the details to the owner of the back end."
        return Failure("request", "not-http", text, remedy, (short(str(error)),))

    @property
    def _is_tls(self) -> bool:
        return self._destination.origin.scheme == "https"

    def _scene(self, attempt: Attempt) -> Scene:
        destination, seen = self._destination, attempt.seen or Seen()
        chain = chain_of(attempt.chain, destination.trust)
        host, certificate, trust = destination.origin.host, destination.certificate, destination.trust
        return Scene(host, certificate, trust, seen, chain, attempt.first, datetime.now(UTC))

    # --- Answers that say something about the connection ---------------------------------------------------------
    def answered(self) -> Failure:
        """What an answer of the back end says about the client certificate, or that it expects HTTPS."""
        exchange = self._exchange
        if exchange is None or exchange.attempt is None or not exchange.body:
            return NOTHING
        answer = Answer(exchange.status, str(exchange.status), exchange.body)
        if self._is_tls:
            return refusal_in(answer, self._scene(exchange.attempt)) or NOTHING
        return https_expected() if expects_tls(answer) else NOTHING


def before_forwarding(failure: CallFailure) -> Failure:
    """The words for a call that is not forwarded because what it needs cannot be used."""
    if failure.code == "client-certificate-needs-https":
        return needs_https()
    if failure.code in ("back-end-trust-unusable", "client-certificate-unusable"):
        return unusable(failure)
    return NOTHING


def _as_probes_see_it(error: Exception) -> Exception:
    """An error as the words of Test connection know it: an end that is told in many ways is Closed."""
    if isinstance(error, _ENDED):
        before = error.__context__ if isinstance(error, BackEndGone) else error
        reset = isinstance(before, ConnectionResetError | BrokenPipeError)
        return Closed(reset=reset and not isinstance(before, http.client.RemoteDisconnected))
    return error
