"""The test of a connection to a back end: made as a call would make it, and told step by step.

It makes a real handshake with the context that calls use. Where that fails in ways that need a second look, it
connects once more, without a client certificate, to see what the back end speaks instead. It never takes
longer than it may.
"""

import ssl
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from gateway.addresses import AddressRules, WebServiceUrl, parse_web_service_url
from gateway.failures import CallFailure
from gateway.probing.answer import METHOD, Answer, expects_tls, read_answer, refusal_in, request_for
from gateway.probing.chain import chain_of
from gateway.probing.line import Address, Closed, Line, TlsLine, look_up
from gateway.probing.messages import Seen
from gateway.probing.outcome import Outcome, good, https_expected, no_answer, not_http
from gateway.probing.reach import (
    expired_here,
    needs_https,
    no_connection,
    not_found,
    refused_address,
    resolved,
    resolved_late,
    unusable,
)
from gateway.probing.report import Report, State, Step
from gateway.probing.scene import Failure, Scene
from gateway.probing.second_look import Where, late_refusal, second_look
from gateway.probing.steps import ORDER, TITLES, Told, steps_of
from gateway.probing.tls_messages import TLS13
from gateway.probing.trust import wrong_name
from gateway.probing.words import why
from gateway.snapshot import CertificateMaterial, Trust
from gateway.tls import check_name, client_context

LATE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Order:
    """What to test. `connect_timeout` is how many seconds the whole test may take.

    `chain_off_by` and `name_off_by` name the back end (the entity) that switches a check off, if one does.
    """

    url: str
    certificate: CertificateMaterial | None
    trust: Trust
    rules: AddressRules
    connect_timeout: float
    with_request: bool
    made_by: str
    chain_off_by: str = ""
    name_off_by: str = ""


class _Failed(Exception):
    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.text)
        self.failure = failure


def probe(order: Order) -> Report:
    """Test a connection."""
    return _Probe(order).report()


class _Probe:
    def __init__(self, order: Order) -> None:
        self._order = order
        self._begun = self._mark = time.monotonic()
        self._deadline = self._begun + order.connect_timeout
        self._now = datetime.now(UTC)
        self._url = ""  # one that cannot be read may hold a password
        self._steps: dict[str, Step] = {}
        self._seconds: dict[str, float] = {}  # of the steps that are told from what was seen of the handshake

    def report(self) -> Report:
        try:
            outcome = self._run()
        except _Failed as error:
            failure = error.failure
            self._add(failure.step, State.FAILED, failure.text, failure.remedy, failure.details)
            outcome = Outcome(failure.verdict, failure.text, failure.remedy)
        missing = {
            n: Step(n, TITLES[n], State.SKIPPED, "Not reached.") for n in ORDER if n not in self._steps
        }
        steps = {**self._steps, **missing}
        certificate = self._order.certificate
        return Report(
            outcome.verdict,
            outcome.summary,
            outcome.remedy,
            tuple(steps[name] for name in ORDER),
            url=self._url,
            certificate=certificate.id if certificate else "",
            made_by=self._order.made_by,
            at=self._now.isoformat(timespec="seconds"),
            seconds=round(time.monotonic() - self._begun, 3),
        )

    def _add(
        self, name: str, state: State, text: str, remedy: str = "", details: tuple[str, ...] = ()
    ) -> None:
        now = time.monotonic()
        seconds, self._mark = round(now - self._mark, 3), now
        self._steps[name] = Step(name, TITLES[name], state, text, remedy, details, seconds)

    def _run(self) -> Outcome:
        try:
            url = parse_web_service_url(self._order.url)
        except ValueError as error:
            raise _Failed(Failure("preparation", "url-unusable", str(error))) from None
        self._url = self._order.url
        if url.scheme == "http":
            return self._plain(url)
        context = self._prepared()
        line, family, address = self._connected(url)
        try:
            return self._secure(url, line, context, (family, address))
        finally:
            line.close()

    # --- Before the handshake -------------------------------------------------------------------------------

    def _prepared(self) -> ssl.SSLContext:
        certificate, trust = self._order.certificate, self._order.trust
        if certificate is not None and trust.refuse_expired and certificate.not_after <= self._now:
            raise _Failed(expired_here(certificate))
        try:
            context = client_context(certificate, trust)
        except CallFailure as error:
            raise _Failed(unusable(error)) from None
        self._add("preparation", State.OK, "The certificate and the trust can be used.")
        return context

    def _connected(self, url: WebServiceUrl) -> tuple[Line, int, Address]:
        addresses = self._resolved(url)
        problems: list[str] = []
        error: OSError = TimeoutError()
        for number, (family, address) in enumerate(addresses):
            share = (self._deadline - time.monotonic()) / (len(addresses) - number)
            try:
                line = Line(family, address, self._deadline, until=time.monotonic() + share)
            except OSError as failed:
                error = failed
                problems.append(
                    f"{address[0]}: {'no answer' if isinstance(failed, TimeoutError) else failed}"
                )
                continue
            state = State.NOTE if problems else State.OK
            text = f"Connected to {address[0]}, port {url.port}."
            if problems:
                text += " Other addresses did not answer: calls lose time with them."
            self._add("connection", state, text, details=tuple(problems))
            return line, family, address
        raise _Failed(replace(no_connection(error, url), details=tuple(problems)))

    def _resolved(self, url: WebServiceUrl) -> list[tuple[int, Address]]:
        try:
            found = look_up(url.host, url.port, self._deadline)
        except TimeoutError:
            raise _Failed(resolved_late(url.host)) from None
        except (OSError, UnicodeError) as error:
            raise _Failed(not_found(url.host, error)) from None
        addresses = dict.fromkeys((family, address) for family, _, _, _, address in found)
        refused = {a: kind for _, a in addresses if (kind := self._order.rules.refusal(str(a[0])))}
        lines = tuple(
            f"{a[0]}" + (f" is {refused[a]}: the gateway does not call it" if a in refused else "")
            for _, a in addresses
        )
        allowed = [(family, a) for family, a in addresses if a not in refused]
        if not allowed:
            raise _Failed(replace(refused_address(url.host, next(iter(refused.values()), "")), details=lines))
        state = State.NOTE if refused else State.OK
        self._add("resolution", state, resolved(url.host, lines[:8]), details=lines[8:50])
        return allowed

    # --- http:// --------------------------------------------------------------------------------------------

    def _plain(self, url: WebServiceUrl) -> Outcome:
        if self._order.certificate is not None:
            raise _Failed(needs_https())
        self._add("preparation", State.OK, "No certificate and no trust are needed for http://.")
        line, _, _ = self._connected(url)
        try:
            self._plain_request(url, line)
        finally:
            line.close()
        text = (
            "The back end is called over plain HTTP: nothing is encrypted, nobody proves who they are, and no "
            "client certificate is presented."
        )
        self._steps["tls"] = Step("tls", TITLES["tls"], State.NOTE, text)
        return Outcome("plain-http", text, "Use https:// if the back end offers it.")

    def _plain_request(self, url: WebServiceUrl, line: Line) -> None:
        if not self._order.with_request:
            return
        try:
            line.send(request_for(url))
            answer = read_answer(lambda: _received(line))
        except OSError as error:
            raise _Failed(no_answer(error, None)) from None
        if expects_tls(answer):
            raise _Failed(https_expected())
        if not answer.status:
            raise _Failed(not_http(answer))
        text = f"The back end answered {METHOD} {url.path or '/'} with {answer.status}."
        self._add("request", State.OK, text, details=(answer.line,))

    # --- https:// -------------------------------------------------------------------------------------------

    def _secure(self, url: WebServiceUrl, line: Line, context: ssl.SSLContext, where: Where) -> Outcome:
        tls = TlsLine(line, context, url.host)
        seen = tls.seen
        leaf, answer, error = None, None, None
        try:
            self._shake_hands(tls, line)
            leaf = tls.tls.getpeercert(binary_form=True) or b""
            self._time("tls")
            self._check_name(leaf, url)
            answer = self._last_word(tls, url)
        except (OSError, CallFailure) as failed:
            error = failed
        done = leaf is not None
        scene = self._scene(url, line, seen, leaf or b"")
        failure = self._failure(error, scene, answer, done, where)
        if isinstance(error, Closed) and failure and self._may_be_late(scene, done=done):
            failure = late_refusal(failure, scene, context, where, self._deadline, LATE_SECONDS)
        told = Told(
            scene,
            failure,
            cipher=(tls.tls.cipher() or ("",))[0],
            version=(tls.tls.version() or "").replace("v", " "),
            answer=answer,
            target=url.path or "/",
            with_request=self._order.with_request,
        )
        return self._told(told, done=done)

    def _shake_hands(self, tls: TlsLine, line: Line) -> None:
        # The last part of the time is for another look at a back end that says nothing at all.
        try:
            tls.handshake(self._deadline - min(1.5, 0.25 * self._order.connect_timeout))
        except TimeoutError:
            if not line.first:
                raise
            tls.handshake()

    def _check_name(self, leaf: bytes, url: WebServiceUrl) -> None:
        if self._order.trust.validate_name and not self._order.trust.validate_chain:
            check_name(leaf, url.host)

    def _last_word(self, tls: TlsLine, url: WebServiceUrl) -> Answer | None:
        """The answer to a request; without one, a moment for a refusal that comes late (TLS 1.3)."""
        if self._order.with_request:
            tls.write(request_for(url))
            return read_answer(tls.read)
        if _asks_late(tls.seen):
            until = min(self._deadline, time.monotonic() + LATE_SECONDS)
            tls.wait(until, lambda: tls.seen.confirmed)
        return None

    def _may_be_late(self, scene: Scene, *, done: bool) -> bool:
        """Whether a connection that ended may have ended with a refusal of which a reset left nothing."""
        seen = scene.seen
        return done and self._order.with_request and _asks_late(seen) and not seen.confirmed

    def _time(self, name: str) -> None:
        """What took time since the last step was this one."""
        now = time.monotonic()
        self._seconds[name] = self._seconds.get(name, 0.0) + round(now - self._mark, 3)
        self._mark = now

    def _scene(self, url: WebServiceUrl, line: Line, seen: Seen, leaf: bytes) -> Scene:
        sent = seen.chain or ((leaf,) if leaf else ())
        order = self._order
        chain = chain_of(sent, order.trust)
        off_by = (order.chain_off_by, order.name_off_by)
        return Scene(url.host, order.certificate, order.trust, seen, chain, line.first, self._now, *off_by)

    def _failure(
        self,
        error: Exception | None,
        scene: Scene,
        answer: Answer | None,
        done: bool,
        where: Where,
    ) -> Failure | None:
        if isinstance(error, CallFailure):
            return replace(wrong_name(scene), details=("The gateway broke off: it sent no request.",))
        if error is not None:
            failure = no_answer(error, scene) if done else why(error, scene)
            return second_look(failure, scene, where, self._deadline)
        if answer is not None and not answer.status:
            return not_http(answer)
        if answer is not None:
            return refusal_in(answer, scene)
        return None

    def _told(self, told: Told, *, done: bool) -> Outcome:
        last = "request" if self._order.with_request else "accepted"
        self._time((told.failure.step if told.failure else last) if done else "tls")
        for step in steps_of(told):
            self._steps[step.name] = replace(step, seconds=self._seconds.get(step.name, 0.0))
        if told.failure:
            return Outcome(told.failure.verdict, told.failure.text, told.failure.remedy)
        return good(told)


def _asks_late(seen: Seen) -> bool:
    """Whether a back end may turn a client certificate down after the handshake."""
    return seen.version == TLS13 and seen.asked is not None


def _received(line: Line) -> bytes:
    try:
        return line.receive()
    except Closed:
        return b""
