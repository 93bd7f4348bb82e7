"""What the engine does not do, on purpose: listed behind the matrix, so that nobody has to find it out."""

from typing import NamedTuple


class Unsupported(NamedTuple):
    """A feature by the document that describes it, and why it is not there."""

    source: str
    section: str
    what: str
    reason: str


UNSUPPORTED = (
    Unsupported(
        "RFC 9110", "6.5.1", "Trailers are dropped, both ways.",
        "As fields they would say what was never checked, of Host and framing for example.",
    ),
    Unsupported(
        "RFC 9110", "7.8", "No protocol is switched; Upgrade is dropped, and 101 is a protocol error.",
        "A tunnel has no calls that a key, a policy or a log could be for.",
    ),
    Unsupported(
        "RFC 9110", "9.1", "An unknown method is refused with 400 rather than 501.",
        "The parser knows the registered methods alone, and operations have eight of them.",
    ),
    Unsupported("RFC 9110", "9.3.6", "CONNECT is refused with 400.", "A gateway is no proxy to any place."),
    Unsupported(
        "RFC 9110", "9.3.8", "TRACE is never reflected: with Max-Forwards: 0 it is answered 501.",
        "It would show a script what is in the fields of its own request.",
    ),
    Unsupported(
        "RFC 9110", "10.1.1", "Expect: 100-continue is answered here and not forwarded.",
        "The gateway takes the body when everything has been checked that can be without it.",
    ),
    Unsupported(
        "RFC 9110", "11.7", "Proxy-Authenticate and Proxy-Authorization are dropped.",
        "They are for the next hop; callers authenticate with keys.",
    ),
    Unsupported(
        "RFC 9110", "15.2", "Interim answers of a back end are read and dropped.",
        "The library under the engine has one answer for one request; callers lose early hints only.",
    ),
    Unsupported(
        "RFC 9110", "15.6.6", "Another major version than 1 is refused with 400 rather than 505.",
        "What follows the version cannot be understood, which is what 400 says.",
    ),
    Unsupported("RFC 9111", "2", "Nothing is cached.", "Back ends and callers may; their fields pass unchanged."),
    Unsupported(
        "RFC 9112", "2.2", "A line ends with CRLF; a bare LF is refused.",
        "Two parsers that differ about the end of a line differ about the whole request.",
    ),
    Unsupported(
        "RFC 9112", "3", "RTSP/1.0 and ICE/1.0 in the place of HTTP/1.0 are taken for it.",
        "The parser does not tell them apart; what reaches the back end is one clean request of HTTP/1.1.",
    ),
    Unsupported(
        "RFC 9112", "5.2", "Folded lines of requests are refused; those of answers are read as spaces.",
        "The section allows both.",
    ),
    Unsupported(
        "RFC 9112", "6.1", "Another transfer coding than chunked is refused with 400 rather than 501.",
        "Whoever sends one with a request hopes that the next server reads it in another way.",
    ),
    Unsupported("RFC 9112", "7.1.1", "Chunk extensions are dropped.", "They are for one hop."),
    Unsupported(
        "RFC 9112", "9.3", "A connection of an HTTP/1.0 caller is closed after its answer.",
        "Keep-Alive of HTTP/1.0 cannot be told from a proxy that passes it on without knowing it.",
    ),
    Unsupported(
        "RFC 9112", "9.5", "An answer that a back end gives before it has the whole body waits for the body's end.",
        "Unless it stops reading: then it is heard at once.",
    ),
    Unsupported("RFC 9113", "3", "HTTP/2 is not spoken, to neither side.", "A proxy in front can."),
    Unsupported("RFC 9114", "3", "HTTP/3 is not spoken, to neither side.", "A proxy in front can."),
    Unsupported(
        "RFC 6455", "4.2.2", "WebSocket connections are answered 501, in words.", "See RFC 9110, 7.8."
    ),
    Unsupported(
        "RFC 7239", "4", "Forwarded is passed on if a trusted proxy sent it, and never made or added to.",
        "X-Forwarded-For, -Proto and -Host say the same, and back ends read them.",
    ),
)  # fmt: skip
