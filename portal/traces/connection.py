"""The connection to the back end that a call used, and the client certificate on it, as a page tells of them."""

from collections.abc import Iterator
from dataclasses import dataclass

from portal.places import Link
from portal.traces.document import Part, moment_of, took
from portal.traces.places import Line, Places, certificate_link

_ASKED = {
    True: "The back end asked for a client certificate, and this one was presented.",
    False: "The back end did not ask for a client certificate, so this one was not presented.",
    None: "Whether the back end asked for it is not known.",
}
_BROKE_OFF = "The gateway broke off before it presented this one, because of the certificate of the back end."
_NOT_TRUSTED = frozenset({"back-end-certificate-untrusted", "back-end-name-mismatch"})
_NOT_CONNECTED = "The trace does not tell whether the back end asked for it."
_NO_CONNECTION = "It came to nothing: no connection was made."
_ELEMENT = "authentication-certificate"


@dataclass(frozen=True, slots=True)
class Presented:
    """The client certificate that a call was to present. `words` say whether it did; `line` is the statement that
    chose it."""

    link: Link
    subject: str
    thumbprint: str
    words: str
    line: Line | None


@dataclass(frozen=True, slots=True)
class BackEndCertificate:
    """A certificate of the chain that the back end sent."""

    subject: str
    issuer: str
    not_after: str
    thumbprint: str


def presented_in(entries: tuple[Part, ...], places: Places) -> Presented | None:
    """The client certificate that was attached last, or that a statement chose."""
    told = [entry.part("data") for entry in entries if entry.text("source") == _ELEMENT]
    chosen = [data for data in told if data.flag("reached") is not False and places.line(data)]
    line = places.line(chosen[-1]) if chosen else None
    for data in reversed(told):
        if certificate := data.part("certificate"):
            return _presented(certificate, line, broke_off=_broke_off(entries))
    if line is None:
        return None
    end = _NO_CONNECTION if _no_connection(entries) else _NOT_CONNECTED
    return Presented(Link(""), "", "", f"{chosen[-1].text('message')} {end}".strip(), line)


def _no_connection(entries: tuple[Part, ...]) -> bool:
    """Whether the gateway tried to connect, and no attempt got so far."""
    tried = [part for entry in entries if (part := entry.part("data").part("connection"))]
    return bool(tried) and all(
        each.flag("reused") is False and each.number("connectedIn") is None for each in tried
    )


def _presented(certificate: Part, line: Line | None, *, broke_off: bool) -> Presented:
    link = certificate_link(certificate.text("id"))
    subject, thumbprint = certificate.text("subject"), certificate.text("thumbprint")
    words = _BROKE_OFF if broke_off else _ASKED[certificate.flag("asked")]
    return Presented(link, subject, thumbprint, words, line)


def _broke_off(entries: tuple[Part, ...]) -> bool:
    """Whether the gateway ended the handshake itself, which it does before its own certificate is due."""
    data = [entry.part("data") for entry in entries]
    done = [part.number("handshakeIn") for each in data if (part := each.part("connection"))]
    return done[-1:] == [None] and any(each.part("failure").text("code") in _NOT_TRUSTED for each in data)


def asked_for(entries: tuple[Part, ...]) -> bool | None:
    """Whether the back end asked for a client certificate, as far as anybody saw."""
    found = [entry.part("data").part("connection").flag("certificateAsked") for entry in entries]
    return next((asked for asked in reversed(found) if asked is not None), None)


def connection_in(entries: tuple[Part, ...]) -> tuple[tuple[str, str], ...]:
    """What is known of the connection that was used last."""
    found = [part for entry in entries if (part := entry.part("data").part("connection"))]
    return tuple(connection_facts(found[-1])) if found else ()


def connection_facts(connection: Part) -> Iterator[tuple[str, str]]:
    """What is known of a connection, in words."""
    if (reused := connection.flag("reused")) is not None:
        yield "Connection", _reused(connection) if reused else "New, made for this call"
    if address := connection.text("address"):
        yield "Address", address
    for label, name in (
        ("Resolved in", "resolvedIn"),
        ("Connected in", "connectedIn"),
        ("TLS handshake in", "handshakeIn"),
    ):
        if (seconds := connection.number(name)) is not None:
            yield label, took(seconds)
    if tls := ", ".join(filter(None, (connection.text("tlsVersion"), connection.text("cipher")))):
        yield "TLS", tls


def _reused(connection: Part) -> str:
    calls, age = connection.number("calls"), connection.number("age")
    words = f"Reused, call {calls:.0f} on it" if calls else "Reused"
    words += f", made {took(age)} before" if age is not None else ""
    made = moment_of(connection.text("madeAt"))
    return f"{words} ({made:%H:%M:%S} UTC)" if made else words


def chain_in(entries: tuple[Part, ...]) -> tuple[BackEndCertificate, ...]:
    """The certificates that the back end sent, its own first."""
    found = [parts for entry in entries if (parts := entry.part("data").parts("backEndCertificates"))]
    return tuple(map(_certificate, found[-1])) if found else ()


def _certificate(part: Part) -> BackEndCertificate:
    until = moment_of(part.text("notAfter"))
    return BackEndCertificate(
        part.text("subject"),
        part.text("issuer"),
        f"{until:%Y-%m-%d}" if until else part.text("notAfter"),
        part.text("thumbprint"),
    )
