"""The connection to the back end that a call used, and the client certificate on it, as a page tells of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from portal.trace_document import Part, took
from portal.trace_places import Line, Link, Places, certificate_link

_ASKED = {
    True: "The back end asked for a client certificate, and this one was presented.",
    False: "The back end did not ask for a client certificate, so this one was not presented.",
    None: "Whether the back end asked for it is not known.",
}


@dataclass(frozen=True, slots=True)
class Presented:
    """The client certificate that a call was to present; `asked` are words, `seen` says whether it did."""

    link: Link
    subject: str
    thumbprint: str
    asked: str
    seen: bool
    line: Line | None


@dataclass(frozen=True, slots=True)
class BackEndCertificate:
    """A certificate of the chain that the back end sent."""

    subject: str
    issuer: str
    not_after: str
    thumbprint: str


def presented_in(entries: tuple[Part, ...], places: Places) -> Presented | None:
    """The client certificate that was attached last."""
    found = [data for data in entries if data.part("certificate")]
    if not found:
        return None
    data = found[-1]
    certificate = data.part("certificate")
    asked = certificate.flag("asked")
    return Presented(
        certificate_link(certificate.text("id")),
        certificate.text("subject"),
        certificate.text("thumbprint"),
        _ASKED[asked],
        asked is True,
        places.line(data),
    )


def connection_in(entries: tuple[Part, ...]) -> tuple[tuple[str, str], ...]:
    """What is known of the connection that was used last."""
    found = [data.part("connection") for data in entries if data.part("connection")]
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
    found = [parts for data in entries if (parts := data.parts("backEndCertificates"))]
    return tuple(map(_certificate, found[-1])) if found else ()


def _certificate(part: Part) -> BackEndCertificate:
    until = moment_of(part.text("notAfter"))
    return BackEndCertificate(
        part.text("subject"),
        part.text("issuer"),
        f"{until:%Y-%m-%d}" if until else part.text("notAfter"),
        part.text("thumbprint"),
    )


def moment_of(text: str) -> datetime | None:
    """A moment that an ISO 8601 text says with its zone."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None
